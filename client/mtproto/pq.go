package mtproto

import (
	"errors"
	"math/big"
	"math/bits"
)

// maxRhoSteps bounds the work on a hostile pq: a product of two 31-bit primes
// needs some 50,000 steps.
const maxRhoSteps = 1 << 22

var errPQ = errors.New("pq is not the product of two primes p < q")

// factor splits pq into its prime factors p < q by Pollard's rho method in
// Brent's form.
//
// See https://core.telegram.org/mtproto/auth_key#proof-of-work.
func factor(pq uint64) (p, q uint64, err error) {
	if pq < 6 || prime(pq) {
		return 0, 0, errPQ
	}
	if pq%2 == 0 {
		p = 2
	}
	for c := uint64(1); p == 0 && c < 8; c++ {
		p = rho(pq, c)
	}
	if p == 0 {
		return 0, 0, errPQ
	}
	if q = pq / p; p > q {
		p, q = q, p
	}
	if p == q || !prime(p) || !prime(q) {
		return 0, 0, errPQ
	}
	return p, q, nil
}

func prime(n uint64) bool {
	return new(big.Int).SetUint64(n).ProbablyPrime(0) // exact below 2^64
}

// rho looks for a factor of the odd n among the walk x → x²/2^64 + c; 0: not found.
func rho(n, c uint64) uint64 {
	inverse := n // of n modulo 2^64, by Newton's iteration: 3, 6, … 96 bits
	for range 5 {
		inverse *= 2 - n*inverse
	}
	step := func(x uint64) uint64 {
		x = montgomery(x, x, n, inverse)
		if x >= n-c {
			return x - (n - c)
		}
		return x + c
	}
	const batch = 128
	y, product := uint64(2), uint64(1)
	for run, steps := 1, 0; steps < maxRhoSteps; run *= 2 {
		x := y
		for range run {
			y = step(y)
		}
		for k := 0; k < run; k += batch {
			start := y
			for range min(batch, run-k) {
				y = step(y)
				product = montgomery(product, max(x, y)-min(x, y), n, inverse)
			}
			steps += batch
			if g := gcd(product, n); g == 1 {
				continue
			}
			for g := uint64(1); ; { // the batch holds a factor: go through it singly
				start = step(start)
				if g = gcd(max(x, start)-min(x, start), n); g == n {
					return 0
				} else if g > 1 {
					return g
				}
			}
		}
	}
	return 0
}

// montgomery returns a·b/2^64 modulo n, where a, b < n. The factor 2^-64 changes
// neither the randomness of the walk nor what it has in common with n.
func montgomery(a, b, n, inverse uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	carry, _ := bits.Mul64(lo*inverse, n)
	if hi < carry {
		hi += n
	}
	return hi - carry
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
