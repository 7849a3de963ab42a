package session

import "slices"

// SignedIn notes that an account signed in on a device: from now on its sessions get the account's
// updates, and no others.
func (h *Hub) SignedIn(key, account int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	d := h.devices[key]
	if d == nil {
		return
	}
	d.account.Store(account)
	for _, k := range d.keys {
		for _, s := range k.sessions {
			h.listLocked(s)
			s.dropPushes()
		}
	}
}

// SignedOut notes that nobody is signed in on a device any more: its queries are answered
// AUTH_KEY_UNREGISTERED from now on, and updates stop.
func (h *Hub) SignedOut(key int64) { h.SignedIn(key, 0) }

// Bound notes that a temporary key now stands for a permanent one, with the account and layer that
// are stored for that.
func (h *Hub) Bound(temporary, permanent, account int64, layer int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	if k := h.keys[temporary]; k != nil {
		h.attachLocked(k, permanent, account, layer)
	}
}

// Forget drops a destroyed key with its sessions, and closes their connections with -404.
func (h *Hub) Forget(key int64) {
	h.mu.Lock()
	h.changes++
	k := h.keys[key]
	h.mu.Unlock()
	if k != nil {
		h.drop(k, nil)
	}
}

// drop ends the life of a key. The connection of last, if any, stays open for a farewell; nothing
// that comes over it is accepted any more.
func (h *Hub) drop(k *authKey, last *Session) {
	k.dead.Store(true)
	h.mu.Lock()
	h.changes++
	if id := k.key.ID(); h.keys[id] == k {
		delete(h.keys, id)
	}
	sessions := slices.Clone(k.sessions)
	for _, s := range sessions {
		h.endLocked(s) // unless it is connected
	}
	h.mu.Unlock()
	for _, s := range sessions {
		if c := s.connected(); c != nil && s != last {
			h.workers.run(taskFunc(func() {
				c.wire.WriteError(keyUnknown)
				c.wire.Close()
			}))
		}
	}
}

// Online tells whether an account has a session on this node: whoever has none catches up from the
// store.
func (h *Hub) Online(account int64) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.accounts[account]) > 0
}

// connected returns the connection, nil while the client is away.
func (s *Session) connected() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}
