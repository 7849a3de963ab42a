package session

import (
	"cmp"
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

// Limits of what one session may ask at once.
const (
	maxRunning      = 32       // unordered queries that run together
	maxPending      = 1024     // queries that run or wait
	maxPendingBytes = 32 << 20 // likewise
)

// query is one call of an API method.
type query struct {
	session *Session
	id      int64
	body    []byte      // of the client's layer, without wrappers
	frame   *wire.Frame // that body lies in, nil if it has memory of its own
	layer   int
	ordered bool
	running bool
	dropped bool // the answer is not wanted any more
	// elsewhere is a connection other than the session's that asked.
	elsewhere *connection
	after     []int64 // queries that have to succeed first
	fault     *fault.Error
}

func (q *query) compare(id int64) int { return cmp.Compare(q.id, id) }

// queryOf returns the query with this msg_id that runs or waits, nil if there is none.
func (s *Session) queryOf(id int64) *query {
	if at, found := slices.BinarySearchFunc(s.queries, id, (*query).compare); found {
		return s.queries[at]
	}
	return nil
}

// queryLocked takes in a call of an API method.
func (s *Session) queryLocked(in *batch, e envelope) {
	if len(s.queries) >= maxPending || s.pending+len(e.body) > maxPendingBytes {
		s.answerFaultLocked(e.id, fault.FloodWait(1))
		return
	}
	q := &query{session: s, id: e.id}
	rest, f := s.unwrapLocked(in, q, &e)
	if f != nil {
		s.answerFaultLocked(e.id, f)
		return
	}
	q.layer = int(s.layer)
	switch {
	case e.unpacked:
		q.body = rest
	case e.inside:
		q.body = slices.Clone(rest)
	default:
		q.body, q.frame, in.kept = rest, in.frame, true
	}
	if m := s.hub.method(q); m != nil {
		q.ordered = m.Ordered
	}
	if s.conn != in.conn {
		q.elsewhere = in.conn
	}
	at, _ := slices.BinarySearchFunc(s.queries, q.id, (*query).compare)
	s.queries = slices.Insert(s.queries, at, q)
	s.pending += len(q.body)
	in.asked = true
}

// method looks a query's method up; nil if this server has none by that number.
func (h *Hub) method(q *query) *rpc.Method {
	if len(q.body) < 4 {
		return nil
	}
	return h.Methods.Lookup(transcode.Method(q.layer, binary.LittleEndian.Uint32(q.body)))
}

// goOn starts the queries whose turn it is: all but the first on workers of their own, the first on
// this goroutine. Whoever calls it was counted by Hub.enter.
func (s *Session) goOn() {
	s.mu.Lock()
	next := s.nextLocked()
	s.mu.Unlock()
	next.run()
}

// nextLocked marks the queries whose turn it is as running, hands all but the first to workers, and
// returns the first, nil if there is none.
func (s *Session) nextLocked() (mine *query) {
	first := true // of the ordered ones
	for _, q := range s.queries {
		switch {
		case q.running:
			continue
		case q.ordered:
			turn := first && !s.busy
			if first = false; !turn || !s.readyLocked(q) {
				continue
			}
			s.busy = true
		default:
			if s.running == maxRunning || !s.readyLocked(q) {
				continue
			}
			s.running++
		}
		q.running = true
		s.hub.running.Add(1)
		if mine == nil {
			mine = q
		} else {
			s.hub.workers.run(q)
		}
	}
	return mine
}

// readyLocked tells whether the queries that q has to wait for have ended. If one of them failed, or
// is unknown, or is not older than q, then q fails with MSG_WAIT_FAILED.
//
// https://core.telegram.org/api/invoking#msg-wait-failed
func (s *Session) readyLocked(q *query) bool {
	for len(q.after) > 0 && q.fault == nil {
		id := q.after[0]
		switch {
		case id >= q.id || !s.succeededLocked(id):
			q.fault = fault.MsgWaitFailed
		case s.queryOf(id) != nil:
			return false
		}
		q.after = q.after[1:]
	}
	return true
}

// succeededLocked tells whether a query was accepted and has not failed so far.
func (s *Session) succeededLocked(id int64) bool {
	if s.queryOf(id) != nil {
		return true
	}
	if a := s.answerToLocked(id); a != nil {
		return !a.failed
	}
	_, failed := slices.BinarySearch(s.failed, id)
	return !failed && s.seen.has(id)
}

// do is the task of running q on a worker.
func (q *query) do() { q.run() }

// run runs q, and then what waited for it.
func (q *query) run() {
	for q != nil {
		s := q.session
		body, ok := s.call(q)
		if q.frame != nil {
			q.frame.Release()
		}
		s.mu.Lock()
		s.endLocked(q, body, ok)
		next := s.nextLocked()
		s.writeUnlock()
		s.hub.running.Done()
		q = next
	}
}

// endLocked takes the answer of a query that ran.
func (s *Session) endLocked(q *query, body []byte, ok bool) {
	at, _ := slices.BinarySearchFunc(s.queries, q.id, (*query).compare)
	if s.queries = slices.Delete(s.queries, at, at+1); len(s.queries) == 0 {
		s.queries = nil
	}
	s.pending -= len(q.body)
	if q.ordered {
		s.busy = false
	} else {
		s.running--
	}
	if !q.dropped {
		s.answerLocked(q.id, body, !ok)
		s.answerElsewhereLocked(q)
	} else if !ok {
		s.failed = insert(s.failed, q.id)
	}
}

// answerElsewhereLocked answers a query also where it was asked.
func (s *Session) answerElsewhereLocked(q *query) {
	a, c := s.answerToLocked(q.id), q.elsewhere
	if a == nil || c == nil || c == s.conn || !s.hub.enter() {
		return
	}
	s.hub.workers.run(taskFunc(func() {
		defer s.hub.running.Done()
		s.send(c, []message{{body: a.body, content: true, answer: a}})
	}))
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
	b := resultTo(q.id)
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
	s.mu.Lock()
	conn, app := s.conn, s.app
	s.mu.Unlock()
	if d := s.key.device.Load(); d != nil {
		c.Key, c.Account = d.key, d.account.Load()
		if app == nil {
			app = d.app.Load()
		}
	}
	if app != nil {
		c.App = *app
	}
	if s.key.temporary() {
		c.TempKey = s.key.key.ID()
	}
	if conn != nil {
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

// answerFaultLocked answers a query that does not run.
func (s *Session) answerFaultLocked(id int64, f *fault.Error) {
	s.answerLocked(id, encodeFault(id, f), true)
}

func encodeFault(id int64, f *fault.Error) []byte {
	b := resultTo(id)
	b.PutID(mt.RPCErrorTypeID)
	b.PutInt(f.Code)
	b.PutString(f.Error())
	return b.Buf
}

// resultTo begins an rpc_result.
func resultTo(query int64) *bin.Buffer {
	b := &bin.Buffer{Buf: make([]byte, 0, 64)}
	b.PutID(mt.RPCResultTypeID)
	b.PutLong(query)
	return b
}
