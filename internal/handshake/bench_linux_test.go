package handshake

import (
	"context"
	"math/big"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkExchange makes whole permanent keys on one goroutine, from req_pq to
// dh_gen_ok, with nothing prepared ahead: exchanges/s is what one core can do. It
// counts the processor time of the server's part, so neither the client's part nor
// other programs change it; saving the key costs nothing here.
func BenchmarkExchange(b *testing.B) {
	s := newServer(b, &vault{}, func(c *Config) { c.Workers = 1 })
	s.stock = nil
	exponent := new(big.Int).Lsh(big.NewInt(12345), 1500)
	public := new(big.Int).Exp(big.NewInt(generator), exponent, new(big.Int).SetBytes(s.group.prime)).Bytes()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var busy time.Duration
	handle := func(c *client, p []byte) []byte {
		begun := threadTime(b)
		reply, err := s.Handle(context.Background(), home, c.x, p)
		busy += threadTime(b) - begun
		if err != nil {
			b.Fatal(err)
		}
		return reply
	}
	n := 0
	for b.Loop() {
		c := newClient(s)
		begun := threadTime(b)
		if err := c.start(); err != nil {
			b.Fatal(err)
		}
		busy += threadTime(b) - begun
		handle(c, packet(c.request(c.inner())))
		handle(c, packet(c.seal(c.answer(public, 0))))
		n++
	}
	b.ReportMetric(float64(n)/busy.Seconds(), "exchanges/s")
	b.ReportMetric(float64(busy.Microseconds())/float64(n), "µs/exchange")
}

// threadTime is the processor time of this thread.
func threadTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
