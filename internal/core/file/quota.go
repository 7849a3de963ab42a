package file

import (
	"fmt"
	"os"
	"strings"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// What one account may have of uploads that nobody finished; they are collected after a day.
const (
	maxUploads    = 500
	maxUnfinished = 2 * maxParts * MaxPart // bytes
	quotaWait     = 60                     // seconds
)

// DefaultReserve is how many bytes a disk should keep free for the database.
const DefaultReserve = 1 << 30

// load finds out how much of which uploads is there.
func (p *parts) load() error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		k, ok := keyOf(e.Name())
		if !ok || !strings.HasSuffix(e.Name(), indexEnd) {
			continue
		}
		u := &upload{key: k, last: -1}
		if u.open(p.dir, false) != nil {
			continue // not both files are there: it is collected
		}
		p.note(u)
		if err := u.close(); err != nil {
			return err
		}
	}
	return nil
}

// keyOf reads the name of a file of an upload.
func keyOf(name string) (key, bool) {
	var account, upload uint64
	n, _ := fmt.Sscanf(name, "%16x-%16x.", &account, &upload)
	return key{int64(account), int64(upload)}, n == 2 // #nosec G115 -- as they were written
}

// admit tells whether an account may save n bytes more for an upload, and counts the upload.
func (p *parts) admit(k key, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.held[k.account]
	all := int64(n)
	for _, bytes := range mine {
		all += bytes
	}
	if _, known := mine[k.upload]; !known && len(mine) >= maxUploads || all > maxUnfinished {
		return false
	}
	p.countLocked(k, mine[k.upload])
	return true
}

// note counts what is there of an upload, which the caller has locked.
func (p *parts) note(u *upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.countLocked(u.key, u.bytes)
}

func (p *parts) countLocked(k key, bytes int64) {
	if p.held[k.account] == nil {
		p.held[k.account] = make(map[int64]int64)
	}
	p.held[k.account][k.upload] = bytes
}

// forgetLocked stops counting an upload that is gone.
func (p *parts) forgetLocked(k key) {
	if delete(p.held[k.account], k.upload); len(p.held[k.account]) == 0 {
		delete(p.held, k.account)
	}
}

// end removes an upload, which the caller has locked; the content may have gone elsewhere.
func (s *Service) end(u *upload) {
	s.parts.mu.Lock()
	s.parts.forgetLocked(u.key)
	s.parts.mu.Unlock()
	if err := u.remove(s.Dir); err != nil {
		s.Log.Warn("an upload was not removed", "err", err)
	}
}

// room fails with FLOOD_WAIT when an account has too much that is not finished, and when the disk is
// nearly full.
func (s *Service) room(k key, n int) error {
	left, err := free(s.Dir)
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if left < s.Reserve+int64(n) || !s.parts.admit(k, n) && !s.NoLimits {
		return fault.FloodWait(quotaWait)
	}
	return nil
}
