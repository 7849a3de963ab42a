package rpc

import (
	"net/netip"
	"sync"
	"time"
)

// rate is a token bucket: burst calls at once, then one every interval.
type rate struct {
	interval time.Duration
	burst    int
}

// Per device (or account) and class, and per address before login. The figures leave a client that
// starts with forty calls at once alone and stop a loop within a second.
var (
	callerRates = [classes]rate{
		Read:   {20 * time.Millisecond, 200},
		Write:  {50 * time.Millisecond, 100},
		Send:   {50 * time.Millisecond, 60},
		Search: {time.Second, 30},
		Login:  {2 * time.Second, 20},
		Bulk:   {time.Millisecond, 2000},
	}
	addressRate = rate{100 * time.Millisecond, 300}
)

// Limits are the token buckets of M16: one for each device and class, shared by all devices of an
// account once it is signed in, and one for each address that is not. Memory is a bucket for each
// caller of the last minutes.
type Limits struct {
	mu      sync.Mutex
	buckets map[bucketKey]time.Time // when the bucket will be full again
	swept   time.Time
}

type bucketKey struct {
	account, key int64
	ip           netip.Addr
	class        Class
}

// NewLimits returns empty buckets.
func NewLimits() *Limits { return &Limits{buckets: make(map[bucketKey]time.Time)} }

// take takes one token, or says how long to wait for it.
func (l *Limits) take(c *Caller, class Class, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	if c.Account != 0 {
		return l.takeOne(bucketKey{account: c.Account, class: class}, callerRates[class], now)
	}
	if wait := l.takeOne(bucketKey{ip: network(c.IP)}, addressRate, now); wait > 0 {
		return wait
	}
	key := c.Key
	if key == 0 { // not bound yet: keys of strangers must not share a bucket
		key = c.TempKey
	}
	return l.takeOne(bucketKey{key: key, class: class}, callerRates[class], now)
}

// takeOne keeps for each bucket the time at which it is full again: a bucket that would need longer
// than burst intervals to fill is empty.
func (l *Limits) takeOne(k bucketKey, r rate, now time.Time) time.Duration {
	full := l.buckets[k]
	if full.Before(now) {
		full = now
	}
	full = full.Add(r.interval)
	if wait := full.Sub(now) - time.Duration(r.burst)*r.interval; wait > 0 {
		return wait
	}
	l.buckets[k] = full
	return 0
}

// sweep forgets full buckets, at most once a minute.
func (l *Limits) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for k, full := range l.buckets {
		if full.Before(now) {
			delete(l.buckets, k)
		}
	}
}

// network is what counts as one address: an IPv6 host owns its /64.
func network(ip netip.Addr) netip.Addr {
	if ip.Is6() && !ip.Is4In6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip.Unmap()
}
