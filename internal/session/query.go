package session

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/tl/transcode"
	"github.com/chappe-im/chappe/internal/wire"
)

// Limits of what one session may ask at once, and of what is kept for it.
const (
	maxRunning     = 32      // unordered queries that run together
	maxPending     = 1024    // queries that run or wait
	maxAnswers     = 1024    // answers kept until acknowledged
	maxAnswerBytes = 8 << 20 // likewise; the oldest go first
	maxEnded       = 64      // queries remembered for invokeAfterMsg
)

// query is one call of an API method.
type query struct {
	id      int64
	body    []byte      // of the client's layer, without wrappers
	frame   *wire.Frame // that body lies in, nil if it has memory of its own
	layer   int
	ordered bool
	dropped bool    // the answer is not wanted any more
	after   []int64 // queries that have to succeed first
	fault   *fault.Error
}

// answer is an rpc_result that was not acknowledged.
type answer struct {
	body []byte
	id   int64 // msg_id it was sent with, 0 before
	seq  int32
}

// outcome is how a query ended.
type outcome struct {
	id int64
	ok bool
}

// queryLocked takes in a call of an API method.
func (s *Session) queryLocked(in *batch, e envelope) {
	if len(s.queries) >= maxPending {
		s.answerFaultLocked(e.id, fault.FloodWait(1))
		return
	}
	q := &query{id: e.id, layer: s.layer}
	rest, f := s.unwrapLocked(q, e.body)
	if f != nil {
		s.answerFaultLocked(e.id, f)
		return
	}
	q.layer = s.layer
	if !e.inside && !e.unpacked {
		q.body, q.frame, in.kept = rest, in.frame, true
	} else if e.unpacked {
		q.body = rest
	} else {
		q.body = slices.Clone(rest)
	}
	if m := s.hub.method(q); m != nil {
		q.ordered = m.Ordered
	}
	if s.queries == nil {
		s.queries = make(map[int64]*query, 1)
	}
	s.queries[q.id] = q
	in.queries = append(in.queries, q)
}

// method looks a query's method up; nil if this server has none by that number.
func (h *Hub) method(q *query) *rpc.Method {
	if len(q.body) < 4 {
		return nil
	}
	return h.Methods.Lookup(transcode.Method(q.layer, binary.LittleEndian.Uint32(q.body)))
}

// startQueries starts what a frame brought: all but the first on workers of their own, the first on
// this one.
func (s *Session) startQueries(in *batch) {
	var mine *query
	s.mu.Lock()
	for _, q := range in.queries {
		if !s.admitLocked(q) {
			continue
		}
		s.hub.running.Add(1)
		if mine == nil {
			mine = q
			continue
		}
		s.hub.workers.run(func() { s.run(q) })
	}
	s.mu.Unlock()
	if mine != nil {
		s.run(mine)
	}
}

// admitLocked tells whether q may run now; if not, it waits in the session for its turn.
func (s *Session) admitLocked(q *query) bool {
	if !s.readyLocked(q) {
		return false
	}
	if q.ordered {
		s.ordered = append(s.ordered, q)
		return len(s.ordered) == 1
	}
	if s.running >= maxRunning {
		s.waiting = append(s.waiting, q)
		return false
	}
	s.running++
	return true
}

// readyLocked resolves what q has to wait for. A query after one that failed, or that is unknown,
// fails with MSG_WAIT_FAILED.
//
// https://core.telegram.org/api/invoking#msg-wait-failed
func (s *Session) readyLocked(q *query) bool {
	for len(q.after) > 0 {
		id := q.after[0]
		if s.queries[id] != nil {
			return false
		}
		at := slices.IndexFunc(s.ended, func(o outcome) bool { return o.id == id })
		if at < 0 || !s.ended[at].ok {
			q.fault = fault.MsgWaitFailed
			q.after = nil
			break
		}
		q.after = q.after[1:]
	}
	return true
}

// run runs q, and then what waited for it.
func (s *Session) run(q *query) {
	for q != nil {
		body, ok := s.call(q)
		if q.frame != nil {
			q.frame.Release()
		}
		s.mu.Lock()
		delete(s.queries, q.id)
		if !q.dropped {
			s.answerLocked(q.id, body)
		}
		if len(s.ended) == maxEnded {
			s.ended = slices.Delete(s.ended, 0, maxEnded/2)
		}
		s.ended = append(s.ended, outcome{q.id, ok})
		next := s.nextLocked(q)
		s.writeUnlock()
		s.hub.running.Done()
		q = next
	}
}

// nextLocked starts what q's end sets free, and returns one query for this worker to go on with.
func (s *Session) nextLocked(done *query) (mine *query) {
	start := func(q *query) {
		s.hub.running.Add(1)
		if mine == nil {
			mine = q
			return
		}
		s.hub.workers.run(func() { s.run(q) })
	}
	if done.ordered {
		s.ordered = slices.Delete(s.ordered, 0, 1)
		if len(s.ordered) > 0 {
			start(s.ordered[0])
		} else {
			s.ordered = nil
		}
	} else {
		s.running--
		if len(s.waiting) > 0 {
			next := s.waiting[0]
			if s.waiting = s.waiting[1:]; len(s.waiting) == 0 {
				s.waiting = nil
			}
			s.running++
			start(next)
		}
	}
	for _, q := range s.dependentsLocked(done.id) {
		if s.admitLocked(q) {
			start(q)
		}
	}
	return mine
}

// dependentsLocked lists the queries that were waiting for id first of all.
func (s *Session) dependentsLocked(id int64) (out []*query) {
	for _, q := range s.queries {
		if len(q.after) > 0 && q.after[0] == id {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b *query) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return out
}

// call runs the method and encodes rpc_result for the client's layer.
func (s *Session) call(q *query) (result []byte, ok bool) {
	answer, err := s.invoke(q)
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) {
			s.hub.Log.Error("query failed", "err", err)
			f = fault.Internal
		}
		return encodeFault(q.id, f), false
	}
	return answer, true
}

func (s *Session) invoke(q *query) ([]byte, error) {
	if q.fault != nil {
		return nil, q.fault
	}
	if len(q.body) < 4 {
		return nil, fault.InputFetchError
	}
	method := transcode.Method(q.layer, binary.LittleEndian.Uint32(q.body))
	body, err := transcode.Query(nil, q.layer, q.body)
	if err != nil {
		return nil, refusal(err)
	}
	c := s.caller(q)
	if c.Key == 0 && method != bindTempAuthKey {
		return nil, fault.AuthKeyPermEmpty
	}
	encoded, err := s.hub.Methods.Call(s.hub.ctx, c, body)
	if err != nil {
		return nil, err
	}
	b := &bin.Buffer{Buf: make([]byte, 0, 256)}
	b.PutID(mt.RPCResultTypeID)
	b.PutLong(q.id)
	if err := encoded.Encode(b); err != nil {
		return nil, err
	}
	if q.layer == transcode.Canonical {
		return b.Buf, nil
	}
	return transcode.Result(slices.Clone(b.Buf[:12]), q.layer, method, b.Buf[12:])
}

// caller says who asks.
func (s *Session) caller(q *query) *rpc.Caller {
	c := &rpc.Caller{Session: s.id, Message: q.id, Layer: q.layer, DC: 1}
	d := s.key.device.Load()
	if d != nil {
		c.Key, c.Account, c.App = d.key, d.account.Load(), d.getApp()
	}
	if s.key.temporary() {
		c.TempKey = s.key.key.ID()
	}
	if conn := s.connected(); conn != nil {
		c.IP, c.DC = conn.wire.Remote(), dataCentre(conn.wire.DC())
	}
	return c
}

// dataCentre strips the marks of media (negative) and test (+10000) from a DC id; clients that name
// none believe to be at 2, as the oldest of them do.
func dataCentre(dc int) int {
	if dc < 0 {
		dc = -dc
	}
	if dc %= 10000; dc == 0 {
		return 2
	}
	return dc
}

func (s *Session) answerFaultLocked(id int64, f *fault.Error) { s.answerLocked(id, encodeFault(id, f)) }

func encodeFault(id int64, f *fault.Error) []byte {
	b := &bin.Buffer{}
	b.PutID(mt.RPCResultTypeID)
	b.PutLong(id)
	b.PutID(mt.RPCErrorTypeID)
	b.PutInt(f.Code)
	b.PutString(f.Error())
	return b.Buf
}

// answerLocked queues an rpc_result and keeps it until it is acknowledged.
func (s *Session) answerLocked(id int64, body []byte) {
	for query := range s.answers {
		if len(s.answers) < maxAnswers && s.stored+len(body) <= maxAnswerBytes {
			break
		}
		s.forgetAnswerLocked(query)
	}
	a := &answer{body: body}
	if s.answers == nil {
		s.answers = make(map[int64]*answer, 1)
	}
	s.answers[id] = a
	s.stored += len(body)
	s.out.add(message{body: body, content: true, answer: a})
}

func (s *Session) forgetAnswerLocked(query int64) {
	if a := s.answers[query]; a != nil {
		s.stored -= len(a.body)
		if delete(s.answers, query); len(s.answers) == 0 {
			s.answers = nil
		}
	}
}
