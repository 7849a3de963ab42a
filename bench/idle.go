package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto"
)

// idle measures the memory of signed-in sessions that say nothing: the growth of the server's
// memory from before the first to after the last, divided by their number.
func idle(ctx context.Context, o Options, r *Result) error {
	if o.Clients == 0 {
		o.Clients = 9000 // what two processes with 20,000 descriptors hold in comfort
	}
	if err := pin(); err != nil {
		return err
	}
	var each, empty []float64
	for range o.Runs {
		before, after, err := idleOnce(ctx, o)
		if err != nil {
			return err
		}
		empty = append(empty, before/1e6)
		each = append(each, (after-before)/float64(o.Clients)/1000)
	}
	r.add("server without sessions", "MB", empty)
	r.add(fmt.Sprintf("each of %d idle signed-in sessions (%s)", o.Clients, o.Transport), "kB", each)
	return nil
}

func idleOnce(ctx context.Context, o Options) (before, after float64, err error) {
	data, done, err := o.folder()
	if err != nil {
		return 0, 0, err
	}
	defer done()
	people, err := seed(ctx, o, data, o.Clients)
	if err != nil {
		return 0, 0, err
	}
	server, err := launch(ctx, o, data)
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	if err := pause(ctx, 2*time.Second); err != nil {
		return 0, 0, err
	}
	if before, err = server.rss(); err != nil {
		return 0, 0, err
	}
	conns, err := crowd(ctx, o, server, people)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	if err != nil {
		return 0, 0, err
	}
	// Long enough for the collector, which runs every two minutes at least, to come by.
	if err := pause(ctx, time.Duration(max(o.Seconds, 130))*time.Second); err != nil {
		return 0, 0, err
	}
	after, err = server.rss()
	return before, after, err
}

// crowd connects everybody, a few at a time, and has each ask for its state, as clients do.
func crowd(ctx context.Context, o Options, c *child, people []person) ([]*mtproto.Conn, error) {
	conns := make([]*mtproto.Conn, len(people))
	var mu sync.Mutex
	var failed error
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= len(people) && failed == nil
	}
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				conn, err := people[i].dial(ctx, o, c, func([]byte) {})
				if err == nil {
					conns[i] = conn
					_, err = tg.NewClient(conn).UpdatesGetState(ctx)
				}
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return conns, failed
}
