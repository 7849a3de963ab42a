package session

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"

	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/handshake"
	"github.com/chappe-im/chappe/internal/wire"
)

// Transport errors: a frame of four bytes instead of a packet.
//
// https://core.telegram.org/mtproto/mtproto-transports#transport-errors
const (
	keyUnknown int32 = -404
	tooFast    int32 = -429
)

// connection is a socket that carries packets of one key at a time, usually of one session.
type connection struct {
	hub  *Hub
	wire *wire.Conn
	next chan bool // a frame was dealt with; false: close

	// Of the worker that deals with the present frame.
	exchange *handshake.Exchange
	key      *authKey
	session  *Session

	heard    atomic.Int64 // Unix seconds of the last frame
	deadline atomic.Int64 // of ping_delay_disconnect, 0 for none
}

// ServeConn reads a connection until it ends. It is called on the connection's own goroutine, which
// does nothing but wait for frames, and so keeps its first small stack.
func (h *Hub) ServeConn(_ context.Context, w *wire.Conn) {
	c := &connection{hub: h, wire: w, next: make(chan bool, 1)}
	c.heard.Store(h.Now().Unix())
	h.mu.Lock()
	h.conns[c] = struct{}{}
	h.mu.Unlock()
	for {
		f, err := w.ReadFrame()
		if err != nil {
			break
		}
		h.workers.run(func() { c.handle(f) })
		if !<-c.next {
			break
		}
	}
	w.Close()
	c.leave()
}

func (c *connection) leave() {
	c.hub.mu.Lock()
	delete(c.hub.conns, c)
	if c.key != nil {
		c.hub.releaseLocked(c.key)
	}
	c.hub.mu.Unlock()
	if c.session != nil {
		c.session.detach(c, c.hub.Now())
	}
}

// overdue tells whether the client is silent for too long, by its own word or ours.
func (c *connection) overdue(now time.Time) bool {
	d := c.deadline.Load()
	return d != 0 && now.Unix() > d || now.Unix() > c.heard.Load()+int64(silence/time.Second)
}

// errClose ends a connection whose client broke the protocol.
var errClose = errors.New("protocol broken")

// handle deals with one frame: first with all that concerns the connection, then, when the reader
// may go on, with the first of the queries in it.
func (c *connection) handle(f *wire.Frame) {
	c.heard.Store(c.hub.Now().Unix())
	if c.hub.Observe != nil {
		c.hub.Observe.Received(len(f.Data))
	}
	in := batch{frame: f}
	err := c.receive(&in)
	c.next <- err == nil
	if in.session != nil {
		in.session.startQueries(&in)
	}
	if !in.kept {
		f.Release()
	}
}

func (c *connection) receive(in *batch) error {
	data := in.frame.Data
	if len(data) < 8 {
		return errClose
	}
	id := int64(binary.LittleEndian.Uint64(data))
	if id == 0 {
		return c.shakeHands(data)
	}
	if err := c.useKey(id); err != nil {
		return err
	}
	m, err := cipher.Open(&c.key.key, cipher.ToServer, data)
	if err != nil {
		return errClose
	}
	c.wire.Authenticated()
	s := c.useSession(m.SessionID, m.ID)
	in.session = s
	if in.frame.QuickAck {
		if err := c.wire.WriteQuickAck(m.QuickAck); err != nil {
			return errClose
		}
	}
	return s.receive(c, in, m)
}

// shakeHands hands an unencrypted packet to the key exchange.
func (c *connection) shakeHands(packet []byte) error {
	if c.exchange == nil {
		c.exchange = new(handshake.Exchange)
	}
	reply, err := c.hub.Handshakes.Handle(c.hub.ctx, c.wire.Remote(), c.exchange, packet)
	if err != nil {
		var t *handshake.TransportError
		if errors.As(err, &t) {
			c.wire.WriteError(t.Code)
		}
		return errClose
	}
	return c.wire.WriteFrames(reply)
}

// useKey makes the key of a packet the connection's.
func (c *connection) useKey(id int64) error {
	if c.key != nil && c.key.key.ID() == id && !c.key.expired(c.hub.Now()) {
		return nil
	}
	k, err := c.hub.key(c.hub.ctx, id)
	if err != nil {
		if unusable(err) {
			c.wire.WriteError(keyUnknown)
		} else {
			c.hub.Log.Error("authorization key not loaded", "err", err)
		}
		return errClose
	}
	if c.key != nil {
		c.hub.release(c.key)
	}
	c.key = k
	return nil
}

// useSession makes the session of a packet the connection's, and the connection the session's.
func (c *connection) useSession(id, first int64) *Session {
	s := c.session
	if s == nil || s.id != id || s.key != c.key {
		if s != nil {
			s.detach(c, c.hub.Now())
		}
		var made bool
		if s, made = c.hub.session(c.key, id); made {
			s.greet(first)
		}
		c.session = s
	}
	s.attach(c)
	return s
}
