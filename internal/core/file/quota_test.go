package file_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
)

// part saves the first of two parts.
func (w *world) part(account, upload int64) error {
	p := file.PartOf{Account: account, Upload: upload, Big: true, Total: 2}
	return w.SavePart(w.t.Context(), p, make([]byte, 1024))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestUploadsQuota begins more uploads than an account may have, which neither a restart nor going on
// changes, and ends some.
func TestUploadsQuota(t *testing.T) {
	w := alone(t)
	document := func() {
		t.Helper()
		preview := w.upload(499, picture(t, 90, 90), 1024)
		_, err := w.ClaimDocument(t.Context(), ann, w.upload(500, noise(2000), 1024), file.Description{Thumb: &preview})
		w.must(err)
	}
	for range 2 {
		document()
	}
	for id := range int64(500) {
		w.must(w.part(ann, 1000+id))
	}
	for range 2 {
		wantErr(t, "one more", w.part(ann, 2000), fault.FloodWait(60))
		w.must(w.part(ann, 1000))
		w.must(w.part(bob, 2000))
		w.restart()
	}
	w.NoLimits = true
	w.must(w.part(ann, 2000))
	w.NoLimits = false
	w.later(25 * time.Hour)
	document()
	w.must(w.part(ann, 2000))
}

// TestBytesQuota has an account hold two files of the largest size.
func TestBytesQuota(t *testing.T) {
	w := alone(t)
	var index []byte
	for range 8000 {
		index = binary.LittleEndian.AppendUint32(index, file.MaxPart)
		index = binary.LittleEndian.AppendUint32(index, 0)
	}
	for id := range 2 {
		name := filepath.Join(w.Dir, fmt.Sprintf("%016x-%016x", ann, id))
		w.must(os.WriteFile(name+".part", nil, 0o600))
		w.must(os.WriteFile(name+".index", index, 0o600))
	}
	w.restart()
	wantErr(t, "a byte more", w.part(ann, 3), fault.FloodWait(60))
	w.must(w.part(bob, 3))
	w.later(25 * time.Hour)
	w.must(w.part(ann, 3))
}

func TestReserve(t *testing.T) {
	w := alone(t)
	w.Reserve = 1 << 60
	wantErr(t, "no room", w.part(ann, 1), fault.FloodWait(60))
	w.Reserve = 0
	w.must(w.part(ann, 1))
}
