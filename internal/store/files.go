package store

import (
	"errors"
	"fmt"
)

// Kinds of files.
const (
	FileDocument = 1
	FilePhoto    = 2
)

// Kinds of what refers to a file.
const (
	// RefMessage is a message of an account or channel, by its id.
	RefMessage = 1
	// RefPhoto is a photo of an account or channel itself, by the file's id.
	RefPhoto = 2
)

// ErrDying says that a blob is being deleted and can be put again in a moment.
var ErrDying = errors.New("store: the blob is being deleted")

// File is a document or photo.
type File struct {
	ID   int64
	Kind int
	// Date is in Unix seconds.
	Date int64
	Mime string
	// Attributes are JSON.
	Attributes string
	// Stripped is the tiny preview, empty for none.
	Stripped []byte
	// Sizes are ordered by Type.
	Sizes []FileSize
}

// FileSize is one piece of content of a file.
type FileSize struct {
	// Type is "" for a document itself.
	Type          string
	Hash          []byte
	Width, Height int
	Size          int64
}

// Blob is a blob and its size in bytes.
type Blob struct {
	Hash []byte
	Size int64
}

// ReserveBlobs announces blobs that are going to be put, so that each that lies there has a row:
// what no file refers to by a day after now goes again. It fails with ErrDying.
func (t *Tx) ReserveBlobs(now int64, blobs ...Blob) error {
	for _, b := range blobs {
		n, err := t.Exec(`INSERT INTO blobs (hash, size, unused) VALUES ($1, $2, $3) ON CONFLICT (hash)
			DO UPDATE SET unused = excluded.unused WHERE blobs.dying = 0`, b.Hash, b.Size, now)
		if err != nil {
			return fmt.Errorf("reserve blob: %w", err)
		}
		if n == 0 {
			return ErrDying
		}
	}
	return nil
}

// SaveFile adds a file whose blobs are reserved and there. Until somebody refers to it, it is unused.
// It fails with ErrDying when a blob was reserved too long ago.
func (t *Tx) SaveFile(f File) error {
	if _, err := t.Exec(`INSERT INTO files (id, kind, date, mime, attributes, stripped, unused) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		f.ID, f.Kind, f.Date, f.Mime, f.Attributes, notNil(f.Stripped), f.Date); err != nil {
		return fmt.Errorf("save file: %w", err)
	}
	for _, s := range f.Sizes {
		n, err := t.Exec(`UPDATE blobs SET unused = 0 WHERE hash = $1 AND dying = 0`, s.Hash)
		if err == nil && n == 0 {
			return ErrDying
		}
		if err == nil {
			_, err = t.Exec(`INSERT INTO file_sizes (file, type, hash, width, height, size) VALUES ($1, $2, $3, $4, $5, $6)`,
				f.ID, s.Type, s.Hash, s.Width, s.Height, s.Size)
		}
		if err != nil {
			return fmt.Errorf("save file: %w", err)
		}
	}
	return nil
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// File returns a file, or ErrNoRows.
func (t *Tx) File(id int64) (f File, err error) {
	f.ID = id
	err = t.Row(`SELECT kind, date, mime, attributes, stripped FROM files WHERE id = $1`, id).
		Scan(&f.Kind, &f.Date, &f.Mime, &f.Attributes, &f.Stripped)
	if err != nil {
		return f, err
	}
	rows, err := t.Query(`SELECT type, hash, width, height, size FROM file_sizes WHERE file = $1 ORDER BY type`, id)
	if err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var s FileSize
		if err := rows.Scan(&s.Type, &s.Hash, &s.Width, &s.Height, &s.Size); err != nil {
			return f, err
		}
		f.Sizes = append(f.Sizes, s)
	}
	return f, rows.Err()
}

// Piece returns the mime type of a file and one piece of its content, or ErrNoRows.
func (t *Tx) Piece(file int64, kind int, size string) (mime string, s FileSize, err error) {
	s.Type = size
	err = t.Row(`SELECT f.mime, s.hash, s.width, s.height, s.size FROM files f JOIN file_sizes s ON s.file = f.id
		WHERE f.id = $1 AND f.kind = $2 AND s.type = $3`, file, kind, size).Scan(&mime, &s.Hash, &s.Width, &s.Height, &s.Size)
	return mime, s, err
}

// FileRef says that something refers to a file.
type FileRef struct {
	// Owner is an account's id, or a channel's as peers have it.
	Owner int64
	// Kind says what Object is.
	Kind         int
	Object, File int64
}

// KeepFile adds a reference to a file. It fails with ErrNoRows when the file has gone.
func (t *Tx) KeepFile(r FileRef) error {
	n, err := t.Exec(`UPDATE files SET unused = 0 WHERE id = $1`, r.File)
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	if n == 0 {
		return ErrNoRows
	}
	if _, err = t.Exec(`INSERT INTO file_refs (owner, kind, object, file) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, kind, object, file) DO NOTHING`, r.Owner, r.Kind, r.Object, r.File); err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	return nil
}

// ReleaseFiles takes away what an object of an owner refers to.
func (t *Tx) ReleaseFiles(owner int64, kind int, object, now int64) error {
	if _, err := t.Exec(`UPDATE files SET unused = $4 WHERE id IN
		(SELECT file FROM file_refs WHERE owner = $1 AND kind = $2 AND object = $3)`, owner, kind, object, now); err != nil {
		return fmt.Errorf("release files: %w", err)
	}
	if _, err := t.Exec(`DELETE FROM file_refs WHERE owner = $1 AND kind = $2 AND object = $3`, owner, kind, object); err != nil {
		return fmt.Errorf("release files: %w", err)
	}
	return nil
}

// ReleaseOwner takes away all that an owner refers to.
func (t *Tx) ReleaseOwner(owner, now int64) error {
	if _, err := t.Exec(`UPDATE files SET unused = $2 WHERE id IN (SELECT file FROM file_refs WHERE owner = $1)`, owner, now); err != nil {
		return fmt.Errorf("release files: %w", err)
	}
	if _, err := t.Exec(`DELETE FROM file_refs WHERE owner = $1`, owner); err != nil {
		return fmt.Errorf("release files: %w", err)
	}
	return nil
}

// FileRefs is how many refer to a file.
func (t *Tx) FileRefs(file int64) (n int, err error) {
	err = t.Row(`SELECT COUNT(*) FROM file_refs WHERE file = $1`, file).Scan(&n)
	return n, err
}

// SaveUpload notes which file an upload became.
func (t *Tx) SaveUpload(account, upload, file, now int64) error {
	_, err := t.Exec(`INSERT INTO uploads (account, upload, file, date) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, upload) DO UPDATE SET file = excluded.file, date = excluded.date`, account, upload, file, now)
	return err
}

// Upload returns the file that an upload became, or ErrNoRows.
func (t *Tx) Upload(account, upload int64) (file int64, err error) {
	err = t.Row(`SELECT file FROM uploads WHERE account = $1 AND upload = $2`, account, upload).Scan(&file)
	return file, err
}

// SweepUploads forgets uploads that became files before a date.
func (t *Tx) SweepUploads(before int64) error {
	_, err := t.Exec(`DELETE FROM uploads WHERE date < $1`, before)
	return err
}

// UnusedFiles returns up to limit files that may be unused since before a date.
func (t *Tx) UnusedFiles(before int64, limit int) ([]int64, error) {
	return t.numbers(`SELECT id FROM files WHERE unused <> 0 AND unused < $1 ORDER BY unused LIMIT $2`, before, limit)
}

// DropFile deletes a file that is unused since before a date. One that is referred to is not looked
// at again until it loses a reference.
func (t *Tx) DropFile(id, before, now int64) error {
	n, err := t.Exec(`DELETE FROM files WHERE id = $1 AND unused <> 0 AND unused < $2
		AND NOT EXISTS (SELECT 1 FROM file_refs WHERE file = $1)`, id, before)
	if err == nil && n == 0 {
		_, err = t.Exec(`UPDATE files SET unused = 0 WHERE id = $1 AND unused <> 0 AND unused < $2`, id, before)
	} else if err == nil {
		_, err = t.Exec(`UPDATE blobs SET unused = $2 WHERE hash IN (SELECT hash FROM file_sizes WHERE file = $1)`, id, now)
		if err == nil {
			_, err = t.Exec(`DELETE FROM file_sizes WHERE file = $1`, id)
		}
	}
	if err != nil {
		return fmt.Errorf("drop file: %w", err)
	}
	return nil
}

// DyingBlobs marks up to limit blobs as dying that no file refers to, unused since before a date, and
// returns all that are marked. Delete them, and then call ForgetBlob for each.
func (t *Tx) DyingBlobs(before int64, limit int) (hashes [][]byte, err error) {
	candidates, err := t.hashes(`SELECT hash FROM blobs WHERE unused <> 0 AND unused < $1 ORDER BY unused LIMIT $2`, before, limit)
	if err != nil {
		return nil, err
	}
	for _, h := range candidates {
		n, err := t.Exec(`UPDATE blobs SET dying = 1 WHERE hash = $1 AND unused <> 0 AND unused < $2
			AND NOT EXISTS (SELECT 1 FROM file_sizes WHERE hash = $1)`, h, before)
		if err == nil && n == 0 {
			_, err = t.Exec(`UPDATE blobs SET unused = 0 WHERE hash = $1 AND unused <> 0 AND unused < $2 AND dying = 0`, h, before)
		}
		if err != nil {
			return nil, fmt.Errorf("mark blob: %w", err)
		}
	}
	return t.hashes(`SELECT hash FROM blobs WHERE unused <> 0 AND dying = 1`)
}

// ForgetBlob ends what DyingBlobs began.
func (t *Tx) ForgetBlob(hash []byte) error {
	_, err := t.Exec(`DELETE FROM blobs WHERE hash = $1 AND dying = 1`, hash)
	return err
}

// hashes returns the only column of a query.
func (t *Tx) hashes(query string, args ...any) (out [][]byte, err error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h []byte
		if err := rows.Scan(&h); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
