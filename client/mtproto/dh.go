package mtproto

import (
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/gotd/td/crypto"
)

// knownPrime is the safe prime of all servers so far. Proving another one safe
// takes half a second.
var knownPrime, _ = new(big.Int).SetString(""+
	"c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"+
	"48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"+
	"20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"+
	"2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"+
	"a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"+
	"fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"+
	"e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"+
	"0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b", 16)

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
	check := crypto.CheckDH
	if p.Cmp(knownPrime) == 0 {
		check = crypto.CheckGP
	}
	if err := check(g, p); err != nil {
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
