package help

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	resolvedFor = 10 * time.Minute // how long what a name resolved to is kept
	retryAfter  = time.Minute      // when to look again after a failure
	patience    = 2 * time.Second  // how long to wait for the name servers
)

// Addresses are where clients reach the server: what the host of its public URL resolves to, at the
// port of the URL. A name is looked up again after ten minutes, for a server at home moves; when
// that fails, what was known stays.
type Addresses struct {
	host string
	port uint16
	// lookup is net.Resolver.LookupNetIP.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	mu    sync.Mutex
	list  []netip.AddrPort
	until time.Time // when to look again
}

// NewAddresses takes the server's public URL, http or https. It looks nothing up yet.
func NewAddresses(public string) (*Addresses, error) {
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("public URL %q names no host", public)
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("public URL %q has no port: %w", public, err)
	}
	return &Addresses{host: u.Hostname(), port: uint16(port), lookup: net.DefaultResolver.LookupNetIP}, nil
}

// List returns the addresses, at most 2 seconds later; none if the name has never resolved. Nobody
// may change the list.
func (a *Addresses) List(ctx context.Context, now time.Time) []netip.AddrPort {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Before(a.until) {
		return a.list
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	ips, err := a.lookup(ctx, "ip", a.host)
	if err != nil {
		a.until = now.Add(retryAfter)
		return a.list
	}
	a.list, a.until = nil, now.Add(resolvedFor)
	for _, ip := range ips {
		a.list = append(a.list, netip.AddrPortFrom(ip.Unmap().WithZone(""), a.port))
	}
	return a.list
}
