package wire

import (
	"net/netip"
	"sync"
)

// What a gate counts.
const (
	gatePreAuth = iota // MTProto, or not known yet, without a key shown
	gateHTTP
	gateKinds
)

// gate counts connections by address, IPv6 by /64, which is what one subscriber gets.
type gate struct {
	exempt []netip.Prefix
	limit  [gateKinds]int

	mu     sync.Mutex
	counts map[netip.Addr][gateKinds]int
}

// network returns what addr is counted as, or false if it isn't.
func (g *gate) network(addr netip.Addr) (netip.Addr, bool) {
	if !addr.IsValid() {
		return addr, false
	}
	for _, p := range g.exempt {
		if p.Contains(addr) {
			return addr, false
		}
	}
	if addr.Is6() {
		addr = netip.PrefixFrom(addr.WithZone(""), 64).Masked().Addr()
	}
	return addr, true
}

// enter counts one more connection. It returns over when that is more than allowed, and refuses to
// count beyond twice that.
func (g *gate) enter(kind int, addr netip.Addr) (over, ok bool) {
	addr, counted := g.network(addr)
	if !counted {
		return false, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.counts[addr]
	if n[kind] >= 2*g.limit[kind] {
		return true, false
	}
	if g.counts == nil {
		g.counts = make(map[netip.Addr][gateKinds]int)
	}
	n[kind]++
	g.counts[addr] = n
	return n[kind] > g.limit[kind], true
}

// admit counts one more connection if that is not more than allowed.
func (g *gate) admit(kind int, addr netip.Addr) bool {
	over, ok := g.enter(kind, addr)
	if ok && over {
		g.leave(kind, addr)
	}
	return ok && !over
}

// leave undoes an enter that was ok.
func (g *gate) leave(kind int, addr netip.Addr) {
	addr, counted := g.network(addr)
	if !counted {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.counts[addr]
	n[kind]--
	if n == ([gateKinds]int{}) {
		delete(g.counts, addr)
		return
	}
	g.counts[addr] = n
}
