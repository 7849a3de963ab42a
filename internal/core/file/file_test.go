package file_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/store"
)

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

func TestProfilePhoto(t *testing.T) {
	w := alone(t)
	_, err := w.ClaimProfilePhoto(t.Context(), ann, w.upload(1, noise(100), 4<<10))
	wantErr(t, "no photo", err, fault.ImageProcessFailed)
	f, err := w.ClaimProfilePhoto(t.Context(), ann, w.upload(2, picture(t, 500, 400), 4<<10))
	if err != nil || len(f.Sizes) != 3 || f.Sizes[2].Type != "c" || f.Sizes[2].Width != 400 || f.Sizes[2].Height != 400 {
		t.Errorf("got %+v, %v", f, err)
	}
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
