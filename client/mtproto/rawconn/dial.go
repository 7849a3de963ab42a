package rawconn

import (
	"context"
	"io"
	"net"
	"strings"
)

// Dialer says how a server is reached.
type Dialer struct {
	// Addr is HOST:PORT, or a WebSocket URL such as wss://HOST/apiws.
	Addr string
	// Dial opens the connection in place of TCP to Addr; optional.
	Dial func(ctx context.Context) (net.Conn, error)
	// Transport is the framing; the default is obfuscated intermediate.
	Transport Transport
	// DC is the data centre named in the obfuscation header.
	DC int
	// Rand is the source of all randomness, the variable Rand by default.
	Rand io.Reader
}

// Link connects.
func (d *Dialer) Link(ctx context.Context) (*Link, error) {
	rnd := d.Rand
	if rnd == nil {
		rnd = Rand
	}
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	l, err := NewLink(conn, d.Transport, d.DC, rnd)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

func (d *Dialer) connect(ctx context.Context) (net.Conn, error) {
	if strings.HasPrefix(d.Addr, "ws://") || strings.HasPrefix(d.Addr, "wss://") {
		return dialWebSocket(ctx, d.Addr, d.Dial)
	}
	if d.Dial != nil {
		return d.Dial(ctx)
	}
	var nd net.Dialer
	return nd.DialContext(ctx, "tcp", d.Addr)
}
