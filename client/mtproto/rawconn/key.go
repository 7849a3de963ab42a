// Package rawconn is the floor under package mtproto: frames of the MTProto
// transports, the MTProto 2.0 envelope and message numbers, without any policy.
// It sends what it is told to send, also what no honest client would, so tests
// that attack a server stand on it as well as the client itself.
//
// A [Link] may be written to by several goroutines and read by one.
package rawconn

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"log/slog"
)

// KeySize is the length of an authorization key in bytes.
const KeySize = 256

// Key is an authorization key. It prints as its id only.
//
// See https://core.telegram.org/mtproto/auth_key.
type Key struct {
	value [KeySize]byte
	id    int64
}

// NewKey returns the key of these bytes.
func NewKey(value [KeySize]byte) Key {
	sum := sha1.Sum(value[:])
	return Key{value: value, id: int64(binary.LittleEndian.Uint64(sum[12:]))}
}

// Value returns the secret bytes, to be stored.
func (k Key) Value() [KeySize]byte { return k.value }

// ID returns auth_key_id, the lower 64 bits of the key's SHA-1.
func (k Key) ID() int64 { return k.id }

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Format prints the id and never the key, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "Key(%016x)", uint64(k.id))
}

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }
