package session

import (
	"encoding/binary"
	"sync"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/tl/transcode"
)

// updatesTooLong tells a client to look for what it missed; it is the same in every layer.
//
// https://core.telegram.org/constructor/updatesTooLong
var updatesTooLong = binary.LittleEndian.AppendUint32(nil, tg.UpdatesTooLongTypeID)

// Push is an update on its way to many sessions: it is encoded once, and translated once for each
// layer in use.
type Push struct {
	body []byte // canonical layer

	mu     sync.Mutex
	layers map[int][]byte
}

// NewPush encodes a boxed object of type Updates.
func NewPush(updates bin.Encoder) (*Push, error) {
	var b bin.Buffer
	if err := updates.Encode(&b); err != nil {
		return nil, err
	}
	return &Push{body: b.Buf}, nil
}

// in returns the update in a layer.
func (p *Push) in(layer int) ([]byte, error) {
	if layer == transcode.Canonical || layer == 0 {
		return p.body, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if body := p.layers[layer]; body != nil {
		return body, nil
	}
	body, err := transcode.Object(nil, layer, p.body)
	if err != nil {
		return nil, err
	}
	if p.layers == nil {
		p.layers = make(map[int][]byte, 1)
	}
	p.layers[layer] = body
	return body, nil
}

// Push queues an update for the sessions of an account on this node, but for the one whose id is
// except (0 for none). It never blocks on a socket.
func (h *Hub) Push(account, except int64, p *Push) {
	var few [4]*Session
	sessions := few[:0]
	h.mu.RLock()
	for _, s := range h.accounts[account] {
		if except == 0 || s.id != except {
			sessions = append(sessions, s)
		}
	}
	h.mu.RUnlock()
	for _, s := range sessions {
		s.push(p, account)
	}
}

// PushDevice queues an update for the sessions of a device, signed in or not.
func (h *Hub) PushDevice(key int64, p *Push) {
	var sessions []*Session
	h.mu.RLock()
	if d := h.devices[key]; d != nil {
		for _, k := range d.keys {
			sessions = append(sessions, k.sessions...)
		}
	}
	h.mu.RUnlock()
	for _, s := range sessions {
		s.push(p, 0)
	}
}

// push queues an update for a session, whose device must be signed in to account unless that is 0.
func (s *Session) push(p *Push, account int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if account != 0 {
		if d := s.key.device.Load(); d == nil || d.account.Load() != account {
			return // signed out since the sessions were listed
		}
	}
	if !s.updates {
		return
	}
	if s.conn == nil {
		s.missed = true
		return
	}
	body, err := p.in(int(s.layer))
	if err != nil {
		s.hub.Log.Error("update not translated", "layer", s.layer, "err", err)
		body = updatesTooLong
	}
	if s.out.full(len(body)) {
		dropped := s.out.dropPushes()
		if s.hub.Observe != nil {
			s.hub.Observe.Dropped(dropped + 1)
		}
		body = updatesTooLong
	}
	s.queueLocked(message{body: body, content: true, push: true})
	s.kickLocked()
}

// dropPushes empties the queue of what an account was to hear whose device has another one now.
func (s *Session) dropPushes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.dropPushes()
	s.missed = false
}
