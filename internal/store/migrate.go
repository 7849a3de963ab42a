package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Once released it is never edited: the
// checksum in the database would no longer be that of the file.
type migration struct {
	version  int
	name     string
	text     string
	checksum string // SHA-256 of the file, in hexadecimal
}

// migrations reads the files NNNN_name.sql of dir, which are numbered from 1
// without gaps.
func migrations(files fs.FS, dir string) ([]migration, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, entry := range entries { // sorted by name
		number, name, _ := strings.Cut(strings.TrimSuffix(entry.Name(), ".sql"), "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 || len(number) != 4 {
			return nil, fmt.Errorf("migration %s is not number %04d", entry.Name(), i+1)
		}
		text, err := fs.ReadFile(files, dir+"/"+entry.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		list = append(list, migration{i + 1, name, string(text), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// prepare checks the server and brings the schema up to date.
func (d *DB) prepare(ctx context.Context) error {
	list, err := migrations(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	c, err := d.connect(ctx, "")
	if err != nil {
		return err
	}
	defer c.close()
	if err := d.dialect.check(ctx, c); err != nil {
		return err
	}
	if load := d.options.LoadSchema; load > 0 {
		if load > len(list) {
			return fmt.Errorf("%w (schema %d, this program has %d)", ErrNewer, load, len(list))
		}
		if err := requireEmpty(ctx, c); err != nil {
			return err
		}
		list = list[:load]
	}
	return d.migrate(ctx, c, list)
}

func requireEmpty(ctx context.Context, c *conn) error {
	rows, err := c.sql.QueryContext(ctx, c.dialect.tables)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return ErrNotEmpty
	}
	return rows.Err()
}

// migrate applies what is missing of list, each migration in a transaction of
// its own that begins with its row in the table migrations: of several
// processes starting at once one inserts the row and the others wait for it.
func (d *DB) migrate(ctx context.Context, c *conn, list []migration) error {
	const table = `CREATE TABLE IF NOT EXISTS migrations (
		version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied BIGINT NOT NULL)`
	if _, err := c.sql.ExecContext(ctx, table); err != nil {
		// PostgreSQL lets two of these collide; the second try finds the table.
		if _, err = c.sql.ExecContext(ctx, table); err != nil {
			return fmt.Errorf("create table migrations: %w", err)
		}
	}
	applied, err := d.applied(ctx, c)
	if err != nil {
		return fmt.Errorf("read table migrations: %w", err)
	}
	for version := range applied {
		if version > len(list) {
			return fmt.Errorf("%w (schema %d, this program has %d)", ErrNewer, version, len(list))
		}
	}
	for _, m := range list {
		checksum, found := applied[m.version]
		if found && checksum != m.checksum {
			return fmt.Errorf("migration %04d_%s was edited after this database had applied it", m.version, m.name)
		}
		if !found {
			if err := d.apply(ctx, c, m); err != nil {
				return fmt.Errorf("migration %04d_%s: %w", m.version, m.name, err)
			}
		}
	}
	return nil
}

// applied returns the checksums of the migrations that have been applied.
func (d *DB) applied(ctx context.Context, c *conn) (map[int]string, error) {
	rows, err := c.sql.QueryContext(ctx, "SELECT version, checksum FROM migrations")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	applied := map[int]string{}
	for rows.Next() {
		var version int
		var checksum string
		if err := rows.Scan(&version, &checksum); err != nil {
			return nil, err
		}
		applied[version] = checksum
	}
	return applied, rows.Err()
}

func (d *DB) apply(ctx context.Context, c *conn, m migration) (err error) {
	if _, err := c.sql.ExecContext(ctx, d.dialect.begin); err != nil {
		return err
	}
	end := "ROLLBACK"
	defer func() {
		if _, failed := c.sql.ExecContext(ctx, end); err == nil {
			err = failed
		}
	}()
	result, err := c.sql.ExecContext(ctx, `INSERT INTO migrations (version, name, checksum, applied)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, m.version, m.name, m.checksum, d.options.Now().Unix())
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err // another process has just done it
	}
	for _, statement := range d.dialect.translate(m.text) {
		if _, err := c.sql.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in: %s", err, strings.TrimSpace(statement))
		}
	}
	end = "COMMIT"
	return nil
}

// Schema returns the version of the schema and the names of its tables, but for
// the table migrations itself: what a backup has to know.
func (t *Tx) Schema() (version int, tables []string, err error) {
	if err := t.Row("SELECT MAX(version) FROM migrations").Scan(&version); err != nil {
		return 0, nil, err
	}
	rows, err := t.Query(t.conn.dialect.tables)
	if err != nil {
		return 0, nil, err
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, nil, errors.Join(err, rows.Close())
		}
		if name != "migrations" {
			tables = append(tables, name)
		}
	}
	return version, tables, rows.Err()
}
