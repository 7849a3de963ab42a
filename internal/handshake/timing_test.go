package handshake

import (
	"crypto/rand"
	"testing"

	"github.com/chappe-im/chappe/internal/cipher/timing"
)

// TestA6Timing measures the private operation, a fixed ciphertext against random
// ones, and the exponentiation of Diffie–Hellman, a sparse exponent against a dense
// one.
func TestA6Timing(t *testing.T) {
	key, err := newPrivateKey(testKeys()["high"])
	if err != nil {
		t.Fatal(err)
	}
	sealed := make([]byte, 256)
	prepare := func(class int) {
		_, _ = rand.Read(sealed)
		sealed[0] &= 0x7f // below the modulus
		if class == 1 {
			clear(sealed[:255])
			sealed[255] = 1
		}
	}
	if v, differ := timing.Differ(300, prepare, func() { key.open(sealed) }); differ {
		t.Errorf("private operation: t = %.1f", v)
	}

	g := newGroup()
	base, exponent := make([]byte, 256), make([]byte, 32)
	base[0] = 1
	prepare = func(class int) {
		for i := range exponent {
			exponent[i] = byte(-class) // no bit set, or all
		}
		exponent[31] |= 1
	}
	if v, differ := timing.Differ(500, prepare, func() { g.shared(base, exponent) }); differ {
		t.Errorf("exponentiation: t = %.1f", v)
	}
}
