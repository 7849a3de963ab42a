package session

// Connections is how many connections are open. They are counted when somebody asks, because a
// connection's own goroutine has too small a stack to count itself.
func (h *Hub) Connections() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.conns)
}
