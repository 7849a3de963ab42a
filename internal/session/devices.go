package session

// SignedIn notes that an account signed in on a device: from now on its sessions get the account's
// updates.
func (h *Hub) SignedIn(key, account int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[key]
	if d == nil {
		return
	}
	d.account.Store(account)
	for _, k := range d.keys {
		for _, s := range k.sessions {
			h.listLocked(s)
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
	if k := h.keys[temporary]; k != nil {
		h.attachLocked(k, permanent, account, layer)
	}
}

// Forget drops a destroyed key with its sessions, and closes its connections with -404.
func (h *Hub) Forget(key int64) {
	h.mu.Lock()
	k := h.keys[key]
	var sessions []*Session
	if k != nil {
		sessions = append(sessions, k.sessions...)
		delete(h.keys, key)
	}
	h.mu.Unlock()
	for _, s := range sessions {
		if c := s.connected(); c != nil {
			c.wire.WriteError(keyUnknown)
			c.wire.Close()
		}
		h.end(sessionName{key, s.id})
	}
}

// Disconnect closes the connections of a device, so that its client comes back and learns what
// changed.
func (h *Hub) Disconnect(key int64) {
	var conns []*connection
	h.mu.RLock()
	if d := h.devices[key]; d != nil {
		for _, k := range d.keys {
			for _, s := range k.sessions {
				if c := s.connected(); c != nil {
					conns = append(conns, c)
				}
			}
		}
	}
	h.mu.RUnlock()
	for _, c := range conns {
		c.wire.Close()
	}
}

// Online tells whether an account has a session on this node: whoever has none catches up from the
// store.
func (h *Hub) Online(account int64) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.accounts[account]) > 0
}
