package rawconn

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// Codec is the framing of an MTProto transport.
//
// See https://core.telegram.org/mtproto/mtproto-transports.
type Codec uint8

// The framings; Full is of no use to a client and left out.
const (
	Intermediate Codec = iota
	Abridged
	Padded
)

// Transport is a framing, by default hidden under obfuscation.
type Transport struct {
	Codec Codec
	Plain bool // without obfuscation
}

const (
	// MaxFrame is the largest frame that is read, in bytes.
	MaxFrame = 16 << 20
	// minPacket is shorter than any packet; a frame below it is an error code.
	minPacket    = 20
	readBuffer   = 4 << 10
	writeTimeout = 30 * time.Second
)

// ErrFrame is a frame of impossible length.
var ErrFrame = errors.New("impossible frame")

// TransportError is a negative code the server sent in place of a packet: -404
// unknown authorization key, -429 too many connections, -444 wrong data centre.
//
// See https://core.telegram.org/mtproto/mtproto-transports#transport-errors.
type TransportError struct{ Code int32 }

func (e *TransportError) Error() string { return fmt.Sprintf("transport error %d", e.Code) }

// Link is a connection that carries frames.
type Link struct {
	conn  net.Conn
	codec Codec

	mu   sync.Mutex
	enc  cipher.Stream // nil: plain
	head []byte        // sent with the first frame
	rnd  io.Reader

	r     *bufio.Reader
	used  int    // bytes of r that the last frame took
	big   []byte // the last frame, if it did not fit into r
	plain []byte // the last decrypted packet
}

// NewLink returns a link over conn. The header goes out with the first frame; it
// names dc, the data centre (negative for media, 10000 added for test servers).
// It fails only when rnd fails.
func NewLink(conn net.Conn, t Transport, dc int, rnd io.Reader) (*Link, error) {
	l := &Link{conn: conn, codec: t.Codec, rnd: rnd}
	var r io.Reader = conn
	tag := [...][4]byte{
		Intermediate: {0xee, 0xee, 0xee, 0xee},
		Abridged:     {0xef, 0xef, 0xef, 0xef},
		Padded:       {0xdd, 0xdd, 0xdd, 0xdd},
	}[t.Codec]
	switch {
	case t.Plain && t.Codec == Abridged:
		l.head = tag[:1]
	case t.Plain:
		l.head = tag[:]
	default:
		dec, err := l.obfuscate(tag, dc)
		if err != nil {
			return nil, err
		}
		r = &cipher.StreamReader{S: dec, R: conn}
	}
	l.r = bufio.NewReaderSize(r, readBuffer)
	return l, nil
}

// obfuscate draws the header of an obfuscated link and makes its two key streams.
//
// See https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation.
func (l *Link) obfuscate(tag [4]byte, dc int) (dec cipher.Stream, err error) {
	h := make([]byte, 64)
	for {
		if _, err := io.ReadFull(l.rnd, h); err != nil {
			return nil, fmt.Errorf("draw obfuscation header: %w", err)
		}
		if !forbidden(h) {
			break
		}
	}
	back := slices.Clone(h[8:56])
	slices.Reverse(back)
	l.enc = stream(h[8:40], h[40:56])
	dec = stream(back[:32], back[32:])
	copy(h[56:], tag[:])
	binary.LittleEndian.PutUint16(h[60:], uint16(int16(dc)))
	tail := slices.Clone(h)
	l.enc.XORKeyStream(tail, tail)
	copy(h[56:], tail[56:])
	l.head = h
	return dec, nil
}

// forbidden reports whether a header could be taken for another protocol.
func forbidden(h []byte) bool {
	le := binary.LittleEndian
	switch le.Uint32(h) {
	case 0x44414548, 0x54534f50, 0x20544547, 0x4954504f, // HEAD, POST, GET, OPTI
		0x02010316, 0xdddddddd, 0xeeeeeeee: // TLS, padded, intermediate
		return true
	}
	return h[0] == 0xef || le.Uint32(h[4:]) == 0
}

func stream(key, iv []byte) cipher.Stream {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // a key of 32 bytes is never refused
	}
	return cipher.NewCTR(block, iv)
}

// WriteFrame sends one frame, of any content, in one write. Abridged and
// intermediate links carry whole words of four bytes only.
func (l *Link) WriteFrame(frame []byte) error {
	buf := getBuffer(len(l.head) + 4 + len(frame) + 15)
	defer putBuffer(buf)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := append((*buf)[:0], l.head...)
	plain := len(b)
	b, err := l.appendFrame(b, frame)
	if err != nil {
		return err
	}
	*buf, l.head = b, nil
	if l.enc != nil {
		l.enc.XORKeyStream(b[plain:], b[plain:])
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	if _, err := l.conn.Write(b); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

func (l *Link) appendFrame(b, frame []byte) ([]byte, error) {
	switch words := len(frame) / 4; {
	case l.codec == Padded:
		var pad [16]byte
		if _, err := io.ReadFull(l.rnd, pad[:]); err != nil {
			return nil, fmt.Errorf("draw frame padding: %w", err)
		}
		n := int(pad[15] & 15)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(frame)+n))
		return append(append(b, frame...), pad[:n]...), nil
	case l.codec == Intermediate:
		b = binary.LittleEndian.AppendUint32(b, uint32(len(frame)))
	case words < 0x7f:
		b = append(b, byte(words))
	default:
		b = append(b, 0x7f, byte(words), byte(words>>8), byte(words>>16))
	}
	return append(b, frame...), nil
}

// ReadFrame returns the next frame, valid until the next call. A frame that
// carries an error code is returned as *[TransportError].
func (l *Link) ReadFrame() ([]byte, error) {
	if _, err := l.r.Discard(l.used); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	l.used, l.big = 0, nil
	n, err := l.readLength()
	if err != nil {
		return nil, fmt.Errorf("read frame length: %w", err)
	}
	if n < 4 || n > MaxFrame {
		return nil, ErrFrame
	}
	frame, err := l.readBody(n)
	if err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	if n < minPacket {
		if code := int32(binary.LittleEndian.Uint32(frame)); code < 0 {
			return nil, &TransportError{Code: code}
		}
		return nil, ErrFrame
	}
	return frame, nil
}

func (l *Link) readLength() (int, error) {
	if l.codec != Abridged {
		var b [4]byte
		_, err := io.ReadFull(l.r, b[:])
		return int(int32(binary.LittleEndian.Uint32(b[:]))), err
	}
	first, err := l.r.ReadByte()
	if err != nil || first < 0x7f {
		return int(first) * 4, err
	}
	var b [4]byte
	if _, err := io.ReadFull(l.r, b[:3]); err != nil {
		return 0, err
	}
	if first != 0x7f {
		return 0, ErrFrame
	}
	return int(binary.LittleEndian.Uint32(b[:])) * 4, nil
}

// readBody reads n bytes; memory grows with what has really arrived.
func (l *Link) readBody(n int) ([]byte, error) {
	if n <= l.r.Size() {
		l.used = n
		return l.r.Peek(n)
	}
	for len(l.big) < n {
		have := len(l.big)
		l.big = slices.Grow(l.big, min(n-have, max(have, keepBuffer)))
		l.big = l.big[:min(n, cap(l.big))]
		if _, err := io.ReadFull(l.r, l.big[have:]); err != nil {
			return nil, err
		}
	}
	return l.big, nil
}

// WriteMessage seals m as the client and sends it.
func (l *Link) WriteMessage(k *Key, m Message) error {
	buf := getBuffer(0)
	defer putBuffer(buf)
	b, err := Seal((*buf)[:0], k, Client, m, l.rnd)
	if err != nil {
		return err
	}
	*buf = b
	return l.WriteFrame(b)
}

// ReadMessage returns the next message of the server; its body is valid until the
// next call. Packets of no key (auth_key_id 0) have no place here and are skipped.
func (l *Link) ReadMessage(k *Key) (Message, error) {
	for {
		frame, err := l.ReadFrame()
		if err != nil {
			return Message{}, err
		}
		if binary.LittleEndian.Uint64(frame) == 0 {
			continue
		}
		m, plain, err := Open(l.plain, k, Server, frame)
		if l.plain = plain; cap(plain) > keepBuffer {
			l.plain = nil
		}
		return m, err
	}
}

// Close ends the link; a read or write under way fails.
func (l *Link) Close() error { return l.conn.Close() }
