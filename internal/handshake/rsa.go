package handshake

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"filippo.io/bigmod"

	"github.com/chappe-im/chappe/internal/cipher"
)

const (
	rsaBits     = 2048
	rsaExponent = 65537
	paddedSize  = 192 // data_with_padding of RSA_PAD, bytes
)

var systemRand = rand.Reader

// GenerateKey makes a server key: 2048 bits, e = 65537, and a fingerprint whose top
// four bits are not all zero, since mtcute never finds one written with a leading
// zero.
func GenerateKey() (*rsa.PrivateKey, error) {
	for {
		key, err := rsa.GenerateKey(systemRand, rsaBits)
		if err != nil {
			return nil, fmt.Errorf("generate a server key: %w", err)
		}
		if Fingerprint(&key.PublicKey)>>60 != 0 {
			return key, nil
		}
	}
}

// PublicKeyPEM writes a public key the way clients want it, PKCS#1 in PEM.
func PublicKeyPEM(key *rsa.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})
}

// Fingerprint returns the lower 64 bits of the SHA-1 of the bare rsa_public_key
// n:string e:string (core.telegram.org/mtproto/auth_key).
func Fingerprint(key *rsa.PublicKey) uint64 {
	tl := tlString(tlString(nil, key.N.Bytes()), big.NewInt(int64(key.E)).Bytes())
	sum := sha1.Sum(tl)
	return binary.LittleEndian.Uint64(sum[12:])
}

// tlString appends a TL string of fewer than 2^24 bytes.
func tlString(b, s []byte) []byte {
	if len(s) < 254 {
		b = append(b, byte(len(s)))
	} else {
		b = append(b, 254, byte(len(s)), byte(len(s)>>8), byte(len(s)>>16))
	}
	b = append(b, s...)
	return append(b, make([]byte, -len(b)&3)...)
}

// privateKey is an RSA key ready for raw decryption by the Chinese remainder
// theorem. crypto/rsa has the same arithmetic, but offers no operation without a
// padding of its own.
type privateKey struct {
	n, p, q *bigmod.Modulus
	dp, dq  []byte
	qInv    *bigmod.Nat
	qWide   *bigmod.Nat // q, of the size of n
}

func newPrivateKey(key *rsa.PrivateKey) (*privateKey, error) {
	if key.N.BitLen() != rsaBits || key.E != rsaExponent || len(key.Primes) != 2 {
		return nil, fmt.Errorf("handshake: the server key is not RSA of %d bits with e = %d", rsaBits, rsaExponent)
	}
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("handshake: server key: %w", err)
	}
	p, q := key.Primes[0], key.Primes[1]
	one := big.NewInt(1)
	size := (max(p.BitLen(), q.BitLen()) + 7) / 8
	exponent := func(prime *big.Int) []byte {
		d := new(big.Int).Mod(key.D, new(big.Int).Sub(prime, one))
		return d.FillBytes(make([]byte, size))
	}
	k := &privateKey{dp: exponent(p), dq: exponent(q)}
	var errs [5]error
	k.n, errs[0] = bigmod.NewModulus(key.N.Bytes())
	k.p, errs[1] = bigmod.NewModulus(p.Bytes())
	k.q, errs[2] = bigmod.NewModulus(q.Bytes())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("handshake: server key: %w", err)
	}
	k.qInv, errs[3] = bigmod.NewNat().SetBytes(new(big.Int).ModInverse(q, p).Bytes(), k.p)
	k.qWide, errs[4] = bigmod.NewNat().SetBytes(q.Bytes(), k.n)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("handshake: server key: %w", err)
	}
	return k, nil
}

// decrypt is the private operation, c^d mod n, in constant time. It refuses what is
// not 256 bytes below n. The result goes no further than a hash comparison, so a
// faulty computation gives nothing away and is not checked for.
func (k *privateKey) decrypt(encrypted []byte) (out [rsaBits / 8]byte, ok bool) {
	if len(encrypted) != len(out) {
		return out, false
	}
	c, err := bigmod.NewNat().SetBytes(encrypted, k.n)
	if err != nil {
		return out, false
	}
	mp := bigmod.NewNat().Mod(c, k.p)
	mp.Exp(mp, k.dp, k.p)
	mq := bigmod.NewNat().Mod(c, k.q)
	mq.Exp(mq, k.dq, k.q)
	// m = mq + q·((mp − mq)·q⁻¹ mod p)
	mp.Sub(bigmod.NewNat().Mod(mq, k.p), k.p).Mul(k.qInv, k.p)
	m := mp.ExpandFor(k.n).Mul(k.qWide, k.n).Add(mq.ExpandFor(k.n), k.n)
	copy(out[:], m.Bytes(k.n))
	return out, true
}

// open undoes RSA_PAD and returns the data with its random padding. What it refuses
// it refuses in one way (core.telegram.org/mtproto/auth_key, step 4.1).
func (k *privateKey) open(encrypted []byte) (data [paddedSize]byte, ok bool) {
	sealed, ok := k.decrypt(encrypted)
	if !ok {
		return data, false
	}
	mask, body := sealed[:32], sealed[32:]
	sum := sha256.Sum256(body)
	var key, iv [32]byte
	subtle.XORBytes(key[:], mask, sum[:])
	cipher.DecryptIGE(&key, &iv, body)
	copy(data[:], body)
	slices.Reverse(data[:])

	h := sha256.New()
	h.Write(key[:])
	h.Write(data[:])
	if subtle.ConstantTimeCompare(h.Sum(sum[:0]), body[paddedSize:]) != 1 {
		return [paddedSize]byte{}, false
	}
	return data, true
}
