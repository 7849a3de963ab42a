package session

import (
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/rpc"
)

// Session is one run of a client program: the messages it sent, those it has to get, and its
// queries.
type Session struct {
	hub *Hub
	id  int64
	key *authKey

	// Under Hub.mu.
	account int64 // that it is listed under
	holders int32 // connections that bring its packets

	mu      sync.Mutex
	conn    *connection // that is written to, nil while the client is away
	left    int64       // Unix seconds since when it is away, 0 if it is not
	greeted bool        // told that it is new
	updates bool        // wants pushes
	missed  bool        // a push was lost: say updatesTooLong when the client is back
	busy    bool        // an ordered query runs
	ended   bool        // forgotten by the hub: keeps no answers
	running int16       // unordered queries that run
	layer   int16

	lastSeq int32 // highest seq_no of a content-related message, and its
	lastID  int64 // msg_id
	seen    window
	app     *rpc.App // of initConnection, nil before it
	noted   int64    // Unix seconds of when it was stored

	out     outbox
	answers []*answer // until acknowledged, by the query's msg_id
	stored  int       // bytes in answers, with answerCost for each
	evicted int64     // highest msg_id of a query whose answer had to go

	queries []*query // waiting or running, by msg_id
	pending int      // bytes in queries
	failed  []int64  // msg_ids of the last minutes that invokeAfterMsg must not follow, sorted
}

// trim gives back the memory of what is too old to matter, and has a device in use noted; it reports
// since when the client is away, 0 if it is not.
func (s *Session) trim(now time.Time) (left int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.forget(oldestID(now))
	s.failed = dropBelow(s.failed, s.seen.floor)
	s.noteAgainLocked(now)
	s.evictLocked()
	return s.left
}

// attachLocked makes c the connection that the session writes to, unless there is a newer one: a
// connection that is given up may still bring what was under way. A client that came back gets the
// answers it has not acknowledged, and a word if it missed something.
//
// Only a message that was not seen before moves a session. Who replays a recorded packet over a
// connection of his own shall not take answers and pushes away from the client.
func (s *Session) attachLocked(c *connection) {
	if s.conn == c || s.conn != nil && s.conn.born > c.born {
		return
	}
	s.loseUnackedLocked()
	s.conn, s.left = c, 0
	for _, m := range s.againLocked(func(*answer) bool { return true }) {
		s.queueLocked(m)
	}
	if s.missed && s.updates {
		s.missed = false
		s.queueLocked(message{body: updatesTooLong, content: true, push: true})
	}
}

// detach notes that c is gone. What was queued or under way as a push is lost to this session; the
// store has it. It reports whether the session is worth remembering: one that never accepted a
// message is not.
func (s *Session) detach(c *connection, now time.Time) (worth bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		s.conn, s.left = nil, now.Unix()
		s.loseUnackedLocked()
		s.evictLocked()
	}
	return s.seen.floor != 0
}

// loseUnackedLocked forgets what may not have arrived, answers apart.
func (s *Session) loseUnackedLocked() {
	if s.out.forget() {
		s.missed = true
	}
}

// destroy forgets all that a client may ask a session for; it reports whether there was anything.
// The msg_ids stay, lest recorded packets run again.
func (s *Session) destroy() (had bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, s.greeted = s.greeted, false
	s.updates, s.missed = false, false
	s.out.forget()
	s.forgetAnswersLocked()
	s.evicted = 0
	for _, q := range s.queries {
		q.dropped = true
	}
	return had
}
