package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
)

const (
	// maxOpen is how many uploads keep their files open while nobody writes to them.
	maxOpen = 256
	// The ends of names: account and upload in hexadecimal stand before them.
	contentEnd = ".part"
	indexEnd   = ".index"
)

type key struct{ account, upload int64 }

func (k key) path(dir, end string) string {
	return filepath.Join(dir, fmt.Sprintf("%016x-%016x%s", uint64(k.account), uint64(k.upload), end))
}

// parts are the uploads that are not finished. Locks: that of an upload first, then mu.
type parts struct {
	dir string

	mu   sync.Mutex
	open map[key]*upload
	// held is how many bytes are there of the uploads of each account, in files open or not.
	held map[int64]map[int64]int64
}

func openParts(dir string) (*parts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &parts{dir: dir, open: make(map[key]*upload), held: make(map[int64]map[int64]int64)}
	return p, p.load()
}

// enter returns an upload, locked. It fails with fs.ErrNotExist when there is none and none shall be
// made.
func (p *parts) enter(k key, create bool) (*upload, error) {
	p.mu.Lock()
	u := p.open[k]
	if u == nil {
		u = &upload{key: k, last: -1}
		p.open[k] = u
	}
	u.uses++
	p.mu.Unlock()
	u.mu.Lock()
	if u.data == nil {
		if err := u.open(p.dir, create); err != nil {
			p.leave(u)
			return nil, err
		}
	}
	return u, nil
}

// leave unlocks an upload, and closes the files of the one not used for longest when there are many.
func (p *parts) leave(u *upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := u.data == nil
	u.mu.Unlock()
	u.uses--
	u.used = time.Now()
	if gone && u.uses == 0 {
		delete(p.open, u.key)
	}
	if len(p.open) <= maxOpen {
		return
	}
	var idle []*upload
	for _, u := range p.open {
		if u.uses == 0 {
			idle = append(idle, u)
		}
	}
	if len(idle) > 0 {
		p.closeLocked(slices.MinFunc(idle, func(a, b *upload) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) }))
	}
}

// closeLocked closes the files of an upload that nobody uses.
func (p *parts) closeLocked(u *upload) error {
	delete(p.open, u.key)
	return u.close()
}

// close closes all files. Nobody may use an upload any more.
func (p *parts) close() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.open {
		err = errors.Join(err, p.closeLocked(u))
	}
	return err
}

// sweep deletes what has not been written to since a date, unless somebody is at it.
func (p *parts) sweep(before time.Time) error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, infoErr := e.Info()
		if infoErr != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue // or gone
		}
		err = errors.Join(err, p.sweepOne(e.Name()))
	}
	return err
}

func (p *parts) sweepOne(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := keyOf(name); ok {
		if u := p.open[k]; u != nil {
			if u.uses > 0 {
				return nil
			}
			p.closeLocked(u)
		}
		p.forgetLocked(k)
	}
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// PartOf says where a part belongs.
type PartOf struct {
	Account, Upload int64
	Number          int
	// Big tells that the part came with the number of all parts, Total; it is -1 while the sender
	// does not know it.
	Big   bool
	Total int
}

// SavePart keeps a part of an upload. Parts may come in any order, and again.
//
// Errors: FILE_PART_INVALID, FILE_PARTS_INVALID, FILE_PART_EMPTY, FILE_PART_TOO_BIG,
// FILE_PART_SIZE_INVALID, FILE_PART_SIZE_CHANGED, FLOOD_WAIT_%d (the account has too much that is
// not finished, or the disk is nearly full).
//
// https://core.telegram.org/api/files#uploading-files
func (s *Service) SavePart(ctx context.Context, p PartOf, b []byte) error {
	if err := p.check(len(b)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	k := key{p.Account, p.Upload}
	if err := s.room(k, len(b)); err != nil {
		return err
	}
	u, err := s.parts.enter(k, true)
	if err != nil {
		return fmt.Errorf("save part: %w", err)
	}
	defer s.parts.leave(u)
	err = u.save(p.Number, p.Total, b)
	s.parts.note(u)
	return err
}

func (p *PartOf) check(n int) error {
	most := maxParts
	if !p.Big {
		most, p.Total = maxSmallParts, -1
	}
	switch {
	case p.Total != -1 && (p.Total <= 0 || p.Total > maxParts):
		return fault.FilePartsInvalid
	case p.Number < 0 || p.Number >= most || p.Total != -1 && p.Number >= p.Total:
		return fault.FilePartInvalid
	case n == 0:
		return fault.FilePartEmpty
	case n > MaxPart:
		return fault.FilePartTooBig
	}
	return nil
}
