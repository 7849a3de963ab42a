package handshake

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"

	"filippo.io/bigmod"
)

// The group: the 2048-bit safe prime that clients know by heart, so that none spends
// half a second proving that it is one, and 3, which generates the subgroup of prime
// order (p−1)/2 because p mod 3 = 2 (core.telegram.org/mtproto/auth_key).
const (
	generator = 3
	primeHex  = "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f" +
		"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37" +
		"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64" +
		"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4" +
		"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754" +
		"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4" +
		"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f" +
		"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b"
)

// pair is a secret exponent a and g_a.
//
// 256 bits are enough for an exponent: in a subgroup of prime order the best attack
// on a short one is Pollard's kangaroos, 2^128 steps, more than the 2^112 or so that
// the number field sieve needs for a prime of this size; and a safe prime has no
// small subgroups that would give a away piece by piece, beyond its parity (van
// Oorschot and Wiener 1996; RFC 7919 asks for 225 bits).
type pair struct {
	exponent [32]byte
	public   [256]byte
}

type group struct {
	prime     []byte
	modulus   *bigmod.Modulus
	g         *bigmod.Nat
	low, high *big.Int // 2^1984 and p − 2^1984
}

func newGroup() *group {
	prime, err := hex.DecodeString(primeHex)
	if err != nil {
		panic(err) // a constant
	}
	modulus, err := bigmod.NewModulus(prime)
	if err != nil {
		panic(err) // a constant
	}
	low := new(big.Int).Lsh(big.NewInt(1), 2048-64)
	return &group{
		prime:   prime,
		modulus: modulus,
		g:       bigmod.NewNat().SetUint(generator).ExpandFor(modulus),
		low:     low,
		high:    new(big.Int).Sub(new(big.Int).SetBytes(prime), low),
	}
}

// newPair draws an exponent and computes g_a, in constant time.
func (g *group) newPair(rand io.Reader) (p pair, err error) {
	for {
		if _, err := io.ReadFull(rand, p.exponent[:]); err != nil {
			return pair{}, fmt.Errorf("draw an exponent: %w", err)
		}
		public := bigmod.NewNat().Exp(g.g, p.exponent[:], g.modulus)
		copy(p.public[:], public.Bytes(g.modulus))
		if g.inRange(p.public[:]) {
			return p, nil
		}
	}
}

// inRange reports whether a public value is between 2^1984 and p − 2^1984, which
// leaves out all that has a guessable logarithm. The value is public: this is not
// constant-time.
func (g *group) inRange(public []byte) bool {
	v := new(big.Int).SetBytes(public)
	return v.Cmp(g.low) >= 0 && v.Cmp(g.high) <= 0
}

// shared computes the authorization key g_b^a, in constant time. It refuses a g_b
// out of range.
func (g *group) shared(public, exponent []byte) (key [256]byte, ok bool) {
	if !g.inRange(public) {
		return key, false
	}
	base, err := bigmod.NewNat().SetBytes(public, g.modulus)
	if err != nil {
		return key, false
	}
	base.Exp(base, exponent, g.modulus)
	copy(key[:], base.Bytes(g.modulus))
	return key, true
}

// temporaryKey derives the AES key and vector that cover the two Diffie–Hellman
// messages.
func temporaryKey(newNonce *[32]byte, serverNonce *[16]byte) (key, iv [32]byte) {
	newServer := sha(newNonce[:], serverNonce[:])
	serverNew := sha(serverNonce[:], newNonce[:])
	newNew := sha(newNonce[:], newNonce[:])
	copy(key[:], newServer[:])
	copy(key[20:], serverNew[:12])
	copy(iv[:], serverNew[12:])
	copy(iv[8:], newNew[:])
	copy(iv[28:], newNonce[:4])
	return key, iv
}

// nonceHash is new_nonce_hash1, 2 or 3: proof that the server knows the key.
func nonceHash(newNonce *[32]byte, number byte, aux [8]byte) [16]byte {
	sum := sha(newNonce[:], []byte{number}, aux[:])
	return [16]byte(sum[4:])
}

// auxHash is auth_key_aux_hash, the first 8 bytes of the key's SHA-1.
func auxHash(key *[256]byte) [8]byte {
	sum := sha(key[:])
	return [8]byte(sum[:])
}

func sha(parts ...[]byte) (sum [sha1.Size]byte) {
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}
