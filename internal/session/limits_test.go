package session

import (
	"testing"
	"time"

	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// TestManyStates asks for the state of all answers again and again in one packet: each answer goes
// once, and the session's lock is not held for longer than a packet may take.
func TestManyStates(t *testing.T) {
	c, s := writer(t)
	ids := make([]int64, maxAnswers)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ids {
		ids[i] = int64(i+1) << 2
		s.answerLocked(ids[i], encodeFault(ids[i], fault.InputFetchError), true)
	}
	for len(s.out.queue) > 0 { // as a writer would
		s.out.number(s.out.take(nil), s.hub.Now())
	}
	const times = 255
	in := batch{conn: c, session: s}
	began := time.Now()
	for range times {
		if err := s.stateLocked(&in, envelope{id: 1 << 20, body: encode(&mt.MsgsStateReq{MsgIDs: ids})}); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	if len(in.replies) != times+len(ids) {
		t.Errorf("%d replies", len(in.replies))
	}
	if t.Logf("%v", took); took > 200*time.Millisecond && !raceEnabled {
		t.Errorf("%d requests took %v", times, took)
	}
}

// TestStuckWriter has a client come back while the server is stuck writing to its old connection.
func TestStuckWriter(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	p.ok(p.ask(looking("before")), "before")
	s := r.hub.sessionOf(p)
	s.mu.Lock()
	stuck := s.writerLocked() // and does not come to write
	s.mu.Unlock()
	q := p.again()
	q.ok(q.ask(looking("after")), "after")
	r.hub.Push(5, 0, push(t, 1))
	q.await(tg.UpdatesTypeID, nil)
	s.mu.Lock()
	present := s.writerLocked()
	s.mu.Unlock()
	stuck.write()
	s.mu.Lock()
	if s.out.writer != present {
		t.Error("a writer that was replaced ended another's turn")
	}
	s.mu.Unlock()
	present.write()
	q.ok(q.ask(looking("on")), "on")
}

// TestManyConnections has a client open more connections than anybody needs, and somebody else replay
// its packets, which takes none of them.
func TestManyConnections(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	p.quiet()
	packet := p.nc.last()
	peers := []*peer{p}
	for range maxConns - 1 {
		q := r.dial(p.Key)
		q.quiet()
		peers = append(peers, q)
	}
	q := r.dial(p.Key)
	q.tell(&mt.PingRequest{})
	if code := q.ended(); code != tooMany {
		t.Errorf("transport error %d", code)
	}
	r.hub.mu.RLock()
	k := r.hub.keys[p.Key.ID()]
	r.hub.mu.RUnlock()
	for _, gone := range peers[1:] {
		gone.Close()
	}
	for end := time.Now().Add(patience); k.conns.Load() != 1; {
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", k.conns.Load())
		}
	}
	for range maxConns + 1 {
		thief := p.again()
		thief.frame(packet)
		thief.await(mt.MsgsAckTypeID, nil)
	}
	if n := k.conns.Load(); n != 1 {
		t.Errorf("%d connections after replays", n)
	}
	p.quiet()
}

// TestDeviceInUse has a device noted again that stays connected, and nobody's not.
func TestDeviceInUse(t *testing.T) {
	r := newRig(t)
	p, nobody := r.dial(r.newKey(Key{Account: 5})), r.dial(r.newKey(Key{}))
	for _, p := range []*peer{p, nobody} {
		p.ok(p.ask(initialised("phone", &tg.HelpGetConfigRequest{})), "phone")
	}
	noted := func(want int) {
		t.Helper()
		r.hub.sweep(r.now())
		p.quiet()
		for end := time.Now().Add(patience); ; {
			r.keys.mu.Lock()
			n := len(r.keys.noted)
			last := append([]rpc.Caller{{}}, r.keys.noted...)[n]
			r.keys.mu.Unlock()
			if n == want && (n == 2 || last.Account == 5 && last.App.DeviceModel == "phone") {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("noted %d times, last %+v, want %d", n, last, want)
			}
		}
	}
	noted(2)
	for _, p := range []*peer{p, nobody} {
		s := r.hub.sessionOf(p)
		s.mu.Lock()
		s.noted -= 2 * int64(noteAgain/time.Second)
		s.mu.Unlock()
	}
	noted(3)
	noted(3)
}

// TestAnswerBudget has one client collect answers in many sessions and acknowledge none: what it leaves
// behind keeps little, its key no more than its share, and in the end nothing is counted.
func TestAnswerBudget(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	first := p.SessionID
	var small, big int64
	for n := range 20 {
		if n > 0 {
			p.SessionID = sessionIDs.Add(1)
		}
		id := p.ask(sending("small"))
		p.ok(id, "small")
		if n == 0 {
			small = id
		}
		for range 2 {
			id := p.ask(looking("big"))
			p.answer(id)
			if n == 0 {
				big = id
			}
		}
	}
	if kept := r.hub.stored.Load(); kept > 20*fewAnswerBytes+4<<20 {
		t.Errorf("%d bytes kept", kept)
	}
	p.SessionID = first
	p.put(big, 3, looking("big"))
	if code := p.code(big); code != badIDForgotten {
		t.Errorf("code %d", code)
	}
	p.put(small, 1, sending("small"))
	p.ok(small, "small")
	p.Close()

	key := r.newKey(Key{Account: 6})
	for range 6 { // connected all the time
		q := r.dial(key)
		for range 7 {
			q.answer(q.ask(looking("big")))
		}
	}
	r.hub.mu.RLock()
	k := r.hub.keys[key.ID()]
	r.hub.mu.RUnlock()
	r.hub.sweep(r.now()) // what was on its way when there was no room left
	if kept := k.stored.Load(); kept > maxKeyBytes {
		t.Errorf("%d bytes kept for a key", kept)
	}
	for end := time.Now().Add(patience); r.sessions() != 0; {
		r.hub.sweep(r.now().Add(silence + time.Hour))
		if time.Now().After(end) {
			t.Fatal("sessions are left")
		}
	}
	if kept := r.hub.stored.Load(); kept != 0 || k.stored.Load() != 0 {
		t.Errorf("%d bytes are counted that nobody keeps", kept)
	}
}

// TestPilingAnswers has a client without an account ask and not read: it is cut off early.
func TestPilingAnswers(t *testing.T) {
	_, s := writer(t)
	s.key.device.Load().account.Store(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	body := make([]byte, fewOwedBytes*2/3)
	for n := range 3 {
		s.answerLocked(int64(n+1)<<2, body, false)
		if len(s.out.queue) != 1 {
			t.Errorf("%d answers wait", len(s.out.queue))
		}
	}
	if s.stored > len(body)+answerCost+fewAnswerBytes {
		t.Errorf("%d bytes kept", s.stored)
	}
}
