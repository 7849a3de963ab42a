package session

import (
	"cmp"
	"slices"
)

// Limits of the answers that are kept until acknowledged.
const (
	maxAnswers     = 1024    // of a session
	maxAnswerBytes = 8 << 20 // likewise, with answerCost for each; the oldest go first
	answerCost     = 128     // bytes that an answer takes besides its body
	// A session whose client is away, or has no account, keeps fewAnswerBytes; so does every one
	// when its key has more than maxKeyBytes, or the process more than maxHubBytes. Clients that
	// read so slowly are cut off when fewOwedBytes wait for them.
	fewAnswerBytes = 64 << 10
	fewOwedBytes   = 2 << 20
	maxKeyBytes    = 16 << 20
	maxHubBytes    = 128 << 20
)

// answer is an rpc_result that was not acknowledged.
type answer struct {
	query  int64 // msg_id
	body   []byte
	id     int64 // msg_id it was sent with, 0 before
	seq    int32
	queued bool
	failed bool
}

func (a *answer) compare(query int64) int { return cmp.Compare(a.query, query) }

// answerToLocked returns the answer to a query, nil if there is none.
func (s *Session) answerToLocked(query int64) *answer {
	if at, found := slices.BinarySearchFunc(s.answers, query, (*answer).compare); found {
		return s.answers[at]
	}
	return nil
}

// answerLocked queues an rpc_result and keeps it until it is acknowledged. If too much is kept, the
// answers to the oldest queries go.
func (s *Session) answerLocked(query int64, body []byte, failed bool) {
	for len(s.answers) > 0 && (len(s.answers) >= maxAnswers || s.stored+len(body)+answerCost > maxAnswerBytes) {
		s.evicted = max(s.evicted, s.answers[0].query)
		s.forgetAnswerLocked(0)
	}
	if failed {
		s.failed = insert(s.failed, query)
	}
	a := &answer{query: query, body: body, failed: failed}
	if !s.ended {
		at, _ := slices.BinarySearchFunc(s.answers, query, (*answer).compare)
		s.answers = slices.Insert(s.answers, at, a)
		s.storedLocked(len(body) + answerCost)
	}
	s.queueLocked(message{body: body, content: true, answer: a})
	s.evictLocked()
}

// storedLocked counts bytes of answers that are kept from now on or, below 0, no longer.
func (s *Session) storedLocked(bytes int) {
	s.stored += bytes
	s.key.stored.Add(int64(bytes))
	s.hub.stored.Add(int64(bytes))
}

// scarceLocked tells whether the session has to make do with fewAnswerBytes and fewOwedBytes.
func (s *Session) scarceLocked() bool {
	return s.conn == nil || s.key.account() == 0 ||
		s.key.stored.Load() > maxKeyBytes || s.hub.stored.Load() > maxHubBytes
}

// evictLocked forgets what a session may not keep: answers that do not wait to be sent and do not fit
// beside newer ones. A client that asks for one of them learns that it has to ask anew.
func (s *Session) evictLocked() {
	if s.stored <= fewAnswerBytes || !s.scarceLocked() {
		return
	}
	room := fewAnswerBytes
	for at := len(s.answers) - 1; at >= 0; at-- {
		a := s.answers[at]
		if a.queued {
			continue
		}
		if cost := len(a.body) + answerCost; cost <= room {
			room -= cost
			continue
		}
		s.evicted = max(s.evicted, a.query)
		s.forgetAnswerLocked(at)
	}
}

// end forgets the answers of a session that the hub forgets, and has it keep no more.
func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.forgetAnswersLocked()
}

func (s *Session) forgetAnswersLocked() {
	s.storedLocked(-s.stored)
	s.answers = nil
}

func (s *Session) forgetAnswerLocked(at int) {
	s.storedLocked(-len(s.answers[at].body) - answerCost)
	if s.answers = slices.Delete(s.answers, at, at+1); len(s.answers) == 0 {
		s.answers = nil
	}
}

// againLocked returns the answers that are wanted once more and not queued, in the order in which
// they were sent.
func (s *Session) againLocked(wanted func(*answer) bool) (again []message) {
	for _, a := range s.answers {
		if !a.queued && wanted(a) {
			again = append(again, message{body: a.body, content: true, answer: a})
		}
	}
	slices.SortFunc(again, func(a, b message) int {
		return cmp.Or(unsent(a.answer)-unsent(b.answer), cmp.Compare(a.answer.id, b.answer.id))
	})
	return again
}

// unsent puts answers that were never sent behind those that were.
func unsent(a *answer) int {
	if a.id == 0 {
		return 1
	}
	return 0
}
