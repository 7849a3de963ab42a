package cipher

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
)

// KeySize is the size of an authorization key in bytes.
const KeySize = 256

// Key is an authorization key and its id. Copies share the bytes. It prints as
// its id; where fmt can't call Format, as in a field that isn't exported, it prints
// as a pointer.
type Key struct {
	secret *[KeySize]byte
	id     int64
}

// NewKey returns the key with these bytes, g^ab big-endian and padded on the left
// (core.telegram.org/mtproto/auth_key).
func NewKey(b [KeySize]byte) Key {
	return Key{secret: &b, id: KeyID(&b)}
}

// KeyID returns auth_key_id, the last 8 bytes of the key's SHA-1, as the TL long
// that a packet begins with. 0 marks an unencrypted packet, so a key with that id
// must be refused where keys are made.
func KeyID(b *[KeySize]byte) int64 {
	sum := sha1.Sum(b[:])
	return int64(binary.LittleEndian.Uint64(sum[12:]))
}

// ID returns auth_key_id.
func (k *Key) ID() int64 { return k.id }

// Bytes returns a copy of the secret, for sealing it at rest.
func (k *Key) Bytes() [KeySize]byte { return *k.secret }

// Format prints the id, never the secret, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("auth key %016x", uint64(k.id)))
}
