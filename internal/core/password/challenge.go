package password

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
)

const (
	// secretSize is the length of a challenge's secret number, in bytes.
	secretSize = 32
	// challengeLife is how long a challenge may be answered, challengesMost how many may wait.
	challengeLife  = 10 * time.Minute
	challengesMost = 10_000
	// challengesEach is how many may wait for one device.
	challengesEach = 8
)

// Proof is a client's answer to a challenge.
//
// https://core.telegram.org/constructor/inputCheckPasswordSRP
type Proof struct {
	ID    int64
	A, M1 []byte
}

// challenge is what the server keeps of a challenge it made.
type challenge struct {
	account, key   int64
	verifier       []byte
	secret, public []byte
	salt1, salt2   []byte
	expires        time.Time
}

// answers tells whether a proof is right. It fails with SRP_A_INVALID.
func (c challenge) answers(p Proof) (bool, error) {
	a := groupOfClients.element(p.A)
	if a == nil {
		return false, fault.SRPAInvalid
	}
	v := groupOfClients.element(c.verifier)
	want := groupOfClients.proof(v, a, c.secret, c.public, c.salt1, c.salt2)
	return subtle.ConstantTimeCompare(want, p.M1) == 1, nil
}

// challenges are those that wait for an answer, in memory: a client whose challenge is gone asks
// for another.
type challenges struct {
	mu      sync.Mutex
	waiting map[int64]challenge
}

// add keeps a challenge and returns its id. The oldest one of the same device makes room.
func (l *challenges) add(c challenge, now time.Time) (id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = make(map[int64]challenge)
	}
	l.makeRoom(c, now)
	for id == 0 || l.waiting[id].secret != nil {
		var b [8]byte
		rand.Read(b[:])
		id = int64(binary.LittleEndian.Uint64(b[:]))
	}
	l.waiting[id] = c
	return id
}

func (l *challenges) makeRoom(c challenge, now time.Time) {
	count, oldest := 0, int64(0)
	for id, old := range l.waiting {
		if !old.expires.After(now) {
			delete(l.waiting, id)
			continue
		}
		if old.key == c.key {
			count++
			if oldest == 0 || old.expires.Before(l.waiting[oldest].expires) {
				oldest = id
			}
		}
	}
	if count >= challengesEach {
		delete(l.waiting, oldest)
	}
	for id := range l.waiting {
		if len(l.waiting) < challengesMost {
			break
		}
		delete(l.waiting, id)
	}
}

// take returns the challenge that a device was given for an account under this id, once. It fails
// with SRP_ID_INVALID.
func (l *challenges) take(id, account, key int64, now time.Time) (challenge, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.waiting[id]
	if !ok || c.account != account || c.key != key {
		return challenge{}, fault.SRPIDInvalid
	}
	delete(l.waiting, id)
	if !c.expires.After(now) {
		return challenge{}, fault.SRPIDInvalid
	}
	return c, nil
}

// same tells whether the account's verifier is still the one of the challenge.
func (c challenge) same(verifier []byte) bool { return bytes.Equal(c.verifier, verifier) }
