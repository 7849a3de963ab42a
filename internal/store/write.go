package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

const (
	attempts     = 10               // of one batch, before its callers get the error
	batchTimeout = 30 * time.Second // for one attempt, where statements can be interrupted
)

var (
	errUndo   = errors.New("store: a function failed after it had written")
	errGoexit = errors.New("store: a function ended its goroutine instead of returning")
)

// The states of a request. Only a waiting one can be withdrawn.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// request is one call of Write.
type request struct {
	owners []int64
	fn     func(*Tx) error
	state  atomic.Int32
	failed bool       // err is final: do not run fn again
	err    error      // of fn
	done   chan error // receives the answer, once
}

// Write runs fn in a transaction that may be shared with other callers' and
// returns after it is committed and synced. owners are the ids of the accounts
// whose rows fn writes: PostgreSQL locks them, in the order of their ids.
//
// fn may run more than once, and in another goroutine; it must have no effect
// outside tx except to set variables of its caller, to which it gives their
// first values itself. An error of fn undoes only fn's own writes and is
// returned as it is. ErrBusy and ErrClosed say that nothing was done, and so
// does an error of ctx, which is looked at only until the transaction begins.
// After any other error the outcome may be unknown, as after a lost connection.
func (d *DB) Write(ctx context.Context, owners []int64, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{owners: owners, fn: fn, done: make(chan error, 1)}
	select {
	case <-d.closing:
		return ErrClosed
	default:
	}
	select {
	case d.queue <- r:
	default:
		return ErrBusy
	}
	var err error
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-d.closed:
		err = ErrClosed
	}
	if r.state.CompareAndSwap(waiting, withdrawn) {
		return err
	}
	return <-r.done
}

// writer runs batches of requests on a connection of its own.
type writer struct {
	db    *DB
	conn  *conn // nil when there is none that works
	batch []*request
}

func newWriter(d *DB) *writer { return &writer{db: d} }

func (w *writer) loop() {
	defer w.stopped()
	for w.take() {
		w.run()
		for _, r := range w.batch {
			r.done <- r.err
		}
		clear(w.batch)
		w.batch = w.batch[:0]
	}
}

// stopped ends the writer, or replaces it when a function called
// runtime.Goexit, as t.FailNow does in a test.
func (w *writer) stopped() {
	if w.conn != nil {
		w.conn.close()
	}
	if len(w.batch) == 0 {
		w.db.writers.Done()
		return
	}
	for _, r := range w.batch {
		r.done <- errGoexit
	}
	go newWriter(w.db).loop()
}

// take waits for a request and takes all that wait with it. It returns false
// when the store is closing and nothing waits any more.
func (w *writer) take() bool {
	for len(w.batch) == 0 {
		select {
		case r := <-w.db.queue:
			w.add(r)
		case <-w.db.closing:
			select {
			case r := <-w.db.queue:
				w.add(r)
			default:
				return false
			}
		}
	}
	// The callers answered last are ready to run and bring their next writes.
	// Letting them do so first makes one large batch of what would be a small
	// one and a large one, for a quarter more writes a second on one core.
	runtime.Gosched()
	for len(w.batch) < w.db.options.Batch {
		select {
		case r := <-w.db.queue:
			w.add(r)
		default:
			return true
		}
	}
	return true
}

func (w *writer) add(r *request) {
	if r.state.CompareAndSwap(waiting, taken) {
		w.batch = append(w.batch, r)
	}
}

// run brings the batch to an end: every request has its answer in err.
func (w *writer) run() {
	pending := w.batch
	careful := false
	for attempt := 1; len(pending) > 0; {
		err, committing := w.try(pending, careful)
		switch {
		case err == nil:
			return
		case err == errUndo:
			careful = true
			pending = slices.DeleteFunc(slices.Clone(pending), func(r *request) bool { return r.failed })
		case attempt < attempts && retryable(err, committing):
			w.db.options.Log.Debug("transaction is run again", "attempt", attempt, "err", err)
			time.Sleep(rand.N(time.Millisecond << min(attempt, 9))) // #nosec G404 -- a pause, no secret
			attempt++
		default:
			for _, r := range pending {
				r.err = err
			}
			return
		}
	}
}

// try runs all pending requests in one transaction and commits it. It fails
// with errUndo when the request marked as failed must not take part.
func (w *writer) try(pending []*request, careful bool) (err error, committing bool) {
	ctx := context.Background()
	if w.db.dialect.interruptible {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, batchTimeout)
		defer cancel()
	}
	if err := w.begin(ctx); err != nil {
		return err, false
	}
	defer func() {
		if err != nil {
			w.rollback(ctx)
		}
	}()
	if err := w.lock(ctx, pending); err != nil {
		return err, false
	}
	for _, r := range pending {
		if err := w.runOne(ctx, r, careful); err != nil {
			return err, false
		}
	}
	began := time.Now()
	_, err = w.conn.exec(ctx, "COMMIT")
	if told := w.db.options.Committed; told != nil && err == nil {
		told(len(pending), time.Since(began))
	}
	return err, true
}

func (w *writer) begin(ctx context.Context) (err error) {
	if w.conn == nil {
		setup := ""
		if w.db.options.LoadSchema > 0 {
			setup = w.db.dialect.loader
		}
		if w.conn, err = w.db.connect(ctx, setup); err != nil {
			return err
		}
	}
	if _, err = w.conn.exec(ctx, w.db.dialect.begin); err != nil {
		w.conn.close()
		w.conn = nil
	}
	return err
}

// rollback gives the connection up if it cannot be brought back to order.
func (w *writer) rollback(ctx context.Context) {
	if _, err := w.conn.exec(ctx, "ROLLBACK"); err != nil {
		w.conn.close()
		w.conn = nil
	}
}

func (w *writer) lock(ctx context.Context, pending []*request) error {
	if w.db.dialect.lock == "" {
		return nil
	}
	var owners []int64
	for _, r := range pending {
		owners = append(owners, r.owners...)
	}
	slices.Sort(owners)
	if owners = slices.Compact(owners); len(owners) == 0 {
		return nil
	}
	_, err := w.conn.exec(ctx, w.db.dialect.lock, owners)
	return err
}

// runOne runs one function. The error is that of the transaction, the
// function's own is in the request.
func (w *writer) runOne(ctx context.Context, r *request, careful bool) error {
	if careful {
		if _, err := w.conn.exec(ctx, "SAVEPOINT one"); err != nil {
			return err
		}
	}
	tx := &Tx{conn: w.conn, ctx: ctx}
	r.err = tx.call(r.fn)
	undo := r.err != nil && (tx.wrote || tx.err != nil && w.db.dialect.aborts)
	switch {
	case tx.err != nil && retryable(tx.err, false):
		return tx.err
	case undo && !careful:
		r.failed = true
		return errUndo
	case undo:
		if _, err := w.conn.exec(ctx, "ROLLBACK TO SAVEPOINT one"); err != nil {
			return err
		}
	}
	if careful {
		_, err := w.conn.exec(ctx, "RELEASE SAVEPOINT one")
		return err
	}
	return nil
}

// Waiting is the number of writes that wait for a writer.
func (d *DB) Waiting() int { return len(d.queue) }
