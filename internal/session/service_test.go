package session

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// TestNewSession greets a session once, with the lowest msg_id of its first accepted packet.
func TestNewSession(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	salt := p.Salt
	p.Salt = 1
	p.code(p.ask(looking("no"))) // what is refused greets nobody
	if len(p.got) != 0 {
		t.Error("a refused message made a session")
	}
	inner := p.ID(r.now())
	p.put(p.ID(r.now()), 2, container(part{inner, 3, looking("in")}))
	m := p.await(mt.NewSessionCreatedTypeID, nil)
	var created mt.NewSessionCreated
	if err := created.Decode(&bin.Buffer{Buf: m.body}); err != nil {
		t.Fatal(err)
	}
	if created.FirstMsgID != inner || created.ServerSalt != salt || m.seq&1 == 0 {
		t.Errorf("%+v, seq_no %d", created, m.seq)
	}
	p.ok(inner, "in")
	q := p.again()
	for _, m := range q.quiet() {
		if m.kind() == mt.NewSessionCreatedTypeID {
			t.Error("greeted twice")
		}
	}
}

// TestPings answers pings, and closes a connection that asked for it by ping_delay_disconnect.
func TestPings(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	id := p.tell(&mt.PingDelayDisconnectRequest{PingID: 5, DisconnectDelay: 75})
	m := p.await(mt.PongTypeID, nil)
	var pong mt.Pong
	if err := pong.Decode(&bin.Buffer{Buf: m.body}); err != nil || pong.MsgID != id || pong.PingID != 5 {
		t.Errorf("%+v %v", pong, err)
	}
	r.hub.sweep(r.now().Add(70 * time.Second))
	p.tell(&mt.PingDelayDisconnectRequest{PingID: 6, DisconnectDelay: 1 << 30})
	p.quiet()
	r.hub.sweep(r.now().Add(80 * time.Second))
	p.quiet()
	p.tell(&mt.PingDelayDisconnectRequest{PingID: 7, DisconnectDelay: -1})
	p.quiet()
	r.hub.sweep(r.now().Add(3 * time.Second))
	if p.ended() != 0 {
		t.Error("not closed")
	}
	silent := r.dial(p.Key)
	silent.quiet()
	r.hub.sweep(r.now().Add(silence + 2*time.Second))
	if silent.ended() != 0 {
		t.Error("a silent connection is not closed")
	}
}

// TestIgnored sends what a server without HTTP transport has no use for.
func TestIgnored(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	p.quiet()
	for _, e := range []bin.Encoder{
		&mt.HTTPWaitRequest{}, &mt.MsgsAllInfo{}, &mt.MsgsStateInfo{}, &mt.MsgDetailedInfo{},
		&mt.MsgNewDetailedInfo{}, &mt.Pong{}, &mt.BadMsgNotification{}, &mt.MsgsAck{},
	} {
		p.tell(e)
		for _, m := range p.quiet() {
			t.Errorf("%T is answered by %#x", e, m.kind())
		}
	}
}

// TestQuickAck has a packet acknowledged by its token before anything else, if it was accepted.
func TestQuickAck(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	p.quiet()
	quick := func(id int64, salt int64) []byte {
		t.Helper()
		packet, err := rawconn.Seal(nil, &p.Key, rawconn.Client, rawconn.Message{
			Salt: salt, SessionID: p.SessionID, ID: id, Seq: p.Seq(true), Body: encode(&mt.HTTPWaitRequest{}),
		}, rawconn.Rand)
		if err != nil {
			t.Fatal(err)
		}
		frame := binary.LittleEndian.AppendUint32([]byte{0xee, 0xee, 0xee, 0xee}, uint32(len(packet))|1<<31)
		again := r.redial(p.Key, p.SessionID)
		if _, err := again.nc.Conn.Write(append(frame, packet...)); err != nil {
			t.Fatal(err)
		}
		_ = again.nc.SetReadDeadline(time.Now().Add(patience))
		var head [4]byte
		if _, err := again.nc.Read(head[:]); err != nil {
			t.Fatal(err)
		}
		return head[:]
	}
	salt := p.Salt
	if head := quick(p.ID(r.now()), salt+1); head[3]&0x80 != 0 {
		t.Error("a refused packet is acknowledged")
	}
	if head := quick(p.ID(r.now()), salt); head[3]&0x80 == 0 {
		t.Errorf("no acknowledgement but %x", head)
	}
}

// TestDestroySession forgets other sessions of the same key, and not the msg_ids they received.
func TestDestroySession(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{})
	p, other, foreign := r.dial(key), r.dial(key), r.dial(r.newKey(Key{}))
	id := other.ask(looking("once"))
	other.ok(id, "once")
	foreign.quiet()
	for _, of := range []int64{12345, p.SessionID, foreign.SessionID} {
		p.tell(&mt.DestroySessionRequest{SessionID: of})
		p.await(mt.DestroySessionNoneTypeID, nil)
	}
	p.tell(&mt.DestroySessionRequest{SessionID: other.SessionID})
	p.await(mt.DestroySessionOkTypeID, nil)
	p.tell(&mt.DestroySessionRequest{SessionID: other.SessionID})
	p.await(mt.DestroySessionNoneTypeID, nil)
	packet := other.nc.last()
	replay := other.again()
	replay.frame(packet)
	replay.await(mt.MsgsAckTypeID, nil) // received, but nothing is known of an answer
	replay.tell(&mt.HTTPWaitRequest{})
	replay.await(mt.NewSessionCreatedTypeID, nil)
	if r.calls("once") != 1 {
		t.Error("a destroyed session runs recorded packets")
	}
}

// TestDestroyKey ends a key at its client's wish: the answer comes, and nothing after it.
func TestDestroyKey(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	idle, rival := r.dial(p.Key), r.dial(p.Key)
	idle.quiet()
	// rival's connection holds the key, but its session is on another one.
	rival.quiet()
	stolen := rival.again()
	stolen.quiet()
	p.put(p.ID(r.now()), 0, []byte{0x60, 0x51, 0x43, 0xd1})
	p.await(destroyAuthKeyOkID, nil)
	for _, c := range []*peer{idle, stolen} {
		if code := c.ended(); code != keyUnknown {
			t.Errorf("another session's connection: %d", code)
		}
	}
	for _, c := range []*peer{p, rival, r.redial(p.Key, 1)} {
		c.ask(looking("after"))
		if code := c.ended(); code != keyUnknown {
			t.Errorf("a query under a destroyed key: %d", code)
		}
	}
	if r.calls("after") != 0 {
		t.Error("a destroyed key works")
	}
}

// TestChangesWhileLoading has a device sign out and a key be destroyed while it is read from the
// store: what is read then is stale.
func TestChangesWhileLoading(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{Account: 5})
	first := true
	r.keys.onLoad = func() {
		r.keys.mu.Lock()
		defer r.keys.mu.Unlock()
		if !first {
			return
		}
		first = false
		k := r.keys.keys[key.ID()]
		k.Account = 0
		r.keys.keys[key.ID()] = k
		r.hub.SignedOut(key.ID())
	}
	p := r.dial(key)
	p.fails(p.ask(encode(&tg.UpdatesGetStateRequest{})), "AUTH_KEY_UNREGISTERED")
	if r.hub.Online(5) {
		t.Error("a device that signed out is online")
	}
	first = true
	gone := r.newKey(Key{})
	r.keys.onLoad = func() {
		if first {
			first = false
			_, _ = r.keys.DestroyKey(t.Context(), gone.ID())
			r.hub.Forget(gone.ID())
		}
	}
	p = r.redial(gone, 1)
	p.ask(looking("gone"))
	if code := p.ended(); code != keyUnknown {
		t.Errorf("destroyed while loading: %d", code)
	}
}

// push makes an update.
func push(t *testing.T, pts int) *Push {
	t.Helper()
	p, err := NewPush(&tg.Updates{Updates: []tg.UpdateClass{&tg.UpdateDeleteMessages{Messages: []int{pts}, Pts: pts, PtsCount: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPushes delivers updates to whom they belong.
func TestPushes(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{Account: 5})
	p, without := r.dial(key), r.dial(key)
	p.ok(p.ask(looking("hello")), "hello")
	without.ok(without.ask(encode(&tg.InvokeWithoutUpdatesRequest{Query: rawQuery(looking("hush"))})), "hush")
	other := r.dial(r.newKey(Key{Account: 6}))
	other.ok(other.ask(looking("other")), "other")
	r.hub.Push(5, 0, push(t, 1))
	r.hub.PushDevice(key.ID(), push(t, 2))
	r.hub.Push(5, p.SessionID, push(t, 3))
	m := p.await(tg.UpdatesTypeID, nil)
	if m.seq&1 == 0 || m.id&3 != 3 {
		t.Errorf("msg_id %d, seq_no %d of a push", m.id, m.seq)
	}
	p.await(tg.UpdatesTypeID, nil)
	for _, c := range []*peer{p, without, other} {
		for _, m := range c.quiet() {
			t.Errorf("unexpected %#x", m.kind())
		}
	}
	// What was not acknowledged may be lost, and is told of once.
	q := p.again()
	q.tell(&mt.HTTPWaitRequest{})
	late := q.await(tg.UpdatesTooLongTypeID, nil)
	q.tell(&mt.MsgsAck{MsgIDs: []int64{late.id}})
	q.quiet()
	q.Close()
	for r.hub.sessionOf(p).connected() != nil {
		r.hub.sweep(r.now())
	}
	q = q.again()
	for _, m := range q.quiet() {
		if m.kind() == tg.UpdatesTooLongTypeID {
			t.Error("told of nothing missed")
		}
	}
	q.Close()
	for r.hub.sessionOf(p).connected() != nil {
		r.hub.sweep(r.now())
	}
	r.hub.Push(5, 0, push(t, 4)) // while it is away
	q = q.again()
	q.tell(&mt.HTTPWaitRequest{})
	q.await(tg.UpdatesTooLongTypeID, nil)
}

func (h *Hub) sessionOf(p *peer) *Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.keys[p.Key.ID()].session(p.SessionID)
}

// TestSignedOut ends a login: the next query hears of it, and pushes stop.
func TestSignedOut(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{Account: 5})
	p := r.dial(key)
	p.ok(p.ask(encode(&tg.UpdatesGetStateRequest{})), "state")
	listed := r.hub.accounts[5][0]
	r.hub.SignedOut(key.ID())
	p.fails(p.ask(encode(&tg.UpdatesGetStateRequest{})), "AUTH_KEY_UNREGISTERED")
	listed.push(push(t, 1), 5) // by somebody who listed the sessions before
	r.hub.Push(5, 0, push(t, 2))
	for _, m := range p.quiet() {
		t.Errorf("%#x after it signed out", m.kind())
	}
	if r.hub.Online(5) {
		t.Error("online")
	}
	r.hub.SignedIn(key.ID(), 6)
	p.ok(p.ask(encode(&tg.UpdatesGetStateRequest{})), "state")
	r.hub.Push(6, 0, push(t, 3))
	p.await(tg.UpdatesTypeID, nil)
}

// TestTemporaryKeys binds one key to another: they are one device.
func TestTemporaryKeys(t *testing.T) {
	r := newRig(t)
	perm, temp := r.newKey(Key{Account: 5}), r.newKey(Key{Expires: r.now().Unix() + 600})
	main, p := r.dial(perm), r.dial(temp)
	main.quiet()
	p.fails(p.ask(looking("early")), "AUTH_KEY_PERM_EMPTY")
	r.hub.Bound(temp.ID(), perm.ID(), 5, 0)
	p.ok(p.ask(encode(&tg.UpdatesGetStateRequest{})), "state")
	r.hub.Push(5, 0, push(t, 1))
	p.await(tg.UpdatesTypeID, nil)
	r.hub.SignedOut(perm.ID())
	p.fails(p.ask(encode(&tg.UpdatesGetStateRequest{})), "AUTH_KEY_UNREGISTERED")
	r.hub.Forget(temp.ID())
	if code := p.ended(); code != keyUnknown {
		t.Errorf("forgotten key: %d", code)
	}
	main.quiet()
}

// TestSlowReader has a client that does not read: it loses its queue, and nobody else anything.
func TestSlowReader(t *testing.T) {
	r := newRig(t)
	slow, quick := r.dial(r.newKey(Key{Account: 5})), r.dial(r.newKey(Key{Account: 6}))
	slow.ok(slow.ask(looking("slow")), "slow")
	quick.ok(quick.ask(looking("quick")), "quick")
	big, err := NewPush(&tg.UpdateShortMessage{Message: string(make([]byte, 256<<10))})
	if err != nil {
		t.Fatal(err)
	}
	s := r.hub.sessionOf(slow)
	full := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.out.full(0) || len(s.out.queue) > 0 && string(s.out.queue[len(s.out.queue)-1].body) == string(updatesTooLong)
	}
	for !full() {
		r.hub.Push(5, 0, big)
	}
	for n := range 200 {
		r.hub.Push(5, 0, big)
		r.hub.Push(6, 0, push(t, n))
		quick.await(tg.UpdatesTypeID, nil)
	}
	s.mu.Lock()
	if s.out.bytes > maxQueuedBytes {
		t.Errorf("%d bytes wait", s.out.bytes)
	}
	s.mu.Unlock()
	slow.await(tg.UpdatesTooLongTypeID, nil)
}

// TestGreedyClient asks and does not read: it is cut off, and finds its answers when it is back.
func TestGreedyClient(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	for {
		id := p.ID(r.now())
		if p.Send(id, p.Seq(true), looking("big")) != nil {
			break
		}
	}
	for q := p; ; { // what still ran may cut it off once more
		q = q.again()
		id := q.ask(looking("back"))
		m, err := q.read()
		for ; err == nil && int64(binary.LittleEndian.Uint64(m.body[4:])) != id; m, err = q.read() {
		}
		if err == nil {
			break
		}
	}
	s := r.hub.sessionOf(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored > maxAnswerBytes || s.out.bytes > maxOwedBytes {
		t.Errorf("%d bytes kept, %d wait", s.stored, s.out.bytes)
	}
}

// TestManySessions has a key open more sessions than anybody needs.
func TestManySessions(t *testing.T) {
	r := newRig(t)
	for account, most := range map[int64]int{0: fewSessions, 5: maxSessions} {
		p := r.dial(r.newKey(Key{Account: account}))
		for range most {
			p.quiet()
			p.SessionID = sessionIDs.Add(1)
		}
		p.tell(&mt.PingRequest{})
		if code := p.ended(); code != tooMany {
			t.Errorf("transport error %d", code)
		}
	}
	left := func() int {
		r.hub.sweep(r.now().Add(afterlife + time.Minute))
		r.hub.mu.RLock()
		defer r.hub.mu.RUnlock()
		return len(r.hub.conns) + len(r.hub.keys) + len(r.hub.devices) + len(r.hub.accounts)
	}
	for end := time.Now().Add(patience); left() != 0; {
		if time.Now().After(end) {
			t.Fatalf("%d connections, keys, devices and accounts are left", left())
		}
	}
}

// TestTwoConnections has two connections of one session take turns.
func TestTwoConnections(t *testing.T) {
	r := newRig(t)
	a := r.dial(r.newKey(Key{}))
	b := a.again()
	for n := range 50 {
		b.Numbers = a.Numbers
		id := b.ask(sending(fmt.Sprint(n)))
		b.ok(id, fmt.Sprint(n))
		a, b = b, a
	}
	a.Close()
	b.Numbers = a.Numbers
	b.ok(b.ask(sending("end")), "end")
	b.quiet()
}

// TestDrain stops the server under way: what runs ends and is answered, what comes is not begun.
func TestDrain(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	id := p.ask(sending("wait"))
	r.awaitBegin("wait")
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.stop() }()
	for r.hub.enter() {
		r.hub.running.Done()
	}
	p.ask(sending("too late"))
	r.release("wait")
	p.ok(id, "wait")
	if p.ended() != 0 {
		t.Error("the connection stays open")
	}
	<-stopped
	if r.calls("too late") != 0 {
		t.Error("a query began while the server was stopping")
	}
	r.start()
	q := r.dial(p.Key)
	q.ask(sending("wait 2"))
	drained(r.seen, t, "wait 2")
	r.hub.drain(time.Millisecond) // the query would wait for ever: it is cancelled
}
