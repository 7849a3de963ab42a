package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// stall occupies the only writer until release is called, so that what a test
// writes meanwhile shares a transaction.
func stall(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	running, end, done := make(chan struct{}, 1), make(chan struct{}), make(chan error)
	go func() {
		done <- db.Write(context.Background(), nil, func(*store.Tx) error {
			running <- struct{}{}
			<-end
			return nil
		})
	}()
	<-running
	return sync.OnceFunc(func() {
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// together runs writes in one transaction, in their order, and returns their
// errors.
func together(t *testing.T, db *store.DB, writes ...func(tx *store.Tx) error) []error {
	t.Helper()
	release := stall(t, db)
	errs := make([]error, len(writes))
	var group sync.WaitGroup
	for i, write := range writes {
		waiting := db.Waiting()
		group.Go(func() { errs[i] = db.Write(context.Background(), nil, write) })
		for db.Waiting() == waiting {
			runtime.Gosched()
		}
	}
	release()
	group.Wait()
	return errs
}

func eachWithOneWriter(t *testing.T, test func(t *testing.T, db *store.DB)) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		place := target()
		test(t, openNotes(t, func() *store.DB { return place.Open(t, store.Options{Writers: 1, Queue: 8}) }))
	})
}

// failures are ways to fail between three functions that succeed. runs is how
// many functions are run in all: a failure after writing runs the others again.
var failures = map[string]struct {
	fail func(tx *store.Tx) error
	is   error
	says string
	runs int
}{
	"before writing": {
		fail: func(tx *store.Tx) error { return errTest },
		is:   errTest, runs: 4,
	},
	"after reading": {
		fail: func(tx *store.Tx) error {
			return tx.Row("SELECT text FROM notes WHERE owner = $1", 99).Scan(new(string))
		},
		is: store.ErrNoRows, runs: 4,
	},
	"after writing": {
		fail: func(tx *store.Tx) error { return errors.Join(addNote(3, 1, "undone")(tx), errTest) },
		is:   errTest, runs: 6,
	},
	"after writing with returning": {
		fail: func(tx *store.Tx) error {
			var id int64
			err := tx.Row("INSERT INTO notes (owner, id, text) VALUES (3, 1, 'undone') RETURNING id").Scan(&id)
			return errors.Join(err, errTest)
		},
		is: errTest, runs: 6,
	},
	"in the database": {
		fail: addNote(1, 1, "there already"),
		says: "notes", runs: 6,
	},
	"in the database, kept to itself": {
		fail: func(tx *store.Tx) error { addNote(1, 1, "there already")(tx); return nil },
		says: "notes", runs: 6,
	},
	"by a panic": {
		fail: func(tx *store.Tx) error { addNote(3, 1, "undone")(tx); panic("the sky falls") },
		says: "the sky falls", runs: 6,
	},
}

func TestFailureInABatch(t *testing.T) {
	var ran int
	count := func(fn func(tx *store.Tx) error) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { ran++; return fn(tx) }
	}
	for name, test := range failures {
		t.Run(name, func(t *testing.T) {
			eachWithOneWriter(t, func(t *testing.T, db *store.DB) {
				ran = 0
				errs := together(t, db,
					count(addNote(1, 1, "first")),
					count(addNote(2, 1, "second")),
					count(test.fail),
					count(addNote(4, 1, "last")))
				if errs[0] != nil || errs[1] != nil || errs[3] != nil {
					t.Errorf("the others failed: %v", errs)
				}
				if err := errs[2]; err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v", err)
				}
				if n := countNotes(t, db); n != 3 {
					t.Errorf("%d notes", n)
				}
				if ran != test.runs {
					t.Errorf("ran %d functions, want %d", ran, test.runs)
				}
			})
		})
	}
}

func TestManyFailuresRunABatchTwice(t *testing.T) {
	eachWithOneWriter(t, func(t *testing.T, db *store.DB) {
		ran := 0
		bad := func(owner int64) func(tx *store.Tx) error {
			return func(tx *store.Tx) error { ran++; return errors.Join(addNote(owner, 1, "undone")(tx), errTest) }
		}
		good := func(tx *store.Tx) error { ran++; return addNote(9, 1, "kept")(tx) }
		errs := together(t, db, bad(1), bad(2), good, bad(3), bad(4))
		for i, err := range errs {
			if (err == nil) != (i == 2) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if n := countNotes(t, db); n != 1 || ran != 5 {
			t.Errorf("%d notes, %d runs", n, ran)
		}
	})
}

func TestGoexitInAWrite(t *testing.T) {
	eachWithOneWriter(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), nil, func(tx *store.Tx) error {
			addNote(1, 1, "undone")(tx)
			runtime.Goexit()
			return nil
		})
		if err == nil {
			t.Error("no error")
		}
		mustWrite(t, db, addNote(2, 1, "kept"))
		if n := countNotes(t, db); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
}

// A full disk fails those who write, acknowledges nothing that is not there,
// and is over when there is room again.
func TestFullDisk(t *testing.T) {
	place := storetest.SQLite(t)
	db := openNotes(t, func() *store.DB { return place.Open(t, store.Options{}) })
	limit := func(pages int) {
		mustWrite(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		})
	}
	limit(1) // no more than there are
	acknowledged := 0
	for i, err := range together(t, db, addNote(1, 1, "fits"), addNote(2, 1, strings.Repeat("x", 1<<20)), addNote(3, 1, "fits")) {
		if err == nil {
			acknowledged++
		}
		if i == 1 && err == nil {
			t.Error("a disk that is full took a megabyte")
		}
	}
	if n := countNotes(t, db); n != acknowledged {
		t.Errorf("%d notes, %d acknowledged", n, acknowledged)
	}
	limit(1 << 30)
	mustWrite(t, db, addNote(4, 1, strings.Repeat("x", 1<<20)))
}

func TestQueueIsBounded(t *testing.T) {
	eachWithOneWriter(t, func(t *testing.T, db *store.DB) {
		release := stall(t, db)
		var group sync.WaitGroup
		for i := range int64(8) {
			group.Go(func() {
				if err := db.Write(context.Background(), nil, addNote(i, 1, "waited")); err != nil {
					t.Error(err)
				}
			})
		}
		for db.Waiting() < 8 {
			runtime.Gosched()
		}
		if err := db.Write(t.Context(), nil, addNote(9, 1, "too many")); err != store.ErrBusy {
			t.Errorf("got %v", err)
		}
		release()
		group.Wait()
		if n := countNotes(t, db); n != 8 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestCancelledWrite(t *testing.T) {
	eachWithOneWriter(t, func(t *testing.T, db *store.DB) {
		release := stall(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error)
		go func() { answer <- db.Write(ctx, nil, addNote(1, 1, "withdrawn")) }()
		for db.Waiting() < 1 {
			runtime.Gosched()
		}
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		if err := db.Write(ctx, nil, addNote(2, 1, "late")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}

		// Once the transaction runs, its outcome counts.
		ctx, cancel = context.WithCancel(t.Context())
		if err := db.Write(ctx, nil, func(tx *store.Tx) error { cancel(); return addNote(3, 1, "kept")(tx) }); err != nil {
			t.Error(err)
		}
		if n := countNotes(t, db); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestCloseFinishesWhatIsAccepted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		var kept atomic.Int64
		var group sync.WaitGroup
		started := make(chan struct{}, 1)
		for caller := range int64(20) {
			group.Go(func() {
				for id := int64(0); ; id++ {
					err := db.Write(context.Background(), nil, addNote(caller, id, "x"))
					if errors.Is(err, store.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					if kept.Add(1) == 50 {
						started <- struct{}{}
					}
				}
			})
		}
		<-started
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
		if err := db.Read(t.Context(), func(*store.Tx) error { return nil }); err != store.ErrClosed {
			t.Errorf("read: %v", err)
		}
		if n := countNotes(t, open()); int64(n) != kept.Load() {
			t.Errorf("%d notes, %d acknowledged", n, kept.Load())
		}
	})
}

// Two people write to each other at once: without an order of locks PostgreSQL
// would find deadlocks, and without locks updates would be lost.
func TestOwnersAreLockedInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		const people, sends = 4, 50
		db := open()
		mustWrite(t, db, func(tx *store.Tx) error {
			for id := range people {
				if _, err := tx.Exec("INSERT INTO accounts (id, pts) VALUES ($1, 1)", id+1); err != nil {
					return err
				}
			}
			return nil
		})
		bump := func(tx *store.Tx, id int64) error {
			var pts int64
			if err := tx.Row("SELECT pts FROM accounts WHERE id = $1", id).Scan(&pts); err != nil {
				return err
			}
			_, err := tx.Exec("UPDATE accounts SET pts = $2 WHERE id = $1", id, pts+1)
			return err
		}
		var group sync.WaitGroup
		for i := range int64(people * people) {
			a, b := i/people+1, i%people+1
			group.Go(func() {
				for range sends {
					err := db.Write(context.Background(), []int64{a, b}, func(tx *store.Tx) error {
						return errors.Join(bump(tx, a), bump(tx, b))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		var sum int64
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			return tx.Row("SELECT CAST(SUM(pts) AS BIGINT) FROM accounts WHERE id <= $1", people).Scan(&sum)
		})
		if want := int64(people + 2*people*people*sends); err != nil || sum != want {
			t.Errorf("sum of pts %d, want %d (%v)", sum, want, err)
		}
	})
}

func TestPostgresDeadlockIsRunAgain(t *testing.T) {
	target := storetest.Postgres(t)
	db := openNotes(t, func() *store.DB { return target.Open(t, store.Options{}) })
	mustWrite(t, db, func(tx *store.Tx) error { return errors.Join(addNote(1, 1, "a")(tx), addNote(2, 1, "b")(tx)) })
	var met sync.WaitGroup
	met.Add(2)
	var runs atomic.Int64
	write := func(first, second int) func(tx *store.Tx) error {
		arrive := sync.OnceFunc(func() { met.Done(); met.Wait() })
		return func(tx *store.Tx) error {
			runs.Add(1)
			const update = "UPDATE notes SET text = text || 'x' WHERE owner = $1"
			if _, err := tx.Exec(update, first); err != nil {
				return fmt.Errorf("update first: %w", err)
			}
			arrive()
			if _, err := tx.Exec(update, second); err != nil {
				return fmt.Errorf("update second: %w", err)
			}
			return nil
		}
	}
	var group sync.WaitGroup
	for _, fn := range []func(tx *store.Tx) error{write(1, 2), write(2, 1)} {
		group.Go(func() {
			if err := db.Write(context.Background(), nil, fn); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: no deadlock happened", runs.Load())
	}
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		var n int
		if err := tx.Row("SELECT COUNT(*) FROM notes WHERE text IN ('axx', 'bxx')").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d notes as expected (%v)", n, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPostgresConnectionsAreReplaced(t *testing.T) {
	target := storetest.Postgres(t)
	db := openNotes(t, func() *store.DB { return target.Open(t, store.Options{Writers: 1}) })
	killer := target.Open(t, store.Options{Writers: 1})
	countNotes(t, db)
	kill := func() {
		mustWrite(t, killer, func(tx *store.Tx) error {
			_, err := tx.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			return err
		})
	}
	kill()
	mustWrite(t, db, addNote(1, 1, "after a lost connection"))
	if n := countNotes(t, db); n != 1 {
		t.Errorf("%d notes", n)
	}
	again := false
	mustWrite(t, db, func(tx *store.Tx) error {
		if !again {
			again = true
			kill()
		}
		return addNote(2, 1, "in the middle of one")(tx)
	})
	if n := countNotes(t, db); n != 2 {
		t.Errorf("%d notes", n)
	}
}
