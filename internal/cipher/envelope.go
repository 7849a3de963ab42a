package cipher

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// Sizes of the envelope, in bytes.
const (
	// Overhead is the most that Seal adds to a plaintext.
	Overhead = outer + minPadding + blockSize - 1

	outer      = 8 + 16            // auth_key_id, msg_key
	inner      = 8 + 8 + 8 + 4 + 4 // salt, session_id, msg_id, seq_no, length
	blockSize  = 16
	minPadding = 12
	maxPadding = 1024
)

// ErrPacket is the only failure of Open and OpenBind. It says nothing about what
// was wrong, on purpose.
var ErrPacket = errors.New("cipher: packet refused")

// Side says which way a packet travels. The two directions use different parts of
// the key, so that a packet sent back to its author does not open.
type Side uint8

// The values are the x of core.telegram.org/mtproto/description.
const (
	ToServer Side = 0
	ToClient Side = 8
)

// Message is what an envelope holds. Body is not copied: it lies in the packet.
type Message struct {
	Salt      int64
	SessionID int64
	ID        int64
	Seq       int32
	Body      []byte
	// QuickAck is the token that acknowledges the packet to its transport
	// (core.telegram.org/mtproto/mtproto-transports#quick-ack).
	QuickAck uint32
}

// Seal encrypts plaintext (salt ‖ session_id ‖ msg_id ‖ seq_no ‖ length ‖ body)
// under k and appends the packet to dst, which must not overlap plaintext and which
// grows by at most len(plaintext)+Overhead. The padding is the shortest allowed,
// 12 to 27 bytes of rand; Random is the source meant for it. A source that fails
// would leave the padding guessable, so Seal panics, as crypto/rand does.
func Seal(dst []byte, k *Key, side Side, plaintext []byte, rand io.Reader) []byte {
	n := len(plaintext)
	padding := minPadding + -(n+minPadding)&(blockSize-1)
	dst, data := extend(dst, k.id, n+padding)
	copy(data, plaintext)
	if _, err := io.ReadFull(rand, data[n:]); err != nil {
		panic("cipher: no randomness: " + err.Error())
	}
	seal(k, side, dst[len(dst)-len(data)-16:])
	return dst
}

// extend appends auth_key_id, room for msg_key and size bytes of data to dst.
func extend(dst []byte, id int64, size int) (_, data []byte) {
	start, total := len(dst), len(dst)+outer+size
	if cap(dst) < total {
		dst = append(make([]byte, 0, total), dst...)
	}
	dst = dst[:total]
	binary.LittleEndian.PutUint64(dst[start:], uint64(id))
	return dst, dst[start+outer:]
}

// seal encrypts in place: packet is room for msg_key, then the padded plaintext.
func seal(k *Key, side Side, packet []byte) {
	msgKey, data := (*[16]byte)(packet), packet[16:]
	hash := keyHash(k, side, data)
	*msgKey = [16]byte(hash[8:])
	key, iv := derive(k, side, msgKey)
	EncryptIGE(&key, &iv, data)
}

// Open decrypts a packet in place and returns the message in it. Up to 15 bytes
// beyond the last whole block are the transport's padding and are ignored.
func Open(k *Key, side Side, packet []byte) (Message, error) {
	if len(packet) < outer {
		return Message{}, ErrPacket
	}
	id := int64(binary.LittleEndian.Uint64(packet))
	msgKey := (*[16]byte)(packet[8:])
	data := packet[outer:]
	data = data[:len(data)&^(blockSize-1)]

	key, iv := derive(k, side, msgKey)
	DecryptIGE(&key, &iv, data)
	hash := keyHash(k, side, data)
	if subtle.ConstantTimeCompare(hash[8:24], msgKey[:]) != 1 || id != k.id {
		return Message{}, ErrPacket
	}
	m, err := parse(data)
	if err != nil {
		return Message{}, err
	}
	m.QuickAck = binary.LittleEndian.Uint32(hash[:]) | 1<<31
	return m, nil
}

// parse reads a plaintext that msg_key vouches for.
func parse(data []byte) (Message, error) {
	if len(data) < inner {
		return Message{}, ErrPacket
	}
	length := binary.LittleEndian.Uint32(data[28:])
	if length > math.MaxInt32 || length%4 != 0 {
		return Message{}, ErrPacket
	}
	padding := len(data) - inner - int(length)
	if padding < minPadding || padding > maxPadding {
		return Message{}, ErrPacket
	}
	return Message{
		Salt:      int64(binary.LittleEndian.Uint64(data)),
		SessionID: int64(binary.LittleEndian.Uint64(data[8:])),
		ID:        int64(binary.LittleEndian.Uint64(data[16:])),
		Seq:       int32(binary.LittleEndian.Uint32(data[24:])),
		Body:      data[inner : inner+length : inner+length],
	}, nil
}

// keyHash is msg_key_large, of which msg_key is the middle 128 bits:
// SHA256(substr(auth_key, 88+x, 32) ‖ plaintext ‖ padding).
func keyHash(k *Key, side Side, data []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(k.secret[88+int(side) : 88+int(side)+32])
	h.Write(data)
	h.Sum(sum[:0])
	return sum
}

// derive computes the AES key and the IGE vectors of one packet
// (core.telegram.org/mtproto/description, "Defining AES Key and Initialization
// Vector").
func derive(k *Key, side Side, msgKey *[16]byte) (key, iv [32]byte) {
	x := int(side)
	var in [16 + 36]byte
	copy(in[:], msgKey[:])
	copy(in[16:], k.secret[x:])
	a := sha256.Sum256(in[:])
	copy(in[:], k.secret[40+x:40+x+36])
	copy(in[36:], msgKey[:])
	b := sha256.Sum256(in[:])

	copy(key[:], a[:8])
	copy(key[8:], b[8:24])
	copy(key[24:], a[24:])
	copy(iv[:], b[:8])
	copy(iv[8:], a[8:24])
	copy(iv[24:], b[24:])
	return key, iv
}
