package mtproto

import (
	"bytes"
	"crypto/rsa"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// vector is one case of a file of vectors; its input and expected output are
// decoded by the test that knows them.
type vector struct {
	Name, Verdict string
	AlsoAllowed   []string `json:"also_allowed"`
	Input         json.RawMessage
	Expected      json.RawMessage
}

// forVectors runs f for each case of a group; tables is decoded into tables.
func forVectors(t *testing.T, file, group string, tables any, f func(*testing.T, vector)) {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Tables json.RawMessage
		Cases  []vector
	}
	parse(t, raw, &all)
	if tables != nil {
		parse(t, all.Tables, tables)
	}
	n := 0
	for _, v := range all.Cases {
		if name, _, _ := strings.Cut(v.Name, "/"); name == group {
			n++
			t.Run(v.Name, func(t *testing.T) { f(t, v) })
		}
	}
	if n == 0 {
		t.Errorf("no cases %s in %s", group, file)
	}
}

func parse(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// hexBytes and longInt are written as strings in the vectors.
type (
	hexBytes []byte
	longInt  int64
)

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func (n *longInt) UnmarshalText(text []byte) error {
	v, err := strconv.ParseInt(string(text), 10, 64)
	*n = longInt(v)
	return err
}

func big256(b hexBytes) *big.Int { return new(big.Int).SetBytes(b) }

// judge compares what was found with the verdict of a vector.
func judge(t *testing.T, v vector, err error) {
	t.Helper()
	got := "accept"
	if err != nil {
		got = "reject"
	}
	if got != v.Verdict && !slices.Contains(v.AlsoAllowed, got) {
		t.Errorf("%s (%v), want %s", got, err, v.Verdict)
	}
}

type dhTables struct {
	Groups map[string]struct {
		P hexBytes
		G int
	}
}

func TestDHVectors(t *testing.T) {
	var tables dhTables
	forVectors(t, "dh", "range", &tables, func(t *testing.T, v vector) {
		var in struct {
			Group string
			Value hexBytes
		}
		parse(t, v.Input, &in)
		judge(t, v, checkPublic(big256(in.Value), big256(tables.Groups[in.Group].P)))
	})
	forVectors(t, "dh", "config", nil, func(t *testing.T, v vector) {
		var in struct {
			P hexBytes
			G int
		}
		parse(t, v.Input, &in)
		judge(t, v, checkGroup(in.G, big256(in.P)))
	})
	for _, group := range []string{"random", "short-exponents", "key-leading-zeros", "public-leading-zero"} {
		forVectors(t, "dh", group, nil, func(t *testing.T, v vector) {
			var in struct {
				Group string
				B     hexBytes
			}
			var out struct {
				GA  hexBytes `json:"g_a"`
				GB  hexBytes `json:"g_b"`
				Key hexBytes
			}
			parse(t, v.Input, &in)
			parse(t, v.Expected, &out)
			g := tables.Groups[in.Group]
			gb, key := agreement(g.G, big256(in.B), big256(out.GA), big256(g.P))
			if gb.Cmp(big256(out.GB)) != 0 || !bytes.Equal(key[:], out.Key) {
				t.Error("g_b or key differs")
			}
		})
	}
}

func TestHandshakeVectors(t *testing.T) {
	forVectors(t, "cloud_frames", "handshake", nil, func(t *testing.T, v vector) {
		var in struct {
			AuthKey     hexBytes `json:"auth_key"`
			NewNonce    hexBytes `json:"new_nonce"`
			ServerNonce hexBytes `json:"server_nonce"`
		}
		var out struct {
			AESKey hexBytes `json:"tmp_aes_key"`
			AESIV  hexBytes `json:"tmp_aes_iv"`
			Hash1  hexBytes `json:"new_nonce_hash1"`
			Hash2  hexBytes `json:"new_nonce_hash2"`
			Hash3  hexBytes `json:"new_nonce_hash3"`
			Salt   longInt  `json:"server_salt"`
			KeyID  hexBytes `json:"auth_key_id"`
		}
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		newNonce, serverNonce, key := bin.Int256(in.NewNonce), bin.Int128(in.ServerNonce), [256]byte(in.AuthKey)
		aesKey, iv := crypto.TempAESKeys(newNonce.BigInt(), serverNonce.BigInt())
		if !bytes.Equal(aesKey, out.AESKey) || !bytes.Equal(iv, out.AESIV) {
			t.Error("temporary AES key")
		}
		for i, want := range []hexBytes{out.Hash1, out.Hash2, out.Hash3} {
			if got := newNonceHash(newNonce, byte(i+1), key); !bytes.Equal(got[:], want) {
				t.Errorf("new_nonce_hash%d", i+1)
			}
		}
		if crypto.ServerSalt(newNonce, serverNonce) != int64(out.Salt) {
			t.Error("server salt")
		}
		if id := rawconn.NewKey(key).ID(); id != int64(binary.LittleEndian.Uint64(out.KeyID)) {
			t.Errorf("key id %x", id)
		}
	})
}

func TestBindVectors(t *testing.T) {
	forVectors(t, "cloud_frames", "bind", nil, func(t *testing.T, v vector) {
		var in struct {
			Perm    hexBytes `json:"perm_auth_key"`
			Temp    hexBytes `json:"temp_auth_key"`
			Nonce   longInt
			Session longInt `json:"temp_session_id"`
			MsgID   longInt `json:"msg_id"`
			Expires int     `json:"expires_at"`
			Random  hexBytes
			Padding hexBytes
		}
		var out struct {
			Message hexBytes `json:"encrypted_message"`
		}
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		perm := rawconn.NewKey([256]byte(in.Perm))
		temp := rawconn.NewKey([256]byte(in.Temp))
		got, err := sealBinding(bytes.NewReader(slices.Concat(in.Random, in.Padding)), &perm, int64(in.MsgID), &crypto.BindAuthKeyInner{
			Nonce: int64(in.Nonce), TempAuthKeyID: temp.ID(), PermAuthKeyID: perm.ID(),
			TempSessionID: int64(in.Session), ExpiresAt: in.Expires,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, out.Message) {
			t.Error("encrypted_message differs")
		}
	})
}

func TestRSAPadVectors(t *testing.T) {
	var tables struct {
		Keys map[string]struct{ N, E hexBytes }
	}
	for _, group := range []string{"size", "retry", "leading-zero", "encode"} {
		forVectors(t, "rsa_pad", group, &tables, func(t *testing.T, v vector) {
			var in struct {
				Key      string
				Data     hexBytes
				Padding  hexBytes
				TempKeys []hexBytes `json:"temp_keys"`
			}
			var out struct {
				Data hexBytes `json:"encrypted_data"`
			}
			parse(t, v.Input, &in)
			parse(t, v.Expected, &out)
			k := tables.Keys[in.Key]
			rnd := bytes.NewBuffer(bytes.Clone(in.Padding))
			for _, temp := range in.TempKeys {
				rnd.Write(temp)
			}
			got, err := crypto.RSAPad(in.Data, &rsa.PublicKey{N: big256(k.N), E: int(big256(k.E).Int64())}, rnd)
			if judge(t, v, err); err == nil && !bytes.Equal(got, out.Data) {
				t.Error("encrypted_data differs")
			}
		})
	}
}
