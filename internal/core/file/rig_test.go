package file_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const ann, bob = 11, 22

// world is a service over a folder, and a clock that stands still.
type world struct {
	*file.Service
	t   testing.TB
	dir string
	now time.Time
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "files"), now: time.Now()}
	blobs, err := blob.NewFolder(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w.open(file.Options{
		DB: db, Blobs: blobs, Box: box, Dir: filepath.Join(w.dir, "parts"),
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

func (w *world) open(o file.Options) {
	w.t.Helper()
	s, err := file.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service = s
}

// restart ends the service and begins anew, as if the process had been killed.
func (w *world) restart() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open(w.Options)
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) { test(t, newWorld(t, open())) })
}

// alone is each for what does not depend on the database.
func alone(t testing.TB) *world {
	t.Helper()
	return newWorld(t, storetest.SQLite(t).Open(t, store.Options{}))
}

// save saves part number no of data in parts of n bytes.
func (w *world) save(id int64, data []byte, n, no, total int) error {
	b := data[no*n : min(len(data), (no+1)*n)]
	return w.SavePart(w.t.Context(), file.PartOf{Account: ann, Upload: id, Number: no, Big: true, Total: total}, b)
}

// upload saves all parts in a random order, some of them twice.
func (w *world) upload(id int64, data []byte, n int) file.Upload {
	w.t.Helper()
	total := (len(data) + n - 1) / n
	for i, no := range rand.Perm(total) {
		for range 1 + i%3/2 {
			if err := w.save(id, data, n, no, total); err != nil {
				w.t.Fatalf("part %d of %d: %v", no, total, err)
			}
		}
	}
	return file.Upload{ID: id, Parts: total, Name: "data.bin"}
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// left returns the files in the folder of parts, and all others.
func (w *world) left() (parts, blobs []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case filepath.Base(filepath.Dir(path)) == "parts":
			parts = append(parts, d.Name())
		default:
			blobs = append(blobs, d.Name())
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return parts, blobs
}

// later lets time go by, for files too, and sweeps.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	parts, _ := w.left()
	for _, name := range parts {
		if err := os.Chtimes(filepath.Join(w.Dir, name), time.Time{}, w.now); err != nil {
			w.t.Fatal(err)
		}
	}
	w.now = w.now.Add(d)
	if err := w.Sweep(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.DB.Write(w.t.Context(), nil, fn); err != nil {
		w.t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func missing(no int) error { return &fault.Error{Code: 400, Name: "FILE_PART_%d_MISSING", Arg: no} }

func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a whole piece of a file.
func (w *world) read(l file.Location) []byte {
	w.t.Helper()
	var out []byte
	buffer := make([]byte, file.MaxRead)
	for {
		p, err := w.Read(w.t.Context(), ann, l, file.Range{Offset: int64(len(out)), Limit: 64 << 10}, buffer)
		if err != nil {
			w.t.Fatal(err)
		}
		if out = append(out, p.Data...); len(p.Data) < 64<<10 {
			return out
		}
	}
}
