package bench

import (
	"context"
	"crypto/rsa"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// handshakes measures key exchanges by the processor time they cost the server, and how long a
// query waits meanwhile. Clients work more for an exchange than the server does, so the rate itself
// is theirs.
func handshakes(ctx context.Context, o Options, r *Result) error {
	if o.Clients == 0 {
		o.Clients = 16
	}
	if err := pin(); err != nil {
		return err
	}
	var perCPU, rates, p99s []float64
	for range o.Runs {
		f, err := handshakesOnce(ctx, o)
		if err != nil {
			return err
		}
		perCPU, rates, p99s = append(perCPU, f.perCPU), append(rates, f.rate), append(p99s, f.p99)
	}
	r.add("key exchanges for a second of server CPU", "exchanges", perCPU)
	r.add("key exchanges as fast as the driver can", "exchanges/s", rates)
	r.add("a query meanwhile, p99", "ms", p99s)
	return nil
}

type handshakeFigures struct{ perCPU, rate, p99 float64 }

func handshakesOnce(ctx context.Context, o Options) (f handshakeFigures, err error) {
	data, done, err := o.folder()
	if err != nil {
		return f, err
	}
	defer done()
	people, err := seed(ctx, o, data, 1)
	if err != nil {
		return f, err
	}
	server, err := launch(ctx, o, data)
	if err != nil {
		return f, err
	}
	defer server.stop()
	conn, err := people[0].dial(ctx, o, server, func([]byte) {})
	if err != nil {
		return f, err
	}
	defer conn.Close()
	before, err := server.cpu()
	if err != nil {
		return f, err
	}
	limited, cancel := context.WithTimeout(ctx, time.Duration(o.Seconds)*time.Second)
	defer cancel()
	began := time.Now()
	made, failed := exchangeAll(limited, o, server)
	waits := probe(limited, tg.NewClient(conn))
	if err := <-failed; err != nil {
		return f, err
	}
	took := time.Since(began)
	after, err := server.cpu()
	if err != nil {
		return f, err
	}
	if made.Load() == 0 || len(waits) == 0 {
		return f, fmt.Errorf("nothing was exchanged")
	}
	slices.Sort(waits)
	f.perCPU = float64(made.Load()) / (after - before)
	f.rate = float64(made.Load()) / took.Seconds()
	f.p99 = float64(waits[len(waits)*99/100].Microseconds()) / 1000
	return f, nil
}

// exchangeAll makes keys from many connections until ctx ends.
func exchangeAll(ctx context.Context, o Options, c *child) (done *atomic.Int64, failed chan error) {
	done, failed = new(atomic.Int64), make(chan error, 1)
	var wait sync.WaitGroup
	var first atomic.Pointer[error]
	for range o.Clients {
		wait.Go(func() {
			for ctx.Err() == nil {
				if err := exchange(ctx, c); err != nil {
					if ctx.Err() == nil {
						first.CompareAndSwap(nil, &err)
					}
					return
				}
				done.Add(1)
			}
		})
	}
	go func() {
		wait.Wait()
		if err := first.Load(); err != nil {
			failed <- *err
		}
		close(failed)
	}()
	return done, failed
}

func exchange(ctx context.Context, c *child) error {
	d := rawconn.Dialer{Addr: c.addr, DC: 2}
	l, err := d.Link(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = mtproto.Exchange(ctx, l, mtproto.ExchangeOptions{PublicKeys: []*rsa.PublicKey{c.key}, DC: 2})
	return err
}

// probe asks one query after the other and notes how long each took.
func probe(ctx context.Context, api *tg.Client) (waits []time.Duration) {
	for ctx.Err() == nil {
		began := time.Now()
		if _, err := api.UpdatesGetState(ctx); err != nil {
			return waits
		}
		waits = append(waits, time.Since(began))
		if pause(ctx, 5*time.Millisecond) != nil {
			return waits
		}
	}
	return waits
}
