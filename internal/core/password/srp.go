package password

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"

	"filippo.io/bigmod"
)

// Size is the length of all large numbers, in bytes.
const Size = 256

// Generator is g of the group that passwords are kept in.
const Generator = 3

// Prime is p of the group, 2048 bits: the safe prime that all clients know.
var Prime = fromHex("c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f" +
	"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37" +
	"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64" +
	"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4" +
	"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754" +
	"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4" +
	"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f" +
	"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b")

var groupOfClients = newGroup(Prime, Generator)

// group is a group of numbers modulo a prime, with what follows from it alone.
type group struct {
	modulus   *bigmod.Modulus
	generator *bigmod.Nat
	k         *bigmod.Nat       // H(p | g), the multiplier
	hashes    [sha256.Size]byte // H(p) xor H(g)
}

func newGroup(p []byte, g uint) *group {
	modulus, err := bigmod.NewModulus(p)
	if err != nil {
		panic("password: " + err.Error()) // p is a constant
	}
	padded := make([]byte, Size)
	padded[Size-1] = byte(g)
	r := &group{modulus: modulus}
	r.generator = r.number(padded)
	k := sha256.Sum256(append(append([]byte{}, p...), padded...))
	r.k = r.number(k[:])
	hp, hg := sha256.Sum256(p), sha256.Sum256(padded)
	subtle.XORBytes(r.hashes[:], hp[:], hg[:])
	return r
}

// number returns a number below p, nil for any other.
func (r *group) number(b []byte) *bigmod.Nat {
	if len(b) > Size {
		return nil
	}
	n, err := bigmod.NewNat().SetBytes(b, r.modulus)
	if err != nil {
		return nil
	}
	return n
}

// element returns a number of 1 to p-1, nil for any other.
func (r *group) element(b []byte) *bigmod.Nat {
	n := r.number(b)
	if n == nil || n.IsZero() == 1 {
		return nil
	}
	return n
}

// public returns the server's side of a challenge, B = k·v + g^b.
func (r *group) public(v *bigmod.Nat, secret []byte) []byte {
	gb := bigmod.NewNat().Exp(r.generator, secret, r.modulus)
	kv := r.copy(v).Mul(r.k, r.modulus)
	return gb.Add(kv, r.modulus).Bytes(r.modulus)
}

func (r *group) copy(n *bigmod.Nat) *bigmod.Nat { return r.number(n.Bytes(r.modulus)) }

// proof returns the M1 that a client which knows the password sends with its public number a. It is
// computed from the verifier v, the server's secret and public numbers and both salts.
func (r *group) proof(v, a *bigmod.Nat, secret, public, salt1, salt2 []byte) []byte {
	wide := a.Bytes(r.modulus)
	u := sha256.Sum256(append(append([]byte{}, wide...), public...))
	base := bigmod.NewNat().Exp(v, u[:], r.modulus)
	base.Mul(a, r.modulus)
	shared := bigmod.NewNat().Exp(base, secret, r.modulus).Bytes(r.modulus)
	key := sha256.Sum256(shared)
	hash1, hash2 := sha256.Sum256(salt1), sha256.Sum256(salt2)

	h := sha256.New()
	for _, part := range [][]byte{r.hashes[:], hash1[:], hash2[:], wide, public, key[:]} {
		h.Write(part)
	}
	return h.Sum(nil)
}

func fromHex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic("password: " + err.Error()) // text is a constant
	}
	return b
}
