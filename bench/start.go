package bench

import (
	"context"
	"time"
)

// start measures how long a server takes to accept, on a folder it has used before, and what it
// holds when nobody is there.
func start(ctx context.Context, o Options, r *Result) error {
	data, done, err := o.folder()
	if err != nil {
		return err
	}
	defer done()
	if _, err := seed(ctx, o, data, 1); err != nil {
		return err
	}
	var seconds, memory []float64
	for range o.Runs {
		server, err := launch(ctx, o, data)
		if err != nil {
			return err
		}
		seconds = append(seconds, server.started.Seconds())
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		held, err := server.rss()
		if err != nil {
			return err
		}
		memory = append(memory, held/1e6)
		if err := server.stop(); err != nil {
			return err
		}
	}
	r.add("from start to accepting", "s", seconds)
	r.add("an idle server", "MB", memory)
	return nil
}
