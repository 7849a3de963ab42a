package file_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/store"
)

var errCrash = errors.New("the machine stopped")

// crashing is a store of blobs whose machine stops at one of its steps.
type crashing struct {
	blob.Store
	steps int // that succeed; the next fails, half of them after it was done
}

func (c *crashing) step(do func() error) error {
	c.steps--
	switch {
	case c.steps >= 0:
		return do()
	case c.steps == -1:
		return errCrash
	}
	return errors.Join(do(), errCrash)
}

func (c *crashing) Put(ctx context.Context, sum blob.Sum, path string) error {
	return c.step(func() error { return c.Store.Put(ctx, sum, path) })
}

func (c *crashing) Delete(ctx context.Context, sum blob.Sum) error {
	return c.step(func() error { return c.Store.Delete(ctx, sum) })
}

// TestCrashes stops at every step of making a photo, and of collecting it: afterwards the same photo
// can be sent, and in the end nothing is left.
func TestCrashes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		photo := picture(t, 1000, 500) // four sizes
		whole := w.Blobs
		for steps := range 5 {
			w.Blobs = &crashing{whole, steps}
			w.restart()
			up := w.upload(int64(steps), photo, 4<<10)
			_, err := w.ClaimPhoto(t.Context(), ann, up)
			if crashed := errors.Is(err, errCrash); crashed != (steps < 4) {
				t.Errorf("%d steps: %v", steps, err)
			}
			if _, err := w.ClaimPhoto(t.Context(), ann, up); steps < 4 && !errors.Is(err, errCrash) {
				t.Errorf("%d steps, again: %v", steps, err)
			}
			w.Blobs = whole
			w.restart()
			if _, err := w.ClaimPhoto(t.Context(), ann, up); err != nil {
				t.Errorf("%d steps, after the crash: %v", steps, err)
			}
		}
		w.later(25 * time.Hour) // files
		for steps := range 4 {
			w.Blobs = &crashing{whole, steps % 2}
			w.restart()
			w.now = w.now.Add(25 * time.Hour)
			if err := w.Sweep(t.Context()); !errors.Is(err, errCrash) {
				t.Errorf("collecting, %d steps: %v", steps, err)
			}
		}
		w.Blobs = whole
		w.restart()
		w.later(25 * time.Hour)
		if parts, blobs := w.left(); len(parts) != 0 || len(blobs) != 0 {
			t.Errorf("left are %v, %v", parts, blobs)
		}
		if _, err := w.ClaimPhoto(t.Context(), ann, w.upload(9, photo, 4<<10)); err != nil {
			t.Errorf("in the end: %v", err)
		}
	})
}

// TestLostContent has the machine stop after the content of a document went and before its row came:
// the client is told to send it again.
func TestLostContent(t *testing.T) {
	w := alone(t)
	data := noise(9000)
	whole := w.Blobs
	w.Blobs = &crashing{whole, -1}
	w.restart()
	up := w.upload(1, data, 4<<10)
	if _, err := w.ClaimDocument(t.Context(), ann, up, file.Description{}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	w.Blobs = whole
	w.restart()
	_, err := w.ClaimDocument(t.Context(), ann, up, file.Description{})
	wantErr(t, "content that went", err, missing(0))
	f, err := w.ClaimDocument(t.Context(), ann, w.upload(1, data, 4<<10), file.Description{})
	if err != nil {
		t.Fatal(err)
	}
	l := file.Location{Handle: w.Handle(ann, f.ID), Kind: file.Document}
	if !bytes.Equal(w.read(l), data) {
		t.Error("what is read is not what was written")
	}
	// A disk that lost a blob.
	if err := whole.Delete(t.Context(), blobOf(t, w, f.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Read(t.Context(), ann, l, file.Range{Limit: 4096}, make([]byte, 4096))
	wantErr(t, "a blob that is gone", err, fault.LocationInvalid)
}

// TestLeftContent has the database fail after the content of a document went: what comes for the same
// upload then does not write to the blob.
func TestLeftContent(t *testing.T) {
	w := alone(t)
	data := noise(9000)
	whole := w.Blobs
	w.Blobs = &crashing{whole, -1}
	w.restart()
	up := w.upload(1, data, 4<<10)
	if _, err := w.ClaimDocument(t.Context(), ann, up, file.Description{}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if err := w.save(1, make([]byte, 9000), 4<<10, 0, 3); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 9000)
	if _, err := whole.ReadAt(t.Context(), sha256.Sum256(data), got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the blob was changed, %v", err)
	}
}

func blobOf(t *testing.T, w *world, id int64) (sum blob.Sum) {
	t.Helper()
	err := w.DB.Read(t.Context(), func(tx *store.Tx) error {
		_, piece, err := tx.Piece(id, store.FileDocument, "")
		copy(sum[:], piece.Hash)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
