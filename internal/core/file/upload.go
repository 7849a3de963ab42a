package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// Bounds of uploads.
//
// https://core.telegram.org/api/files#uploading-files
const (
	MaxPart       = 512 << 10 // bytes
	maxParts      = 8000
	maxSmallParts = 4000
	minPart       = 1 << 10
)

// entry of the index: length and checksum of a part, little-endian. A length of 0 is a part that is
// not there.
const entrySize = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type part struct{ length, sum uint32 }

// upload is what is there of a file. Parts lie where they belong, as far as can be told: the first
// one shows how long they are, unless it turns out to be the last.
type upload struct {
	key  key
	uses int       // guarded by parts.mu
	used time.Time // likewise

	mu          sync.Mutex // guards what follows
	data, index *os.File   // nil when not open
	parts       []part
	count       int
	bytes       int64 // of all parts
	stride      int   // length of all parts but the last
	last        int   // the one part that is shorter, -1 if there is none
}

// open opens the files, or makes them.
func (u *upload) open(dir string, create bool) (err error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	if u.data, err = os.OpenFile(u.key.path(dir, contentEnd), flags, 0o600); err != nil {
		return err
	}
	if u.index, err = os.OpenFile(u.key.path(dir, indexEnd), flags, 0o600); err == nil {
		err = u.load()
	}
	if err != nil {
		u.close()
	}
	return err
}

// load reads the index.
func (u *upload) load() error {
	info, err := u.index.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, min(info.Size(), maxParts*entrySize))
	if _, err := u.index.ReadAt(b, 0); err != nil && len(b) > 0 {
		return err
	}
	u.parts, u.count, u.bytes, u.stride, u.last = nil, 0, 0, 0, -1
	for no := 0; len(b) >= entrySize; no, b = no+1, b[entrySize:] {
		u.note(no, part{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])})
	}
	for no, p := range u.parts {
		if p.length > 0 && int(p.length) < u.stride {
			u.last = no
		}
	}
	return nil
}

// note remembers that a part is there.
func (u *upload) note(no int, p part) {
	if p.length == 0 || p.length > MaxPart {
		return
	}
	for len(u.parts) <= no {
		u.parts = append(u.parts, part{})
	}
	if u.parts[no].length == 0 {
		u.count++
	}
	u.bytes += int64(p.length) - int64(u.parts[no].length)
	u.parts[no] = p
	u.stride = max(u.stride, int(p.length))
}

func (u *upload) close() error {
	var err error
	for _, f := range []*os.File{u.data, u.index} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	u.data, u.index, u.parts = nil, nil, nil
	return err
}

// remove closes and deletes the files; the content may have gone elsewhere.
func (u *upload) remove(dir string) error {
	err := u.close()
	for _, end := range []string{contentEnd, indexEnd} {
		if gone := os.Remove(u.key.path(dir, end)); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// save writes a part where it belongs. total is how many there are, -1 when the sender does not say.
func (u *upload) save(no, total int, b []byte) error {
	short, err := u.place(no, total, len(b))
	if err != nil {
		return err
	}
	if short {
		u.last = no
	} else if u.count == 1 && u.stride < len(b) {
		if err := u.moveLast(len(b)); err != nil {
			return err
		}
	}
	p := part{uint32(len(b)), crc32.Checksum(b, castagnoli)}
	stride := max(u.stride, len(b))
	if _, err := u.data.WriteAt(b, int64(no)*int64(stride)); err != nil {
		return fmt.Errorf("save part: %w", err)
	}
	return u.enter(no, p)
}

// enter writes a part into the index.
func (u *upload) enter(no int, p part) error {
	var b [entrySize]byte
	binary.LittleEndian.PutUint32(b[:], p.length)
	binary.LittleEndian.PutUint32(b[4:], p.sum)
	if _, err := u.index.WriteAt(b[:], int64(no)*entrySize); err != nil {
		return fmt.Errorf("save part: %w", err)
	}
	u.note(no, p)
	return nil
}

// place tells whether a part of n bytes can belong to the others, and whether it is the shorter one
// at the end.
func (u *upload) place(no, total, n int) (short bool, err error) {
	if no < len(u.parts) && u.parts[no].length != 0 {
		if int(u.parts[no].length) != n {
			return false, fault.FilePartSizeChanged
		}
		return no == u.last, nil
	}
	end := total >= 0 && no == total-1
	switch {
	case total >= 0 && !end && !regular(n):
		return false, fault.FilePartSizeInvalid
	case u.count == 0:
		return false, nil
	case u.last >= 0 && no > u.last: // behind the end
		return false, fault.FilePartInvalid
	case n == u.stride:
		if !regular(n) {
			return false, fault.FilePartSizeInvalid
		}
		return false, nil
	case n < u.stride:
		if u.last >= 0 || no < len(u.parts)-1 || total >= 0 && !end {
			return false, fault.FilePartSizeChanged
		}
		if !regular(u.stride) {
			return false, fault.FilePartSizeInvalid
		}
		return true, nil
	case u.count > 1 || no > len(u.parts)-1 || total >= 0 && len(u.parts) != total:
		return false, fault.FilePartSizeChanged
	case !regular(n):
		return false, fault.FilePartSizeInvalid
	}
	return false, nil // the one that is there is the last
}

// regular tells whether parts other than the last may have n bytes.
func regular(n int) bool { return n%minPart == 0 && MaxPart%n == 0 }

// moveLast puts the only part, which turned out to be the last, where it belongs.
func (u *upload) moveLast(stride int) error {
	no := len(u.parts) - 1
	b := make([]byte, u.parts[no].length)
	if _, err := u.data.ReadAt(b, int64(no)*int64(u.stride)); err != nil {
		return fmt.Errorf("move part: %w", err)
	}
	if err := u.data.Truncate(0); err != nil {
		return fmt.Errorf("move part: %w", err)
	}
	if _, err := u.data.WriteAt(b, int64(no)*int64(stride)); err != nil {
		return fmt.Errorf("move part: %w", err)
	}
	u.last = no
	return nil
}

// size is that of the whole file of so many parts.
//
// Errors: FILE_PARTS_INVALID, FILE_PART_%d_MISSING.
func (u *upload) size(parts int) (int64, error) {
	if parts <= 0 || parts > maxParts || parts < len(u.parts) {
		return 0, fault.FilePartsInvalid
	}
	for no := range parts {
		if no >= len(u.parts) || u.parts[no].length == 0 {
			return 0, partMissing(no)
		}
	}
	if u.last >= 0 && u.last != parts-1 {
		return 0, fault.FilePartsInvalid
	}
	return int64(parts-1)*int64(u.stride) + int64(u.parts[parts-1].length), nil
}

// partMissing is 400 FILE_PART_%d_MISSING: the client sends that part again.
//
// https://core.telegram.org/api/files#uploading-files
func partMissing(no int) error { return &fault.Error{Code: 400, Name: "FILE_PART_%d_MISSING", Arg: no} }
