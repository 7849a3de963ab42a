package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"image/color"
	"math/big"
	"strings"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
)

func checkKDF(t *testing.T, k *chatKey, from Role, msgKey []byte, expected json.RawMessage) {
	var out struct {
		Key hexBytes `json:"aes_key"`
		IV  hexBytes `json:"aes_iv"`
	}
	parse(t, expected, &out)
	key, iv := crypto.Keys(k.value, bin.Int128(msgKey), crypto.Side(from))
	if !bytes.Equal(key[:], out.Key) || !bytes.Equal(iv[:], out.IV) {
		t.Error("AES key or vector differs")
	}
}

// fileOutput is what the vectors expect of an encrypted file.
type fileOutput struct {
	Fingerprint int32    `json:"key_fingerprint"`
	Size        int64    `json:"ciphertext_size"`
	SHA256      hexBytes `json:"ciphertext_sha256"`
	First       hexBytes `json:"first_block"`
	Last        hexBytes `json:"last_block"`
	Ciphertext  hexBytes
	Parts       []struct {
		IV, SHA256 hexBytes
		Size       int
	}
}

func (o *fileOutput) check(t *testing.T, k FileKey, sealed, padded []byte, partSize int) {
	t.Helper()
	if sum := sha256.Sum256(sealed); !bytes.Equal(sum[:], o.SHA256) || int64(len(sealed)) != o.Size {
		t.Fatal("ciphertext differs")
	}
	if EncryptedSize(int64(len(padded))) != o.Size || o.Ciphertext != nil && !bytes.Equal(o.Ciphertext, sealed) {
		t.Error("size or ciphertext differs")
	}
	if !bytes.HasPrefix(sealed, o.First) || !bytes.HasSuffix(sealed, o.Last) {
		t.Error("first or last block differs")
	}
	up, down, at := k.stream(false), k.stream(true), 0
	for i, p := range o.Parts {
		if !bytes.Equal(up.iv[:], p.IV) || !bytes.Equal(down.iv[:], p.IV) || p.Size > partSize {
			t.Fatalf("part %d starts with another vector", i)
		}
		part := make([]byte, p.Size)
		up.crypt(part, padded[at:at+p.Size])
		if sum := sha256.Sum256(part); !bytes.Equal(sum[:], p.SHA256) {
			t.Fatalf("part %d differs", i)
		}
		down.crypt(make([]byte, p.Size), part)
		at += p.Size
	}
	if at != len(sealed) {
		t.Errorf("parts make %d bytes of %d", at, len(sealed))
	}
}

// expand makes the plaintext of a file vector.
func expand(seed []byte, size int) []byte {
	var b []byte
	for i := uint32(0); len(b) < size; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(bytes.Clone(seed), i))
		b = append(b, sum[:]...)
	}
	return b[:size]
}

// dhTables holds the groups of the vectors.
type dhTables struct {
	Groups map[string]struct {
		P hexBytes
		G int
	}
}

// group returns a group without proving its prime again in every case.
func (d *dhTables) group(name string) Group {
	g := d.Groups[name]
	return Group{g: g.G, p: new(big.Int).SetBytes(g.P)}
}

func TestGroupVectors(t *testing.T) {
	forVectors(t, "dh", []string{"config"}, nil, func(t *testing.T, v vector) {
		var in struct {
			P hexBytes
			G int
		}
		parse(t, v.Input, &in)
		_, err := NewGroup(in.G, in.P)
		judgeErr(t, v, err)
	})
}

func TestRangeVectors(t *testing.T) {
	var tables dhTables
	forVectors(t, "dh", []string{"range"}, &tables, func(t *testing.T, v vector) {
		var in struct {
			Group string
			Value hexBytes
		}
		parse(t, v.Input, &in)
		_, err := tables.group(in.Group).check(in.Value)
		judgeErr(t, v, err)
	})
}

func TestAgreementVectors(t *testing.T) {
	var tables dhTables
	groups := []string{"random", "key-leading-zeros", "short-exponents", "public-leading-zero"}
	forVectors(t, "dh", groups, &tables, func(t *testing.T, v vector) {
		var in struct {
			Group string
			A, B  hexBytes
		}
		var out struct {
			GA          hexBytes `json:"g_a"`
			GAMinimal   hexBytes `json:"g_a_minimal"`
			GB          hexBytes `json:"g_b"`
			Key         hexBytes
			Fingerprint longInt `json:"key_fingerprint_long"`
		}
		parse(t, v.Input, &in)
		parse(t, v.Expected, &out)
		g := tables.group(in.Group)
		var a, b exponent
		copy(a[len(a)-len(in.A):], in.A)
		copy(b[len(b)-len(in.B):], in.B)
		if !bytes.Equal(g.public(&a), out.GA) || !bytes.Equal(g.public(&b), out.GB) {
			t.Error("public values differ")
		}
		for _, public := range []hexBytes{out.GA, out.GAMinimal} {
			k, err := g.agree(&b, public)
			if err != nil || !bytes.Equal(k.value[:], out.Key) || k.id != int64(out.Fingerprint) {
				t.Errorf("acceptor's key differs, %v", err)
			}
		}
		k, err := g.agree(&a, out.GB)
		if err != nil || !bytes.Equal(k.value[:], out.Key) {
			t.Errorf("originator's key differs, %v", err)
		}
		checkPicture(t, k.picture(), v.Expected)
	})
}

func TestPictureVectors(t *testing.T) {
	forVectors(t, "dh", []string{"picture"}, nil, func(t *testing.T, v vector) {
		var in struct{ Key hexBytes }
		parse(t, v.Input, &in)
		checkPicture(t, newChatKey([256]byte(in.Key)).picture(), v.Expected)
	})
}

func checkPicture(t *testing.T, p Picture, expected json.RawMessage) {
	t.Helper()
	var out struct {
		Bytes  hexBytes `json:"visualisation"`
		Hex    []string `json:"visualisation_hex"`
		Pixels []int    `json:"pixels_12x12"`
		Old    []int    `json:"pixels_8x8"`
	}
	parse(t, expected, &out)
	if !bytes.Equal(p[:], out.Bytes) {
		t.Error("picture differs")
	}
	if got, want := strings.Fields(p.Text()), out.Hex; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("text %q, want %q", got, want)
	}
	img := p.Image()
	if len(img.Pix) != len(out.Pixels) || len(out.Old) != 64 {
		t.Fatalf("%d pixels, want %d", len(img.Pix), len(out.Pixels))
	}
	for i, c := range out.Pixels {
		if int(img.Pix[i]) != c || i < 64 && out.Old[i] != c {
			t.Fatalf("pixel %d is %d, want %d", i, img.Pix[i], c)
		}
		if want := [...]color.RGBA{{0xff, 0xff, 0xff, 0xff}, {0xd5, 0xe6, 0xf3, 0xff}, {0x2d, 0x57, 0x75, 0xff}, {0x2f, 0x99, 0xc9, 0xff}}[c]; img.At(i%12, i/12) != want {
			t.Fatalf("colour of pixel %d is %v, want %v", i, img.At(i%12, i/12), want)
		}
	}
}
