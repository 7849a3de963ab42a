package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// saltPeriod is how long a server salt is the newest; it is accepted for one period more.
//
// https://core.telegram.org/mtproto/description#server-salt
const saltPeriod = 30 * time.Minute

// salts derives the server salts of all keys from a secret of this process: nothing is stored, and
// packets recorded before a restart, or at another node, carry a salt that is not accepted.
type salts struct{ secret [32]byte }

func newSalts() *salts {
	s := new(salts)
	rand.Read(s.secret[:]) // never fails, as crypto/rand documents
	return s
}

func (s *salts) at(key int64, period int64) int64 {
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:], uint64(key))
	binary.LittleEndian.PutUint64(in[8:], uint64(period))
	h := hmac.New(sha256.New, s.secret[:])
	h.Write(in[:])
	var sum [sha256.Size]byte
	return int64(binary.LittleEndian.Uint64(h.Sum(sum[:0])))
}

func saltPeriodOf(now time.Time) int64 { return now.Unix() / int64(saltPeriod/time.Second) }

// pair is what one key's salts are during one period: computing them once per period keeps HMAC off
// the path of every message.
type saltPair struct {
	period            int64
	current, previous int64
}

func (s *salts) pair(key int64, now time.Time) saltPair {
	p := saltPeriodOf(now)
	return saltPair{p, s.at(key, p), s.at(key, p-1)}
}
