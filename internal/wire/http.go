package wire

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// replayConn is a connection of which early was read already.
type replayConn struct {
	net.Conn
	early []byte
}

func (r *replayConn) Read(p []byte) (int, error) {
	if len(r.early) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.early)
	if r.early = r.early[n:]; len(r.early) == 0 {
		r.early = nil
	}
	return n, nil
}

// httpConn is a connection in the hands of net/http, counted by the gate until it closes or leaves
// as a WebSocket.
type httpConn struct {
	replayConn
	leave func()
}

func (h *httpConn) Close() error {
	h.leave()
	return h.Conn.Close()
}

// chanListener is a listener that is given its connections.
type chanListener struct {
	addr  net.Addr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newChanListener(addr net.Addr) *chanListener {
	return &chanListener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *chanListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *chanListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *chanListener) Addr() net.Addr { return l.addr }

type httpConnKey struct{}

// serveHTTP starts the HTTP server of p. The returned function stops it.
func (p *port) serveHTTP() (stop func()) {
	srv := &http.Server{
		Handler:           http.HandlerFunc(p.answer),
		ReadHeaderTimeout: p.limits.Header,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, httpConnKey{}, nc)
		},
	}
	p.wg.Go(func() { _ = srv.Serve(p.http) }) // ErrServerClosed
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // its error is that of a connection
		}
	}
}

// toHTTP hands a connection that speaks HTTP to the HTTP server.
func (p *port) toHTTP(c *Conn) {
	c.Authenticated() // it counts as HTTP from now on
	early := slices.Clone(c.in.Data)
	c.consume(len(early))
	if c.over || !p.gate.admit(gateHTTP, c.addr) {
		_, _ = c.nc.Write([]byte("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		_ = c.Close()
		return
	}
	h := &httpConn{replayConn: replayConn{Conn: c.nc, early: early}}
	h.leave = sync.OnceFunc(func() { p.gate.leave(gateHTTP, c.addr) })
	c.disarm()
	select {
	case p.http.conns <- h:
	case <-p.http.done:
		_ = h.Close()
	}
}

// answer serves one HTTP request.
func (p *port) answer(w http.ResponseWriter, r *http.Request) {
	h, _ := r.Context().Value(httpConnKey{}).(*httpConn)
	if t, ok := h.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		r.TLS = &state
	}
	switch {
	case r.URL.Path == "/apiws":
		p.upgrade(w, r, h)
	case p.HTTP == nil:
		http.NotFound(w, r)
	default:
		p.HTTP.ServeHTTP(w, r)
	}
}

// upgrade makes a WebSocket that carries MTProto of an HTTP connection
// (https://core.telegram.org/mtproto/transports#websocket). Nothing of net/http is kept.
func (p *port) upgrade(w http.ResponseWriter, r *http.Request, h *httpConn) {
	if !p.originAllowed(r.Header.Get("Origin")) {
		http.Error(w, "this page's origin may not connect here", http.StatusForbidden)
		return
	}
	addr := remoteAddr(h)
	if !p.gate.admit(gatePreAuth, addr) {
		http.Error(w, "too many connections", http.StatusTooManyRequests)
		return
	}
	p.wg.Add(1) // before net/http lets go of the connection
	up := ws.HTTPUpgrader{
		Timeout:  p.limits.Header,
		Protocol: func(name string) bool { return name == "binary" },
	}
	nc, rw, _, err := up.Upgrade(r, w)
	if err != nil {
		p.wg.Done()
		p.gate.leave(gatePreAuth, addr)
		if nc != nil {
			_ = nc.Close()
		}
		return
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // all of it is there
	h.leave()
	c := newConn(p.Server, h.Conn)
	c.ws = &wsReader{control: c.wsControl}
	go func() {
		defer p.wg.Done()
		p.greet(c, early)
	}()
}

// originAllowed reports whether a page of the given origin may open a WebSocket.
func (p *port) originAllowed(origin string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" &&
		slices.ContainsFunc(p.Origins, func(host string) bool { return strings.EqualFold(host, u.Host) })
}
