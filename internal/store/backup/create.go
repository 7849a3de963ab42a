package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/store"
)

// Create writes a backup of the database and of the named files and folders of
// dataDir to w, encrypted to the recipients. Names are relative to dataDir; a
// name that is missing there is an error. It changes nothing and may be run
// while the server writes; SQLite's log grows meanwhile.
func Create(ctx context.Context, db *store.DB, dataDir string, files []string, w io.Writer, recipients ...age.Recipient) error {
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	c := &creator{
		ctx: ctx, tar: tar.NewWriter(sealed), now: time.Now(),
		end: end{Rows: map[string]int64{}},
	}
	if err := db.Read(ctx, c.database); err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	for _, name := range files {
		if err := c.files(os.DirFS(dataDir), name); err != nil {
			return fmt.Errorf("create backup: %w", err)
		}
	}
	if err := c.json(endName, c.end); err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	if err := errors.Join(c.tar.Close(), sealed.Close()); err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	return nil
}

// creator writes the archive.
type creator struct {
	ctx context.Context
	tar *tar.Writer
	now time.Time
	end end
}

func (c *creator) header(name string, size int64) error {
	return c.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: c.now})
}

func (c *creator) entry(name string, content []byte) error {
	if err := c.header(name, int64(len(content))); err != nil {
		return err
	}
	_, err := c.tar.Write(content)
	return err
}

func (c *creator) json(name string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.entry(name, content)
}

func (c *creator) database(tx *store.Tx) error {
	schema, names, err := tx.Schema()
	if err != nil {
		return err
	}
	h := head{Format: format, Schema: schema, Created: c.now.Unix()}
	for _, name := range names {
		columns, err := columns(tx, name)
		if err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
		h.Tables = append(h.Tables, table{name, columns})
	}
	if err := c.json(headName, h); err != nil {
		return err
	}
	for _, t := range h.Tables {
		if err := c.table(tx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func columns(tx *store.Tx, table string) ([]string, error) {
	rows, err := tx.Query("SELECT * FROM " + table + " LIMIT 0")
	if err != nil {
		return nil, err
	}
	names, err := rows.Columns()
	return names, errors.Join(err, rows.Close())
}

func (c *creator) table(tx *store.Tx, t table) error {
	rows, err := tx.Query("SELECT " + strings.Join(t.Columns, ", ") + " FROM " + t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, places := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		places[i] = &values[i]
	}
	var chunk []byte
	chunks := 0
	flush := func() error {
		if err := c.ctx.Err(); err != nil || len(chunk) == 0 {
			return err
		}
		err := c.entry(fmt.Sprintf("%s%s/%06d.txt", tablesDir, t.Name, chunks), chunk)
		chunk, chunks = chunk[:0], chunks+1
		return err
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if chunk, err = appendRow(chunk, values); err != nil {
			return err
		}
		c.end.Rows[t.Name]++
		if len(chunk) >= chunkSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flush()
}

// files adds a file, or a folder with all that is in it. A file that disappears
// from a folder meanwhile was not needed.
func (c *creator) files(dir fs.FS, name string) error {
	return fs.WalkDir(dir, name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path != name && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file", path)
		}
		err = c.file(dir, path)
		if path != name && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (c *creator) file(dir fs.FS, path string) error {
	file, err := dir.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := c.header(filesDir+path, info.Size()); err != nil {
		return err
	}
	c.end.Files++
	_, err = io.CopyN(c.tar, file, info.Size()) // a log may grow meanwhile
	return err
}
