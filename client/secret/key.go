package secret

import (
	"crypto/aes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/gotd/ige"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
)

// Sizes in bytes.
const (
	keySize    = 256
	frameHead  = 24 // key_fingerprint, msg_key
	lengthSize = 4
	minPadding = 12
	maxPadding = 1024
)

// redacted is how secrets print, whatever the verb.
const redacted = "(secret)"

var errFrame = errors.New("frame does not open")

// exponent is the secret half of a key exchange, big-endian.
type exponent [keySize]byte

// Format keeps the exponent out of whatever is printed.
func (exponent) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue keeps the exponent out of logs.
func (exponent) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes the exponent for the stored state.
func (a exponent) MarshalText() ([]byte, error) { return hexText(a[:]), nil }

// UnmarshalText reads the exponent from the stored state.
func (a *exponent) UnmarshalText(b []byte) error { return unhex(a[:], b) }

// chatKey is a key of a secret chat. It prints as its fingerprint.
type chatKey struct {
	value crypto.Key
	id    int64
}

func newChatKey(value [keySize]byte) *chatKey {
	sum := sha1.Sum(value[:])
	return &chatKey{value: value, id: int64(binary.LittleEndian.Uint64(sum[12:]))}
}

// Format prints the fingerprint and never the key.
func (k chatKey) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "key(%016x)", uint64(k.id)) }

// LogValue keeps the key out of logs.
func (k chatKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// MarshalText writes the key for the stored state.
func (k chatKey) MarshalText() ([]byte, error) { return hexText(k.value[:]), nil }

// UnmarshalText reads the key from the stored state.
func (k *chatKey) UnmarshalText(b []byte) error {
	var value [keySize]byte
	if err := unhex(value[:], b); err != nil {
		return err
	}
	*k = *newChatKey(value)
	return nil
}

func hexText(b []byte) []byte { return hex.AppendEncode(nil, b) }

func unhex(dst, text []byte) error {
	if len(text) != hex.EncodedLen(len(dst)) {
		return errState
	}
	_, err := hex.Decode(dst, text)
	return err
}

// seal returns the frame of a payload: key_fingerprint, msg_key, then length,
// payload and 12 to 27 random bytes under AES-256-IGE. It fails only when rnd
// fails.
//
// See https://core.telegram.org/api/end-to-end#serialization-and-encryption-of-outgoing-messages.
func (k *chatKey) seal(from Role, payload []byte, rnd io.Reader) ([]byte, error) {
	size := lengthSize + len(payload) + minPadding
	size += -size & (aes.BlockSize - 1)
	plain := make([]byte, size)
	binary.LittleEndian.PutUint32(plain, uint32(len(payload)))
	n := lengthSize + copy(plain[lengthSize:], payload)
	if _, err := io.ReadFull(rnd, plain[n:]); err != nil {
		return nil, fmt.Errorf("draw padding: %w", err)
	}
	return k.encrypt(from, plain), nil
}

func (k *chatKey) encrypt(from Role, plain []byte) []byte {
	msgKey := crypto.MessageKey(k.value, plain, crypto.Side(from))
	frame := make([]byte, frameHead+len(plain))
	binary.LittleEndian.PutUint64(frame, uint64(k.id))
	copy(frame[8:], msgKey[:])
	key, iv := crypto.Keys(k.value, msgKey, crypto.Side(from))
	ige.EncryptBlocks(cipherOf(key[:]), iv[:], frame[frameHead:], plain)
	return frame
}

// open returns the payload of a frame. The msg_key is compared in constant time
// over the whole plaintext before anything in it is read. Up to 15 bytes that
// follow the last block are ignored, as TDLib does.
func (k *chatKey) open(from Role, frame []byte) ([]byte, error) {
	n := (len(frame) - frameHead) &^ (aes.BlockSize - 1)
	if n <= 0 {
		return nil, errFrame
	}
	msgKey := bin.Int128(frame[8:frameHead])
	key, iv := crypto.Keys(k.value, msgKey, crypto.Side(from))
	plain := make([]byte, n)
	ige.DecryptBlocks(cipherOf(key[:]), iv[:], plain, frame[frameHead:frameHead+n])
	want := crypto.MessageKey(k.value, plain, crypto.Side(from))
	if subtle.ConstantTimeCompare(want[:], msgKey[:]) != 1 {
		return nil, errFrame
	}
	size := int(int32(binary.LittleEndian.Uint32(plain)))
	padding := n - lengthSize - size
	if size < 0 || size%4 != 0 || padding < minPadding || padding > maxPadding {
		return nil, errFrame
	}
	return plain[lengthSize : lengthSize+size], nil
}
