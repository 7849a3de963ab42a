package session

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chappe-im/chappe/internal/handshake"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/tl/transcode"
)

// Config is what a Hub is made of.
type Config struct {
	Keys       Keys
	Handshakes *handshake.Server
	Methods    *rpc.Table
	Now        func() time.Time
	Log        *slog.Logger
	Observe    Observer
}

// Observer is told of what a metrics page shows; its methods must be cheap and never block.
type Observer interface {
	Received(bytes int)
	Sent(messages, bytes int)
	Dropped(pushes int)
	Sessions(delta int)
}

// Hub holds the sessions of this node.
type Hub struct {
	Config
	salts   *salts
	workers *workers
	stored  atomic.Int64 // bytes of answers in sessions
	ctx     context.Context
	cancel  context.CancelFunc

	gate     sync.RWMutex // innermost of all locks
	draining bool
	running  sync.WaitGroup // frames, queries and writes

	mu       sync.RWMutex
	closed   bool
	born     int64 // counts connections
	changes  int   // counts what makes a key that is being loaded stale
	keys     map[int64]*authKey
	devices  map[int64]*device
	accounts map[int64][]*Session
	conns    map[*connection]struct{}
}

// NewHub returns a hub without sessions.
func NewHub(c Config) *Hub {
	h := &Hub{
		Config:   c,
		salts:    newSalts(),
		workers:  newWorkers(64),
		keys:     make(map[int64]*authKey),
		devices:  make(map[int64]*device),
		accounts: make(map[int64][]*Session),
		conns:    make(map[*connection]struct{}),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Run keeps house until ctx ends: it closes silent connections and forgets sessions that were left.
// Then it takes no more frames, lets the queries that run end and their answers go out, at most for
// grace, and closes all connections.
func (h *Hub) Run(ctx context.Context, grace time.Duration) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			h.sweep(h.Now())
		}
	}
	h.drain(grace)
}

func (h *Hub) drain(grace time.Duration) {
	h.gate.Lock()
	h.draining = true
	h.gate.Unlock()
	timer := time.AfterFunc(grace, func() {
		h.cancel()
		h.closeConns() // ends writes to those who don't read
	})
	h.running.Wait()
	timer.Stop()
	h.cancel()
	h.closeConns()
}

// enter counts something that has to end before the hub does, with running.Done; false means that no
// more may begin.
func (h *Hub) enter() bool {
	h.gate.RLock()
	defer h.gate.RUnlock()
	if h.draining {
		return false
	}
	h.running.Add(1)
	return true
}

// join counts a connection among those that Run closes; false means that it did.
func (h *Hub) join(c *connection) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.born++
	c.born = h.born
	h.conns[c] = struct{}{}
	return true
}

func (h *Hub) closeConns() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.conns {
		c.wire.Close()
	}
}

// key finds a key in use, or loads it, and holds it until release. What changes while it is loaded
// has it loaded again.
func (h *Hub) key(ctx context.Context, id int64) (*authKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.keys[id]
	for k == nil {
		before := h.changes
		h.mu.Unlock()
		stored, err := h.Keys.AuthKey(ctx, id)
		h.mu.Lock()
		if err != nil {
			return nil, err
		}
		if k = h.keys[id]; k == nil && h.changes == before {
			k = h.adoptLocked(id, stored)
		}
	}
	k.users++
	if !k.usable(h.Now()) {
		h.releaseLocked(k)
		return nil, ErrNoKey
	}
	return k, nil
}

// adoptLocked puts a loaded key among those in use.
func (h *Hub) adoptLocked(id int64, stored Key) *authKey {
	k := &authKey{key: stored.Key, expires: stored.Expires}
	if stored.Expires == 0 {
		stored.Permanent = id
	}
	if stored.Permanent != 0 {
		h.attachLocked(k, stored.Permanent, stored.Account, stored.Layer)
	}
	h.keys[id] = k
	return k
}

// attachLocked makes k one of the keys of a device.
func (h *Hub) attachLocked(k *authKey, permanent, account int64, layer int) {
	d := h.devices[permanent]
	if d == nil {
		d = &device{key: permanent}
		d.account.Store(account)
		d.layer.Store(int32(layer))
		h.devices[permanent] = d
	}
	if k.device.Swap(d) != d {
		d.keys = append(d.keys, k)
	}
	for _, s := range k.sessions {
		h.listLocked(s)
	}
}

func (h *Hub) releaseLocked(k *authKey) {
	k.users--
	if k.users > 0 {
		return
	}
	if h.keys[k.key.ID()] == k {
		delete(h.keys, k.key.ID())
	}
	if d := k.device.Load(); d != nil {
		if d.keys = without(d.keys, k); len(d.keys) == 0 && h.devices[d.key] == d {
			delete(h.devices, d.key)
		}
	}
}

// session finds or makes a session of a key and holds it until part; nil if the key has too many.
func (h *Hub) session(k *authKey, id int64) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := k.session(id); s != nil {
		s.holders++
		return s
	}
	if len(k.sessions) >= k.maxSessions() {
		return nil
	}
	s := &Session{hub: h, id: id, key: k, holders: 1, layer: transcode.Canonical} // until the client names another
	if d := k.device.Load(); d != nil {
		if layer := d.layer.Load(); layer != 0 {
			s.layer = int16(layer)
		}
	}
	k.users++
	k.sessions = append(k.sessions, s)
	h.listLocked(s)
	if h.Observe != nil {
		h.Observe.Sessions(1)
	}
	return s
}

// listLocked puts a session under the account its device is signed in to.
func (h *Hub) listLocked(s *Session) {
	account := int64(0)
	if d := s.key.device.Load(); d != nil {
		account = d.account.Load()
	}
	if account == s.account {
		return
	}
	h.unlistLocked(s)
	if s.account = account; account != 0 {
		h.accounts[account] = append(h.accounts[account], s)
	}
}

func (h *Hub) unlistLocked(s *Session) {
	if s.account == 0 {
		return
	}
	of := without(h.accounts[s.account], s)
	if h.accounts[s.account] = of; len(of) == 0 {
		delete(h.accounts, s.account)
	}
	s.account = 0
}

func without[T comparable](list []T, gone T) []T {
	return slices.DeleteFunc(list, func(e T) bool { return e == gone })
}

// part ends that a connection holds a session. One that never accepted a message, or whose key is
// over, is not worth remembering.
func (h *Hub) part(c *connection, s *Session) {
	now := h.Now()
	worth := s.detach(c, now)
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.holders--; !worth || !s.key.usable(now) {
		h.endLocked(s)
	}
}

// endLocked forgets a session that no connection holds.
func (h *Hub) endLocked(s *Session) {
	if s.holders != 0 || s.key.session(s.id) != s {
		return
	}
	h.unlistLocked(s)
	s.end()
	s.key.sessions = without(s.key.sessions, s)
	h.releaseLocked(s.key)
	if h.Observe != nil {
		h.Observe.Sessions(-1)
	}
}

const (
	// silence closes a connection that sent nothing for so long; clients ping every minute.
	silence = 15 * time.Minute
	// afterlife is how long a session without a connection is remembered: longer than the time
	// window of message ids, so that forgetting it can't reopen a replay.
	afterlife = 6 * time.Minute
	// maxSessions is how many sessions a key may have, fewSessions how many while no account is
	// signed in.
	maxSessions = 256
	fewSessions = 32
)

// sweep closes silent connections, ends temporary keys, and forgets sessions that were left.
func (h *Hub) sweep(now time.Time) {
	var silent []*connection
	var left []*Session
	var ended []*authKey
	h.mu.RLock()
	for c := range h.conns {
		if c.overdue(now) {
			silent = append(silent, c)
		}
	}
	before := now.Add(-afterlife).Unix()
	for _, k := range h.keys {
		for _, s := range k.sessions {
			if at := s.trim(now); at != 0 && at < before {
				left = append(left, s)
			}
		}
		if !k.usable(now) {
			ended = append(ended, k)
		}
	}
	h.mu.RUnlock()
	for _, c := range silent {
		c.wire.Close()
	}
	h.mu.Lock()
	for _, s := range left {
		h.endLocked(s)
	}
	h.mu.Unlock()
	for _, k := range ended {
		h.drop(k, nil)
	}
}
