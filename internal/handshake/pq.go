package handshake

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// newPQ draws two primes p < q of 31 bits. Their product is the client's proof of
// work: below 2^63, as clients demand, and some milliseconds to factor.
func newPQ(rand io.Reader) (p, q uint32, err error) {
	for p == q {
		if p, err = newPrime(rand); err != nil {
			return 0, 0, err
		}
		if q, err = newPrime(rand); err != nil {
			return 0, 0, err
		}
	}
	return min(p, q), max(p, q), nil
}

func newPrime(rand io.Reader) (uint32, error) {
	for {
		var b [64]byte
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return 0, fmt.Errorf("draw a prime: %w", err)
		}
		for rest := b[:]; len(rest) > 0; rest = rest[4:] {
			n := binary.LittleEndian.Uint32(rest)>>1 | 1<<30 | 1
			if isPrime(n) {
				return n, nil
			}
		}
	}
}

// isPrime is the test of Miller and Rabin for an odd number above 61. With these
// bases it is exact below 4,759,123,141 (Jaeschke 1993), and anyone may ask for a
// pq at any time: math/big would take five times as long.
func isPrime(n uint32) bool {
	m := uint64(n)
	twos := bits.TrailingZeros32(n - 1)
	for _, base := range [...]uint64{2, 7, 61} {
		x := uint64(1)
		for e := (n - 1) >> twos; e > 0; e >>= 1 {
			if e&1 == 1 {
				x = x * base % m
			}
			base = base * base % m
		}
		if x == 1 {
			continue
		}
		for i := 1; i < twos && x != m-1; i++ {
			x = x * x % m
		}
		if x != m-1 {
			return false
		}
	}
	return true
}

// number reads an unsigned big-endian number of a TL string; what does not fit in 64
// bits is 0, which is no factor of anything.
func number(b []byte) (n uint64) {
	if len(b) > 8 {
		return 0
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
