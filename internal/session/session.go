package session

import (
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/rpc"
)

// Session is one run of a client program: the messages it sent, those it has to get, and its
// queries.
type Session struct {
	hub     *Hub
	id      int64
	key     *authKey
	account int64 // that it is listed under; under Hub.mu

	mu   sync.Mutex
	conn *connection // nil while the client is away
	left int64       // Unix seconds since when it is away, 0 if it is not

	seen    window
	lastSeq int32 // highest seq_no of a content-related message, and its
	lastID  int64 // msg_id

	layer   int
	app     *rpc.App // of initConnection, nil before it
	updates bool     // wants pushes
	missed  bool     // a push was lost: say updatesTooLong when the client is back

	out     outbox
	answers map[int64]*answer // by the query's msg_id, until acknowledged
	stored  int               // bytes in answers

	queries map[int64]*query // waiting or running
	ended   []outcome        // of the last queries, for invokeAfterMsg
	running int              // unordered queries that run
	waiting []*query         // unordered queries beyond maxRunning
	ordered []*query         // the first one runs
}

// connected returns the connection, nil while the client is away.
func (s *Session) connected() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

func (s *Session) leftBefore(t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left != 0 && s.left < t.Unix()
}

// attach makes c the connection that the session writes to. A client that came back gets the
// answers it has not acknowledged, and a word if it missed something.
func (s *Session) attach(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		return
	}
	back := s.conn != nil || s.left != 0
	s.conn, s.left = c, 0
	if back {
		s.loseUnackedLocked()
		for _, a := range s.answers {
			s.out.add(message{body: a.body, content: true, answer: a, id: a.id, seq: a.seq})
		}
	}
	if s.missed && s.updates {
		s.missed = false
		s.out.add(message{body: updatesTooLong, content: true})
	}
	s.kickLocked()
}

// detach notes that c is gone. What was queued or under way as a push is lost to this session; the
// store has it.
func (s *Session) detach(c *connection, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return
	}
	s.conn, s.left = nil, now.Unix()
	s.loseUnackedLocked()
}

// loseUnackedLocked forgets what may not have arrived, answers apart.
func (s *Session) loseUnackedLocked() {
	if s.out.forget() {
		s.missed = true
	}
}
