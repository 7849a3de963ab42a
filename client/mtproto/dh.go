package mtproto

import (
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/chappe-im/chappe/client/internal/dh"
)

// exponentBits is the length of our secret exponent. In a group of a safe prime
// the best attack on a short exponent takes 2^(bits/2) steps, so 256 bits are as
// strong as the 2048-bit group (RFC 7919 asks for 225), at an eighth of the cost.
const exponentBits = 256

var errRange = errors.New("public value is out of range")

// checkGroup checks that p is a safe 2048-bit prime and g in 2..7 generates its
// subgroup of prime order.
//
// See https://core.telegram.org/mtproto/auth_key#presenting-proof-of-work-server-authentication.
func checkGroup(g int, p *big.Int) error {
	if err := dh.Check(g, p); err != nil {
		return fmt.Errorf("check group: %w", err)
	}
	return nil
}

// checkPublic checks that v lies within 2^1984..p-2^1984, far from the values
// that would make the key guessable.
//
// See https://core.telegram.org/mtproto/auth_key#dh-key-exchange-complete.
func checkPublic(v, p *big.Int) error {
	low := new(big.Int).Lsh(big.NewInt(1), 2048-64)
	if v.Cmp(low) < 0 || v.Cmp(new(big.Int).Sub(p, low)) > 0 {
		return errRange
	}
	return nil
}

// exponentiate draws a secret exponent and returns g^b and ga^b modulo p.
func exponentiate(rnd io.Reader, g int, ga, p *big.Int) (gb *big.Int, key [256]byte, err error) {
	var secret [exponentBits / 8]byte
	for {
		if _, err := io.ReadFull(rnd, secret[:]); err != nil {
			return nil, key, fmt.Errorf("draw exponent: %w", err)
		}
		b := new(big.Int).SetBytes(secret[:])
		if gb, key = agreement(g, b, ga, p); checkPublic(gb, p) == nil {
			return gb, key, nil
		}
	}
}

// agreement returns g^b and ga^b modulo p, the key with its leading zeros.
func agreement(g int, b, ga, p *big.Int) (gb *big.Int, key [256]byte) {
	gb = new(big.Int).Exp(big.NewInt(int64(g)), b, p)
	new(big.Int).Exp(ga, b, p).FillBytes(key[:])
	return gb, key
}
