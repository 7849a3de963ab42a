package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// saltPeriod is how long a server salt is the newest; it is accepted for one period more.
	//
	// https://core.telegram.org/mtproto/description#server-salt
	saltPeriod = 30 * time.Minute
	// setBack is how many seconds the clock may go backwards before all salts are made anew: a
	// packet recorded before would be within its time again, while its session may be forgotten.
	setBack = 20
)

// salts derives the server salts of all keys from a secret of this process: nothing is stored, and
// packets recorded before a restart, or at another node, carry a salt that is not accepted.
type salts struct {
	latest atomic.Int64 // Unix seconds that were seen
	epoch  atomic.Int64 // counts secrets

	mu     sync.Mutex
	secret [32]byte
}

func newSalts() *salts {
	s := new(salts)
	rand.Read(s.secret[:]) // never fails, as crypto/rand documents
	return s
}

// look draws a new secret if the clock was set back, and returns the number of the present one.
func (s *salts) look(now int64) (epoch int64) {
	latest := s.latest.Load()
	switch {
	case now > latest:
		s.latest.CompareAndSwap(latest, now)
	case now < latest-setBack && s.latest.CompareAndSwap(latest, now):
		s.mu.Lock()
		rand.Read(s.secret[:])
		s.mu.Unlock()
		s.epoch.Add(1)
	}
	return s.epoch.Load()
}

func (s *salts) at(key int64, period int64) int64 {
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:], uint64(key))
	binary.LittleEndian.PutUint64(in[8:], uint64(period))
	s.mu.Lock()
	h := hmac.New(sha256.New, s.secret[:])
	s.mu.Unlock()
	h.Write(in[:])
	var sum [sha256.Size]byte
	return int64(binary.LittleEndian.Uint64(h.Sum(sum[:0])))
}

func saltPeriodOf(now time.Time) int64 { return now.Unix() / int64(saltPeriod/time.Second) }

// saltPair is what one key's salts are during one period: computing them once per period keeps HMAC
// off the path of every message.
type saltPair struct {
	period, epoch     int64
	current, previous int64
}

func (p *saltPair) accepts(salt int64) bool { return salt == p.current || salt == p.previous }

// saltsAt returns the two salts accepted now.
func (k *authKey) saltsAt(s *salts, now time.Time) saltPair {
	period, epoch := saltPeriodOf(now), s.look(now.Unix())
	if p := k.salts.Load(); p != nil && p.period == period && p.epoch == epoch {
		return *p
	}
	id := k.key.ID()
	p := saltPair{period, epoch, s.at(id, period), s.at(id, period-1)}
	k.salts.Store(&p)
	return p
}
