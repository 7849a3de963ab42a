package password

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"testing"
)

type vectors struct {
	Tables struct {
		Groups map[string]struct {
			P string
			G uint
		}
	}
	Cases []struct {
		Name            string
		Verdict         string
		Input, Expected map[string]any
	}
}

// TestVectors holds the arithmetic to the shared vectors: the server's side of every login, and
// every refusal that is the server's to make.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range v.Cases {
		if c.Input["side"] == "client" {
			continue
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			g := v.Tables.Groups[c.Input["group"].(string)]
			get := func(m map[string]any, name string) []byte {
				text, _ := m[name].(string)
				return fromHex(text)
			}
			in := func(name string) []byte { return get(c.Input, name) }
			r := newGroup(fromHex(g.P), g.G)
			if c.Input["side"] == nil {
				testLogin(t, r, c.Input, c.Expected, get)
				return
			}
			a := r.element(in("g_a"))
			accepted := a != nil
			if m1 := in("m1"); accepted && len(m1) > 0 {
				verifier := r.element(in("v"))
				want := r.proof(verifier, a, in("b"), r.public(verifier, in("b")), in("salt1"), in("salt2"))
				accepted = subtle.ConstantTimeCompare(want, m1) == 1
			}
			if accepted != (c.Verdict == "accept") {
				t.Errorf("accepted: %v, want %s", accepted, c.Verdict)
			}
		})
	}
	if ran < 20 {
		t.Errorf("only %d vectors ran", ran)
	}
}

func testLogin(t *testing.T, r *group, in, want map[string]any, get func(map[string]any, string) []byte) {
	v := r.element(get(want, "v"))
	public := r.public(v, get(in, "b"))
	if !bytes.Equal(public, get(want, "g_b")) {
		t.Fatalf("B is %x", public)
	}
	a := r.element(get(want, "g_a"))
	m1 := r.proof(v, a, get(in, "b"), public, get(in, "salt1"), get(in, "salt2"))
	if !bytes.Equal(m1, get(want, "m1")) {
		t.Errorf("M1 is %x", m1)
	}
	x := hashPassword(get(in, "password"), get(in, "salt1"), get(in, "salt2"))
	if !bytes.Equal(x, get(want, "x")) {
		t.Errorf("the client of this test computes x %x", x)
	}
}

// client is the other side of SRP, for tests: slow and plain.
type client struct{ password string }

func hashPassword(password, salt1, salt2 []byte) []byte {
	salted := func(text, salt []byte) []byte {
		h := sha256.Sum256(bytes.Join([][]byte{salt, text, salt}, nil))
		return h[:]
	}
	first := salted(salted(password, salt1), salt2)
	slow, err := pbkdf2.Key(sha512.New, string(first), salt1, 100000, 64)
	if err != nil {
		panic(err)
	}
	return salted(slow, salt2)
}

func (c client) verifier(salt1, salt2 []byte) []byte {
	x := new(big.Int).SetBytes(hashPassword([]byte(c.password), salt1, salt2))
	return new(big.Int).Exp(big.NewInt(Generator), x, new(big.Int).SetBytes(Prime)).FillBytes(make([]byte, Size))
}

func (c client) answer(s State) Proof {
	p, g := new(big.Int).SetBytes(Prime), big.NewInt(Generator)
	secret := make([]byte, Size)
	rand.Read(secret)
	a := new(big.Int).SetBytes(secret)
	public := new(big.Int).Exp(g, a, p).FillBytes(make([]byte, Size))
	sum := func(parts ...[]byte) []byte {
		h := sha256.Sum256(bytes.Join(parts, nil))
		return h[:]
	}
	padded := g.FillBytes(make([]byte, Size))
	x := new(big.Int).SetBytes(hashPassword([]byte(c.password), s.Salt1, s.Salt2))
	k := new(big.Int).SetBytes(sum(Prime, padded))
	u := new(big.Int).SetBytes(sum(public, s.B))
	base := new(big.Int).Exp(g, x, p)
	base.Sub(new(big.Int).SetBytes(s.B), base.Mul(base, k)).Mod(base, p)
	exponent := u.Mul(u, x)
	shared := base.Exp(base, exponent.Add(exponent, a), p).FillBytes(make([]byte, Size))
	hashes := sum(Prime)
	subtle.XORBytes(hashes, hashes, sum(padded))
	return Proof{ID: s.ID, A: public, M1: sum(hashes, sum(s.Salt1), sum(s.Salt2), public, s.B, sum(shared))}
}

func TestPrime(t *testing.T) {
	p := new(big.Int).SetBytes(Prime)
	half := new(big.Int).Rsh(p, 1)
	if p.BitLen() != 2048 || !p.ProbablyPrime(10) || !half.ProbablyPrime(10) {
		t.Error("not a safe prime of 2048 bits")
	}
	if hex.EncodeToString(Prime[:4]) != "c71caeb9" {
		t.Error("not the prime that clients know")
	}
}

func BenchmarkProof(b *testing.B) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	r := groupOfClients
	v := r.element(client{"x"}.verifier([]byte("1"), []byte("2")))
	a := r.element([]byte{9})
	public := r.public(v, secret)
	for b.Loop() {
		r.proof(v, a, secret, public, []byte("1"), []byte("2"))
	}
}
