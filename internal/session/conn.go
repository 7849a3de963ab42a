package session

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
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
	tooMany    int32 = -429
)

// maxConns is how many connections of one key may be open that brought a new message; the others
// count against their address. Who replays packets holds none of them.
const maxConns = 64

// connection is a socket that carries packets of one key at a time, usually of one session.
type connection struct {
	hub  *Hub
	wire *wire.Conn
	born int64 // higher than that of older connections

	// Of the worker that deals with the present frame.
	frame    *wire.Frame
	next     chan bool // the frame was dealt with; false: close
	exchange *handshake.Exchange
	key      *authKey
	session  *Session
	proven   bool // brought a new message under key, and is counted there

	heard    atomic.Int64 // Unix seconds of the last frame
	deadline atomic.Int64 // of ping_delay_disconnect, 0 for none
}

// turns holds channels for connection.next: an idle connection has none.
var turns = sync.Pool{New: func() any { return make(chan bool, 1) }}

// ServeConn reads a connection until it ends. It is called on the connection's own goroutine, which
// does nothing but wait for frames, and so keeps its first small stack.
func (h *Hub) ServeConn(_ context.Context, w *wire.Conn) {
	c := &connection{hub: h, wire: w}
	c.heard.Store(h.Now().Unix())
	if h.join(c) {
		for {
			f, err := w.ReadFrame()
			if err != nil || !c.pass(f) {
				break
			}
		}
	}
	w.Close()
	c.leave()
}

// pass has a worker deal with a frame, and waits until the next one may be read.
func (c *connection) pass(f *wire.Frame) bool {
	if !c.hub.enter() {
		f.Release()
		<-c.hub.ctx.Done() // answers are still being written
		return false
	}
	next := turns.Get().(chan bool)
	c.frame, c.next = f, next
	c.hub.workers.run(c)
	ok := <-next
	turns.Put(next)
	return ok
}

func (c *connection) leave() {
	h := c.hub
	h.mu.Lock()
	delete(h.conns, c)
	c.dropKeyLocked()
	h.mu.Unlock()
	c.part()
}

// dropKeyLocked lets go of the connection's key. Hub.mu is held.
func (c *connection) dropKeyLocked() {
	if c.key == nil {
		return
	}
	if c.proven {
		c.key.conns.Add(-1)
		c.proven = false
	}
	c.hub.releaseLocked(c.key)
	c.key = nil
}

// part leaves the connection's session.
func (c *connection) part() {
	if c.session != nil {
		c.hub.part(c, c.session)
	}
	c.session = nil
}

// overdue tells whether the client is silent for too long, by its own word or ours.
func (c *connection) overdue(now time.Time) bool {
	d := c.deadline.Load()
	return d != 0 && now.Unix() > d || now.Unix() > c.heard.Load()+int64(silence/time.Second)
}

// errClose ends a connection whose client broke the protocol.
var errClose = errors.New("protocol broken")

// do deals with one frame: first with all that concerns the connection, then, when the reader may go
// on, with the first of the queries in it.
func (c *connection) do() {
	h, f, next := c.hub, c.frame, c.next
	defer h.running.Done()
	c.heard.Store(h.Now().Unix())
	if h.Observe != nil {
		h.Observe.Received(len(f.Data))
	}
	in := batch{conn: c, frame: f}
	err := c.receive(&in)
	c.frame, c.next = nil, nil
	next <- err == nil // from here on c belongs to the next frame
	if !in.kept {
		f.Release()
	}
	if in.asked {
		in.session.goOn()
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
	if !c.proven && c.key.conns.Load() >= maxConns {
		c.wire.WriteError(tooMany)
		return errClose
	}
	s, err := c.useSession(m.SessionID)
	if err != nil {
		return err
	}
	in.session = s
	if err := s.receive(in, m); err != nil {
		return err
	}
	if in.fresh && !c.proven {
		c.proven = true
		c.key.conns.Add(1)
		c.wire.Authenticated()
	}
	if in.taken && in.frame.QuickAck {
		return c.wire.WriteQuickAck(m.QuickAck)
	}
	return nil
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
	if c.key != nil && c.key.key.ID() == id && c.key.usable(c.hub.Now()) {
		return nil
	}
	k, err := c.hub.key(c.hub.ctx, id)
	if err != nil {
		if errors.Is(err, ErrNoKey) {
			c.wire.WriteError(keyUnknown)
		} else {
			c.hub.Log.Error("authorization key not loaded", "err", err)
		}
		return errClose
	}
	c.hub.mu.Lock()
	c.dropKeyLocked()
	c.hub.mu.Unlock()
	c.key = k
	return nil
}

// useSession makes the session of a packet the connection's.
func (c *connection) useSession(id int64) (*Session, error) {
	if s := c.session; s != nil && s.id == id && s.key == c.key {
		return s, nil
	}
	c.part()
	if c.session = c.hub.session(c.key, id); c.session == nil {
		c.wire.WriteError(tooMany)
		return nil, errClose
	}
	return c.session, nil
}
