package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
)

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
