package file_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

func TestBadParts(t *testing.T) {
	w := alone(t)
	ctx := t.Context()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.SavePart(gone, file.PartOf{Account: ann, Upload: 1}, make([]byte, 5)); !errors.Is(err, context.Canceled) {
		t.Errorf("caller gone: %v", err)
	}
	type p struct{ no, n, total int } // total 0: a small file
	for name, c := range map[string]struct {
		parts []p
		want  error
	}{
		"empty":                 {[]p{{0, 0, 0}}, fault.FilePartEmpty},
		"too big":               {[]p{{0, file.MaxPart + 1, 1}}, fault.FilePartTooBig},
		"negative":              {[]p{{-1, 1024, 2}}, fault.FilePartInvalid},
		"beyond small":          {[]p{{4000, 1024, 0}}, fault.FilePartInvalid},
		"beyond big":            {[]p{{8000, 1024, -1}}, fault.FilePartInvalid},
		"beyond total":          {[]p{{2, 1024, 2}}, fault.FilePartInvalid},
		"no total":              {[]p{{0, 1024, -2}}, fault.FilePartsInvalid},
		"too many":              {[]p{{0, 1024, 8001}}, fault.FilePartsInvalid},
		"odd":                   {[]p{{0, 1000, 2}}, fault.FilePartSizeInvalid},
		"no divisor":            {[]p{{0, 3072, 2}}, fault.FilePartSizeInvalid},
		"odd twice":             {[]p{{0, 1000, 0}, {1, 1000, 0}}, fault.FilePartSizeInvalid},
		"odd, then smaller":     {[]p{{0, 1000, 0}, {1, 10, 0}}, fault.FilePartSizeInvalid},
		"odd, then larger":      {[]p{{1, 10, 0}, {0, 1000, 0}}, fault.FilePartSizeInvalid},
		"grew":                  {[]p{{0, 1024, 0}, {1, 2048, 0}}, fault.FilePartSizeChanged},
		"grew later":            {[]p{{1, 1024, 0}, {2, 1024, 0}, {0, 2048, 0}}, fault.FilePartSizeChanged},
		"shrank in the middle":  {[]p{{2, 2048, 0}, {1, 1024, 0}}, fault.FilePartSizeChanged},
		"shrank twice":          {[]p{{0, 2048, 0}, {1, 1024, 0}, {1, 1023, 0}}, fault.FilePartSizeChanged},
		"shrank before the end": {[]p{{0, 2048, 3}, {1, 1024, 3}}, fault.FilePartSizeChanged},
		"end not at the end":    {[]p{{1, 1024, 3}, {0, 2048, 3}}, fault.FilePartSizeChanged},
		"behind the end":        {[]p{{0, 2048, 0}, {1, 1024, 0}, {2, 2048, 0}}, fault.FilePartInvalid},
		"again, other size":     {[]p{{0, 2048, 0}, {0, 1024, 0}}, fault.FilePartSizeChanged},
	} {
		id := rand.Int64()
		var err error
		for i, part := range c.parts {
			of := file.PartOf{Account: ann, Upload: id, Number: part.no, Big: part.total != 0, Total: part.total}
			if err = w.SavePart(ctx, of, make([]byte, part.n)); err != nil && i < len(c.parts)-1 {
				t.Errorf("%s: part %d: %v", name, i, err)
			}
		}
		wantErr(t, name, err, c.want)
	}
}

func TestBadClaims(t *testing.T) {
	w := alone(t)
	ctx := t.Context()
	data := noise(10<<10 + 5)
	up := w.upload(1, data, 4<<10)
	claim := func(change func(*file.Upload)) error {
		other := up
		change(&other)
		_, err := w.ClaimDocument(ctx, ann, other, file.Description{})
		return err
	}
	for _, n := range []int{-1, 0, 2, 8001} {
		wantErr(t, fmt.Sprint(n, " parts"), claim(func(u *file.Upload) { u.Parts = n }), fault.FilePartsInvalid)
	}
	wantErr(t, "one part more", claim(func(u *file.Upload) { u.Parts = 4 }), missing(3))
	wantErr(t, "other upload", claim(func(u *file.Upload) { u.ID = 2 }), missing(0))
	wantErr(t, "checksum", claim(func(u *file.Upload) { u.MD5 = "00" }), fault.MD5ChecksumInvalid)
	_, err := w.ClaimDocument(ctx, bob, up, file.Description{})
	wantErr(t, "somebody else's", err, missing(0))
	_, err = w.ClaimDocument(ctx, ann, up, file.Description{Thumb: &file.Upload{ID: 3, Parts: 1}})
	wantErr(t, "no preview", err, missing(0))
	_, err = w.ClaimPhoto(ctx, ann, up)
	wantErr(t, "no photo", err, fault.ImageProcessFailed)
	_, err = w.ClaimPhoto(ctx, ann, w.upload(4, noise(10<<20+1), file.MaxPart))
	wantErr(t, "large photo", err, fault.PhotoSaveFileInvalid)
	_, err = w.ClaimPhoto(ctx, ann, w.upload(5, picture(t, 2100, 100), file.MaxPart))
	wantErr(t, "narrow photo", err, fault.PhotoInvalidDimensions)
	// What a power cut left of a part: the index was on disk, the part was not.
	content, err := filepath.Glob(filepath.Join(w.Dir, fmt.Sprintf("*-%016x.part", up.ID)))
	if err != nil || len(content) != 1 {
		t.Fatal(content, err)
	}
	if err := os.WriteFile(content[0], make([]byte, 6<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	wantErr(t, "lost part", claim(func(*file.Upload) {}), missing(0))
	w.upload(1, data, 4<<10)
	if err := claim(func(*file.Upload) {}); err != nil {
		t.Errorf("after the parts came again: %v", err)
	}
	if _, blobs := w.left(); len(blobs) != 1 {
		t.Errorf("blobs %v", blobs)
	}
}

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

func TestDocument(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		data := noise(3<<20 + 77)
		up := w.upload(-1, data, 64<<10)
		sum := md5.Sum(data)
		up.MD5 = hex.EncodeToString(sum[:])
		w.restart()
		thumb := w.upload(2, picture(t, 640, 480), 1<<10)
		d := file.Description{Mime: "video/mp4", Thumb: &thumb, Attributes: file.Attributes{
			Name: "../a\u202egpj.mp4", Width: 640, Height: -1, Duration: 1e9, Video: &file.Video{Streaming: true},
		}}
		f, err := w.ClaimDocument(t.Context(), ann, up, d)
		if err != nil {
			t.Fatal(err)
		}
		a := f.Attributes
		if f.Mime != "video/mp4" || f.Size != int64(len(data)) || a.Name != "agpj.mp4" || a.Height != 0 ||
			a.Duration != 30*24*60*60 || !a.Video.Streaming || len(f.Sizes) != 1 || len(f.Stripped) == 0 {
			t.Errorf("got %+v, %+v", f, a)
		}
		again, err := w.ClaimDocument(t.Context(), ann, up, d)
		if err != nil || again.ID != f.ID {
			t.Errorf("claimed again: %+v, %v", again, err)
		}
		l := file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Document}
		if !bytes.Equal(w.read(l), data) {
			t.Error("what is read is not what was written")
		}
		l.Size = "m"
		if b := w.read(l); int64(len(b)) != f.Sizes[0].Bytes {
			t.Errorf("the preview has %d bytes", len(b))
		}
		if got, err := w.Find(t.Context(), ann, file.Document, l.Handle); err != nil || got.ID != f.ID {
			t.Errorf("found %+v, %v", got, err)
		}
		_, err = w.Find(t.Context(), ann, file.Photo, l.Handle)
		wantErr(t, "find as photo", err, fault.FileIDInvalid)
		twin, err := w.ClaimDocument(t.Context(), ann, w.upload(5, data, 512<<10), file.Description{})
		if err != nil || twin.ID == f.ID || twin.Attributes.Name != "data.bin" {
			t.Errorf("twin %+v, %v", twin, err)
		}
		if _, blobs := w.left(); len(blobs) != 2 {
			t.Errorf("one content and one preview lie in %v", blobs)
		}
	})
}

func TestPhoto(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f, err := w.ClaimPhoto(t.Context(), ann, w.upload(1, picture(t, 1000, 500), 4<<10))
		if err != nil {
			t.Fatal(err)
		}
		var types string
		for _, z := range f.Sizes {
			types += z.Type
			b := w.read(file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Photo, Size: z.Type})
			c, err := jpeg.DecodeConfig(bytes.NewReader(b))
			if err != nil || c.Width != z.Width || c.Height != z.Height || int64(len(b)) != z.Bytes {
				t.Errorf("size %+v: %+v, %v", z, c, err)
			}
		}
		if types != "smxy" || len(f.Stripped) == 0 || f.Kind != file.Photo {
			t.Errorf("got %+v", f)
		}
		if parts, blobs := w.left(); len(parts) != 0 || len(blobs) != 4 {
			t.Errorf("left %v, %v", parts, blobs)
		}
	})
}

func TestSmallestUploads(t *testing.T) {
	w := alone(t)
	for n := 1; n <= 3000; n += 271 { // one part of any size, and two with the end first
		data := noise(n)
		for id, size := range []int{512 << 10, 1 << 10} {
			total := (n + size - 1) / size
			for no := total - 1; no >= 0; no-- {
				of := file.PartOf{Account: ann, Upload: int64(id + 2*n), Number: no}
				if err := w.SavePart(t.Context(), of, data[no*size:min(n, (no+1)*size)]); err != nil {
					t.Fatal(err)
				}
			}
			f, err := w.ClaimDocument(t.Context(), ann, file.Upload{ID: int64(id + 2*n), Parts: total}, file.Description{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.read(file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Document}), data) {
				t.Errorf("%d bytes in parts of %d came out differently", n, size)
			}
		}
	}
}

func TestBadReads(t *testing.T) {
	w := alone(t)
	f, err := w.ClaimDocument(t.Context(), ann, w.upload(1, noise(10_000), 4<<10), file.Description{})
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, file.MaxRead)
	good := file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Document}
	const k = 1 << 10
	for _, c := range []struct {
		r    file.Range
		want error
	}{
		{file.Range{Offset: -4 * k, Limit: 4 * k}, fault.OffsetInvalid},
		{file.Range{Offset: 1 * k, Limit: 4 * k}, fault.OffsetInvalid},
		{file.Range{Offset: 100, Limit: 1 * k, Precise: true}, fault.OffsetInvalid},
		{file.Range{Limit: 0}, fault.LimitInvalid},
		{file.Range{Limit: -4 * k}, fault.LimitInvalid},
		{file.Range{Limit: 1 * k}, fault.LimitInvalid},
		{file.Range{Limit: 12 * k}, fault.LimitInvalid},
		{file.Range{Limit: 2048 * k}, fault.LimitInvalid},
		{file.Range{Limit: 1025 * k, Precise: true}, fault.LimitInvalid},
		{file.Range{Offset: 1020 * k, Limit: 8 * k}, fault.LimitInvalid},
		{file.Range{Offset: 1023 * k, Limit: 2 * k, Precise: true}, fault.LimitInvalid},
	} {
		_, err := w.Read(t.Context(), ann, good, c.r, buffer)
		wantErr(t, fmt.Sprintf("%+v", c.r), err, c.want)
	}
	for name, c := range map[string]struct {
		change func(*file.Location)
		want   error
	}{
		"hash":      {func(l *file.Location) { l.AccessHash++ }, fault.LocationInvalid},
		"viewer":    {func(l *file.Location) { l.Handle = w.Handle(bob, f.ID) }, fault.LocationInvalid},
		"file":      {func(l *file.Location) { l.Handle = w.Handle(ann, 5) }, fault.LocationInvalid},
		"kind":      {func(l *file.Location) { l.Kind = file.Photo }, fault.LocationInvalid},
		"size":      {func(l *file.Location) { l.Size = "x" }, fault.LocationInvalid},
		"empty":     {func(l *file.Location) { l.Reference = nil }, fault.FileReferenceEmpty},
		"short":     {func(l *file.Location) { l.Reference = l.Reference[:20] }, fault.FileReferenceInvalid},
		"version":   {func(l *file.Location) { l.Reference[0]++ }, fault.FileReferenceInvalid},
		"hour":      {func(l *file.Location) { l.Reference[4]++ }, fault.FileReferenceInvalid},
		"forged":    {func(l *file.Location) { l.Reference[20]++ }, fault.FileReferenceInvalid},
		"elsewhere": {func(l *file.Location) { l.Reference = w.Handle(ann, 5).Reference }, fault.FileReferenceInvalid},
	} {
		l := good
		l.Reference = slices.Clone(l.Reference)
		c.change(&l)
		_, err := w.Read(t.Context(), ann, l, file.Range{Limit: 4 * k}, buffer)
		wantErr(t, name, err, c.want)
	}
	p, err := w.Read(t.Context(), ann, good, file.Range{Offset: 9 * k, Limit: 1 * k, Precise: true}, buffer)
	if err != nil || len(p.Data) != 10_000-9*k {
		t.Errorf("%d bytes at the end, %v", len(p.Data), err)
	}
	p, err = w.Read(t.Context(), ann, good, file.Range{Offset: 12 * k, Limit: 4 * k}, buffer)
	if err != nil || len(p.Data) != 0 {
		t.Errorf("%d bytes behind the end, %v", len(p.Data), err)
	}
	w.now = w.now.Add(24 * time.Hour)
	if _, err := w.Read(t.Context(), ann, good, file.Range{Limit: 4 * k}, buffer); err != nil {
		t.Errorf("after a day: %v", err)
	}
	w.now = w.now.Add(time.Hour)
	_, err = w.Read(t.Context(), ann, good, file.Range{Limit: 4 * k}, buffer)
	wantErr(t, "after more than a day", err, fault.FileReferenceExpired)
}

func TestCollect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		kept, err := w.ClaimDocument(t.Context(), ann, w.upload(1, noise(5000), 4<<10), file.Description{})
		if err != nil {
			t.Fatal(err)
		}
		lost, err := w.ClaimPhoto(t.Context(), ann, w.upload(2, picture(t, 50, 50), 4<<10))
		if err != nil {
			t.Fatal(err)
		}
		ref := store.FileRef{Owner: ann, Kind: store.RefMessage, Object: 1, File: kept.ID}
		w.write(func(tx *store.Tx) error { return tx.KeepFile(ref) })
		w.upload(3, noise(5000), 4<<10) // never finished
		if err := os.WriteFile(filepath.Join(w.Dir, "size-1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.later(23 * time.Hour)
		if parts, blobs := w.left(); len(parts) != 3 || len(blobs) != 2 {
			t.Errorf("after 23 hours there are %v, %v", parts, blobs)
		}
		w.now = w.now.Add(-23 * time.Hour)
		w.later(25 * time.Hour)
		w.later(25 * time.Hour)
		if parts, blobs := w.left(); len(parts) != 0 || len(blobs) != 1 {
			t.Errorf("after two days there are %v, %v", parts, blobs)
		}
		_, err = w.Get(t.Context(), lost.ID)
		wantErr(t, "what nobody refers to", err, fault.FileIDInvalid)
		l := file.Location{Handle: w.Handle(ann, kept.ID), Kind: file.Document}
		if !bytes.Equal(w.read(l), noise(5000)) {
			t.Error("what is referred to is broken")
		}
		w.write(func(tx *store.Tx) error { return w.Erase(tx, ann) })
		w.later(25 * time.Hour)
		w.later(25 * time.Hour)
		if _, blobs := w.left(); len(blobs) != 0 {
			t.Errorf("in the end there are %v", blobs)
		}
		err = w.DB.Write(t.Context(), nil, func(tx *store.Tx) error { return tx.KeepFile(ref) })
		wantErr(t, "refer to what has gone", err, store.ErrNoRows)
		if _, err := w.ClaimDocument(t.Context(), ann, w.upload(4, noise(5000), 4<<10), file.Description{}); err != nil {
			t.Errorf("the same content again: %v", err)
		}
	})
}

// TestManyUploads has more uploads at once than stay open, each by several goroutines.
func TestManyUploads(t *testing.T) {
	w := alone(t)
	data := noise(40 << 10)
	var g sync.WaitGroup
	for worker := range 4 {
		g.Go(func() {
			for no := worker; no < 10; no += 4 {
				for id := range int64(300) {
					if err := w.save(id, data, 4<<10, no, 10); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	g.Wait()
	for id := range int64(300) {
		g.Go(func() {
			f, err := w.ClaimDocument(t.Context(), ann, file.Upload{ID: id % 150, Parts: 10}, file.Description{})
			if err != nil || f.Size != int64(len(data)) {
				t.Errorf("%d: %+v, %v", id, f, err)
			}
		})
		if id%20 == 19 {
			g.Wait()
		}
	}
	g.Wait()
	if _, blobs := w.left(); len(blobs) != 1 {
		t.Errorf("one content lies in %v", blobs)
	}
}

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "",
		"..":                     "",
		"a.txt":                  "a.txt",
		"/etc/passwd":            "passwd",
		`C:\Windows\evil.exe`:    "evil.exe",
		"dir/":                   "",
		"a\x00b\nc\x7f.txt":      "abc.txt",
		"invoice\u202efdp.exe":   "invoicefdp.exe",
		"\u2066a\u2069\u200f.md": "a.md",
		" name. ":                "name",
		"\xff\xfe.bin":           "_.bin",
		"фото 📷.jpg":             "фото 📷.jpg",
	} {
		if got := file.CleanName(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
	long := file.CleanName(strings.Repeat("ж", 300) + ".pdf")
	if len(long) > 255 || !strings.HasSuffix(long, "ж.pdf") {
		t.Errorf("a long name became %q", long)
	}
}

func TestMime(t *testing.T) {
	w := alone(t)
	for i, c := range []struct{ given, content, want string }{
		{"", "\x89PNG\r\n\x1a\n", "image/png"},
		{"nonsense", "plain", "text/plain"},
		{"application/octet-stream", "%PDF-1.7", "application/pdf"},
		{"image/jpeg", "<html><script>alert(1)</script>", "text/html"},
		{"text/markdown", "<html>", "text/markdown"},
		{"application/x-tgsticker", "\x1f\x8b\x08", "application/x-tgsticker"},
		{"Video/MP4; codecs=avc1", "x", "video/mp4"},
	} {
		up := w.upload(int64(i), []byte(c.content), 1<<10)
		f, err := w.ClaimDocument(t.Context(), ann, up, file.Description{Mime: c.given})
		if err != nil || f.Mime != c.want {
			t.Errorf("%q as %q became %q, %v", c.content, c.given, f.Mime, err)
		}
	}
}

// BenchmarkParts moves parts of 512 KiB to disk and back, without connections and encryption.
func BenchmarkParts(b *testing.B) {
	const total = 128
	w := alone(b)
	data := noise(file.MaxPart)
	b.Run("up", func(b *testing.B) {
		b.SetBytes(file.MaxPart)
		for i := 0; b.Loop(); i++ {
			of := file.PartOf{Account: ann, Upload: int64(i / total % 4), Number: i % total, Big: true, Total: total}
			if err := w.SavePart(b.Context(), of, data); err != nil {
				b.Fatal(err)
			}
		}
	})
	all := bytes.Repeat(data, total)
	up := w.upload(1000, all, file.MaxPart)
	start := time.Now()
	f, err := w.ClaimDocument(b.Context(), ann, up, file.Description{})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("claimed %d MiB in %v", len(all)>>20, time.Since(start))
	l := file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Document}
	buffer := make([]byte, file.MaxRead)
	b.Run("down", func(b *testing.B) {
		b.SetBytes(file.MaxPart)
		for i := 0; b.Loop(); i++ {
			r := file.Range{Offset: int64(i%total) * file.MaxPart, Limit: file.MaxPart}
			if _, err := w.Read(b.Context(), ann, l, r, buffer); err != nil {
				b.Fatal(err)
			}
		}
	})
}
