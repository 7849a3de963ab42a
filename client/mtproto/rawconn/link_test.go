package rawconn

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/mtproxy/obfuscated2"
	"github.com/gotd/td/proto/codec"
)

// streamConn is one end of a connection whose bytes come from R and go to W.
type streamConn struct {
	net.Conn
	r io.Reader
	w io.Writer
}

func (c streamConn) Read(b []byte) (int, error)  { return c.r.Read(b) }
func (c streamConn) Write(b []byte) (int, error) { return c.w.Write(b) }

// acceptGotd reads the header of a link with gotd's code and returns what carries
// the frames.
func acceptGotd(t *testing.T, conn net.Conn, tr Transport) (io.ReadWriter, codec.Codec) {
	t.Helper()
	var c codec.TaggedCodec = codec.Intermediate{}
	switch tr.Codec {
	case Abridged:
		c = codec.Abridged{}
	case Padded:
		c = codec.PaddedIntermediate{}
	}
	if tr.Plain {
		if err := c.ReadHeader(conn); err != nil {
			t.Error(err)
		}
		return conn, c
	}
	rw, head, err := obfuscated2.Accept(conn, nil)
	if err != nil {
		t.Error(err)
	}
	if head.Protocol != c.ObfuscatedTag() || int16(head.DC) != -10002 {
		t.Errorf("header %+v", head)
	}
	return rw, c
}

func TestLinkWithGotd(t *testing.T) {
	for name, tr := range map[string]Transport{
		"intermediate": {}, "abridged": {Codec: Abridged}, "padded": {Codec: Padded},
		"plain intermediate": {Plain: true}, "plain abridged": {Codec: Abridged, Plain: true},
		"plain padded": {Codec: Padded, Plain: true},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			// The client's bytes come one by one.
			l, err := NewLink(streamConn{client, iotest.OneByteReader(client), client}, tr, -10002, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer server.Close()
				rw, c := acceptGotd(t, server, tr)
				var b bin.Buffer
				for c.Read(rw, &b) == nil {
					if tr.Codec == Padded {
						b.Buf = b.Buf[:len(b.Buf)&^15]
					}
					if err := c.Write(rw, &b); err != nil {
						t.Error(err)
					}
					b.Reset()
				}
			}()
			echo(t, l, tr.Codec == Padded)
		})
	}
}

// echo sends frames of many sizes to a peer that sends them back.
func echo(t *testing.T, l *Link, padded bool) {
	t.Helper()
	for _, n := range []int{32, 496, 512, 4080, 4096, 4112, 65536, 200_000} {
		frame := make([]byte, n)
		_, _ = rand.Read(frame)
		if err := l.WriteFrame(frame); err != nil {
			t.Fatal(err)
		}
		got, err := l.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if padded {
			got = got[:n]
		}
		if !bytes.Equal(got, frame) {
			t.Fatalf("frame of %d bytes came back as %d", n, len(got))
		}
	}
}

// serveWebSocket upgrades and echoes the byte stream, cut into messages anew, with
// a ping and a fragmented message among them.
func serveWebSocket(t *testing.T, conn net.Conn) {
	defer conn.Close()
	up := ws.Upgrader{Protocol: func(p []byte) bool { return string(p) == "binary" }}
	if _, err := up.Upgrade(conn); err != nil {
		t.Error(err)
		return
	}
	for {
		b, op, err := wsutil.ReadClientData(conn)
		if err != nil {
			return
		}
		if op != ws.OpBinary {
			t.Errorf("opcode %v", op)
		}
		if err := ws.WriteFrame(conn, ws.NewPingFrame([]byte("hi"))); err != nil {
			return
		}
		pong := make([]byte, 2)
		h, err := ws.ReadHeader(conn)
		if err == nil {
			_, err = io.ReadFull(conn, pong)
		}
		if ws.Cipher(pong, h.Mask, 0); err != nil || h.OpCode != ws.OpPong || h.Length != 2 || string(pong) != "hi" {
			t.Errorf("want a pong, got %+v, %v", h, err)
		}
		first := ws.NewFrame(ws.OpBinary, false, b[:len(b)/2])
		_ = ws.WriteFrame(conn, first)
		_ = ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, b[len(b)/2:]))
	}
}

func TestWebSocket(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	go serveWebSocket(t, server)
	d := Dialer{
		Addr: "ws://localhost/apiws", Transport: Transport{Plain: true}, Rand: rand.Reader,
		Dial: func(context.Context) (net.Conn, error) { return client, nil },
	}
	l, err := d.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The echo begins with the tag of the transport, which is no frame.
	frame := make([]byte, 64)
	go func() {
		if err := l.WriteFrame(frame); err != nil {
			t.Error(err)
		}
	}()
	if _, err := l.r.Discard(4); err != nil {
		t.Fatal(err)
	}
	if got, err := l.ReadFrame(); err != nil || !bytes.Equal(got, frame) {
		t.Fatalf("frame came back as %x, %v", got, err)
	}
}

// readOnly is a link that reads these bytes.
func readOnly(t *testing.T, c Codec, b []byte) *Link {
	t.Helper()
	l, err := NewLink(streamConn{nil, bytes.NewReader(b), nil}, Transport{Codec: c, Plain: true}, 2, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestReadFrameRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		codec Codec
		bytes []byte
		want  error
	}{
		"zero":             {Intermediate, make([]byte, 4), ErrFrame},
		"negative":         {Intermediate, []byte{0, 0, 0, 0x80}, ErrFrame},
		"too long":         {Intermediate, binary.LittleEndian.AppendUint32(nil, MaxFrame+1), ErrFrame},
		"positive code":    {Intermediate, []byte{4, 0, 0, 0, 1, 0, 0, 0}, ErrFrame},
		"abridged zero":    {Abridged, []byte{0}, ErrFrame},
		"quick ack":        {Abridged, []byte{0x80, 1, 2, 3}, ErrFrame},
		"cut in length":    {Intermediate, []byte{4, 0}, io.ErrUnexpectedEOF},
		"promise of 1 MiB": {Abridged, []byte{0x7f, 0, 0, 4, 1}, io.ErrUnexpectedEOF},
	} {
		if _, err := readOnly(t, c.codec, c.bytes).ReadFrame(); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	for _, codec := range []Codec{Intermediate, Padded} {
		_, err := readOnly(t, codec, []byte{4, 0, 0, 0, 0x6c, 0xfe, 0xff, 0xff}).ReadFrame()
		var te *TransportError
		if !errors.As(err, &te) || te.Code != -404 {
			t.Errorf("error %v, want -404", err)
		}
	}
}

// TestA11LengthBomb promises 16 MiB and sends a little: what is not sent takes no memory.
func TestA11LengthBomb(t *testing.T) {
	l := readOnly(t, Intermediate, append(binary.LittleEndian.AppendUint32(nil, MaxFrame), make([]byte, 100)...))
	if _, err := l.ReadFrame(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("error %v", err)
	}
	if cap(l.big) > 2*keepBuffer {
		t.Errorf("%d bytes were allocated for 100", cap(l.big))
	}
}

func TestForbiddenHeaders(t *testing.T) {
	for _, s := range []string{"HEAD", "POST", "GET ", "OPTI", "\x16\x03\x01\x02", "\xee\xee\xee\xee", "\xdd\xdd\xdd\xdd", "\xef123"} {
		if !forbidden(append([]byte(s), 1, 1, 1, 1)) {
			t.Errorf("%q may begin a header", s)
		}
	}
	if !forbidden([]byte{1, 2, 3, 4, 0, 0, 0, 0}) || forbidden([]byte{1, 2, 3, 4, 1, 0, 0, 0}) {
		t.Error("second word")
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(uint8(0), []byte{20, 0, 0, 0})
	f.Add(uint8(1), []byte{0x7f, 0, 0, 4, 1})
	f.Fuzz(func(t *testing.T, c uint8, b []byte) {
		l := readOnly(t, Codec(c%3), b)
		for range 100 {
			if _, err := l.ReadMessage(&testKey); err != nil {
				return
			}
		}
	})
}
