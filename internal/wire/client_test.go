package wire

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// variant is one way to speak MTProto to the port.
type variant struct {
	framing framing
	obf     bool
	ws      bool
	tls     bool
	bytes   bool // deliver one byte per write
}

func (v variant) String() string {
	s := v.framing.String()
	for _, p := range []struct {
		on   bool
		name string
	}{{v.obf, "obfuscated+"}, {v.ws, "ws+"}, {v.tls, "tls+"}} {
		if p.on {
			s = p.name + s
		}
	}
	return s
}

// variants returns every combination of transport, obfuscation, WebSocket and TLS.
func variants() (all []variant) {
	for i := range 32 {
		v := variant{framing: framing(i & 3), obf: i&4 != 0, ws: i&8 != 0, tls: i&16 != 0}
		if v.framing != full || !v.obf {
			all = append(all, v)
		}
	}
	return all
}

// client is the other side of a Conn.
type client struct {
	t        testing.TB
	rw       io.ReadWriter
	close    func() error
	framing  framing
	enc, dec cipher.Stream
	seq      uint32
}

// wsStream is a client's WebSocket as a byte stream.
type wsStream struct {
	rw   io.ReadWriter
	left int64
}

func (s *wsStream) Write(p []byte) (int, error) {
	f := ws.MaskFrame(ws.NewBinaryFrame(slices.Clone(p)))
	return len(p), ws.WriteFrame(s.rw, f)
}

func (s *wsStream) Read(p []byte) (int, error) {
	for s.left == 0 {
		h, err := ws.ReadHeader(s.rw)
		if err != nil {
			return 0, err
		}
		s.left = h.Length
	}
	n, err := s.rw.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

// byByte writes one byte at a time.
type byByte struct{ io.ReadWriter }

func (b byByte) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := b.ReadWriter.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// obfuscatedHeader makes an obfuscated2 header that names t and dc, and the client's ciphers.
func obfuscatedHeader(t framing, dc int16) (h [headerLen]byte, enc, dec cipher.Stream) {
	for {
		_, _ = rand.Read(h[:])
		if k, _, _ := sniff(h[:]); k == kindObfuscated {
			break
		}
	}
	tag := [...]uint32{abridged: 0xefefefef, intermediate: 0xeeeeeeee, padded: 0xdddddddd, full: 0}[t]
	binary.LittleEndian.PutUint32(h[56:], tag)
	binary.LittleEndian.PutUint16(h[60:], uint16(dc))
	back := h
	slices.Reverse(back[8:56])
	enc, dec = ctrOf(h[8:56]), ctrOf(back[8:56])
	sealed := h
	enc.XORKeyStream(sealed[:], sealed[:])
	copy(h[56:], sealed[56:])
	return h, enc, dec
}

// ctrOf returns AES-256-CTR for 32 bytes of key and 16 of initialization vector.
func ctrOf(keyIV []byte) cipher.Stream {
	block, err := aes.NewCipher(keyIV[:32])
	if err != nil {
		panic(err)
	}
	return cipher.NewCTR(block, keyIV[32:])
}

// greetingOf returns the bytes that begin a plain transport.
func greetingOf(t framing) []byte {
	return [][]byte{abridged: {0xef}, intermediate: bytes.Repeat([]byte{0xee}, 4), padded: bytes.Repeat([]byte{0xdd}, 4), full: nil}[t]
}

// dial connects to addr the way v says.
func dial(t testing.TB, addr string, v variant) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	var rw io.ReadWriter = nc
	if v.tls {
		rw = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	if v.ws {
		d := ws.Dialer{Protocols: []string{"binary"}}
		_, hs, err := d.Upgrade(rw, mustURL(t, "ws://"+addr+"/apiws"))
		if err != nil {
			t.Fatal("upgrade:", err)
		}
		if hs.Protocol != "binary" {
			t.Fatalf("subprotocol %q", hs.Protocol)
		}
		rw = &wsStream{rw: rw}
	}
	if v.bytes {
		rw = byByte{rw}
	}
	return begin(t, rw, nc.Close, v)
}

// begin sends the transport header of v over rw.
func begin(t testing.TB, rw io.ReadWriter, closer func() error, v variant) *client {
	t.Helper()
	c := &client{t: t, rw: rw, close: closer, framing: v.framing}
	hello := greetingOf(v.framing)
	if v.obf {
		h, enc, dec := obfuscatedHeader(v.framing, -2)
		hello, c.enc, c.dec = h[:], enc, dec
	}
	if len(hello) > 0 {
		if _, err := rw.Write(hello); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// packet encodes p as the client's next packet.
func (c *client) packet(p []byte, quick bool) []byte {
	b := c.framing.append(nil, p, c.seq)
	c.seq++
	if quick {
		switch c.framing {
		case abridged:
			b[0] |= 0x80
		case intermediate, padded:
			b[3] |= 0x80
		}
	}
	if c.enc != nil {
		c.enc.XORKeyStream(b, b)
	}
	return b
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.rw.Write(b); err != nil {
		c.t.Fatal("client write:", err)
	}
}

// read returns n bytes of the server's stream.
func (c *client) read(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.rw, b); err != nil {
		c.t.Fatal("client read:", err)
	}
	if c.dec != nil {
		c.dec.XORKeyStream(b, b)
	}
	return b
}

// receive returns the next packet from the server.
func (c *client) receive(seq uint32) []byte {
	c.t.Helper()
	var b []byte
	for {
		lead, body, quick, ok := c.framing.head(b)
		if !ok {
			b = append(b, c.read(lead-len(b))...)
			continue
		}
		if quick {
			c.t.Fatal("unexpected quick acknowledgment")
		}
		p := c.read(body)
		if len(p) == 4 {
			return p
		}
		p, err := c.framing.payload(p, seq)
		if err != nil {
			c.t.Fatal(err)
		}
		return p
	}
}

// encrypted returns a message of an invented key, with n bytes of ciphertext.
func encrypted(n int) []byte {
	b := make([]byte, 24+n)
	_, _ = rand.Read(b)
	b[0] |= 1
	return b
}

// unencrypted returns a message without a key, with n bytes of content.
func unencrypted(n int) []byte {
	b := make([]byte, minPayload+n)
	_, _ = rand.Read(b[minPayload:])
	binary.LittleEndian.PutUint32(b[16:], uint32(n))
	return b
}

// serve runs s on a loopback port until the test ends and returns the address.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, s, l)
	return l.Addr().String()
}

func serveOn(t testing.TB, s *Server, l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		s.CloseConns()
		if err := <-done; err != nil {
			t.Error("Serve:", err)
		}
	})
}

// echo answers each frame by itself, and a wish for a quick acknowledgment by token.
func echo(_ context.Context, c *Conn) {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return
		}
		c.Authenticated()
		if f.QuickAck {
			_ = c.WriteQuickAck(token)
		}
		_ = c.WriteFrames(f.Data)
		f.Release()
	}
}

const token = 0x12345678
