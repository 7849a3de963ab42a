package cipher

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// hexBytes is a hex string of the shared vectors.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type vector struct {
	Name  string
	Input struct {
		AuthKey hexBytes `json:"auth_key"`
		X       Side
		Salt    int64 `json:",string"`
		Session int64 `json:"session_id,string"`
		ID      int64 `json:"msg_id,string"`
		Seq     int32 `json:"seq_no"`
		Body    hexBytes
		Padding hexBytes
		Packet  hexBytes

		Perm        hexBytes `json:"perm_auth_key"`
		Temp        hexBytes `json:"temp_auth_key"`
		Nonce       int64    `json:",string"`
		TempSession int64    `json:"temp_session_id,string"`
		ExpiresAt   int32    `json:"expires_at"`

		Key, IV, Plaintext hexBytes
		Cut                int
	}
	Expected struct {
		AuthKeyID hexBytes `json:"auth_key_id"`
		MsgKey    hexBytes `json:"msg_key"`
		AESKey    hexBytes `json:"aes_key"`
		AESIV     hexBytes `json:"aes_iv"`
		Packet    hexBytes

		Encrypted  hexBytes `json:"encrypted_message"`
		Ciphertext hexBytes
	}
	Verdict string
}

// vectors reads the cases of a shared file whose names begin with prefix.
func vectors(t *testing.T, file, prefix string) []vector {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []vector }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	var found []vector
	for _, v := range all.Cases {
		if strings.HasPrefix(v.Name, prefix) {
			found = append(found, v)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no %s vectors in %s", prefix, file)
	}
	return found
}

func TestVectorsRefused(t *testing.T) {
	for _, v := range vectors(t, "cloud_frames.json", "bad/") {
		k := NewKey([KeySize]byte(v.Input.AuthKey))
		if m, err := Open(&k, v.Input.X, v.Input.Packet); err != ErrPacket {
			t.Errorf("%s: opened: %v, %v", v.Name, m, err)
		}
	}
}

func TestVectorsPackets(t *testing.T) {
	for _, v := range vectors(t, "cloud_frames.json", "packet/") {
		in, want := v.Input, v.Expected
		k := NewKey([KeySize]byte(in.AuthKey))
		if id := binary.LittleEndian.Uint64(want.AuthKeyID); uint64(k.ID()) != id {
			t.Errorf("%s: key id %x, want %x", v.Name, k.ID(), id)
		}
		key, iv := derive(&k, in.X, (*[16]byte)(want.MsgKey))
		if !bytes.Equal(key[:], want.AESKey) || !bytes.Equal(iv[:], want.AESIV) {
			t.Errorf("%s: wrong AES key or vector", v.Name)
		}

		message := Message{Salt: in.Salt, SessionID: in.Session, ID: in.ID, Seq: in.Seq, Body: in.Body}
		plain := append(encode(message), in.Padding...)
		packet, data := extend(nil, k.id, len(plain))
		copy(data, plain)
		seal(&k, in.X, packet[8:])
		if !bytes.Equal(packet, want.Packet) {
			t.Errorf("%s: sealed to\n%x, want\n%x", v.Name, packet, want.Packet)
		}
		got, err := Open(&k, in.X, packet)
		if err != nil || !bytes.Equal(encode(got), encode(message)) {
			t.Errorf("%s: opened to %v, %v", v.Name, got, err)
		}
	}
}

func TestVectorsBind(t *testing.T) {
	for _, v := range vectors(t, "cloud_frames.json", "bind/") {
		perm, temp := NewKey([KeySize]byte(v.Input.Perm)), NewKey([KeySize]byte(v.Input.Temp))
		want := Bind{
			MessageID: v.Input.ID, Nonce: v.Input.Nonce, TempKeyID: temp.ID(), PermKeyID: perm.ID(),
			TempSessionID: v.Input.TempSession, ExpiresAt: v.Input.ExpiresAt,
		}
		sealed := v.Expected.Encrypted
		refuseBind(t, &temp, sealed)
		refuseBind(t, &perm, sealed[:len(sealed)-1])
		refuseBind(t, &perm, append(bytes.Clone(sealed), make([]byte, 16)...))
		for i := range sealed[:outer+bindSealed-blockSize] {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			refuseBind(t, &perm, changed)
		}
		if got, err := OpenBind(&perm, sealed); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", v.Name, got, err, want)
		}
	}
}

func refuseBind(t *testing.T, k *Key, sealed []byte) {
	t.Helper()
	if b, err := OpenBind(k, bytes.Clone(sealed)); err != ErrPacket {
		t.Errorf("opened: %+v, %v", b, err)
	}
}

// TestBindOtherContent seals messages that are authentic and not a binding.
func TestBindOtherContent(t *testing.T) {
	k := testKey()
	for name, spoil := range map[string]func(plain []byte){
		"other length":      func(p []byte) { p[28]-- },
		"other constructor": func(p []byte) { p[bindHead] ^= 1 },
	} {
		plain := make([]byte, bindSealed)
		binary.LittleEndian.PutUint32(plain[28:], bindInner)
		binary.LittleEndian.PutUint32(plain[bindHead:], bindTag)
		if _, err := OpenBind(&k, sealOld(&k, bytes.Clone(plain))); err != nil {
			t.Fatal(err)
		}
		spoil(plain)
		if b, err := OpenBind(&k, sealOld(&k, plain)); err != ErrPacket {
			t.Errorf("%s: opened: %+v, %v", name, b, err)
		}
	}
}

func TestVectorsIGE(t *testing.T) {
	type chain struct {
		name             string
		encrypt, decrypt func(key, iv *[32]byte, data []byte)
	}
	for _, c := range []chain{
		{"portable", encryptPortable, decryptPortable}, {"native", EncryptIGE, DecryptIGE},
	} {
		for _, v := range vectors(t, "ige.json", "") {
			if v.Verdict == "reject" {
				continue // a length that isn't whole blocks: Open cuts it before
			}
			key, iv := (*[32]byte)(v.Input.Key), (*[32]byte)(v.Input.IV)
			data := bytes.Clone(v.Input.Plaintext)
			c.encrypt(key, iv, data)
			if !bytes.Equal(data, v.Expected.Ciphertext) {
				t.Errorf("%s %s: encrypted to %x", c.name, v.Name, data)
			}
			c.decrypt(key, iv, data)
			if !bytes.Equal(data, v.Input.Plaintext) {
				t.Errorf("%s %s: decrypted to %x", c.name, v.Name, data)
			}
		}
	}
}
