package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/gotd/td/crypto"
)

// knownPrime is the safe prime that servers send. Proving another one safe takes
// half a second.
var knownPrime, _ = new(big.Int).SetString(""+
	"c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"+
	"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"+
	"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"+
	"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"+
	"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"+
	"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"+
	"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"+
	"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b", 16)

var errRange = errors.New("public value is out of range")

// Group is a checked Diffie-Hellman group.
type Group struct {
	g int
	p *big.Int
}

// NewGroup checks the answer of messages.getDhConfig: p, big-endian, must be a
// safe prime of 2048 bits and g, 2 to 7, generate its subgroup of prime order.
// Any prime but the known one takes half a second to check.
//
// See https://core.telegram.org/api/end-to-end#sending-a-request.
func NewGroup(g int, p []byte) (Group, error) {
	prime := new(big.Int).SetBytes(p)
	check := crypto.CheckDH
	if prime.Cmp(knownPrime) == 0 {
		check = crypto.CheckGP
	}
	if err := check(g, prime); err != nil {
		return Group{}, fmt.Errorf("check group: %w", err)
	}
	return Group{g: g, p: prime}, nil
}

// public returns g^a, 256 bytes with its leading zeros.
func (g Group) public(a *exponent) []byte {
	v := new(big.Int).Exp(big.NewInt(int64(g.g)), new(big.Int).SetBytes(a[:]), g.p)
	return v.FillBytes(make([]byte, keySize))
}

// check returns the peer's public value if it lies within 2^1984..p-2^1984, far
// from those that would make the key guessable.
func (g Group) check(public []byte) (*big.Int, error) {
	v, low := new(big.Int).SetBytes(public), new(big.Int).Lsh(big.NewInt(1), 2048-64)
	if len(public) > keySize || v.Cmp(low) < 0 || v.Cmp(new(big.Int).Sub(g.p, low)) > 0 {
		return nil, errRange
	}
	return v, nil
}

// agree returns the key of our exponent and the peer's public value.
func (g Group) agree(a *exponent, public []byte) (*chatKey, error) {
	v, err := g.check(public)
	if err != nil {
		return nil, err
	}
	var key [keySize]byte
	v.Exp(v, new(big.Int).SetBytes(a[:]), g.p).FillBytes(key[:])
	return newChatKey(key), nil
}

// draw returns a secret exponent of 2048 bits and its public value. The server's
// randomness is mixed in: it can add to ours and not take away.
func (g Group) draw(rnd io.Reader, server []byte) (*exponent, []byte, error) {
	for {
		var a exponent
		if _, err := io.ReadFull(rnd, a[:]); err != nil {
			return nil, nil, fmt.Errorf("draw exponent: %w", err)
		}
		n := min(len(server), keySize)
		subtle.XORBytes(a[:n], a[:n], server[:n])
		public := g.public(&a)
		if _, err := g.check(public); err == nil {
			return &a, public, nil
		}
	}
}
