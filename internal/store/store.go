// Package store keeps everything the server must not lose, in SQLite or in a
// database that speaks PostgreSQL, through one body of SQL.
//
// # Writing
//
// Write hands a function to a writer. A writer takes all functions that wait,
// runs them one after the other in one transaction, commits, waits for the
// disk, and only then are the callers answered: many callers pay for one sync,
// and nobody waits for company, because company gathers during the sync before.
// SQLite has one writer. PostgreSQL has several connections doing the same, and
// there a transaction first locks the accounts it writes for, in the order of
// their ids, so that two people writing to each other at once do not deadlock.
//
// A function that fails undoes its own writes and nobody else's. If it fails
// before it wrote anything there is nothing to undo. If it fails after that,
// the transaction is rolled back and the others run again, this time with a
// savepoint each: a batch runs twice at most, whatever its callers do.
//
// # Rules for SQL
//
//   - Placeholders are $1, $2, … and each query is a constant: statements are
//     prepared once per connection and found again by their text.
//   - BIGINT, SMALLINT, TEXT, BYTEA and DOUBLE PRECISION are the types; a flag is
//     a SMALLINT, because SQLite has no BOOLEAN to tell a backup about. Columns
//     are NOT NULL; a nil []byte is stored as NULL, so pass an empty one.
//   - An error of the database is final for its function, even if the function
//     returns nil: PostgreSQL has given up the transaction by then. What may
//     collide says ON CONFLICT. sql.ErrNoRows is no such error.
//   - Rows are closed before the next statement of the same transaction.
//   - PostgreSQL reads what is committed when the statement starts. Read and
//     write back only what the locked owners cover, or use one statement.
//
// # Lifecycle
//
// Open migrates the schema before it returns. Close runs what has been accepted
// and refuses the rest. The package imports nothing of the project.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// ErrNoRows is returned by Row.Scan when the query found nothing.
var ErrNoRows = sql.ErrNoRows

var (
	// ErrBusy says that more writes wait than the queue holds. Nothing was done.
	ErrBusy = errors.New("store: too many writes are waiting")
	// ErrClosed says that the store is closed. Nothing was done.
	ErrClosed = errors.New("store: closed")
	// ErrNewer says that the database has a schema newer than this program's.
	ErrNewer = errors.New("store: the database was written by a newer version of this program")
	// ErrNotEmpty says that a backup is to be loaded where there are tables.
	ErrNotEmpty = errors.New("store: the database is not empty")
)

// Options adjust a store. The zero value is right for a server.
type Options struct {
	Now     func() time.Time // for the dates of migrations; time.Now if nil
	Log     *slog.Logger     // slog.Default() if nil
	Queue   int              // writes that may wait for a writer; 8192 if 0
	Batch   int              // writes in one transaction at most; if 0, 256 and with PostgreSQL 32
	Writers int              // writing connections; 4 if 0; always 1 with SQLite
	Readers int              // reading connections at most; 4 for each CPU if 0

	// Committed, if set, is told after each commit how many writes shared it and how long it took,
	// sync included. It must be quick.
	Committed func(writes int, took time.Duration)

	// LoadSchema is set by a restore: Open then insists on a database without
	// tables (ErrNotEmpty) and migrates it to this version of the schema only.
	LoadSchema int
}

func (o Options) withDefaults(d *dialect) Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	setDefault(&o.Queue, 8192)
	setDefault(&o.Batch, d.batch)
	setDefault(&o.Writers, 4)
	if d.lock == "" {
		o.Writers = 1
	}
	setDefault(&o.Readers, 4*runtime.GOMAXPROCS(0))
	return o
}

func setDefault(option *int, value int) {
	if *option <= 0 {
		*option = value
	}
}

// DB is an open store, safe for concurrent use.
type DB struct {
	pool    *sql.DB
	dialect *dialect
	options Options
	readers *readers
	queue   chan *request
	closing chan struct{} // closed when Close begins
	closed  chan struct{} // closed when no writer runs any more
	close   sync.Once
	writers sync.WaitGroup
}

// Open opens the database that dsn names: "sqlite" for the file chappe.db in
// dataDir, or the URL of a PostgreSQL database ("postgres://…"). It creates the
// file, brings the schema up to date and starts the writers.
func Open(ctx context.Context, dsn string, dataDir string, o Options) (*DB, error) {
	dialect, pool, err := connect(dsn, dataDir)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	o = o.withDefaults(dialect)
	// Connections are held by the writers and readers below, never by the pool.
	pool.SetMaxIdleConns(0)
	d := &DB{
		pool: pool, dialect: dialect, options: o,
		queue:   make(chan *request, o.Queue),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	d.readers = newReaders(d, o.Readers)
	if err := d.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), pool.Close())
	}
	for range o.Writers {
		d.writers.Add(1)
		go newWriter(d).loop()
	}
	return d, nil
}

// Close waits for the writes that were accepted, and for reads under way.
func (d *DB) Close() error {
	err := ErrClosed
	d.close.Do(func() {
		close(d.closing)
		d.writers.Wait()
		close(d.closed)
		d.readers.close()
		if err = d.pool.Close(); err != nil {
			err = fmt.Errorf("close database: %w", err)
		}
	})
	return err
}

// Dialect is "sqlite" or "postgres".
func (d *DB) Dialect() string { return d.dialect.name }
