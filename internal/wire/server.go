package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits bounds what a peer may take of the server before and after it has shown a key. A zero
// field means its default.
type Limits struct {
	Header     time.Duration // from accept to the end of TLS and transport header; default 5 s
	FirstFrame time.Duration // from there to the end of the first frame, or its next 8 KiB; default 10 s
	PreAuth    time.Duration // for each later frame without a key; default 60 s
	Stall      time.Duration // with a key, for 8 KiB of a frame that has begun; default 60 s
	Write      time.Duration // a write that takes longer, at most twice as long, closes; default 15 s

	PreAuthFrame int // bytes of a frame with auth_key_id 0; default 4 KiB
	Frame        int // bytes of any other frame; default 1 MiB, at most 16 MiB

	PreAuthConns int            // connections of one address (IPv6: /64) that have shown no key; default 20
	HTTPConns    int            // HTTP connections of one address; default 100
	Exempt       []netip.Prefix // addresses whose connections aren't counted: a proxy, a load driver
}

// withDefaults returns l with its zero fields filled in.
func (l Limits) withDefaults() Limits {
	def := func(d *time.Duration, seconds int) {
		if *d == 0 {
			*d = time.Duration(seconds) * time.Second
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&l.Header, 5)
	def(&l.FirstFrame, 10)
	def(&l.PreAuth, 60)
	def(&l.Stall, 60)
	def(&l.Write, 15)
	num(&l.PreAuthFrame, 4<<10)
	num(&l.Frame, 1<<20)
	num(&l.PreAuthConns, 20)
	num(&l.HTTPConns, 100)
	l.Frame = min(l.Frame, absoluteMax)
	return l
}

// Server accepts the connections of one public port and tells them apart. Its fields are set before
// Serve is called and not changed after.
type Server struct {
	// Handler is called with each connection that speaks MTProto, on a goroutine of its own. The
	// connection is closed when it returns. Its context ends with that of Serve.
	Handler func(ctx context.Context, c *Conn)
	// HTTP answers every HTTP request but those for /apiws, 404 if nil. Within TLS the request's
	// TLS field is set. A handler that needs longer than the server's timeouts (a minute to read,
	// two to write) moves its deadlines by http.ResponseController.
	HTTP http.Handler
	// TLS is the configuration for connections that begin with a ClientHello, which are refused if
	// it is nil. HTTP/2 is never offered, as browsers would want their WebSockets inside it.
	TLS *tls.Config
	// Origins are the hosts (with port, if not the scheme's own) whose pages may open a WebSocket.
	// Programs that send no Origin may too.
	Origins []string
	Limits  Limits
	Log     *slog.Logger // nil: nothing is logged

	once   sync.Once
	limits Limits
	tls    *tls.Config
	log    *slog.Logger
	gate   gate
	hot    hotList

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	closed bool
}

func (s *Server) init() {
	s.limits = s.Limits.withDefaults()
	s.log = s.Log
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.gate.exempt = s.limits.Exempt
	s.gate.limit = [gateKinds]int{gatePreAuth: s.limits.PreAuthConns, gateHTTP: s.limits.HTTPConns}
	s.conns = make(map[*Conn]struct{})
	if s.TLS != nil {
		s.tls = s.TLS.Clone()
		s.tls.NextProtos = slices.DeleteFunc(s.tls.NextProtos, func(p string) bool { return p == "h2" })
		if !slices.Contains(s.tls.NextProtos, "http/1.1") {
			s.tls.NextProtos = append(s.tls.NextProtos, "http/1.1")
		}
	}
}

// Serve accepts connections from l until ctx ends, and then returns nil once all of them are gone:
// HTTP requests under way get five seconds, MTProto connections last until their Handler returns or
// CloseConns is called. It closes l. Nothing a client does, nor a lack of descriptors, ends it; an
// error means that l was closed by somebody else.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.once.Do(s.init)
	ctx, cancel := context.WithCancel(ctx)
	p := &port{Server: s, ctx: ctx, http: newChanListener(l.Addr())}
	stopHTTP := p.serveHTTP()
	p.wg.Go(func() { p.hot.run(ctx) })
	defer p.wg.Wait()
	defer stopHTTP()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }() // closed already, most of the time

	var wait time.Duration
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("wire: accepting: %w", err)
		case err != nil:
			// Descriptors or memory ran out, or the peer has left already: none of it lasts.
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			s.log.Warn("accepting a connection failed", "err", err, "wait", wait)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		default:
			wait = 0
			p.welcome(nc)
		}
	}
}

// CloseConns closes every MTProto connection, and those to come. It ends a Serve whose context has
// ended.
func (s *Server) CloseConns() {
	s.mu.Lock()
	s.closed = true
	all := s.conns
	s.conns = nil
	s.mu.Unlock()
	for c := range all {
		_ = c.Close()
	}
}

// register adds c to those that CloseConns closes.
func (s *Server) register(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) unregister(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// port is a running Serve.
type port struct {
	*Server
	ctx  context.Context
	http *chanListener
	wg   sync.WaitGroup // all goroutines that a connection has
}

// welcome starts the goroutine of a new connection, unless its address has far too many.
func (p *port) welcome(nc net.Conn) {
	c := newConn(p.Server, nc)
	over, ok := p.gate.enter(gatePreAuth, c.addr)
	if !ok {
		_ = nc.Close()
		return
	}
	c.over = over
	p.wg.Go(func() { p.greet(c, nil) })
}

// greet reads the header of c, whose stream begins with early, and passes c on or closes it.
func (p *port) greet(c *Conn, early []byte) {
	if !p.register(c) {
		p.bye(c)
		return
	}
	c.grain = math.MaxInt // one deadline for all of it
	c.arm(p.limits.Header)
	if len(early) > 0 {
		c.in = newFrame(len(early))
		c.in.Data = append(c.in.Data, early...)
		c.in.Data = c.in.Data[:c.unwrap(c.in.Data)]
		c.consume(0)
	}
	k, err := p.identify(c)
	switch {
	case err != nil:
		p.log.Debug("connection refused", "addr", c.addr, "err", err)
		p.bye(c)
	case k == kindHTTP:
		p.unregister(c)
		p.toHTTP(c)
	case c.over:
		_ = c.WriteError(-429)
		p.bye(c)
	default:
		c.arm(p.limits.FirstFrame)
		p.wg.Go(func() { p.handle(c) })
	}
}

// handle runs the Handler. It is called on a fresh goroutine, whose stack is still small.
func (p *port) handle(c *Conn) {
	defer p.bye(c)
	p.Handler(p.ctx, c)
}

// bye ends a connection.
func (p *port) bye(c *Conn) {
	_ = c.Close()
	c.Authenticated() // it counts against its address no more
	p.unregister(c)
}

// identify reads the stream of c up to its first frame, through TLS and obfuscation, and sets c up
// accordingly. It returns kindHTTP or kindMTProto.
func (p *port) identify(c *Conn) (kind, error) {
	for n := 1; ; n = min(2*n, sniffLen) {
		if err := c.need(n); err != nil {
			return kindRefused, err
		}
		k, t, eat := sniff(c.in.Data)
		switch {
		case k == kindShort:
			n = len(c.in.Data)
			continue
		case k == kindMTProto:
			c.framing = t
			c.consume(eat)
			return k, nil
		case k == kindObfuscated:
			return kindMTProto, c.readObfuscated()
		case k == kindHTTP && c.ws == nil:
			return k, nil
		case k == kindTLS && c.ws == nil && !c.secure && p.tls != nil:
			if err := c.startTLS(p); err != nil {
				return kindRefused, err
			}
			n = 1
		default:
			return kindRefused, fmt.Errorf("wire: header refused: %w", ErrMalformed)
		}
	}
}

// readObfuscated reads an obfuscated2 header and decrypts what came behind it.
func (c *Conn) readObfuscated() error {
	if err := c.need(headerLen); err != nil {
		return err
	}
	o, ok := readObfuscation([headerLen]byte(c.in.Data), &c.srv.hot)
	if !ok {
		return fmt.Errorf("wire: unknown transport inside obfuscation: %w", ErrMalformed)
	}
	c.framing, c.obf = o.framing, o
	c.consume(headerLen)
	if c.in != nil {
		o.dec.xor(c.in.Data)
	}
	return nil
}

// startTLS does the server's part of a TLS handshake whose first bytes are in c.in.
func (c *Conn) startTLS(p *port) error {
	early := slices.Clone(c.in.Data)
	c.consume(len(early))
	t := tls.Server(&replayConn{Conn: c.nc, early: early}, p.tls)
	if err := t.HandshakeContext(p.ctx); err != nil {
		return fmt.Errorf("wire: TLS: %w", err)
	}
	c.secure, c.raw, c.try = true, nil, nil
	c.nc = t
	return nil
}
