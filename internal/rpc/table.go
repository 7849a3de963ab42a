package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gotd/td/bin"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// Observer is told of every query that ended: its method ("" if unknown), its error name ("" if it
// was answered) and how long it took.
type Observer func(method, fault string, took time.Duration)

// Table holds the methods of the server.
type Table struct {
	// Busy is the error of a store that has no room for another write; the caller is told to wait a
	// second. Set before the first call.
	Busy error

	methods map[uint32]*Method
	limits  *Limits
	observe Observer
	log     *slog.Logger
}

// NewTable returns a table of these methods; limits may be nil for none. Two lines for one method
// are a programming error, and reported as such.
func NewTable(methods []*Method, limits *Limits, observe Observer, log *slog.Logger) (*Table, error) {
	t := &Table{methods: make(map[uint32]*Method, len(methods)), limits: limits, observe: observe, log: log}
	for _, m := range methods {
		if old := t.methods[m.ID]; old != nil {
			return nil, fmt.Errorf("two lines for method %s", m.Name)
		}
		t.methods[m.ID] = m
	}
	return t, nil
}

// Lookup returns the line of a method number of the canonical layer, nil if there is none.
func (t *Table) Lookup(id uint32) *Method { return t.methods[id] }

// Call checks the caller and runs one bare query of the canonical layer. Errors that come back are
// of the catalogue; anything else that happened inside is logged and told as INTERNAL.
func (t *Table) Call(ctx context.Context, c *Caller, query []byte) (bin.Encoder, error) {
	start := time.Now()
	b := &bin.Buffer{Buf: query}
	m, answer, err := t.call(ctx, c, b)
	name := ""
	if m != nil {
		name = m.Name
	}
	var f *fault.Error
	switch {
	case err == nil:
	case errors.As(err, &f):
	case t.Busy != nil && errors.Is(err, t.Busy):
		f = fault.FloodWait(1)
	case errors.Is(err, context.Canceled):
		f = fault.Timeout
	default:
		t.log.Error("query failed", "method", name, "err", err)
		f = fault.Internal
	}
	told := ""
	if f != nil {
		told = f.Name
	}
	if t.observe != nil {
		t.observe(name, told, time.Since(start))
	}
	if t.log.Enabled(ctx, slog.LevelDebug) {
		t.log.Debug("query", "method", name, "layer", c.Layer, "fault", told, "took", time.Since(start))
	}
	if f != nil {
		return nil, f
	}
	return answer, nil
}

func (t *Table) call(ctx context.Context, c *Caller, b *bin.Buffer) (m *Method, answer bin.Encoder, err error) {
	id, err := b.PeekID()
	if err != nil {
		return nil, nil, fault.InputFetchError
	}
	m = t.methods[id]
	if m == nil {
		return nil, nil, fault.InputMethodInvalid
	}
	if m.Access == SignedIn && c.Account == 0 {
		return m, nil, fault.AuthKeyUnregistered
	}
	if t.limits != nil {
		if wait := t.limits.take(c, m.Class, time.Now()); wait > 0 {
			return m, nil, fault.FloodWait(int(wait/time.Second) + 1)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	answer, err = m.run(ctx, c, b)
	return m, answer, err
}
