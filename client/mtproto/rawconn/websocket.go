package rawconn

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// webSocket is a net.Conn over the binary messages of a WebSocket; where one
// message ends and the next begins has no meaning.
//
// See https://core.telegram.org/mtproto/transports#websocket.
type webSocket struct {
	net.Conn
	mu sync.Mutex // held by writers: data, and pongs of the reader
	r  wsutil.Reader
	in bool // within a data frame
}

func dialWebSocket(ctx context.Context, url string, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	d := ws.Dialer{Protocols: []string{"binary"}}
	if dial != nil {
		d.NetDial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	}
	conn, br, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open websocket: %w", err)
	}
	w := &webSocket{Conn: conn}
	w.r = wsutil.Reader{Source: conn, State: ws.StateClientSide, OnIntermediate: w.control}
	if br != nil { // the server spoke first
		w.r.Source = br
	}
	return w, nil
}

// Read implements net.Conn.
func (w *webSocket) Read(b []byte) (int, error) {
	for {
		for !w.in {
			h, err := w.r.NextFrame()
			if err != nil {
				return 0, err
			}
			if h.OpCode.IsControl() {
				if err := w.control(h, &w.r); err != nil {
					return 0, err
				}
				if err := w.r.Discard(); err != nil {
					return 0, err
				}
				continue
			}
			w.in = true
		}
		n, err := w.r.Read(b)
		if err == io.EOF { // of the message
			w.in, err = false, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// control answers pings and ends the connection when it is told to.
func (w *webSocket) control(h ws.Header, r io.Reader) error {
	payload := make([]byte, h.Length) // the reader refuses more than 125 bytes
	if _, err := io.ReadFull(r, payload); err != nil {
		return err
	}
	switch h.OpCode {
	case ws.OpClose:
		return io.ErrUnexpectedEOF // io.EOF would end the message only
	case ws.OpPing:
		return w.send(ws.NewPongFrame(payload))
	}
	return nil
}

// Write implements net.Conn.
func (w *webSocket) Write(b []byte) (int, error) {
	if err := w.send(ws.NewBinaryFrame(append([]byte(nil), b...))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (w *webSocket) send(f ws.Frame) error {
	raw, err := ws.CompileFrame(ws.MaskFrameInPlace(f))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.Conn.Write(raw)
	return err
}
