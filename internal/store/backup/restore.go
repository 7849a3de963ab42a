package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/store"
)

// Restore reads a backup made by Create, of either database, into the database
// that dsn names (see store.Open) and the folder dataDir. Both must be empty;
// the folder is made if it is missing. A backup of an older schema is migrated.
// Restore has verified everything when it returns nil; when it fails, it leaves
// the folder empty, and PostgreSQL to be emptied by its owner.
func Restore(ctx context.Context, r io.Reader, dsn, dataDir string, identities ...age.Identity) (err error) {
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	if entries, err := os.ReadDir(dataDir); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	} else if len(entries) > 0 {
		return fmt.Errorf("restore backup: %w: %s", ErrNotEmpty, dataDir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore backup: %w", err), empty(dataDir))
		}
	}()
	root, err := os.OpenRoot(dataDir)
	if err != nil {
		return err
	}
	defer root.Close()
	restorer := &restorer{ctx: ctx, tar: tar.NewReader(plain), root: root, end: end{Rows: map[string]int64{}}}
	if err := restorer.all(dsn, dataDir); err != nil {
		return err
	}
	// Only at its end does age know that nothing is missing.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return err
	}
	return finish(ctx, dsn, dataDir)
}

// empty takes back a restore that failed.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}

// finish brings the schema up to date and raises the counters.
func finish(ctx context.Context, dsn, dataDir string) error {
	db, err := store.Open(ctx, dsn, dataDir, store.Options{})
	if err != nil {
		return err
	}
	err = db.Write(ctx, nil, func(tx *store.Tx) error {
		for _, statement := range AfterRestore {
			if _, err := tx.Exec(statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
	return errors.Join(err, db.Close())
}

// restorer reads the archive.
type restorer struct {
	ctx  context.Context
	tar  *tar.Reader
	root *os.Root
	db   *store.DB
	head head
	end  end // what has been restored
}

func (r *restorer) all(dsn, dataDir string) (err error) {
	if err := r.readJSON(headName, &r.head); err != nil {
		return err
	}
	if r.head.Format != format || r.head.Schema < 1 {
		return fmt.Errorf("%w: format %d, schema %d", ErrFormat, r.head.Format, r.head.Schema)
	}
	if r.db, err = store.Open(r.ctx, dsn, dataDir, store.Options{LoadSchema: r.head.Schema}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.db.Close()) }()
	if err := r.clear(); err != nil {
		return err
	}
	for {
		entry, err := r.tar.Next()
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", ErrFormat, err) // io.EOF too: there was no end
		case strings.HasPrefix(entry.Name, tablesDir):
			err = r.chunk(strings.TrimPrefix(path.Dir(entry.Name), tablesDir))
		case strings.HasPrefix(entry.Name, filesDir):
			err = r.file(strings.TrimPrefix(entry.Name, filesDir))
		case entry.Name == endName:
			return r.verify()
		default:
			err = fmt.Errorf("%w: entry %q", ErrFormat, entry.Name)
		}
		if err != nil {
			return err
		}
	}
}

func (r *restorer) readJSON(name string, value any) error {
	entry, err := r.tar.Next()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if entry.Name != name {
		return fmt.Errorf("%w: %q instead of %q", ErrFormat, entry.Name, name)
	}
	return r.decode(value)
}

func (r *restorer) decode(value any) error {
	if err := json.NewDecoder(r.tar).Decode(value); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

// clear removes the rows that migrations put into new tables, which are in the
// backup too, and checks the names that will go into SQL.
func (r *restorer) clear() error {
	return r.db.Write(r.ctx, nil, func(tx *store.Tx) error {
		_, names, err := tx.Schema()
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.Exec("DELETE FROM " + name); err != nil {
				return err
			}
		}
		for _, t := range r.head.Tables {
			if !slices.Contains(names, t.Name) || len(t.Columns) == 0 {
				return fmt.Errorf("%w: table %q", ErrFormat, t.Name)
			}
			for _, column := range t.Columns {
				if !identifier.MatchString(column) {
					return fmt.Errorf("%w: column %q", ErrFormat, column)
				}
			}
		}
		return nil
	})
}

// chunk inserts the rows of one entry in one transaction.
func (r *restorer) chunk(name string) error {
	i := slices.IndexFunc(r.head.Tables, func(t table) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("%w: table %q", ErrFormat, name)
	}
	t := r.head.Tables[i]
	text, err := io.ReadAll(r.tar)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return fmt.Errorf("%w: rows of table %s", ErrFormat, name)
	}
	var values []any
	rows := 0
	for line := range bytes.SplitSeq(text[:len(text)-1], []byte{'\n'}) {
		if values, err = parseRow(values, line); err != nil {
			return err
		}
		if rows++; len(values) != rows*len(t.Columns) {
			return fmt.Errorf("%w: columns of table %s", ErrFormat, name)
		}
	}
	r.end.Rows[name] += int64(rows)
	err = r.db.Write(r.ctx, nil, func(tx *store.Tx) error { return t.insert(tx, values) })
	if err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	return nil
}

// insertRows is how many rows one statement inserts, while there are so many.
const insertRows = 50

func (t table) insert(tx *store.Tx, values []any) error {
	for _, rows := range []int{insertRows, 1} {
		query, n := t.insertion(rows), rows*len(t.Columns)
		for ; len(values) >= n; values = values[n:] {
			if _, err := tx.Exec(query, values[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// insertion is the statement that inserts so many rows.
func (t table) insertion(rows int) string {
	var query strings.Builder
	fmt.Fprintf(&query, "INSERT INTO %s (%s) VALUES ", t.Name, strings.Join(t.Columns, ", "))
	for i := range rows * len(t.Columns) {
		separator := ", "
		switch {
		case i == 0:
			separator = "("
		case i%len(t.Columns) == 0:
			separator = "), ("
		}
		fmt.Fprintf(&query, "%s$%d", separator, i+1)
	}
	return query.String() + ")"
}

func (r *restorer) file(name string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if err := r.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	// A file of the database, which is there already, is not overwritten.
	file, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r.tar)
	r.end.Files++
	return errors.Join(err, file.Sync(), file.Close())
}

// verify compares what the archive had with what the database has.
func (r *restorer) verify() error {
	var want end
	if err := r.decode(&want); err != nil {
		return err
	}
	if want.Files != r.end.Files {
		return fmt.Errorf("%w: %d files of %d", ErrFormat, r.end.Files, want.Files)
	}
	return r.db.Read(r.ctx, func(tx *store.Tx) error {
		for _, t := range r.head.Tables {
			var rows int64
			if err := tx.Row("SELECT COUNT(*) FROM " + t.Name).Scan(&rows); err != nil {
				return err
			}
			if rows != want.Rows[t.Name] || rows != r.end.Rows[t.Name] {
				return fmt.Errorf("%w: %d rows of %d in table %s", ErrFormat, rows, want.Rows[t.Name], t.Name)
			}
		}
		return nil
	})
}
