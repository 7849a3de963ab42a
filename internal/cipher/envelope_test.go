package cipher

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
)

// encode writes a message as Seal expects it.
func encode(m Message) []byte {
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(m.Salt))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.SessionID))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.ID))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Seq))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.Body)))
	return append(b, m.Body...)
}

// sealRaw encrypts a plaintext as it is, padding included.
func sealRaw(k *Key, side Side, plain []byte) []byte {
	packet, data := extend(nil, k.id, len(plain))
	copy(data, plain)
	seal(k, side, packet[8:])
	return packet
}

// sealOld encrypts a plaintext of whole blocks in the envelope of MTProto 1.0.
func sealOld(k *Key, plain []byte) []byte {
	packet, data := extend(nil, k.id, len(plain))
	copy(data, plain)
	sum := sha1.Sum(plain[:min(len(plain), bindPlain)])
	msgKey := (*[16]byte)(packet[8:])
	copy(msgKey[:], sum[4:])
	key, iv := deriveOld(k, msgKey)
	EncryptIGE(&key, &iv, data)
	return packet
}

func refuse(t *testing.T, name string, k *Key, side Side, packet []byte) {
	t.Helper()
	if m, err := Open(k, side, bytes.Clone(packet)); err != ErrPacket || !reflect.DeepEqual(m, Message{}) {
		t.Errorf("%s: opened: %+v, %v", name, m, err)
	}
}

// TestA3Reflection sends a packet back to its author, as itself and as the other's.
func TestA3Reflection(t *testing.T) {
	k := testKey()
	plain := encode(Message{ID: 4, Body: make([]byte, 64)})
	refuse(t, "server's packet to the server", &k, ToServer, Seal(nil, &k, ToClient, plain, Random))
	refuse(t, "client's packet to the client", &k, ToClient, Seal(nil, &k, ToServer, plain, Random))

	// The same against a foreign client's cipher.
	foreign := crypto.Key(k.Bytes()).WithID()
	reflected := &bin.Buffer{Buf: Seal(nil, &k, ToServer, plain, Random)}
	if _, err := crypto.NewClientCipher(Random).DecryptFromBuffer(foreign, reflected); err == nil {
		t.Error("gotd opened its own packet")
	}
}

// TestA5LengthBeforeMsgKey changes ciphertext so that the length field, the padding
// or anything else turns to garbage: whatever a reader of fields would find, the
// outcome is that of a wrong msg_key.
func TestA5LengthBeforeMsgKey(t *testing.T) {
	k := testKey()
	packet := Seal(nil, &k, ToServer, encode(Message{ID: 4, Body: make([]byte, 64)}), Random)
	for i := range packet {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(packet)
			changed[i] ^= bit
			refuse(t, fmt.Sprintf("byte %d", i), &k, ToServer, changed)
		}
	}
	for n := range packet {
		refuse(t, fmt.Sprintf("cut to %d", n), &k, ToServer, packet[:n])
	}
	// Authentic, and a lie about its length.
	for _, length := range []int32{-4, -1 << 31, 1<<31 - 4, 96, 92, 63, 65, 1 << 24} {
		plain := append(encode(Message{ID: 4, Body: make([]byte, 64)}), make([]byte, 16)...)
		binary.LittleEndian.PutUint32(plain[28:], uint32(length))
		refuse(t, fmt.Sprintf("length %d", length), &k, ToServer, sealRaw(&k, ToServer, plain))
	}
	refuse(t, "shorter than a header", &k, ToServer, sealRaw(&k, ToServer, make([]byte, 16)))
	refuse(t, "nothing encrypted", &k, ToServer, sealRaw(&k, ToServer, nil))
}

// TestA7PaddingExtension appends blocks, swaps the last one and pads out of range
// (Jakobsen, Orlandi: possible where msg_key does not cover the padding).
func TestA7PaddingExtension(t *testing.T) {
	k := testKey()
	plain := encode(Message{ID: 4, Body: make([]byte, 64)})
	one, two := Seal(nil, &k, ToServer, plain, Random), Seal(nil, &k, ToServer, plain, Random)
	refuse(t, "one more block", &k, ToServer, append(bytes.Clone(one), make([]byte, 16)...))
	refuse(t, "many more blocks", &k, ToServer, append(bytes.Clone(one), make([]byte, 1024)...))
	swapped := append(bytes.Clone(one[:len(one)-16]), two[len(two)-16:]...)
	refuse(t, "another's last block", &k, ToServer, swapped)
	refuse(t, "last block missing", &k, ToServer, one[:len(one)-16])
	for _, padding := range []int{0, 4, 8, 1028, 1040, 2048} {
		body := make([]byte, 64+(-padding)&15)
		padded := append(encode(Message{ID: 4, Body: body}), make([]byte, padding)...)
		refuse(t, fmt.Sprintf("%d bytes of padding", padding), &k, ToServer, sealRaw(&k, ToServer, padded))
	}
	old := append(bytes.Clone(plain), make([]byte, 16)...)
	refuse(t, "MTProto 1.0", &k, ToServer, sealOld(&k, old))

	for _, padding := range []int{12, 16, 1020, 1024} {
		body := make([]byte, 64+(-padding)&15)
		padded := append(encode(Message{ID: 4, Body: body}), make([]byte, padding)...)
		if m, err := Open(&k, ToServer, sealRaw(&k, ToServer, padded)); err != nil || len(m.Body) != len(body) {
			t.Errorf("%d bytes of padding: %v", padding, err)
		}
	}
}

// TestQuickAck holds the token against the words of the specification: the first 32
// bits of the SHA-256 whose middle is msg_key, with the top bit set.
func TestQuickAck(t *testing.T) {
	for _, v := range vectors(t, "cloud_frames.json", "packet/x0") {
		k := NewKey([KeySize]byte(v.Input.AuthKey))
		secret := k.Bytes()
		hashed := append(secret[88:120:120], encode(Message{
			Salt: v.Input.Salt, SessionID: v.Input.Session, ID: v.Input.ID, Seq: v.Input.Seq, Body: v.Input.Body,
		})...)
		sum := sha256.Sum256(append(hashed, v.Input.Padding...))
		m, err := Open(&k, ToServer, v.Expected.Packet)
		if err != nil || m.QuickAck != binary.LittleEndian.Uint32(sum[:])|1<<31 {
			t.Errorf("%s: token %x, %v", v.Name, m.QuickAck, err)
		}
	}
}

// TestTransportPadding opens packets that a padded transport made longer.
func TestTransportPadding(t *testing.T) {
	k := testKey()
	packet := Seal(nil, &k, ToServer, encode(Message{ID: 4, Body: []byte("four")}), Random)
	for extra := range 16 {
		longer := append(bytes.Clone(packet), make([]byte, extra)...)
		if m, err := Open(&k, ToServer, longer); err != nil || string(m.Body) != "four" {
			t.Errorf("%d bytes more: %+v, %v", extra, m, err)
		}
	}
}

// TestSealForGotd has a foreign client open what we seal, and us what it seals.
func TestSealForGotd(t *testing.T) {
	k := testKey()
	foreign := crypto.Key(k.Bytes()).WithID()
	for size := 0; size <= 256; size += 4 {
		sent := Message{Salt: -1, SessionID: 1 << 40, ID: 5, Seq: 7, Body: bytes.Repeat([]byte{9}, size)}
		prefix := []byte("before")
		packet := Seal(bytes.Clone(prefix), &k, ToClient, encode(sent), Random)
		if !bytes.HasPrefix(packet, prefix) || len(packet) > len(prefix)+inner+size+Overhead {
			t.Fatalf("%d bytes: sealed to %d", size, len(packet))
		}
		data, err := crypto.NewClientCipher(Random).DecryptFromBuffer(foreign, &bin.Buffer{Buf: packet[len(prefix):]})
		if err != nil || !bytes.Equal(data.Data(), sent.Body) || data.MessageID != 5 || data.SeqNo != 7 {
			t.Fatalf("%d bytes: gotd opened %+v, %v", size, data, err)
		}
		var b bin.Buffer
		answer := crypto.EncryptedMessageData{
			Salt: -1, SessionID: 1 << 40, MessageID: 5, SeqNo: 7,
			MessageDataLen: int32(size), MessageDataWithPadding: sent.Body,
		}
		if err := crypto.NewClientCipher(Random).Encrypt(foreign, answer, &b); err != nil {
			t.Fatal(err)
		}
		got, err := Open(&k, ToServer, b.Buf)
		if err != nil || !bytes.Equal(encode(got), encode(sent)) {
			t.Fatalf("%d bytes: opened %+v, %v", size, got, err)
		}
	}
}

func TestSealWithoutRandomness(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("sealed with guessable padding")
		}
	}()
	k := testKey()
	Seal(nil, &k, ToClient, make([]byte, 32), noRandom{})
}

type noRandom struct{}

func (noRandom) Read([]byte) (int, error) { return 0, errors.New("empty") }

func TestRandom(t *testing.T) {
	seen := map[[16]byte]bool{}
	for range 1000 {
		var long [2500]byte
		if n, err := io.ReadFull(Random, long[:]); n != len(long) || err != nil {
			t.Fatal(n, err)
		}
		for i := 0; i+16 <= len(long); i += 500 {
			seen[[16]byte(long[i:])] = true
		}
	}
	if len(seen) != 5000 {
		t.Errorf("%d different blocks of 5000", len(seen))
	}
}

// TestKeyPrintsNoSecret prints keys in every way that vet lets pass.
func TestKeyPrintsNoSecret(t *testing.T) {
	k := NewKey([KeySize]byte(bytes.Repeat([]byte{0xab}, KeySize)))
	hidden := struct {
		key  Key
		keys []*Key
	}{k, []*Key{&k}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%d", "%b"} {
		for _, v := range []any{k, &k, []Key{k}, hidden, &hidden} {
			s := fmt.Sprintf(verb, v)
			for _, secret := range []string{"abab", "ABAB", "171 171", "0xab, 0xab", "10101011 1", `\xab`} {
				if strings.Contains(s, secret) {
					t.Fatalf("%s of %T: %.80s", verb, v, s)
				}
			}
		}
	}
}

// FuzzIGE holds the processor's instructions against crypto/aes.
func FuzzIGE(f *testing.F) {
	f.Add(make([]byte, 64), make([]byte, 48))
	f.Fuzz(func(t *testing.T, material, data []byte) {
		var key, iv [32]byte
		copy(iv[:], material[copy(key[:], material):])
		one, two := bytes.Clone(data), bytes.Clone(data)
		EncryptIGE(&key, &iv, one)
		encryptPortable(&key, &iv, two)
		if !bytes.Equal(one, two) {
			t.Fatalf("encrypted to %x and %x", one, two)
		}
		DecryptIGE(&key, &iv, one)
		decryptPortable(&key, &iv, two)
		if !bytes.Equal(one, data) || !bytes.Equal(two, data) {
			t.Fatalf("decrypted to %x and %x, want %x", one, two, data)
		}
	})
}

// FuzzOpen looks for packets that panic, or that open without the key's owner.
func FuzzOpen(f *testing.F) {
	k := NewKey([KeySize]byte{1})
	f.Add(Seal(nil, &k, ToClient, encode(Message{Body: make([]byte, 8)}), Random))
	f.Add(make([]byte, outer+bindSealed))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if _, err := Open(&k, ToServer, bytes.Clone(packet)); err == nil {
			t.Error("opened a forgery")
		}
		if _, err := OpenBind(&k, packet); err == nil {
			t.Error("opened a forged binding")
		}
	})
}
