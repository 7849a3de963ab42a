package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// dialect is all that differs between the two databases.
type dialect struct {
	name      string
	begin     string
	beginRead string
	reader    string // run once on each reading connection, if not empty
	loader    string // run once on the writing connection of a restore, likewise
	batch     int    // writes in one transaction at most
	lock      string // locks the owners in $1 in the order of their ids
	tables    string // the names of all tables
	check     func(context.Context, *conn) error

	// interruptible says that a statement can be given a context that ends. In
	// SQLite watching one costs more than most statements.
	interruptible bool
	// aborts says that a failed statement spoils the whole transaction.
	aborts bool
}

var sqlite = &dialect{
	name:      "sqlite",
	begin:     "BEGIN IMMEDIATE",
	beginRead: "BEGIN",
	batch:     256,
	reader:    "PRAGMA query_only = 1",
	loader:    "PRAGMA cache_size = -262144", // 256 MB: indexes grow at random places
	tables:    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
	check:     func(context.Context, *conn) error { return nil },
}

var postgres = &dialect{
	name:      "postgres",
	begin:     "BEGIN",
	beginRead: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	lock:      "SELECT id FROM accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE",
	tables: `SELECT table_name FROM information_schema.tables
		WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`,
	// A statement is a way there and back, 30 µs at best: a writer that takes
	// all there is keeps its callers waiting and the other writers idle.
	batch:         32,
	check:         checkPostgres,
	interruptible: true,
	aborts:        true,
}

// pragmas of every SQLite connection. The log is synced at each commit (FULL),
// so what was answered survives a power cut. A checkpoint copies 64 MB of log
// at a time: a page that is written again and again is copied once, which is
// worth a third more writes a second than SQLite's own 4 MB.
var pragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"wal_autocheckpoint(16000)",
	"journal_size_limit(134217728)",
	"cache_size(-16384)",
	"temp_store(MEMORY)",
}

func connect(dsn, dataDir string) (*dialect, *sql.DB, error) {
	switch {
	case dsn == sqlite.name:
		pool, err := openSQLite(filepath.Join(dataDir, "chappe.db"))
		return sqlite, pool, err
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, nil, err // pgx leaves the password out
		}
		return postgres, stdlib.OpenDB(*config), nil
	}
	return nil, nil, errors.New(`the database is neither "sqlite" nor a URL that begins with "postgres://"`)
}

// openSQLite creates the file for its owner only: SQLite gives its log and
// index the same mode.
func openSQLite(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return sql.Open("sqlite", name.String())
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// checkPostgres refuses a server that answers before it has synced.
func checkPostgres(ctx context.Context, c *conn) error {
	var setting string
	if err := c.sql.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&setting); err != nil {
		return fmt.Errorf("ask for synchronous_commit: %w", err)
	}
	if setting == "off" {
		return errors.New("synchronous_commit is off: acknowledged messages could be lost; set it to on")
	}
	return nil
}

// retryable tells whether a transaction that failed with err, before or at its
// commit, is known to have done nothing and may succeed when it is run again:
// serialization failures, deadlocks, and connections lost before the commit.
func retryable(err error, committing bool) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01" || !committing && (pg.Code[:2] == "08" || pg.Code[:3] == "57P")
	}
	if committing {
		return false // the server may have committed
	}
	_, network := errors.AsType[net.Error](err)
	return network && !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

var (
	sqliteTypes = regexp.MustCompile(`\b(BYTEA|BIGINT)\b`)
	lineMark    = regexp.MustCompile(`\s*-- (only: (sqlite|postgres)|both)\s*$`)
)

// translate gives the statements of a migration for this database.
//
// Migrations are written for PostgreSQL; SQLite gets BLOB for BYTEA, and
// INTEGER for BIGINT, which makes a lone key the row's own id. A line that ends
// in "-- only: sqlite" or "-- only: postgres" is for that database only; such a
// mark alone on a line is for all lines up to "-- both". A statement ends with
// a semicolon at the end of a line.
func (d *dialect) translate(migration string) []string {
	section := ""
	var text strings.Builder
	for line := range strings.Lines(migration) {
		line = strings.TrimRight(line, " \t\r\n")
		only := section
		if mark := lineMark.FindStringSubmatchIndex(line); mark != nil {
			name := ""
			if mark[4] >= 0 {
				name = line[mark[4]:mark[5]]
			}
			if line = line[:mark[0]]; line == "" {
				section = name
				continue
			}
			only = name
		}
		if code := strings.TrimSpace(line); code == "" || strings.HasPrefix(code, "--") || only != "" && only != d.name {
			continue
		}
		text.WriteString(line + "\n")
	}
	script := text.String()
	if d == sqlite {
		script = sqliteTypes.ReplaceAllStringFunc(script, func(name string) string {
			return map[string]string{"BYTEA": "BLOB", "BIGINT": "INTEGER"}[name]
		})
	}
	statements := strings.Split(script, ";\n")
	return slices.DeleteFunc(statements, func(s string) bool { return strings.TrimSpace(s) == "" })
}
