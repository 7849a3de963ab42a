package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/gobwas/ws"
)

const (
	// wsRoom is the longest header of a frame that a server sends: 2 bytes and 8 of length.
	wsRoom = 10
	// wsHeadMax is the longest that a client sends, which has 4 bytes of mask too.
	wsHeadMax = wsRoom + 4
	// wsControlMax is the longest payload of a control frame.
	wsControlMax = 125
)

// wsReader turns what a WebSocket client sends (RFC 6455) into the byte stream inside its binary
// messages. It works in place and keeps no buffer but an unfinished header or control frame.
type wsReader struct {
	// control is called with each ping and close frame, and ends the stream by an error.
	control func(op ws.OpCode, payload []byte) error

	head   [wsHeadMax]byte
	have   int // bytes in head
	left   int // payload bytes of the current frame still to come
	pos    int // payload bytes seen, for the mask
	mask   [4]byte
	op     ws.OpCode
	inside bool   // within a fragmented message
	ctl    []byte // payload of an unfinished control frame
	status []byte // of the peer's close frame, nil before it
}

// decode replaces the bytes of p by the payload in them and returns its length.
func (r *wsReader) decode(p []byte) (n int, err error) {
	for rest := p; len(rest) > 0; {
		if r.left == 0 {
			used, ok := r.header(rest)
			rest = rest[used:]
			if !ok {
				return n, nil
			}
			if err := r.begin(); err != nil {
				return n, err
			}
		}
		m := min(r.left, len(rest))
		ws.Cipher(rest[:m], r.mask, r.pos)
		r.pos += m
		r.left -= m
		if r.op.IsControl() {
			r.ctl = append(r.ctl, rest[:m]...)
		} else {
			n += copy(p[n:], rest[:m])
		}
		rest = rest[m:]
		if r.left == 0 && r.op.IsControl() {
			payload := r.ctl
			r.ctl = nil
			if err := r.control(r.op, payload); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// header collects the bytes of a frame header and reports whether it is complete.
func (r *wsReader) header(p []byte) (used int, ok bool) {
	for used < len(p) {
		r.head[r.have] = p[used]
		r.have++
		used++
		if r.have >= 2 && r.have == r.headLen() {
			return used, true
		}
	}
	return used, false
}

// headLen is the length of the header whose first two bytes are there.
func (r *wsReader) headLen() int {
	n := 2
	switch r.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if r.head[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// begin reads the complete header. It holds to what RFC 6455 demands of clients and to what we take
// from them: masked, binary, no extension, no frame above absoluteMax.
func (r *wsReader) begin() error {
	b, n := r.head[:r.have], uint64(r.head[1]&0x7f)
	switch n {
	case 126:
		n = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		n = binary.BigEndian.Uint64(b[2:])
	}
	fin, op := b[0]&0x80 != 0, ws.OpCode(b[0]&0x0f)
	switch {
	case b[1]&0x80 == 0:
		return fmt.Errorf("wire: unmasked WebSocket frame: %w", ErrMalformed)
	case b[0]&0x70 != 0:
		return fmt.Errorf("wire: WebSocket extension bits: %w", ErrMalformed)
	case n > absoluteMax || op.IsControl() && n > wsControlMax:
		return fmt.Errorf("wire: WebSocket frame of %d bytes: %w", n, ErrMalformed)
	case op.IsControl() && !fin:
		return fmt.Errorf("wire: fragmented WebSocket control frame: %w", ErrMalformed)
	case !op.IsControl() && (op == ws.OpContinuation) != r.inside:
		return fmt.Errorf("wire: WebSocket fragments out of order: %w", ErrMalformed)
	case !op.IsControl() && op != ws.OpBinary && op != ws.OpContinuation:
		return fmt.Errorf("wire: WebSocket message is not binary: %w", ErrMalformed)
	}
	copy(r.mask[:], b[len(b)-4:])
	r.op, r.left, r.pos, r.have = op, int(n), 0, 0
	if !op.IsControl() {
		r.inside = !fin
	}
	return nil
}

// wsHeader writes the header of one binary message into the free room in front of b[wsRoom:] and
// returns the whole.
func wsHeader(b []byte) []byte {
	n, start := len(b)-wsRoom, 0
	switch {
	case n <= 125:
		start = wsRoom - 2
		b[start+1] = byte(n)
	case n <= 0xffff:
		start = wsRoom - 4
		b[start+1] = 126
		binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[start] = 0x80 | byte(ws.OpBinary)
	return b[start:]
}

// wsControl answers a ping by its pong. At a close the stream has ended; wsFarewell answers it.
func (c *Conn) wsControl(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		return c.writeControl(ws.OpPong, payload)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		c.ws.status = append([]byte{}, payload[:min(len(payload), 2)]...) // without the reason
		return io.EOF
	}
	return fmt.Errorf("wire: unknown WebSocket control frame: %w", ErrMalformed)
}

// wsFarewell echoes the peer's close frame, if that is what ended the stream, once all frames before
// it were read.
func (c *Conn) wsFarewell() {
	if c.ws != nil && c.ws.status != nil {
		_ = c.writeControl(ws.OpClose, c.ws.status) // the stream is over either way
		c.ws.status = nil
	}
}

// writeControl writes one control frame.
func (c *Conn) writeControl(op ws.OpCode, payload []byte) error {
	out := newFrame(2 + wsControlMax)
	defer out.Release()
	b := append(out.Data, 0x80|byte(op), byte(len(payload)))
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.write(append(b, payload...))
}
