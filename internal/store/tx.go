package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
)

var (
	errTxDone   = errors.New("store: the transaction is over")
	errOpenRows = errors.New("store: rows of the statement before are still open")
)

// Tx is the transaction in which one function of Write or Read runs. It is
// valid until the function returns, and for one goroutine.
type Tx struct {
	conn  *conn
	ctx   context.Context
	wrote bool  // something may have been written
	err   error // the first failure of the database
	rows  *Rows // open rows, if any
	done  bool
}

// Exec runs a statement and returns how many rows it inserted, changed or
// deleted.
func (t *Tx) Exec(query string, args ...any) (affected int64, err error) {
	statement, err := t.statement(query)
	if err != nil {
		return 0, err
	}
	t.wrote = true
	result, err := statement.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, t.fail(err)
	}
	affected, err = result.RowsAffected()
	return affected, t.fail(err)
}

// Row runs a query of which the first row is wanted. Its error waits in Scan.
func (t *Tx) Row(query string, args ...any) Row {
	rows, err := t.Query(query, args...)
	return Row{rows, err}
}

// Query runs a query, which may be an INSERT, UPDATE or DELETE with RETURNING.
// The rows must be closed, or read to their end, before the next statement.
func (t *Tx) Query(query string, args ...any) (*Rows, error) {
	statement, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	t.wrote = t.wrote || !reads(query)
	rows, err := statement.QueryContext(t.ctx, args...)
	if err != nil {
		return nil, t.fail(err)
	}
	t.rows = &Rows{rows: rows, tx: t}
	return t.rows, nil
}

// reads tells whether a query certainly writes nothing.
func reads(query string) bool {
	return len(query) >= 6 && query[:6] == "SELECT"
}

func (t *Tx) statement(query string) (*sql.Stmt, error) {
	switch {
	case t.done:
		return nil, errTxDone
	case t.err != nil:
		return nil, t.err
	case t.rows != nil:
		return nil, t.fail(errOpenRows)
	}
	statement, err := t.conn.prepared(t.ctx, query)
	return statement, t.fail(err)
}

func (t *Tx) fail(err error) error {
	if err != nil && t.err == nil {
		t.err = err
	}
	return err
}

// call runs fn and ends the use of the transaction. A panic becomes an error,
// and so does a failure of the database that fn kept to itself.
func (t *Tx) call(fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: panic in a transaction: %v\n%s", p, debug.Stack())
		}
		if t.rows != nil {
			t.rows.Close()
		}
		if t.done = true; err == nil {
			err = t.err
		}
	}()
	return fn(t)
}

// Row is the result of Tx.Row.
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the columns of the row into dest, as database/sql does. It fails
// with ErrNoRows if there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		r.rows.Close()
		return err
	}
	return r.rows.Close()
}

// Rows is the result of Tx.Query.
type Rows struct {
	rows *sql.Rows
	tx   *Tx
}

// Next goes to the next row. At the end, and after a failure, it closes the
// rows and returns false.
func (r *Rows) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Scan copies the columns of the current row into dest, as database/sql does.
func (r *Rows) Scan(dest ...any) error { return r.rows.Scan(dest...) }

// Columns returns the names of the columns.
func (r *Rows) Columns() ([]string, error) { return r.rows.Columns() }

// Err is the failure that ended Next, if one did.
func (r *Rows) Err() error { return r.rows.Err() }

// Close ends the query. It may be called again.
func (r *Rows) Close() error {
	if r.tx.rows == r {
		r.tx.rows = nil
	}
	err := r.rows.Close()
	if failed := r.rows.Err(); failed != nil {
		err = failed
	}
	return r.tx.fail(err)
}
