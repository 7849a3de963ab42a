package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// script is a connection that delivers in, step bytes at a time, and swallows what is written.
type script struct {
	in   []byte
	step int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in[:min(len(s.in), s.step)])
	s.in = s.in[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return nil }
func (s *script) RemoteAddr() net.Addr             { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// readAll reads header and frames of c until its end, checking what ReadFrame promises.
func readAll(c *Conn) error {
	_, err := readFrames(c)
	return err
}

func readFrames(c *Conn) (frames [][]byte, err error) {
	p := &port{Server: c.srv}
	c.grain = 1 << 30
	k, err := p.identify(c)
	if err != nil || k != kindMTProto {
		return nil, err
	}
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return frames, err
		}
		limit := c.srv.limits.Frame
		if binary.LittleEndian.Uint64(f.Data) == 0 {
			limit = c.srv.limits.PreAuthFrame
		}
		if len(f.Data) < minPayload || len(f.Data) > limit+15 {
			return frames, errors.New("a frame is out of bounds")
		}
		frames = append(frames, bytes.Clone(f.Data))
		f.Release()
	}
}

func testServer() *Server {
	return &Server{limits: Limits{}.withDefaults()}
}

func TestMalformed(t *testing.T) {
	le := binary.LittleEndian
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	u32 := func(n uint32) []byte { return le.AppendUint32(nil, n) }
	fullOf := func(p []byte, seq uint32) []byte { return full.append(nil, p, seq) }
	broken := fullOf(encrypted(16), 0)
	broken[len(broken)-1]++
	long := unencrypted(4 << 10)
	badHeader, _, _ := obfuscatedHeader(full, 1)
	for name, b := range map[string][]byte{
		"abridged zero":              {0xef, 0, 0, 0, 0, 0},
		"abridged short":             {0xef, 4, 0, 0, 0, 0},
		"abridged long form zero":    {0xef, 0x7f, 0, 0, 0, 0},
		"abridged 64 MiB":            {0xef, 0x7f, 0xff, 0xff, 0xff, 1},
		"abridged quick 64 MiB":      {0xef, 0xff, 0xff, 0xff, 0xff, 1},
		"intermediate zero":          join(greetingOf(intermediate), u32(0)),
		"intermediate short":         join(greetingOf(intermediate), u32(16), make([]byte, 16)),
		"intermediate 2 GiB":         join(greetingOf(intermediate), u32(0x7fffffff), make([]byte, 64)),
		"intermediate not by 4":      join(greetingOf(intermediate), u32(41), make([]byte, 64)),
		"intermediate over 1 MiB":    join(greetingOf(intermediate), u32(1<<20+4), encrypted(16)),
		"unencrypted over 4 KiB":     join(greetingOf(intermediate), u32(uint32(len(long))), long),
		"padded zero":                join(greetingOf(padded), u32(0)),
		"padded 2 GiB":               join(greetingOf(padded), u32(0xffffffff), make([]byte, 64)),
		"padded with 16 bytes":       join(greetingOf(padded), u32(60+16), unencrypted(40), make([]byte, 16)),
		"padded claims more":         join(greetingOf(padded), u32(60), unencrypted(44)[:60]),
		"padded negative length":     join(greetingOf(padded), u32(24), make([]byte, 16), u32(0xffffffff), make([]byte, 4)),
		"full zero":                  make([]byte, 64),
		"full short":                 join(u32(12), make([]byte, 64)),
		"full 4 GiB":                 join(u32(0xfffffffc), make([]byte, 64)),
		"full not by 4":              join(u32(61), make([]byte, 64)),
		"full checksum":              broken,
		"full sequence":              join(fullOf(encrypted(16), 0), fullOf(encrypted(16), 2)),
		"obfuscated unknown":         badHeader[:],
		"forbidden HEAD":             bytes.Repeat([]byte("HEAD"), 16),
		"forbidden POST":             bytes.Repeat([]byte("POST"), 16),
		"forbidden OPTI":             bytes.Repeat([]byte("OPTI"), 16),
		"forbidden TLS":              bytes.Repeat([]byte{0x16, 3, 1, 2}, 16),
		"TLS where there is no TLS":  append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1}, make([]byte, 64)...),
		"one good and then nonsense": join([]byte{0xef, 10}, encrypted(16), []byte{0}),
	} {
		for _, step := range []int{1, 3, len(b)} {
			err := readAll(newConn(testServer(), &script{in: bytes.Clone(b), step: step}))
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s in steps of %d: %v", name, step, err)
			}
		}
	}
}

func TestMalformedWebSocket(t *testing.T) {
	masked := func(f ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(f)) }
	for name, b := range map[string][]byte{
		"unmasked":            ws.MustCompileFrame(ws.NewBinaryFrame([]byte{0xef})),
		"text":                masked(ws.NewTextFrame([]byte("hello"))),
		"stray continuation":  masked(ws.NewFrame(ws.OpContinuation, true, []byte{1})),
		"nested message":      append(masked(ws.NewFrame(ws.OpBinary, false, nil)), masked(ws.NewBinaryFrame(nil))...),
		"reserved opcode":     masked(ws.NewFrame(3, true, nil)),
		"reserved control":    masked(ws.NewFrame(0xb, true, nil)),
		"extension bits":      {0xc2, 0x80, 0, 0, 0, 0},
		"fragmented ping":     masked(ws.NewFrame(ws.OpPing, false, nil)),
		"long ping":           masked(ws.NewFrame(ws.OpPing, true, make([]byte, 126))),
		"8 EiB":               {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},
		"just above absolute": {0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 1, 2, 3, 4},
		"HTTP inside":         masked(ws.NewBinaryFrame([]byte("GET / HTTP/1.1\r\n\r\n"))),
	} {
		for _, step := range []int{1, len(b)} {
			c := newConn(testServer(), &script{in: bytes.Clone(b), step: step})
			c.ws = &wsReader{control: c.wsControl}
			if err := readAll(c); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s in steps of %d: %v", name, step, err)
			}
		}
	}
}

// FuzzStream feeds any bytes to header sniffing and every framing. How they are cut into reads must
// not matter.
func FuzzStream(f *testing.F) {
	p := encrypted(48)
	for t := abridged; t <= full; t++ {
		b := t.append(greetingOf(t), p, 0)
		f.Add(t.append(b, unencrypted(40), 1), uint8(1))
		if t == full {
			break
		}
		h, enc, _ := obfuscatedHeader(t, 2)
		sealed := t.append(nil, p, 0)
		enc.XORKeyStream(sealed, sealed)
		f.Add(append(h[:], sealed...), uint8(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		one, err1 := readFrames(newConn(testServer(), &script{in: bytes.Clone(b), step: len(b) + 1}))
		two, err2 := readFrames(newConn(testServer(), &script{in: bytes.Clone(b), step: int(step) + 1}))
		if (err1 == nil) != (err2 == nil) || len(one) != len(two) {
			t.Fatalf("%d frames, %v; %d in pieces, %v", len(one), err1, len(two), err2)
		}
		for i := range one {
			if !bytes.Equal(one[i], two[i]) {
				t.Fatalf("frame %d differs", i)
			}
		}
	})
}

// FuzzFraming sends any payload through each framing and back.
func FuzzFraming(f *testing.F) {
	f.Add(encrypted(16), uint32(0))
	f.Add(unencrypted(40), uint32(7))
	f.Fuzz(func(t *testing.T, p []byte, seq uint32) {
		for fr := abridged; fr <= full; fr++ {
			_, _, _, _ = fr.head(p)
			if len(p) >= 24 {
				_, _ = fr.payload(bytes.Clone(p), seq)
			}
			if len(p) < 24 || len(p)%4 != 0 || fr == padded && (len(p)-24)%16 != 0 || binary.LittleEndian.Uint64(p) == 0 {
				continue
			}
			b := fr.append(nil, p, seq)
			lead, body, quick, ok := fr.head(b)
			if !ok || quick || lead+body != len(b) || fr.check(body, absoluteMax) != nil {
				t.Fatalf("%s: lead %d body %d of %d", fr, lead, body, len(b))
			}
			if got, err := fr.payload(b[lead:], seq); err != nil || !bytes.Equal(got, p) {
				t.Fatalf("%s: %v", fr, err)
			}
		}
	})
}

// FuzzWebSocket cuts any client stream in two ways and compares what is inside.
func FuzzWebSocket(f *testing.F) {
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame([]byte("some bytes")))), uint8(3))
	f.Add(append(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("x")))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpBinary, false, make([]byte, 300))))...), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		decode := func(step int) (out, ctl []byte, err error) {
			r := &wsReader{control: func(op ws.OpCode, p []byte) error {
				ctl = append(append(ctl, byte(op), byte(len(p))), p...)
				return nil
			}}
			for rest := bytes.Clone(b); len(rest) > 0 && err == nil; rest = rest[min(len(rest), step):] {
				var n int
				n, err = r.decode(rest[:min(len(rest), step)])
				out = append(out, rest[:n]...)
			}
			return out, ctl, err
		}
		out1, ctl1, err1 := decode(len(b) + 1)
		out2, ctl2, err2 := decode(int(step) + 1)
		if !bytes.Equal(out1, out2) || !bytes.Equal(ctl1, ctl2) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%d bytes, %v; %d in pieces, %v", len(out1), err1, len(out2), err2)
		}
	})
}

// FuzzObfuscation reads any header.
func FuzzObfuscation(f *testing.F) {
	h, _, _ := obfuscatedHeader(padded, -10002)
	f.Add(h[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerLen {
			return
		}
		if o, ok := readObfuscation([headerLen]byte(b), &hotList{}); ok && o.framing > padded {
			t.Fatalf("%+v", o)
		}
	})
}
