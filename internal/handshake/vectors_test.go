package handshake

import (
	"bytes"
	"strings"
	"testing"
)

func TestVectorsRSAPad(t *testing.T) {
	var file struct {
		Tables struct {
			Keys map[string]struct {
				Fingerprint int64 `json:",string"`
			}
		}
		Cases []struct {
			Name  string
			Input struct {
				Key       string
				Encrypted hexBytes `json:"encrypted_data"`
			}
			Expected struct {
				Encrypted hexBytes `json:"encrypted_data"`
				Padded    hexBytes `json:"data_with_padding"`
			}
			Verdict string
		}
	}
	readVectors(t, "rsa_pad.json", &file)
	keys := map[string]*privateKey{}
	for name, want := range file.Tables.Keys {
		key, err := newPrivateKey(testKeys()[name])
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
		if got := Fingerprint(&testKeys()[name].PublicKey); got != uint64(want.Fingerprint) {
			t.Errorf("%s: fingerprint %x, want %x", name, got, uint64(want.Fingerprint))
		}
	}
	for _, v := range file.Cases {
		switch {
		case v.Verdict == "accept":
			data, ok := keys[v.Input.Key].open(v.Expected.Encrypted)
			if !ok || !bytes.Equal(data[:], v.Expected.Padded) {
				t.Errorf("%s: %v, %x", v.Name, ok, data)
			}
		case strings.HasPrefix(v.Name, "decode/"):
			if data, ok := keys[v.Input.Key].open(v.Input.Encrypted); ok || data != [paddedSize]byte{} {
				t.Errorf("%s: opened: %x", v.Name, data)
			}
		}
	}
}

func TestVectorsDH(t *testing.T) {
	var file struct {
		Cases []struct {
			Name  string
			Input struct {
				Group string
				A, B  hexBytes
				Value hexBytes
			}
			Expected struct {
				GA  hexBytes `json:"g_a"`
				GB  hexBytes `json:"g_b"`
				Key hexBytes
			}
			Verdict string
		}
	}
	readVectors(t, "dh.json", &file)
	g := newGroup()
	for _, v := range file.Cases {
		switch {
		case v.Input.Group != "telegram":
		case strings.HasPrefix(v.Name, "range/"):
			if got := g.inRange(v.Input.Value); got != (v.Verdict == "accept") {
				t.Errorf("%s: in range: %v", v.Name, got)
			}
		default:
			key, ok := g.shared(v.Expected.GB, v.Input.A)
			if !ok || !bytes.Equal(key[:], v.Expected.Key) {
				t.Errorf("%s: key %x", v.Name, key)
			}
		}
	}
}

func TestVectorsHashes(t *testing.T) {
	var file struct {
		Cases []struct {
			Name  string
			Input struct {
				Key         hexBytes `json:"auth_key"`
				NewNonce    hexBytes `json:"new_nonce"`
				ServerNonce hexBytes `json:"server_nonce"`
			}
			Expected struct {
				AESKey hexBytes `json:"tmp_aes_key"`
				AESIV  hexBytes `json:"tmp_aes_iv"`
				Hash1  hexBytes `json:"new_nonce_hash1"`
				Hash2  hexBytes `json:"new_nonce_hash2"`
				Hash3  hexBytes `json:"new_nonce_hash3"`
				Salt   int64    `json:"server_salt,string"`
				Aux    hexBytes `json:"auth_key_aux_hash"`
			}
		}
	}
	readVectors(t, "cloud_frames.json", &file)
	seen := 0
	for _, v := range file.Cases {
		if !strings.HasPrefix(v.Name, "handshake/") {
			continue
		}
		seen++
		newNonce, serverNonce := [32]byte(v.Input.NewNonce), [16]byte(v.Input.ServerNonce)
		key, iv := temporaryKey(&newNonce, &serverNonce)
		if !bytes.Equal(key[:], v.Expected.AESKey) || !bytes.Equal(iv[:], v.Expected.AESIV) {
			t.Errorf("%s: temporary key %x, %x", v.Name, key, iv)
		}
		authKey := [256]byte(v.Input.Key)
		aux := auxHash(&authKey)
		if !bytes.Equal(aux[:], v.Expected.Aux) {
			t.Errorf("%s: aux hash %x", v.Name, aux)
		}
		for i, want := range []hexBytes{v.Expected.Hash1, v.Expected.Hash2, v.Expected.Hash3} {
			if got := nonceHash(&newNonce, byte(i+1), aux); !bytes.Equal(got[:], want) {
				t.Errorf("%s: new_nonce_hash%d %x", v.Name, i+1, got)
			}
		}
		a := &attempt{serverNonce: serverNonce, dh: &dhState{newNonce: newNonce}}
		if a.salt() != v.Expected.Salt {
			t.Errorf("%s: salt %d", v.Name, a.salt())
		}
	}
	if seen == 0 {
		t.Error("no vectors")
	}
}
