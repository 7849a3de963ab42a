// Package bench is the load driver behind the README's figures: it runs a server of its own in a
// process of its own on one core, drives it from another, and writes down what it saw beside a
// yardstick from the same run.
//
// Machines are shared and noisy, so a figure means little alone: each stands beside what the same
// machine did with the same work in its plainest form a moment before, and is the median of several
// runs. Accounts and keys are put into the store before the server starts, because making ten
// thousand keys over the wire would measure nothing else.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Options say what to run.
type Options struct {
	// Mode is handshake, idle, direct or start.
	Mode string
	// Runs is how many times each figure is taken; the median counts.
	Runs int
	// Seconds is how long each run lasts.
	Seconds int
	// Clients is how many sessions or pairs there are; 0 is the mode's own number.
	Clients int
	// DB is the server's database: sqlite, or the address of an empty PostgreSQL one.
	DB string
	// Transport is tcp or ws.
	Transport string
	// Program is the chappe binary, this one if empty.
	Program string

	// data is the folder that all runs share; with SQLite each has one of its own.
	data string
}

// modes are the things that can be measured.
var modes = map[string]func(context.Context, Options, *Result) error{
	"handshake": handshakes,
	"idle":      idle,
	"direct":    direct,
	"start":     start,
}

// Modes lists what can be measured.
func Modes() []string {
	names := make([]string, 0, len(modes))
	for name := range modes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Run measures one mode.
func Run(ctx context.Context, o Options) (*Result, error) {
	mode := modes[o.Mode]
	if mode == nil {
		return nil, fmt.Errorf("no mode %q; there are %v", o.Mode, Modes())
	}
	if o.Runs < 1 || o.Seconds < 1 {
		return nil, errors.New("runs and seconds are at least 1")
	}
	r, err := newResult(o)
	if err != nil {
		return nil, err
	}
	if o.DB != "sqlite" {
		if o.data, err = os.MkdirTemp("", "chappe-bench-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(o.data)
	}
	return r, mode(ctx, o, r)
}

// folder is where a run keeps its server's data. A server keeps the database it was made with, so
// runs on PostgreSQL share theirs.
func (o Options) folder() (data string, done func(), err error) {
	if o.data != "" {
		return o.data, func() {}, nil
	}
	data, err = os.MkdirTemp("", "chappe-bench-")
	return data, func() { os.RemoveAll(data) }, err
}

// median of an odd or even number of figures.
func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
