package wire

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is one connection that speaks MTProto. ReadFrame belongs to one goroutine at a time; all
// other methods are safe for concurrent use.
type Conn struct {
	srv  *Server
	nc   net.Conn        // TLS or the socket
	sock net.Conn        // the socket
	raw  syscall.RawConn // nil where the descriptor can't be waited for: TLS, tests
	try  func(fd uintptr) bool
	ws   *wsReader    // nil without WebSocket
	obf  *obfuscation // nil without obfuscation
	addr netip.Addr

	framing framing
	secure  bool // inside TLS
	over    bool // beyond the limit of its address: to be told -429

	auth   atomic.Bool // no longer counted by the gate as a connection that has shown no key
	closed atomic.Bool

	// Of the reading goroutine.
	armed   bool    // a read deadline is set
	first   [1]byte // what arrives first where the descriptor can't be waited for
	seqIn   uint32
	grain   int    // bytes that may still arrive before the read deadline is renewed
	in      *Frame // bytes read but not consumed, nil rather than empty
	readErr error  // what ended the stream behind them

	wmu    sync.Mutex
	seqOut uint32
	wuntil time.Time // the write deadline that is set
}

// grainSize is how much of a frame must arrive before its deadline for the deadline to be renewed.
const grainSize = 8 << 10

func newConn(s *Server, nc net.Conn) *Conn {
	c := &Conn{srv: s, nc: nc, sock: nc, raw: rawConn(nc), addr: remoteAddr(nc)}
	if t, ok := nc.(*tls.Conn); ok {
		c.secure, c.sock = true, t.NetConn()
	}
	if c.raw != nil {
		c.try = c.tryRead
	}
	return c
}

// remoteAddr returns the peer's address, zero when it has none (a pipe).
func remoteAddr(nc net.Conn) netip.Addr {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// ReadFrame returns the next frame: at least 20 bytes, at most Limits.PreAuthFrame when its
// auth_key_id is zero (https://core.telegram.org/mtproto/description#unencrypted-message) and
// Limits.Frame otherwise. It waits as long as it takes once Authenticated was called. io.EOF means
// that the peer closed between two frames; errors.Is(err, ErrMalformed), that the peer broke the
// transport. After an error the connection is of no further use.
func (c *Conn) ReadFrame() (*Frame, error) {
	c.begin()
	if err := c.await(); err != nil {
		c.wsFarewell()
		return nil, err
	}
	body, quick, err := c.readHead()
	if err != nil {
		return nil, err
	}
	f, err := c.readBody(body)
	if err != nil {
		return nil, err
	}
	if f.Data, err = c.framing.payload(f.Data, c.seqIn); err != nil {
		f.Release()
		return nil, err
	}
	c.seqIn++
	f.QuickAck = quick
	return f, nil
}

// begin sets the deadline of the next frame: none while an authenticated peer has nothing to say.
// The first frame's was set when the header was read.
func (c *Conn) begin() {
	switch {
	case !c.auth.Load():
		if c.seqIn > 0 {
			c.arm(c.srv.limits.PreAuth)
		}
		c.grain = grainSize
	case c.armed:
		c.disarm()
		fallthrough
	default:
		c.grain = 0
	}
}

func (c *Conn) arm(d time.Duration) {
	c.armed = true
	_ = c.nc.SetReadDeadline(time.Now().Add(d)) // fails on a closed connection, as the read will
}

func (c *Conn) disarm() {
	c.armed = false
	_ = c.nc.SetReadDeadline(time.Time{}) // fails on a closed connection, as the read will
}

// await returns when there is at least one byte to consume. It holds no buffer while it waits, and
// calls nothing deep before.
func (c *Conn) await() (err error) {
	for c.in == nil {
		if c.readErr != nil {
			return c.readErr
		}
		if c.raw != nil {
			err = c.raw.Read(c.try)
		} else {
			err = c.readFirst()
		}
		switch {
		case c.in != nil:
			c.in.Data = c.in.Data[:c.unwrap(c.in.Data)]
			c.consume(0)
		case err == nil:
		case c.armed && c.auth.Load() && errors.Is(err, os.ErrDeadlineExceeded):
			c.disarm() // authenticated since the deadline was set
		default:
			return err
		}
	}
	return nil
}

// readFirst waits with a buffer of one byte.
func (c *Conn) readFirst() error {
	n, err := c.nc.Read(c.first[:])
	if n > 0 {
		c.in = newFrame(chunkSize)
		c.in.Data = append(c.in.Data, c.first[0])
	}
	return err
}

// unwrap takes WebSocket and obfuscation off p in place and returns how many bytes are left. What
// ends the stream behind them goes to readErr.
func (c *Conn) unwrap(p []byte) int {
	n := len(p)
	if c.ws != nil {
		var err error
		if n, err = c.ws.decode(p); err != nil {
			c.readErr = err
		}
	}
	if c.obf != nil && n > 0 {
		c.obf.dec.xor(p[:n])
	}
	return n
}

// consume drops n bytes of c.in.
func (c *Conn) consume(n int) {
	c.in.Data = c.in.Data[n:]
	if len(c.in.Data) == 0 {
		c.in.Release()
		c.in = nil
	}
}

// need waits until c.in has at least n bytes, n being small.
func (c *Conn) need(n int) error {
	if err := c.await(); err != nil {
		return err
	}
	for len(c.in.Data) < n {
		have := copy(c.in.store, c.in.Data)
		m, err := c.more(c.in.store[have:])
		if err != nil {
			return err
		}
		c.in.Data = c.in.store[:have+m]
	}
	return nil
}

// more reads at least one byte of something that has begun into p. The deadline is renewed whenever
// grainSize bytes have arrived.
func (c *Conn) more(p []byte) (int, error) {
	for c.readErr == nil {
		if c.grain <= 0 {
			c.grain = grainSize
			if c.auth.Load() {
				c.arm(c.srv.limits.Stall)
			} else {
				c.arm(c.srv.limits.FirstFrame)
			}
		}
		n, err := c.nc.Read(p)
		if n == 0 && err != nil {
			c.readErr = err
		} else if n = c.unwrap(p[:n]); n > 0 {
			c.grain -= n
			return n, nil
		}
	}
	if c.readErr == io.EOF {
		c.readErr = io.ErrUnexpectedEOF
	}
	return 0, fmt.Errorf("wire: reading: %w", c.readErr)
}

// readHead consumes the header of a frame and returns the length of its body, which is within the
// limits. The limit depends on the first eight bytes of the body, auth_key_id: who shows a key may
// send its first queries along with it.
func (c *Conn) readHead() (body int, quick bool, err error) {
	var lead int
	for ok := false; ; {
		if lead, body, quick, ok = c.framing.head(c.in.Data); ok {
			break
		}
		if err := c.need(lead); err != nil {
			return 0, false, err
		}
	}
	if err := c.framing.check(body, c.srv.limits.Frame); err != nil {
		return 0, false, err
	}
	if err := c.need(lead + 8); err != nil {
		return 0, false, err
	}
	b := c.in.Data
	if c.framing == full && binary.LittleEndian.Uint32(b[4:]) != c.seqIn {
		return 0, false, fmt.Errorf("wire: packet out of sequence: %w", ErrMalformed)
	}
	if binary.LittleEndian.Uint64(b[lead:]) == 0 {
		if err := c.framing.check(body, c.srv.limits.PreAuthFrame); err != nil {
			return 0, false, err
		}
	}
	c.consume(lead)
	return body, quick, nil
}

// readBody reads a body of n bytes. Its buffer grows with what has arrived.
func (c *Conn) readBody(n int) (*Frame, error) {
	f := newFrame(min(n, chunkSize))
	got := 0
	if c.in != nil {
		got = copy(f.store[:min(n, len(f.store))], c.in.Data)
		c.consume(got)
	}
	for got < n {
		if got == len(f.store) {
			bigger := newFrame(min(n, 4*got))
			copy(bigger.store, f.store)
			f.Release()
			f = bigger
		}
		m, err := c.more(f.store[got:min(n, len(f.store))])
		if err != nil {
			f.Release()
			return nil, err
		}
		got += m
	}
	f.Data = f.store[:n]
	return f, nil
}

// WriteFrames writes each of frames as one packet, all of them in one write. It copies them, so they
// may be reused at once. It blocks while the peer doesn't read, at most twice Limits.Write, after
// which the connection is closed.
func (c *Conn) WriteFrames(frames ...[]byte) error {
	size := wsRoom
	for _, p := range frames {
		if len(p) == 0 || len(p)%4 != 0 || len(p) > absoluteMax {
			return errPayload
		}
		size += len(p) + maxOverhead
	}
	out := newFrame(size)
	defer out.Release()
	c.wmu.Lock()
	defer c.wmu.Unlock()
	b := out.store[:wsRoom]
	for _, p := range frames {
		b = c.framing.append(b, p, c.seqOut)
		c.seqOut++
	}
	return c.send(b)
}

// WriteQuickAck answers a frame that had QuickAck set, with the first 32 bits of the SHA-256 that
// its msg_key was taken from (https://core.telegram.org/mtproto/mtproto-transports#quick-ack). On
// the full transport, which has no such answer, it does nothing.
func (c *Conn) WriteQuickAck(token uint32) error {
	out := newFrame(wsRoom + 4)
	defer out.Release()
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.send(c.framing.appendQuickAck(out.store[:wsRoom], token))
}

// WriteError writes a transport error: -404 unknown key, -429 too much, -444 wrong DC
// (https://core.telegram.org/mtproto/mtproto-transports#transport-errors).
func (c *Conn) WriteError(code int32) error {
	var p [4]byte
	binary.LittleEndian.PutUint32(p[:], uint32(code))
	return c.WriteFrames(p[:])
}

// send obfuscates and writes b, whose first wsRoom bytes are left free for a WebSocket header. The
// write lock is held. An empty packet list is not written.
func (c *Conn) send(b []byte) error {
	if len(b) == wsRoom {
		return nil
	}
	if c.obf != nil {
		c.obf.enc.xor(b[wsRoom:])
	}
	if c.ws == nil {
		return c.write(b[wsRoom:])
	}
	return c.write(wsHeader(b))
}

// write writes b under the write lock. The deadline is only moved when less than Limits.Write is
// left of it, as moving it costs more than looking at the clock.
func (c *Conn) write(b []byte) error {
	now := time.Now()
	if d := c.srv.limits.Write; c.wuntil.Sub(now) < d {
		c.wuntil = now.Add(2 * d)
		_ = c.nc.SetWriteDeadline(c.wuntil) // fails on a closed connection, as the write will
	}
	if _, err := c.nc.Write(b); err != nil {
		_ = c.Close()
		return fmt.Errorf("wire: writing: %w", err)
	}
	return nil
}

// DC returns the DC that the obfuscated2 header names, as sent: negative for media, 10000 more for
// test. It is 0 for transports that don't tell.
func (c *Conn) DC() int {
	if c.obf == nil {
		return 0
	}
	return int(c.obf.dc)
}

// Remote returns the peer's address, zero if it has none.
func (c *Conn) Remote() netip.Addr { return c.addr }

// Transport names the transport for metrics: abridged, intermediate, padded or full, after
// "obfuscated+" with an obfuscated2 header, after "ws+" on a WebSocket, after "tls+" inside TLS.
func (c *Conn) Transport() string {
	s := c.framing.String()
	if c.obf != nil {
		s = "obfuscated+" + s
	}
	if c.ws != nil {
		s = "ws+" + s
	}
	if c.secure {
		s = "tls+" + s
	}
	return s
}

// Authenticated says that the peer has shown a valid key: its frames may take their time, and it no
// longer counts against its address.
func (c *Conn) Authenticated() {
	if !c.auth.Swap(true) {
		c.srv.gate.leave(gatePreAuth, c.addr)
	}
}

// Close closes the connection at once; what was not written yet is lost.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.sock.Close() // not TLS, whose farewell might block
}
