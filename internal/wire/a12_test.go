package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes, for a bubble of synctest.
type pipes struct {
	conns  chan net.Conn
	fail   []error // what Accept returns first
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipes) Accept() (net.Conn, error) {
	if len(l.fail) > 0 {
		err := l.fail[0]
		l.fail = l.fail[1:]
		return nil, err
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipes) dial() net.Conn {
	a, b := net.Pipe()
	l.conns <- a
	return b
}

// bubble runs f against s, on pipes and fake time.
func bubble(t *testing.T, s *Server, f func(t *testing.T, l *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		serveOn(t, s, l)
		f(t, l)
	})
}

// closedAfter waits until the server closes nc and checks that this took d.
func closedAfter(t *testing.T, nc net.Conn, d time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := io.Copy(io.Discard, nc); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took != d {
		t.Errorf("closed after %v, not %v", took, d)
	}
}

func TestA12SlowHeader(t *testing.T) {
	for _, sent := range [][]byte{nil, {0xee}, {0xee, 0xee, 0xee}, bytes.Repeat([]byte{7}, 63), []byte("GET"), {0x16, 3, 1, 0}} {
		bubble(t, &Server{Handler: echo}, func(t *testing.T, l *pipes) {
			nc := l.dial()
			_, _ = nc.Write(sent)
			other := begin(t, l.dial(), nil, variant{framing: abridged})
			p := encrypted(16)
			other.send(other.packet(p, false))
			if !bytes.Equal(other.receive(0), p) {
				t.Error("a client had to wait for another one's header")
			}
			closedAfter(t, nc, 5*time.Second)
		})
	}
}

func TestA12SlowFirstFrame(t *testing.T) {
	for _, sent := range [][]byte{{}, {60}, append([]byte{60}, encrypted(16)...)} {
		bubble(t, &Server{Handler: echo}, func(t *testing.T, l *pipes) {
			nc := l.dial()
			_, _ = nc.Write(append([]byte{0xef}, sent...))
			closedAfter(t, nc, 10*time.Second)
		})
	}
}

// TestA12DribbledFrame sends a byte a second of a frame that is said to be long.
func TestA12DribbledFrame(t *testing.T) {
	bubble(t, &Server{Handler: echo}, func(t *testing.T, l *pipes) {
		nc := l.dial()
		_, _ = nc.Write(binary.LittleEndian.AppendUint32(greetingOf(intermediate), 1<<20))
		start := time.Now()
		for {
			if _, err := nc.Write([]byte{1}); err != nil {
				break
			}
			time.Sleep(time.Second) // of the bubble's time
		}
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("a dribble was read for %v", took)
		}
	})
}

// TestA12SlowUpload checks that a slow but steady link gets its first frame through.
func TestA12SlowUpload(t *testing.T) {
	bubble(t, &Server{Handler: echo}, func(t *testing.T, l *pipes) {
		nc := l.dial()
		c := begin(t, nc, nil, variant{framing: intermediate})
		p := encrypted(512 << 10)
		go func() {
			for b := c.packet(p, false); len(b) > 0; b = b[min(len(b), 2<<10):] {
				time.Sleep(time.Second) // of the bubble's time
				_, _ = nc.Write(b[:min(len(b), 2<<10)])
			}
		}()
		if !bytes.Equal(c.receive(0), p) {
			t.Error("came back as something else")
		}
	})
}

func TestA12SecondFrameWithoutKey(t *testing.T) {
	bubble(t, &Server{Handler: func(_ context.Context, c *Conn) {
		for {
			f, err := c.ReadFrame()
			if err != nil {
				return
			}
			f.Release()
		}
	}}, func(t *testing.T, l *pipes) {
		c := l.dial()
		_, _ = c.Write(append([]byte{0xef, 10}, encrypted(16)...))
		closedAfter(t, c, time.Minute)
	})
}

// TestA12Authenticated checks that who has shown a key may be silent for a day, but not within a
// frame.
func TestA12Authenticated(t *testing.T) {
	bubble(t, &Server{Handler: func(ctx context.Context, c *Conn) {
		go func() { time.Sleep(time.Second); c.Authenticated() }() // while the read is waiting
		echo(ctx, c)
	}}, func(t *testing.T, l *pipes) {
		nc := l.dial()
		c := begin(t, nc, nil, variant{framing: intermediate})
		for seq := range uint32(3) {
			time.Sleep(24 * time.Hour) // of the bubble's time
			p := encrypted(16)
			c.send(c.packet(p, false))
			if !bytes.Equal(c.receive(seq), p) {
				t.Fatal("not echoed")
			}
		}
		c.send(c.packet(encrypted(16), false)[:20])
		closedAfter(t, nc, time.Minute)
	})
}

// TestA12SlowReader checks that a peer that doesn't read loses its connection, not the writer.
func TestA12SlowReader(t *testing.T) {
	var result chan error
	bubble(t, &Server{Handler: func(_ context.Context, c *Conn) {
		result <- c.WriteFrames(make([]byte, 64))
	}}, func(t *testing.T, l *pipes) {
		result = make(chan error, 1)
		nc := l.dial()
		_, _ = nc.Write([]byte{0xef})
		start := time.Now()
		if err := <-result; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("write:", err)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("a write blocked for %v", took)
		}
	})
}

func TestA12AcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		for range 20 {
			l.fail = append(l.fail, os.NewSyscallError("accept", syscall.EMFILE), syscall.ECONNABORTED)
		}
		serveOn(t, &Server{Handler: echo}, l)
		c := begin(t, l.dial(), nil, variant{framing: abridged})
		p := encrypted(16)
		c.send(c.packet(p, false))
		if !bytes.Equal(c.receive(0), p) {
			t.Error("not echoed")
		}
	})
}

func TestA12ConnectAndClose(t *testing.T) {
	addr := serve(t, &Server{Handler: echo, Limits: Limits{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	for i := range 300 {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_ = nc.(*net.TCPConn).SetLinger(0)
		}
		if i%3 == 0 {
			_, _ = nc.Write([]byte{0x16})
		}
		_ = nc.Close()
	}
	c := dial(t, addr, variant{framing: padded, obf: true})
	p := encrypted(16)
	c.send(c.packet(p, false))
	if !bytes.Equal(c.receive(0), p) {
		t.Error("not echoed")
	}
}

// TestA12AddressLimit opens more connections than an address may have without showing a key.
func TestA12AddressLimit(t *testing.T) {
	keyed := make(chan struct{}, 100)
	addr := serve(t, &Server{
		Handler: func(_ context.Context, c *Conn) {
			for {
				f, err := c.ReadFrame()
				if err != nil {
					return
				}
				c.Authenticated()
				keyed <- struct{}{}
				f.Release()
			}
		},
		HTTP:   http.NotFoundHandler(),
		Limits: Limits{PreAuthConns: 3, HTTPConns: 1},
	})
	v := variant{framing: abridged}
	var first []*client
	for range 3 {
		first = append(first, dial(t, addr, v))
	}
	over := dial(t, addr, v)
	if p := over.receive(0); int32(binary.LittleEndian.Uint32(p)) != -429 {
		t.Errorf("the fourth got %x", p)
	}
	for _, c := range first {
		c.send(c.packet(encrypted(16), false))
		<-keyed
	}
	for range 3 { // their place is free again
		c := dial(t, addr, v)
		c.send(c.packet(encrypted(16), false))
		<-keyed
	}
	get := func() (int, func()) {
		tr := &http.Transport{}
		res, err := (&http.Client{Transport: tr}).Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // or the connection is not kept
		_ = res.Body.Close()
		return res.StatusCode, tr.CloseIdleConnections
	}
	code, done := get()
	defer done()
	if again, done := get(); code != 404 || again != 429 {
		t.Errorf("HTTP: %d, %d", code, again)
	} else {
		done()
	}
}

func TestGate(t *testing.T) {
	g := gate{
		exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		limit:  [gateKinds]int{gatePreAuth: 2, gateHTTP: 1},
	}
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:2")
	for i, want := range []struct{ over, ok bool }{{false, true}, {false, true}, {true, true}, {true, true}, {true, false}} {
		over, ok := g.enter(gatePreAuth, []netip.Addr{a, b}[i%2])
		if over != want.over || ok != want.ok {
			t.Errorf("%d: over %v ok %v", i, over, ok)
		}
	}
	if !g.admit(gateHTTP, a) || g.admit(gateHTTP, b) {
		t.Error("kinds are counted together")
	}
	if other := netip.MustParseAddr("2001:db8:0:1::1"); !g.admit(gatePreAuth, other) {
		t.Error("another network is counted too")
	} else {
		g.leave(gatePreAuth, other)
	}
	for range 4 {
		g.leave(gatePreAuth, b)
	}
	g.leave(gateHTTP, a)
	for _, free := range []string{"10.1.2.3", "10.1.2.3", "10.1.2.3"} {
		if !g.admit(gatePreAuth, netip.MustParseAddr(free)) {
			t.Error("an exempt address was refused")
		}
	}
	if len(g.counts) != 0 {
		t.Error("left over:", g.counts)
	}
}

// TestA12ClaimedLength has each transport claim a length it does not send.
func TestA12ClaimedLength(t *testing.T) {
	for _, v := range variants() {
		if v.tls || v.ws || v.obf {
			continue
		}
		head := v.framing.append(nil, make([]byte, 1<<20), 0)[:8]
		if v.framing == padded {
			head = v.framing.append(nil, make([]byte, 1<<20-16), 0)[:8]
		}
		b := append(greetingOf(v.framing), head...)
		b = append(b, encrypted(16)...)
		c := newConn(&Server{limits: Limits{}.withDefaults()}, &script{in: b, step: len(b)})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readAll(c)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", v, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("%s: %d bytes allocated for a claim", v, n)
		}
	}
}
