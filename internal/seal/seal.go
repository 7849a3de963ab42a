// Package seal keeps secrets at rest under a master key that lies beside the
// database and never in it: authorization keys, password verifiers, login code
// hashes. Whoever has only the database, or only a dump of it, has noise.
//
// One key of 32 random bytes is the root. Every use of it has a purpose, a
// constant name in the caller's source, and every purpose has subkeys of its
// own, derived with HKDF-SHA-256; a value sealed for one purpose never opens
// for another. Sealing is XChaCha20-Poly1305 under random nonces of 24 bytes,
// so that no counter has to survive a crash. MAC is HMAC-SHA-256, for values
// that are recomputed instead of stored: access hashes, server salts.
//
// A Box is safe for concurrent use. The package imports nothing of the project.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"log/slog"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Overhead is the number of bytes by which a sealed value is longer than its
// plaintext: a version byte, the nonce and the tag.
const Overhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// version is the first byte of every sealed value.
const version = 1

// ErrOpen is returned for a value that was not sealed by this key, for this
// purpose and with this additional data. It says no more, on purpose.
var ErrOpen = errors.New("sealed value does not open under this master key")

// Box seals and opens values under one master key.
type Box struct {
	master   masterKey
	purposes sync.Map // purpose name → *subkeys
}

// masterKey is redacted wherever it is printed or logged.
type masterKey [32]byte

func (masterKey) String() string   { return "[master key]" }
func (masterKey) GoString() string { return "[master key]" }

// String says what the Box is and nothing of its key.
func (*Box) String() string { return "[sealing box]" }

// GoString is String, for the verb %#v.
func (b *Box) GoString() string { return b.String() }

// LogValue is String, for slog.
func (b *Box) LogValue() slog.Value { return slog.StringValue(b.String()) }

// subkeys are what one purpose uses.
type subkeys struct {
	aead cipher.AEAD
	macs sync.Pool // of hash.Hash, keyed
}

// Seal encrypts plaintext for purpose and binds it to aad, which is not stored
// (the owner and the name of the column, say: then a value moved to another
// row does not open). The result is Overhead bytes longer than plaintext and
// differs from call to call.
func (b *Box) Seal(purpose string, aad, plaintext []byte) []byte {
	out := make([]byte, 1+chacha20poly1305.NonceSizeX, Overhead+len(plaintext))
	out[0] = version
	nonce := out[1:]
	rand.Read(nonce) // crypto/rand.Read never fails
	return b.subkeys(purpose).aead.Seal(out, nonce, plaintext, aad)
}

// Open is the inverse of Seal. It fails with ErrOpen.
func (b *Box) Open(purpose string, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrOpen
	}
	nonce, text := sealed[1:1+chacha20poly1305.NonceSizeX], sealed[1+chacha20poly1305.NonceSizeX:]
	plain, err := b.subkeys(purpose).aead.Open(nil, nonce, text, aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// MAC is the keyed hash of parts for purpose. Each part is hashed with its
// length before it, so that ("ab", "c") and ("a", "bc") differ. Compare results
// that come from outside with hmac.Equal or subtle.ConstantTimeCompare.
func (b *Box) MAC(purpose string, parts ...[]byte) (sum [32]byte) {
	keys := b.subkeys(purpose)
	mac := keys.macs.Get().(hash.Hash)
	var length [8]byte
	for _, part := range parts {
		binary.LittleEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write(part)
	}
	mac.Sum(sum[:0])
	mac.Reset()
	keys.macs.Put(mac)
	return sum
}

func (b *Box) subkeys(purpose string) *subkeys {
	if keys, ok := b.purposes.Load(purpose); ok {
		return keys.(*subkeys)
	}
	aead, err := chacha20poly1305.NewX(b.derive("seal", purpose))
	if err != nil {
		panic(err) // the key's length is a constant
	}
	macKey := b.derive("mac", purpose)
	keys, _ := b.purposes.LoadOrStore(purpose, &subkeys{
		aead: aead,
		macs: sync.Pool{New: func() any { return hmac.New(sha256.New, macKey) }},
	})
	return keys.(*subkeys)
}

func (b *Box) derive(use, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, b.master[:], nil, "chappe "+use+" "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}
