package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/mtproxy"
	"github.com/gotd/td/mtproxy/obfuscated2"
	"github.com/gotd/td/proto/codec"
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// testTLS returns a configuration with a certificate nobody trusts.
func testTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{"h2"},
	}
}

func TestTransports(t *testing.T) {
	got := make(chan *Conn, 64)
	addr := serve(t, &Server{TLS: testTLS(t), Handler: func(ctx context.Context, c *Conn) {
		got <- c
		echo(ctx, c)
	}})
	for _, v := range variants() {
		for _, v.bytes = range []bool{false, true} {
			name := v.String()
			if v.bytes {
				name += "/bytes"
			}
			t.Run(name, func(t *testing.T) {
				c := dial(t, addr, v)
				exchange(t, c, v)
				conn := <-got
				if s := conn.Transport(); s != v.String() {
					t.Errorf("transport %q", s)
				}
				want := 0
				if v.obf {
					want = -2
				}
				if conn.DC() != want {
					t.Errorf("DC %d", conn.DC())
				}
				if conn.Remote().String() != "127.0.0.1" {
					t.Errorf("remote %v", conn.Remote())
				}
			})
		}
	}
}

// exchange has messages of many sizes echoed, alone and several to a write.
func exchange(t *testing.T, c *client, v variant) {
	t.Helper()
	sizes := []int{16, 400, 496, 512, 4080, 4096, 70_000}
	if v.bytes {
		sizes = []int{16, 496, 5008}
	}
	seq := uint32(0)
	check := func(want []byte) {
		t.Helper()
		if got := c.receive(seq); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes came back as %d others", len(want), len(got))
		}
		seq++
	}
	hello := unencrypted(40)
	c.send(c.packet(hello, false))
	check(hello)
	var batch []byte
	var sent [][]byte
	for _, n := range sizes {
		p := encrypted(n)
		sent = append(sent, p)
		c.send(c.packet(p, false))
		check(p)
	}
	for _, p := range sent {
		batch = append(batch, c.packet(p, false)...)
	}
	go func() { _, _ = c.rw.Write(batch) }()
	for _, p := range sent {
		check(p)
	}
	if v.framing == full {
		return
	}
	p := encrypted(32)
	c.send(c.packet(p, true))
	order := binary.ByteOrder(binary.LittleEndian)
	if v.framing == abridged {
		order = binary.BigEndian
	}
	if ack := order.Uint32(c.read(4)); ack != token|quickBit {
		t.Fatalf("quick acknowledgment %x", ack)
	}
	check(p)
}

// TestGotd speaks to the port by another implementation of the transports.
func TestGotd(t *testing.T) {
	addr := serve(t, &Server{Handler: echo})
	for name, cdc := range map[string]codec.Codec{
		"abridged": codec.Abridged{}, "intermediate": codec.Intermediate{},
		"padded": codec.PaddedIntermediate{}, "full": &codec.Full{},
	} {
		for _, obfuscate := range []bool{false, true} {
			tagged, ok := cdc.(interface{ ObfuscatedTag() [4]byte })
			if obfuscate && !ok {
				continue
			}
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
			rw := io.ReadWriter(nc)
			if obfuscate {
				o := obfuscated2.NewObfuscated2(rand.Reader, nc)
				err, rw = o.Handshake(tagged.ObfuscatedTag(), 2, mtproxy.Secret{}), o
			} else {
				err = cdc.WriteHeader(nc)
			}
			for _, n := range []int{16, 400, 512, 8192, 100_000} {
				p := encrypted(n)
				var got bin.Buffer
				err = errors.Join(err, cdc.Write(rw, &bin.Buffer{Buf: bytes.Clone(p)}), cdc.Read(rw, &got))
				if err != nil || !bytes.Equal(got.Buf, p) {
					t.Fatalf("%s obfuscated=%v: %d bytes: %v", name, obfuscate, n, err)
				}
			}
			_ = nc.Close()
		}
	}
}

func TestWriteError(t *testing.T) {
	addr := serve(t, &Server{Handler: func(_ context.Context, c *Conn) {
		if err := c.WriteFrames([]byte{1, 2, 3}); !errors.Is(err, errPayload) {
			t.Errorf("3 bytes: %v", err)
		}
		_ = c.WriteError(-404)
	}})
	for _, v := range variants() {
		if v.tls || v.framing == full {
			continue // full is known by its first packet
		}
		c := dial(t, addr, v)
		if p := c.receive(0); int32(binary.LittleEndian.Uint32(p)) != -404 {
			t.Errorf("%s: %x", v, p)
		}
		if _, err := c.rw.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: still open", v)
		}
	}
}

func TestHTTP(t *testing.T) {
	addr := serve(t, &Server{TLS: testTLS(t), HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
		_, _ = io.WriteString(w, r.Method+r.URL.Path)
		if r.TLS != nil {
			_, _ = io.WriteString(w, " tls "+r.TLS.NegotiatedProtocol)
		}
	})})
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	hc := &http.Client{Transport: tr}
	for _, tc := range []struct{ method, url, body, want string }{
		{"GET", "http://" + addr + "/apiws", "", "Method Not Allowed"},
		{"GET", "http://" + addr + "/a", "", "GET/a"},
		{"POST", "http://" + addr + "/b", strings.Repeat("x", 9000), strings.Repeat("x", 9000) + "POST/b"},
		{"DELETE", "http://" + addr + "/c", "", "DELETE/c"},
		{"GET", "https://" + addr + "/d", "", "GET/d tls http/1.1"},
		{"OPTIONS", "https://" + addr + "/e", "", "OPTIONS/e tls http/1.1"},
	} {
		req, _ := http.NewRequest(tc.method, tc.url, strings.NewReader(tc.body))
		res, err := hc.Do(req)
		if err != nil {
			t.Error(tc.url, err)
			continue
		}
		got, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if tc.want == "Method Not Allowed" {
			if res.StatusCode < 400 {
				t.Error("a request without upgrade got", res.Status)
			}
			continue
		}
		if string(got) != tc.want {
			t.Errorf("%s %s: %.60q", tc.method, tc.url, got)
		}
	}
}

func TestWebSocketOrigin(t *testing.T) {
	addr := serve(t, &Server{Handler: echo, Origins: []string{"web.example.org", "localhost:8000"}})
	for origin, ok := range map[string]bool{
		"": true, "https://WEB.example.org": true, "http://localhost:8000": true,
		"https://evil.example": false, "null": false, "https://web.example.org.evil.example": false,
		"http://localhost": false, "web.example.org": false, "http://%zz": false,
	} {
		h := http.Header{}
		if origin != "" {
			h.Set("Origin", origin)
		}
		d := ws.Dialer{Header: ws.HandshakeHeaderHTTP(h)}
		nc, _, _, err := d.Dial(t.Context(), "ws://"+addr+"/apiws")
		if (err == nil) != ok {
			t.Errorf("origin %q: %v", origin, err)
		}
		if nc != nil {
			_ = nc.Close()
		}
	}
}

func TestWebSocketControl(t *testing.T) {
	addr := serve(t, &Server{Handler: echo})
	nc, _, _, err := ws.Dial(t.Context(), "ws://"+addr+"/apiws")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// A frame of three messages with a ping and a pong in between.
	p := append([]byte{0xef, 10}, encrypted(16)...)
	whole := func(op ws.OpCode, b []byte, fin bool) {
		if err := ws.WriteFrame(nc, ws.MaskFrame(ws.NewFrame(op, fin, bytes.Clone(b)))); err != nil {
			t.Fatal(err)
		}
	}
	whole(ws.OpBinary, p[:1], false)
	whole(ws.OpPing, []byte("are you there"), true)
	whole(ws.OpContinuation, p[1:9], true)
	whole(ws.OpPong, nil, true)
	whole(ws.OpBinary, nil, true)
	whole(ws.OpBinary, p[9:], true)
	whole(ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye"), true)
	for _, want := range []ws.Frame{
		ws.NewPongFrame([]byte("are you there")),
		ws.NewBinaryFrame(p[1:]),
		ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")),
	} {
		h, err := ws.ReadHeader(nc)
		if err != nil || h != want.Header {
			t.Fatalf("%+v %v, not %+v", h, err, want)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(nc, payload); err != nil || !bytes.Equal(payload, want.Payload) {
			t.Fatalf("%x %v, not %x", payload, err, want.Payload)
		}
	}
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal("after close:", err)
	}
}

// TestServeEnds checks that the end of the context stops accepting but leaves connections to
// their Handler, until CloseConns.
func TestServeEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{Handler: echo}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	c := dial(t, l.Addr().String(), variant{framing: abridged})
	ping := func(seq uint32) {
		p := encrypted(16)
		c.send(c.packet(p, false))
		if !bytes.Equal(c.receive(seq), p) {
			t.Fatal("not echoed")
		}
	}
	ping(0)
	cancel()
	for {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		_ = nc.Close()
	}
	ping(1)
	select {
	case <-done:
		t.Fatal("Serve returned before its connection was gone")
	default:
	}
	s.CloseConns()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := c.rw.Read(make([]byte, 1)); err == nil {
		t.Fatal("still open")
	}
	l2, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l2.Close()
	if err := s.Serve(t.Context(), l2); !errors.Is(err, net.ErrClosed) {
		t.Fatal("closed listener:", err)
	}
}
