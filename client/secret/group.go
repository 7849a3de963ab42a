package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/chappe-im/chappe/client/internal/dh"
)

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
	if err := dh.Check(g, prime); err != nil {
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
