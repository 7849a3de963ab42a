package rawconn

import (
	"crypto/aes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gotd/ige"
)

// Side tells who sealed a packet; the keys of the two directions differ.
type Side int

// The values of x in the key derivation.
const (
	Client Side = 0
	Server Side = 8
)

// Sizes of the envelope in bytes.
const (
	envelope   = 24 // auth_key_id, msg_key
	inside     = 32 // salt, session_id, msg_id, seq_no, length
	minPadding = 12
	maxPadding = 1024
	hashRoom   = 32 // part of the key that is hashed before the plaintext
)

// ErrPacket is the one answer to a packet that does not open, whatever the cause.
var ErrPacket = errors.New("packet does not open")

// Message is one decrypted message.
//
// See https://core.telegram.org/mtproto/description#encrypted-message.
type Message struct {
	Salt, SessionID, ID int64
	Seq                 int32
	Body                []byte
}

// appendPlain appends the plaintext of m without padding.
func (m *Message) appendPlain(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, uint64(m.Salt))
	dst = le.AppendUint64(dst, uint64(m.SessionID))
	dst = le.AppendUint64(dst, uint64(m.ID))
	dst = le.AppendUint32(dst, uint32(m.Seq))
	dst = le.AppendUint32(dst, uint32(len(m.Body)))
	return append(dst, m.Body...)
}

// Seal appends the packet of m, with as little padding as is allowed, to dst.
// It fails only when rnd fails.
func Seal(dst []byte, k *Key, from Side, m Message, rnd io.Reader) ([]byte, error) {
	room := getBuffer(hashRoom + inside + len(m.Body) + minPadding + aes.BlockSize)
	defer putBuffer(room)
	b := m.appendPlain((*room)[:hashRoom])
	n := len(b)
	padded := n + minPadding
	padded += -(padded - hashRoom) & (aes.BlockSize - 1)
	b = slices.Grow(b, padded-n)[:padded]
	*room = b
	if _, err := io.ReadFull(rnd, b[n:]); err != nil {
		return dst, fmt.Errorf("draw padding: %w", err)
	}
	return encrypt(dst, k, from, b), nil
}

// SealPlaintext appends the packet of a whole plaintext, padding included, to
// dst. Nothing is checked but that it consists of whole AES blocks, which it must.
func SealPlaintext(dst []byte, k *Key, from Side, plaintext []byte) []byte {
	return encrypt(dst, k, from, append(make([]byte, hashRoom), plaintext...))
}

// encrypt seals what stands behind the first hashRoom bytes of b.
func encrypt(dst []byte, k *Key, from Side, b []byte) []byte {
	msgKey := messageKey(k, from, b)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(k.id))
	dst = append(dst, msgKey[:]...)
	n := len(dst)
	dst = slices.Grow(dst, len(b)-hashRoom)[:n+len(b)-hashRoom]
	key, iv := derive(k, from, &msgKey)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is never refused
	}
	ige.EncryptBlocks(block, iv[:], dst[n:], b[hashRoom:])
	return dst
}

// Open decrypts a packet into scratch, which grows when it must, and returns the
// message, whose body lies in scratch, and scratch. The msg_key is compared in
// constant time over the whole plaintext before any field is read. Up to 15
// bytes that a padding transport appended are ignored.
func Open(scratch []byte, k *Key, from Side, packet []byte) (Message, []byte, error) {
	n := (len(packet) - envelope) &^ (aes.BlockSize - 1)
	if n < inside+minPadding || int64(binary.LittleEndian.Uint64(packet)) != k.id {
		return Message{}, scratch, ErrPacket
	}
	scratch = slices.Grow(scratch[:0], hashRoom+n)[:hashRoom+n]
	msgKey := [16]byte(packet[8:envelope])
	key, iv := derive(k, from, &msgKey)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is never refused
	}
	ige.DecryptBlocks(block, iv[:], scratch[hashRoom:], packet[envelope:envelope+n])
	want := messageKey(k, from, scratch)
	if subtle.ConstantTimeCompare(want[:], msgKey[:]) != 1 {
		return Message{}, scratch, ErrPacket
	}
	p, le := scratch[hashRoom:], binary.LittleEndian
	size := int(int32(le.Uint32(p[28:])))
	if padding := n - inside - size; size < 0 || size%4 != 0 || padding < minPadding || padding > maxPadding {
		return Message{}, scratch, ErrPacket
	}
	return Message{
		Salt:      int64(le.Uint64(p)),
		SessionID: int64(le.Uint64(p[8:])),
		ID:        int64(le.Uint64(p[16:])),
		Seq:       int32(le.Uint32(p[24:])),
		Body:      p[inside : inside+size],
	}, scratch, nil
}

// messageKey is msg_key of the plaintext behind the first hashRoom bytes of b,
// which it overwrites.
//
// See https://core.telegram.org/mtproto/description#message-key-msg-key.
func messageKey(k *Key, from Side, b []byte) [16]byte {
	copy(b[:hashRoom], k.value[88+from:])
	sum := sha256.Sum256(b)
	return [16]byte(sum[8:24])
}

// derive returns the AES key and IGE vector of a msg_key.
//
// See https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector.
func derive(k *Key, from Side, msgKey *[16]byte) (key, iv [32]byte) {
	var in [52]byte
	copy(in[:], msgKey[:])
	copy(in[16:], k.value[from:])
	a := sha256.Sum256(in[:])
	copy(in[:36], k.value[40+from:])
	copy(in[36:], msgKey[:])
	b := sha256.Sum256(in[:])
	copy(key[:8], a[:8])
	copy(key[8:24], b[8:24])
	copy(key[24:], a[24:])
	copy(iv[:8], b[:8])
	copy(iv[8:24], a[8:24])
	copy(iv[24:], b[24:])
	return key, iv
}
