package handshake

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/internal/cipher"
)

// TestRetry has the id of a key taken already, once and for ever.
func TestRetry(t *testing.T) {
	v := &vault{errs: []error{ErrCollision, ErrCollision, ErrCollision, ErrCollision}}
	c := offered(t, newServer(t, v, nil))
	retryID := int64(0)
	for i := range maxRetries {
		var retry mt.DhGenRetry
		if err := c.send(c.seal(c.answer(c.public(int64(i+1)), retryID)), &retry); err != nil {
			t.Fatal(err)
		}
		newNonce, aux := [32]byte(c.newNonce), auxHash(&c.key)
		if retry.NewNonceHash2 != bin.Int128(nonceHash(&newNonce, 2, aux)) {
			t.Error("new_nonce_hash2 does not fit")
		}
		b := bin.Buffer{Buf: aux[:]}
		retryID, _ = b.Long()
	}
	again := clone(c.x.attempts[0].dh)
	var fail mt.DhGenFail
	if err := c.send(c.seal(c.answer(c.public(9), retryID)), &fail); err != nil {
		t.Fatal(err)
	}
	newNonce := [32]byte(c.newNonce)
	if fail.NewNonceHash3 != bin.Int128(nonceHash(&newNonce, 3, auxHash(&c.key))) {
		t.Error("new_nonce_hash3 does not fit")
	}
	wantCode(t, "after dh_gen_fail", c.finish(retryID), CodeNotFound)

	c.x.add(&attempt{nonce: c.nonce, serverNonce: c.res.ServerNonce, until: time.Now().Add(lifetime), dh: again})
	wantCode(t, "retry without its id", c.finish(0), CodeNotFound)
	c.x.add(&attempt{nonce: c.nonce, serverNonce: c.res.ServerNonce, until: time.Now().Add(lifetime), dh: again})
	if err := c.finish(retryID); err != nil || len(v.saved) != 1 {
		t.Errorf("%v, %d saved", err, len(v.saved))
	}
}

// TestSaveFails is a disk that is full: the client hears dh_gen_fail and has no key.
func TestSaveFails(t *testing.T) {
	v := &vault{errs: []error{errors.New("disk full")}}
	c := offered(t, newServer(t, v, nil))
	if err := c.send(c.seal(c.answer(c.public(1), 0)), new(mt.DhGenFail)); err != nil || len(v.saved) != 0 {
		t.Errorf("%v, %d saved", err, len(v.saved))
	}
}

// TestNoRandomness closes the connection rather than guess.
func TestNoRandomness(t *testing.T) {
	for _, limits := range []struct{ pq, dh int64 }{{0, 0}, {16, 0}, {4096, 0}, {4096, 32}} {
		s := newServer(t, &vault{}, nil)
		s.stock = nil
		c := newClient(s)
		s.cfg.Rand = io.LimitReader(rand.Reader, limits.pq)
		err := c.start()
		if err == nil {
			s.cfg.Rand = io.LimitReader(rand.Reader, limits.dh)
			err = c.ask(c.request(c.inner()))
		}
		if !errors.Is(err, ErrClose) {
			t.Errorf("%+v bytes of randomness: %v", limits, err)
		}
	}
}

// TestConfig refuses keys that clients would not take.
func TestConfig(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := testKeys()["high"]
	other := *good
	other.E = 3
	broken := *good
	broken.Primes = []*big.Int{good.Primes[0], good.Primes[0]}
	save := new(vault).save
	for name, cfg := range map[string]Config{
		"no key": {Save: save}, "no Save": {Key: good}, "1024 bits": {Key: small, Save: save},
		"e = 3": {Key: &other, Save: save}, "wrong primes": {Key: &broken, Save: save},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestGenerateKey(t *testing.T) {
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if Fingerprint(&key.PublicKey)>>60 == 0 || key.N.BitLen() != 2048 || key.E != 65537 {
		t.Errorf("key of %d bits, e = %d", key.N.BitLen(), key.E)
	}
	if fp := crypto.RSAFingerprint(&key.PublicKey); uint64(fp) != Fingerprint(&key.PublicKey) {
		t.Errorf("gotd's fingerprint is %x", fp)
	}
	block, rest := pem.Decode(PublicKeyPEM(&key.PublicKey))
	if block == nil || len(rest) != 0 {
		t.Fatal("not PEM")
	}
	if got, err := x509.ParsePKCS1PublicKey(block.Bytes); err != nil || !got.Equal(&key.PublicKey) {
		t.Errorf("read back: %v", err)
	}
	if _, err := New(Config{Key: key, Save: new(vault).save}); err != nil {
		t.Error(err)
	}
}

// TestSeveralAtOnce has four exchanges under way on one connection, and a req_pq in
// between that only asks whether the link lives.
func TestSeveralAtOnce(t *testing.T) {
	v := &vault{}
	s := newServer(t, v, nil)
	var x Exchange
	var clients []*client
	for range maxAttempts {
		c := newClient(s)
		c.x = &x
		if err := c.start(); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	for _, c := range clients[1:] {
		if err := c.ask(c.request(c.inner())); err != nil {
			t.Fatal(err)
		}
	}
	if err := newFake(s, &x).start(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "the oldest, crowded out", clients[0].ask(clients[0].request(clients[0].inner())), CodeNotFound)
	for _, c := range clients[1:] {
		if err := c.finish(0); err != nil {
			t.Error(err)
		}
	}
	if len(v.saved) != maxAttempts-1 || len(x.attempts) != 1 {
		t.Errorf("%d saved, %d under way", len(v.saved), len(x.attempts))
	}
}

func newFake(s *Server, x *Exchange) *client {
	c := newClient(s)
	c.x = x
	return c
}

// TestPrimes holds isPrime against math/big, and the factors against what clients
// demand.
func TestPrimes(t *testing.T) {
	check := func(n uint32) {
		if want := big.NewInt(int64(n)).ProbablyPrime(0); isPrime(n) != want {
			t.Fatalf("%d is prime: %v", n, want)
		}
	}
	for _, strong := range []uint32{2047, 3277, 25326001, 1373653, 1<<31 - 1, 1<<32 - 1, 1<<32 - 5, 4033, 3215031751} {
		check(strong)
	}
	for n := uint32(1<<30 + 1); n < 1<<30+20000; n += 2 {
		check(n)
	}
	for n := uint32(63); n < 20000; n += 2 {
		check(n)
	}
	for range 100 {
		p, q, err := newPQ(rand.Reader)
		if err != nil || p >= q || p>>30 != 1 || q>>30 != 1 || !isPrime(p) || !isPrime(q) {
			t.Fatal(p, q, err)
		}
	}
}

// TestLimits counts exchanges of one address and of all.
func TestLimits(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := newLimits(0, 2)
	one, neighbour := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:ff::2")
	count := func(ip netip.Addr) (n int) {
		for l.allow(ip, now) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		what string
		ip   netip.Addr
		wait time.Duration
		want int
	}{
		{"at once", one, 0, 20},
		{"same /56", neighbour, 0, 0},
		{"other /56", netip.MustParseAddr("2001:db8:0:100::1"), 0, 20},
		{"IPv4", netip.MustParseAddr("192.0.2.1"), 0, 20},
		{"IPv4 in IPv6", netip.MustParseAddr("::ffff:192.0.2.1"), 0, 0},
		{"no address", netip.Addr{}, 0, 20},
		{"a second later", one, time.Second, 2},
		{"across a generation", one, 9 * time.Second, 18},
		{"not forgotten too early", one, time.Second, 2},
		{"long after", one, time.Minute, 20},
	} {
		now = now.Add(step.wait)
		if n := count(step.ip); n != step.want {
			t.Errorf("%s: %d, want %d", step.what, n, step.want)
		}
	}
	if l = newLimits(3, 0); count(one) != 3 || count(neighbour) != 0 {
		t.Error("the global limit does not hold")
	}
	l = newLimits(0, 1)
	for i := range maxAddresses + 10 {
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.recent) > maxAddresses || len(l.recent)+len(l.older) > 2*maxAddresses {
		t.Errorf("%d addresses remembered", len(l.recent)+len(l.older))
	}

	s := newServer(t, &vault{}, func(c *Config) { c.PerSecond = 1 })
	offered(t, s)
	c := newClient(s)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "over the limit", c.ask(c.request(c.inner())), CodeFlood)
}

// TestPoolFull answers −429 at once when too many wait, and serves those who do.
func TestPoolFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, &vault{}, func(c *Config) { c.Workers = 1 })
		offered(t, s)
		synctest.Wait() // until the stock is full
		if len(s.stock) != cap(s.stock) {
			t.Errorf("%d pairs in stock, want %d", len(s.stock), cap(s.stock))
		}
		s.pool.slots <- struct{}{} // a worker that is busy
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range waiting + 1 {
			wg.Go(func() {
				if err := s.pool.do(ctx, func() error { return nil }); !errors.Is(err, ErrClose) {
					t.Errorf("worked: %v", err)
				}
			})
		}
		synctest.Wait()
		c := newClient(s)
		if err := c.start(); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "one more", c.ask(c.request(c.inner())), CodeFlood)
		cancel()
		wg.Wait()
		s.pool.leave()
		if err := offered(t, s).finish(0); err != nil {
			t.Error(err)
		}
	})
}

// wire carries gotd's packets to Handle, as a transport would.
type wire struct {
	s       *Server
	x       Exchange
	replies [][]byte
}

func (w *wire) Send(ctx context.Context, b *bin.Buffer) error {
	reply, err := w.s.Handle(ctx, home, &w.x, b.Copy())
	if err != nil {
		return err
	}
	w.replies = append(w.replies, reply)
	return nil
}

func (w *wire) Recv(_ context.Context, b *bin.Buffer) error {
	if len(w.replies) == 0 {
		return io.EOF
	}
	b.ResetTo(w.replies[0])
	w.replies = w.replies[1:]
	return nil
}

func (w *wire) Close() error { return nil }

// TestGotd makes keys with a foreign client: a permanent one and, on the same
// connection, a temporary one for media of a test DC, with both kinds of server key.
func TestGotd(t *testing.T) {
	for name, key := range testKeys() {
		v := &vault{}
		w := &wire{s: newServer(t, v, func(c *Config) { c.Key = key })}
		keys := []exchange.PublicKey{{RSA: &key.PublicKey}}
		wanted := []struct{ dc, expires int }{{2, 0}, {-10004, 86400}}
		if name == "low" {
			wanted = wanted[:1] // gotd takes a second each time, to factor and to prove our prime
		}
		for _, want := range wanted {
			e := exchange.NewExchanger(w, want.dc)
			if want.expires != 0 {
				e = e.WithTempMode(want.expires)
			}
			got, err := e.Client(keys).Run(t.Context())
			if err != nil {
				t.Fatalf("%s key, DC %d: %v", name, want.dc, err)
			}
			saved := v.saved[len(v.saved)-1]
			if saved.Key != [256]byte(got.AuthKey.Value) || saved.Salt != got.ServerSalt ||
				int(saved.DC) != want.dc || int(saved.ExpiresIn) != want.expires {
				t.Errorf("%s key, DC %d: saved for DC %d, %d s, or another key", name, want.dc, saved.DC, saved.ExpiresIn)
			}
			k := cipher.NewKey(saved.Key)
			b := bin.Buffer{Buf: got.AuthKey.ID[:]}
			if id, _ := b.Long(); id != k.ID() {
				t.Errorf("%s key, DC %d: key id %x, want %x", name, want.dc, k.ID(), id)
			}
		}
		if w.x.attempts != nil {
			t.Error("a finished exchange is still held")
		}
	}
}
