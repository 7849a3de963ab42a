package handshake

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	burstFactor  = 10      // how many seconds' worth an address may use at once
	maxAddresses = 1 << 16 // remembered in one generation
)

// limits holds the rate of exchanges, in all and for each address. An address that
// was silent for burstFactor seconds has its whole burst again, so it is enough to
// remember two generations of that length.
type limits struct {
	global *rate.Limiter
	perIP  int

	mu            sync.Mutex
	recent, older map[netip.Prefix]*rate.Limiter
	turn          time.Time // when recent becomes older
}

func newLimits(perSecond, perIP int) *limits {
	l := &limits{perIP: perIP}
	if perSecond > 0 {
		l.global = rate.NewLimiter(rate.Limit(perSecond), perSecond)
	}
	return l
}

// allow takes one exchange from the address and from all.
func (l *limits) allow(ip netip.Addr, now time.Time) bool {
	if l.perIP > 0 && !l.address(ip, now).AllowN(now, 1) {
		return false
	}
	return l.global == nil || l.global.AllowN(now, 1)
}

func (l *limits) address(ip netip.Addr, now time.Time) *rate.Limiter {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 56 // what one subscriber gets
	}
	prefix, _ := ip.Prefix(bits) // fails for the zero address only: all of those share one

	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.turn) || len(l.recent) >= maxAddresses {
		l.older, l.recent = l.recent, map[netip.Prefix]*rate.Limiter{}
		l.turn = now.Add(burstFactor * time.Second)
	}
	bucket := l.recent[prefix]
	if bucket == nil {
		if bucket = l.older[prefix]; bucket == nil {
			bucket = rate.NewLimiter(rate.Limit(l.perIP), burstFactor*l.perIP)
		}
		l.recent[prefix] = bucket
	}
	return bucket
}
