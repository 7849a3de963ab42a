package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
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
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // queries

	mu       sync.RWMutex
	keys     map[int64]*authKey
	devices  map[int64]*device
	sessions map[sessionName]*Session
	accounts map[int64]map[*Session]struct{}
	conns    map[*connection]struct{}
}

// sessionName names a session: MTProto binds it to an authorization key.
type sessionName struct{ key, id int64 }

// NewHub returns a hub without sessions.
func NewHub(c Config) *Hub {
	h := &Hub{
		Config:   c,
		salts:    newSalts(),
		workers:  newWorkers(64),
		keys:     make(map[int64]*authKey),
		devices:  make(map[int64]*device),
		sessions: make(map[sessionName]*Session),
		accounts: make(map[int64]map[*Session]struct{}),
		conns:    make(map[*connection]struct{}),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Run keeps house until ctx ends: it closes silent connections and forgets sessions that were left.
// Then it waits for the queries that run, and cancels them when grace has passed.
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
	timer := time.AfterFunc(grace, h.cancel)
	h.running.Wait()
	timer.Stop()
	h.cancel()
}

// key finds a key in use, or loads it, and holds it until release.
func (h *Hub) key(ctx context.Context, id int64) (*authKey, error) {
	h.mu.Lock()
	k := h.keys[id]
	if k != nil {
		k.users++
	}
	h.mu.Unlock()
	if k == nil {
		stored, err := h.Keys.AuthKey(ctx, id)
		if err != nil {
			return nil, err
		}
		k = h.adopt(id, stored)
	}
	if k.expired(h.Now()) {
		h.release(k)
		return nil, ErrNoKey
	}
	return k, nil
}

// adopt puts a loaded key among those in use, unless another connection was quicker.
func (h *Hub) adopt(id int64, stored Key) *authKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.keys[id]
	if k == nil {
		k = &authKey{key: stored.Key, expires: stored.Expires}
		h.keys[id] = k
		switch {
		case stored.Expires == 0:
			h.attachLocked(k, id, stored.Account, stored.Layer)
		case stored.Permanent != 0:
			h.attachLocked(k, stored.Permanent, stored.Account, stored.Layer)
		}
	}
	k.users++
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

func (h *Hub) release(k *authKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releaseLocked(k)
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
		d.keys = slices.DeleteFunc(d.keys, func(other *authKey) bool { return other == k })
		if len(d.keys) == 0 {
			delete(h.devices, d.key)
		}
	}
}

// session finds or makes a session of a key; made tells that the client must hear
// new_session_created.
func (h *Hub) session(k *authKey, id int64) (s *Session, made bool) {
	name := sessionName{k.key.ID(), id}
	h.mu.RLock()
	s = h.sessions[name]
	h.mu.RUnlock()
	if s != nil {
		return s, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s = h.sessions[name]; s != nil {
		return s, false
	}
	s = &Session{hub: h, id: id, key: k}
	if d := k.device.Load(); d != nil {
		s.layer = int(d.layer.Load())
	}
	if s.layer == 0 { // until the client says otherwise
		s.layer = transcode.Canonical
	}
	k.users++
	k.sessions = append(k.sessions, s)
	h.sessions[name] = s
	h.listLocked(s)
	if h.Observe != nil {
		h.Observe.Sessions(1)
	}
	return s, true
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
	s.account = account
	if account == 0 {
		return
	}
	if h.accounts[account] == nil {
		h.accounts[account] = make(map[*Session]struct{}, 1)
	}
	h.accounts[account][s] = struct{}{}
}

func (h *Hub) unlistLocked(s *Session) {
	if of := h.accounts[s.account]; of != nil {
		delete(of, s)
		if len(of) == 0 {
			delete(h.accounts, s.account)
		}
	}
}

// end forgets a session; it reports whether there was one.
func (h *Hub) end(name sessionName) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[name]
	if s == nil {
		return false
	}
	delete(h.sessions, name)
	h.unlistLocked(s)
	s.key.sessions = slices.DeleteFunc(s.key.sessions, func(other *Session) bool { return other == s })
	h.releaseLocked(s.key)
	if h.Observe != nil {
		h.Observe.Sessions(-1)
	}
	return true
}

const (
	// silence closes a connection that sent nothing for so long; clients ping every minute.
	silence = 15 * time.Minute
	// afterlife is how long a session without a connection is remembered: longer than the time
	// window of message ids, so that forgetting it can't reopen a replay.
	afterlife = 6 * time.Minute
)

func (h *Hub) sweep(now time.Time) {
	var silent []*connection
	var left []sessionName
	h.mu.RLock()
	for c := range h.conns {
		if c.overdue(now) {
			silent = append(silent, c)
		}
	}
	for name, s := range h.sessions {
		if s.leftBefore(now.Add(-afterlife)) {
			left = append(left, name)
		}
	}
	h.mu.RUnlock()
	for _, c := range silent {
		c.wire.Close()
	}
	for _, name := range left {
		h.end(name)
	}
}

// unusable tells whether an error of key means that the client has to make a new key.
func unusable(err error) bool { return errors.Is(err, ErrNoKey) }
