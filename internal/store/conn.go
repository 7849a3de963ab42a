package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxStatements bounds the prepared statements of a connection. Queries are
// constants, so this is only reached by lists of varying length.
const maxStatements = 1000

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time.
type conn struct {
	sql        *sql.Conn
	dialect    *dialect
	statements map[string]*sql.Stmt // by the text of the query
}

// connect opens a connection and runs the statement setup on it, if any.
func (d *DB) connect(ctx context.Context, setup string) (*conn, error) {
	c, err := d.pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	if setup != "" {
		if _, err := c.ExecContext(ctx, setup); err != nil {
			return nil, errors.Join(fmt.Errorf("connect to database: %w", err), c.Close())
		}
	}
	return &conn{sql: c, dialect: d.dialect, statements: map[string]*sql.Stmt{}}, nil
}

// prepared returns the statement for query. No rows may be open.
func (c *conn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement, ok := c.statements[query]; ok {
		return statement, nil
	}
	for text, statement := range c.statements {
		if len(c.statements) < maxStatements {
			break
		}
		delete(c.statements, text)
		if err := statement.Close(); err != nil {
			return nil, err
		}
	}
	statement, err := c.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.statements[query] = statement
	return statement, nil
}

func (c *conn) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	statement, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// close drops the connection and whatever its transaction has done.
func (c *conn) close() {
	for _, statement := range c.statements {
		statement.Close()
	}
	c.sql.Close() // the pool keeps no idle connections
}
