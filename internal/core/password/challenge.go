package password

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"slices"
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
	id             int64
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

// challenges are those that wait for an answer, by device and oldest first, in memory: a client
// whose challenge is gone asks for another.
type challenges struct {
	mu      sync.Mutex
	devices map[int64][]challenge
	count   int
}

// add keeps a challenge and returns its id. The oldest one of the same device makes room.
func (l *challenges) add(c challenge, now time.Time) (id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.devices == nil {
		l.devices = make(map[int64][]challenge)
	}
	if l.count >= challengesMost {
		l.makeRoom(now)
	}
	if list := l.devices[c.key]; len(list) >= challengesEach {
		l.devices[c.key] = slices.Delete(list, 0, 1)
		l.count--
	}
	for c.id == 0 {
		c.id = int64(binary.LittleEndian.Uint64(random(8)))
	}
	l.devices[c.key] = append(l.devices[c.key], c)
	l.count++
	return c.id
}

// makeRoom drops the challenges of devices whose last one is too old, and if there are none those
// of any device.
func (l *challenges) makeRoom(now time.Time) {
	for _, anyway := range []bool{false, true} {
		for key, list := range l.devices {
			if anyway || !list[len(list)-1].expires.After(now) {
				l.count -= len(list)
				delete(l.devices, key)
				if anyway {
					return
				}
			}
		}
		if l.count < challengesMost {
			return
		}
	}
}

// take returns the challenge that a device was given for an account under this id, once. It fails
// with SRP_ID_INVALID.
func (l *challenges) take(id, account, key int64, now time.Time) (challenge, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.devices[key]
	i := slices.IndexFunc(list, func(c challenge) bool { return c.id == id && c.account == account })
	if i < 0 {
		return challenge{}, fault.SRPIDInvalid
	}
	c := list[i]
	if l.devices[key] = slices.Delete(list, i, i+1); len(list) == 1 {
		delete(l.devices, key)
	}
	l.count--
	if !c.expires.After(now) {
		return challenge{}, fault.SRPIDInvalid
	}
	return c, nil
}

// same tells whether the account's verifier is still the one of the challenge.
func (c challenge) same(verifier []byte) bool { return bytes.Equal(c.verifier, verifier) }
