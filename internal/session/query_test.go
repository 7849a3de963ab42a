package session

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"
)

func after(id int64, q []byte) []byte {
	return encode(&tg.InvokeAfterMsgRequest{MsgID: id, Query: rawQuery(q)})
}

func afterAll(ids []int64, q []byte) []byte {
	return encode(&tg.InvokeAfterMsgsRequest{MsgIDs: ids, Query: rawQuery(q)})
}

// TestRepeatedQuery holds M13: a query runs once, and its answer is kept until acknowledged.
func TestRepeatedQuery(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	seq := p.Seq(true)
	id := p.ID(r.now())
	p.put(id, seq, looking("wait"))
	r.awaitBegin("wait")
	p.put(id, seq, looking("wait"))
	acked := p.await(mt.MsgsAckTypeID, nil)
	var ack mt.MsgsAck
	if err := ack.Decode(&bin.Buffer{Buf: acked.body}); err != nil || !slices.Equal(ack.MsgIDs, []int64{id}) {
		t.Errorf("while it runs: %v %v", ack, err)
	}
	r.release("wait")
	first := p.ok(id, "wait")
	p.put(id, seq, looking("wait"))
	p.put(id, seq, looking("something else")) // the msg_id counts, not the content
	if second := p.ok(id, "wait"); second.id != first.id || second.seq != first.seq {
		t.Error("the answer has another msg_id the second time")
	}
	q := p.again()
	q.tell(&mt.HTTPWaitRequest{})
	if third := q.ok(id, "wait"); third.id != first.id {
		t.Error("the answer has another msg_id on a new connection")
	}
	q.tell(&mt.MsgsAck{MsgIDs: []int64{first.id}})
	q.quiet()
	last := q.again()
	last.put(id, seq, looking("wait"))
	for _, m := range last.quiet() {
		if m.kind() == mt.RPCResultTypeID {
			t.Error("the answer comes after it was acknowledged")
		}
	}
	if r.calls("wait") != 1 || r.calls("something else") != 0 {
		t.Errorf("ran %d times", r.calls("wait"))
	}
}

// TestAnswersInOrder has answers of a lost connection come again by their msg_id, and those that are
// too old for clients under a new one.
func TestAnswersInOrder(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	var asked, came []int64
	for n := range 40 {
		id := p.ask(sending(fmt.Sprint(n)))
		asked = append(asked, id)
		came = append(came, p.ok(id, fmt.Sprint(n)).id)
	}
	check := func(p *peer, same bool) {
		t.Helper()
		p.tell(&mt.HTTPWaitRequest{})
		for i, id := range asked {
			m := p.answer(id)
			if same != (m.id == came[i]) || i > 0 && !same && m.id <= came[i-1] {
				t.Fatalf("answer %d came as %d, first as %d", i, m.id, came[i])
			}
			came[i] = m.id
		}
	}
	check(p.again(), true)
	r.ahead.Store(int64(resendAge+1) * int64(time.Second))
	check(p.again(), false)
	if r.calls("0") != 1 {
		t.Error("a query ran twice")
	}
}

// TestEvicted has more answers wait than are kept: who asks for one that is gone is told so.
func TestEvicted(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	var first int64
	for n := range maxAnswerBytes>>20 + 2 {
		id := p.ask(sending("big"))
		p.answer(id)
		if n == 0 {
			first = id
		}
	}
	p.put(first, 1, sending("big"))
	if code := p.code(first); code != badIDForgotten {
		t.Errorf("code %d", code)
	}
	id := p.tell(&mt.MsgsStateReq{MsgIDs: []int64{first}})
	if info := p.states(id); info[0] != stateUnknown {
		t.Errorf("state %d", info[0])
	}
}

// TestWaits holds M14: order, failure and chains.
func TestWaits(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	future := p.ID(r.now()) + 1<<32
	for name, ids := range map[string][]int64{
		"unknown": {p.ID(r.now())}, "future": {future}, "none": {0}, "negative": {-8},
	} {
		p.fails(p.ask(afterAll(ids, sending(name))), "MSG_WAIT_FAILED")
	}
	bad := p.ask(sending("fail"))
	chain := p.ask(after(bad, sending("chained")))
	third := p.ask(after(chain, sending("third")))
	p.fails(bad, "PEER_ID_INVALID")
	p.fails(chain, "MSG_WAIT_FAILED")
	p.fails(third, "MSG_WAIT_FAILED")
	p.fails(p.ask(after(bad, sending("late"))), "MSG_WAIT_FAILED")
	odd := p.ID(r.now())
	p.put(odd, 2, sending("even")) // refused, so it never succeeded
	p.code(odd)
	p.fails(p.ask(after(odd, sending("after odd"))), "MSG_WAIT_FAILED")

	one := p.ask(looking("wait 1"))
	r.seen = drained(r.seen, t, "wait 1")
	two := p.ask(looking("wait 2"))
	r.awaitBegin("wait 2")
	both := p.ask(afterAll([]int64{one, two}, sending("both")))
	next := p.ask(sending("next")) // sends keep their order
	free := p.ask(looking("free")) // others don't wait
	p.ok(free, "free")
	r.awaitBegin("free")
	r.release("wait 2")
	p.ok(two, "wait 2")
	r.release("wait 1")
	r.awaitBegin("both")
	r.awaitBegin("next")
	p.ok(one, "wait 1")
	p.ok(both, "both")
	p.ok(next, "next")
	p.ok(p.ask(after(both, sending("after it"))), "after it")
	for _, never := range []string{"unknown", "future", "none", "negative", "chained", "third", "late", "after odd", "even"} {
		if r.calls(never) != 0 {
			t.Errorf("%q ran", never)
		}
	}
}

// drained waits for a call in a channel of calls before it.
func drained(seen chan string, t *testing.T, until string) chan string {
	t.Helper()
	for {
		select {
		case what := <-seen:
			if what == until {
				return seen
			}
		case <-time.After(patience):
			t.Fatalf("%q did not begin", until)
		}
	}
}

// TestContainerOrder sends a chain in the wrong order and a circle: messages of a packet run by
// msg_id, and only older ones are waited for.
func TestContainerOrder(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	a, b, c := p.ID(r.now()), p.ID(r.now()), p.ID(r.now())
	p.put(p.ID(r.now()), 6, container(
		part{c, 5, after(b, sending("c"))}, part{b, 3, after(a, sending("b"))}, part{a, 1, sending("a")},
	))
	// The first of them settles what seq_no may come; the others are late arrivals, not errors.
	for i, id := range []int64{a, b, c} {
		p.ok(id, string(rune('a'+i)))
	}
	if got := fmt.Sprint(r.began); got != "[a b c]" {
		t.Errorf("order %s", got)
	}
	x, y := p.ID(r.now()), p.ID(r.now())
	p.put(p.ID(r.now()), 10, container(part{x, 7, after(y, sending("x"))}, part{y, 9, after(x, sending("y"))}))
	p.fails(x, "MSG_WAIT_FAILED")
	p.fails(y, "MSG_WAIT_FAILED")
	z := p.ID(r.now())
	p.put(z, 11, after(z, sending("z")))
	p.fails(z, "MSG_WAIT_FAILED")
}

// TestManyQueries runs into the bounds of one session.
func TestManyQueries(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	var ids []int64
	for len(ids) <= maxPending {
		ids = append(ids, p.ask(sending("wait")))
	}
	p.fails(ids[maxPending], "FLOOD_WAIT_1")
	r.release("wait")
	for _, id := range ids[:maxPending] {
		p.ok(id, "wait")
	}
	p.ok(p.ask(sending("on")), "on")
	q := r.dial(r.newKey(Key{Account: 5}))
	head := q.ask(sending("wait 2"))
	big := sending("heavy" + string(make([]byte, 1<<20-200)))
	var last int64
	for range maxPendingBytes>>20 + 1 {
		last = q.ask(big)
	}
	q.fails(last, "FLOOD_WAIT_1")
	r.release("wait 2")
	q.ok(head, "wait 2")
}

// states waits for msgs_state_info.
func (p *peer) states(of int64) []byte {
	p.r.t.Helper()
	var info mt.MsgsStateInfo
	p.await(mt.MsgsStateInfoTypeID, func(m arrival) bool {
		return info.Decode(&bin.Buffer{Buf: m.body}) == nil && info.ReqMsgID == of
	})
	return info.Info
}

// TestStates asks what became of messages after a reconnect, as clients do with queries in flight.
func TestStates(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	lost := p.ID(r.now())
	done := p.ask(looking("done"))
	p.ok(done, "done")
	runs := p.ask(looking("wait"))
	drained(r.seen, t, "wait")
	ping := p.tell(&mt.PingRequest{})
	p.await(mt.PongTypeID, nil)
	p.Close()
	q := p.again()
	id := q.tell(&mt.MsgsStateReq{MsgIDs: []int64{lost, done, runs, ping, 4, lost}})
	want := []byte{stateNotReceived, stateAnswered, stateRunning, stateReceived, stateUnknown, stateNotReceived}
	if got := q.states(id); !slices.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
	r.release("wait")
	q.ok(runs, "wait")
	// A hostile list costs one answer for each, however often it names it.
	many := make([]int64, maxIDs)
	for i := range many {
		many[i] = done
	}
	q.states(q.tell(&mt.MsgsStateReq{MsgIDs: many}))
	again := 0
	for _, m := range q.quiet() {
		if m.kind() == mt.RPCResultTypeID {
			again++
		}
	}
	if again != 1 {
		t.Errorf("%d answers", again)
	}
	if n := len(q.got); n != 0 {
		t.Errorf("%d more messages", n)
	}
}

// TestResend asks for messages again.
func TestResend(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	done := p.ask(looking("done"))
	first := p.ok(done, "done")
	p.tell(&mt.MsgResendReq{MsgIDs: []int64{first.id, first.id}})
	if m := p.ok(done, "done"); m.id != first.id || m.outer.ID == first.id {
		t.Errorf("msg_id %d in %d, was %d", m.id, m.outer.ID, first.id)
	}
	for _, m := range p.quiet() {
		t.Errorf("unexpected %#x", m.kind())
	}
	p.tell(&mt.MsgResendReq{MsgIDs: []int64{first.id + 4}})
	p.await(tg.UpdatesTooLongTypeID, nil) // a push, perhaps: the store knows
}

// TestDropAnswer holds the three results of rpc_drop_answer, which come as rpc_result.
func TestDropAnswer(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	done := p.ask(looking("done"))
	kept := p.ok(done, "done")
	runs := p.ask(looking("wait"))
	drained(r.seen, t, "wait")
	drop := func(of int64) bin.Object {
		t.Helper()
		m := p.answer(p.ask(encode(&mt.RPCDropAnswerRequest{ReqMsgID: of})))
		var box mt.RPCDropAnswerBox
		if err := box.Decode(&bin.Buffer{Buf: m.body}); err != nil {
			t.Fatal(err)
		}
		return box.RpcDropAnswer
	}
	if got, ok := drop(4).(*mt.RPCAnswerUnknown); !ok {
		t.Errorf("of nothing: %v", got)
	}
	if got, ok := drop(runs).(*mt.RPCAnswerDroppedRunning); !ok {
		t.Errorf("of a running one: %v", got)
	}
	got, ok := drop(done).(*mt.RPCAnswerDropped)
	if !ok || got.MsgID != kept.id || got.SeqNo != int(kept.seq) || got.Bytes == 0 {
		t.Errorf("of a ready one: %v", got)
	}
	if got, ok := drop(done).(*mt.RPCAnswerUnknown); !ok {
		t.Errorf("for the second time: %v", got)
	}
	r.release("wait")
	p.ok(p.ask(after(runs, sending("next"))), "next")
	for _, m := range p.quiet() {
		if m.kind() == mt.RPCResultTypeID && int64(binary.LittleEndian.Uint64(m.body[4:])) == runs {
			t.Error("a dropped answer came")
		}
	}
}

// TestLayer has a session change its layer.
func TestLayer(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	in := func(layer int, q bin.Object) []byte {
		return encode(&tg.InvokeWithLayerRequest{Layer: layer, Query: q})
	}
	for _, layer := range []int{227, 152, 158, 228, 999, 227} {
		p.answer(p.ask(in(layer, &tg.HelpGetConfigRequest{})))
		id := p.ask(encode(&tg.HelpGetConfigRequest{}))
		p.answer(id)
		s := r.hub.sessionOf(p)
		s.mu.Lock()
		if want := min(layer, 228); int(s.layer) != want {
			t.Errorf("layer %d, want %d", s.layer, want)
		}
		s.mu.Unlock()
	}
}

// TestDevice has a client say what it is: stored once, however often it says so.
func TestDevice(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	for range 3 {
		p.ok(p.ask(initialised("phone", &tg.HelpGetConfigRequest{})), "phone")
	}
	for _, model := range []string{"tablet", "watch", "fridge"} {
		p.ok(p.ask(initialised(model, &tg.HelpGetConfigRequest{})), model)
	}
	q := r.dial(p.Key)
	q.ok(q.ask(encode(&tg.HelpGetConfigRequest{})), "fridge") // the device's last word
	long := string(make([]byte, 100)) + "ü"
	q.answer(q.ask(initialised(long, &tg.HelpGetConfigRequest{})))
	q.quiet()
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	if len(r.keys.noted) > 2 || r.keys.noted[0].App.DeviceModel != "phone" {
		t.Errorf("noted %d times: %v", len(r.keys.noted), r.keys.noted)
	}
}

func initialised(model string, q bin.Object) []byte {
	return encode(&tg.InvokeWithLayerRequest{Layer: 227, Query: &tg.InitConnectionRequest{
		APIID: 1, DeviceModel: model, SystemVersion: "1", AppVersion: "1", SystemLangCode: "en", LangPack: "", LangCode: "en",
		Params: &tg.JSONObject{Value: []tg.JSONObjectValue{{Key: "tz", Value: &tg.JSONArray{Value: []tg.JSONValueClass{
			&tg.JSONNull{}, &tg.JSONBool{}, &tg.JSONNumber{Value: 1}, &tg.JSONString{Value: "x"},
		}}}}}, Query: q,
	}})
}
