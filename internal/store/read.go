package store

import (
	"context"
	"fmt"
	"sync"
)

// readers are the connections for reading. The one used last is used next, so
// that a quiet server keeps few of them busy and their statements prepared.
type readers struct {
	db    *DB
	slots chan struct{} // one for each connection that may be in use

	mu   sync.Mutex
	idle []*conn
}

func newReaders(d *DB, n int) *readers {
	return &readers{db: d, slots: make(chan struct{}, n)}
}

// Read runs fn with a consistent view of the database, in which nothing can be
// written. fn runs in the caller's goroutine and should be short: while it runs
// SQLite cannot shorten its log.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.readers.slots <- struct{}{}:
		defer func() { <-d.readers.slots }()
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return ErrClosed
	}
	if !d.dialect.interruptible {
		ctx = context.WithoutCancel(ctx)
	}
	c, err := d.readers.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	tx := &Tx{conn: c, ctx: ctx}
	err = tx.call(fn)
	if _, failed := c.exec(ctx, "ROLLBACK"); failed != nil {
		c.close()
		return err
	}
	d.readers.put(c)
	return err
}

// begin starts a transaction on an idle connection, or on a new one if there is
// none that still works.
func (r *readers) begin(ctx context.Context) (*conn, error) {
	for {
		c, fresh, err := r.get(ctx)
		if err != nil {
			return nil, err
		}
		if _, err = c.exec(ctx, r.db.dialect.beginRead); err == nil {
			return c, nil
		}
		if c.close(); fresh {
			return nil, err
		}
	}
}

func (r *readers) get(ctx context.Context) (c *conn, fresh bool, err error) {
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		c, r.idle = r.idle[last], r.idle[:last]
	}
	r.mu.Unlock()
	if c != nil {
		return c, false, nil
	}
	c, err = r.db.connect(ctx, r.db.dialect.reader)
	return c, true, err
}

func (r *readers) put(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
}

// close waits for the reads under way and drops all connections.
func (r *readers) close() {
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	for _, c := range r.idle {
		c.close()
	}
}
