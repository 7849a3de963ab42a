package session

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// TestMessageIDs holds M4: parity, the window of time, and ids that are forgotten.
func TestMessageIDs(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	now := r.now()
	at := func(d time.Duration) int64 { return rawconn.MessageID(now.Add(d)) &^ 3 }
	for name, c := range map[string]struct {
		id   int64
		code int
	}{
		"far too old":      {at(-time.Hour), badIDTooLow},
		"too old":          {at(-302 * time.Second), badIDTooLow},
		"from the future":  {at(40 * time.Second), badIDTooHigh},
		"of a server":      {at(0) | 1, badIDBits},
		"of a push":        {at(0) | 3, badIDBits},
		"odd":              {at(0) | 2, badIDBits},
		"zero":             {0, badIDTooLow},
		"negative":         {-4, badIDTooLow},
		"beyond all times": {1<<63 - 4, badIDTooHigh},
	} {
		p.put(c.id, 1, looking(name))
		if code := p.code(c.id); code != c.code {
			t.Errorf("%s: code %d, want %d", name, code, c.code)
		}
		if r.calls(name) != 0 {
			t.Errorf("%s: ran", name)
		}
	}
	for _, d := range []time.Duration{-290 * time.Second, 25 * time.Second} {
		p.put(at(d), p.Seq(true), looking(d.String()))
		p.ok(at(d), d.String())
	}
}

// TestForgottenID fills the window: what may have been received and forgotten is refused.
func TestForgottenID(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	first := p.ID(r.now())
	outer := first + 8*(windowSize+100)
	for n := 0; n < windowSize+1; {
		var parts []part
		for len(parts) < 500 && n < windowSize+1 {
			n++
			parts = append(parts, part{first + int64(8*n), 0, encode(&mt.HTTPWaitRequest{})})
		}
		p.put(outer, 0, container(parts...))
		outer += 4
	}
	p.put(first, 1, looking("late"))
	if code := p.code(first); code != badIDForgotten {
		t.Errorf("code %d", code)
	}
	p.put(first+8*(windowSize+1)-4, 1, looking("between"))
	p.ok(first+8*(windowSize+1)-4, "between")
	if r.calls("late") != 0 {
		t.Error("a forgotten message ran")
	}
}

// TestSequence holds M5, and lets the habits of real clients pass.
func TestSequence(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{})
	for name, c := range map[string]struct {
		second, third int32 // seq_no after a query with 5; third has the msg_id before it
		code          int
	}{
		"even":     {6, 0, badSeqNotOdd},
		"the same": {5, 0, badSeqTooLow},
		"lower":    {3, 0, badSeqTooLow},
		"too high": {0, 7, badSeqTooHigh},
	} {
		p := r.dial(key)
		early := p.ID(r.now())
		id := p.ID(r.now())
		p.put(id, 5, looking("first"))
		p.ok(id, "first")
		bad := early
		if c.second != 0 {
			bad = p.ID(r.now())
			p.put(bad, c.second, looking(name))
		} else {
			p.put(bad, c.third, looking(name))
		}
		if code := p.code(bad); code != c.code || r.calls(name) != 0 {
			t.Errorf("%s: code %d, ran %d times", name, code, r.calls(name))
		}
	}
	p := r.dial(key)
	inner := p.ID(r.now())
	outer := p.ID(r.now())
	p.put(outer, 1, container(part{inner, 1, looking("in")}))
	if code := p.code(outer); code != badSeqNotEven || r.calls("in") != 0 {
		t.Errorf("container with an odd seq_no: code %d", code)
	}
	// gotd and TDLib give pings even numbers, mtcute gives acknowledgements odd ones; a message
	// that was overtaken has a lower number.
	late := p.ID(r.now())
	p.put(p.ID(r.now()), 6, encode(&mt.PingRequest{PingID: 1}))
	p.put(p.ID(r.now()), 7, encode(&mt.MsgsAck{MsgIDs: []int64{1}}))
	id := p.ID(r.now())
	p.put(id, 9, looking("after"))
	p.ok(id, "after")
	p.put(late, 5, looking("overtaken"))
	p.ok(late, "overtaken")
}

// TestSalts holds M6.
func TestSalts(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	good := p.Salt
	p.Salt = good + 1
	id := p.ask(looking("salted"))
	if code := p.code(id); code != badServerSalt || p.Salt != good || r.calls("salted") != 0 {
		t.Fatalf("code %d, salt %x, want %x; ran %d times", code, p.Salt, good, r.calls("salted"))
	}
	p.put(id, 1, looking("salted")) // the very message may come again
	p.ok(id, "salted")
	for _, n := range []int{1, 3, 64, 1000} {
		id := p.tell(&mt.GetFutureSaltsRequest{Num: n})
		m := p.await(mt.FutureSaltsTypeID, nil)
		var salts mt.FutureSalts
		if err := salts.Decode(&bin.Buffer{Buf: m.body}); err != nil {
			t.Fatal(err)
		}
		if len(salts.Salts) != min(n, 64) || salts.ReqMsgID != id || salts.Salts[0].Salt != good {
			t.Fatalf("%d salts of %d", len(salts.Salts), n)
		}
		if n == 3 { // they are good when their time comes
			for _, s := range salts.Salts[1:] {
				r.ahead.Store(int64(time.Until(time.Unix(int64(s.ValidSince), 0))))
				p.Salt = s.Salt
				p.quiet()
			}
			p.Salt = salts.Salts[1].Salt
			p.quiet() // the one before is, too
			p.Salt = good
			if code := p.code(p.ask(looking("later"))); code != badServerSalt {
				t.Fatalf("code %d", code)
			}
			r.ahead.Store(0)
			q := r.dial(p.Key)
			good, q.Salt = q.Salt, good
			if code := q.code(q.ask(looking("back"))); code != badServerSalt {
				t.Fatalf("code %d after the clock was set back", code)
			}
			p = q
		}
	}
	p.tell(&mt.GetFutureSaltsRequest{Num: 0})
	if p.ended() != 0 || r.calls("later")+r.calls("back") != 0 {
		t.Error("a message with an old salt ran")
	}
}

// TestSetBack has the clock go back: all salts are new, so nothing recorded is accepted again.
func TestSetBack(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	id := p.ask(looking("once"))
	p.ok(id, "once")
	packet := p.nc.last()
	r.ahead.Store(int64(time.Hour))
	p.code(p.ask(looking("an hour on")))
	p.Close()
	for r.sessions() != 0 {
		r.hub.sweep(r.now().Add(time.Hour))
	}
	r.ahead.Store(0)
	q := p.again()
	q.tell(&mt.PingRequest{})
	q.frame(packet)
	if code := q.code(id); code != badServerSalt || r.calls("once") != 1 {
		t.Errorf("code %d; ran %d times", code, r.calls("once"))
	}
}

// frame sends a recorded frame.
func (p *peer) frame(recorded []byte) {
	p.r.t.Helper()
	if bytes.HasPrefix(recorded, []byte{0xee, 0xee, 0xee, 0xee}) { // the first one carries the header
		recorded = recorded[4:]
	}
	if err := p.WriteFrame(recorded[4:]); err != nil {
		p.r.t.Fatal(err)
	}
}

func (r *rig) sessions() (n int) {
	r.hub.mu.RLock()
	defer r.hub.mu.RUnlock()
	for _, k := range r.hub.keys {
		n += len(k.sessions)
	}
	return n
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	return packed(w, &out, b)
}

func zlibbed(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	return packed(w, &out, b)
}

func packed(w io.WriteCloser, out *bytes.Buffer, b []byte) []byte {
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return encode(&mt.GzipPacked{PackedData: out.Bytes()})
}

// TestContainers holds M7: a container is taken whole or not at all.
func TestContainers(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	base := p.ID(r.now())
	p.Numbers = rawconn.Numbers{}
	good := part{base, 1, looking("inside")}
	cut := func(n int) []byte { b := container(good); return b[:len(b)-n] }
	many := make([]part, maxInContainer+1)
	for i := range many {
		many[i] = part{base + int64(4*i) - 4*2000, 0, encode(&mt.HTTPWaitRequest{})}
	}
	count := func(n uint32) []byte {
		b := container(good)
		binary.LittleEndian.PutUint32(b[4:], n)
		return b
	}
	outer := base + 1<<20
	for name, body := range map[string][]byte{
		"too many":          container(many...),
		"nested":            container(good, part{base + 8, 0, container(part{base + 4, 3, looking("deep")})}),
		"inner above outer": container(good, part{outer + 1<<40, 3, looking("above")}),
		"inner is outer":    container(good, part{outer, 3, looking("above")}),
		"inner of a server": container(good, part{base + 5, 3, looking("odd")}),
		"unaligned":         container(good, part{base + 4, 3, []byte{1, 2, 3, 4, 5}}),
		"empty message":     container(good, part{base + 4, 3, nil}),
		"cut":               cut(4),
		"cut in the header": container(good)[:20],
		"no count":          container(good)[:4],
		"count too low":     count(0),
		"count too high":    count(2),
		"negative count":    count(1<<32 - 1),
		"bytes behind":      append(container(good), 0, 0, 0, 0),
	} {
		outer += 4
		if name == "inner is outer" {
			body = container(good, part{outer, 3, looking("above")})
		}
		p.put(outer, 0, pad4(body))
		want := badContainer
		id := outer
		if name == "nested" { // the outer one is well-formed: what was in it is dealt with one by one
			id = base + 8
		}
		if code := p.code(id); code != want {
			t.Errorf("%s: code %d", name, code)
		}
	}
	if n := r.calls("deep") + r.calls("above") + r.calls("odd"); n != 0 {
		t.Errorf("%d refused messages ran", n)
	}
	p.put(outer+400, 0, container(part{base + 400, 5, looking("one")}, part{base + 404, 7, gzipped(looking("two"))}))
	p.put(outer+404, 9, zlibbed(looking("three")))
	p.put(outer+412, 0, gzipped(container(part{outer + 408, 11, looking("four")})))
	for _, want := range []string{"one", "two", "three", "four"} {
		for r.calls(want) == 0 {
			<-r.seen
		}
	}
	if r.calls("inside") != 1 {
		t.Errorf("a message that came in %d containers ran %d times", 14, r.calls("inside"))
	}
}

// TestBroken sends what ends the connection, in a good envelope.
func TestBroken(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{})
	ids := make([]int64, maxIDs+1)
	for name, body := range map[string][]byte{
		"empty":                  {},
		"gzip in gzip":           gzipped(gzipped(looking("packed"))),
		"gzip in zlib container": zlibbed(container(part{rawconn.MessageID(r.now())&^3 - 400, 1, gzipped(looking("packed"))})),
		"gzip of nothing":        gzipped(nil),
		"gzip of garbage":        encode(&mt.GzipPacked{PackedData: []byte{0x1f, 0x8b, 1, 2, 3}}),
		"zlib of garbage":        encode(&mt.GzipPacked{PackedData: []byte("garbage")}),
		"gzip with bytes behind": append(gzipped(looking("packed")), 0, 0, 0, 0),
		"too many acks":          encode(&mt.MsgsAck{MsgIDs: ids}),
		"too many states":        encode(&mt.MsgsStateReq{MsgIDs: ids}),
		"too many resends":       encode(&mt.MsgResendReq{MsgIDs: ids}),
		"ack with bytes behind":  append(encode(&mt.MsgsAck{MsgIDs: []int64{1}}), 0, 0, 0, 0),
		"ping cut":               encode(&mt.PingRequest{PingID: 1})[:8],
		"ping with delay cut":    encode(&mt.PingDelayDisconnectRequest{PingID: 1})[:12],
		"drop cut":               encode(&mt.RPCDropAnswerRequest{ReqMsgID: 1})[:8],
		"destroy cut":            encode(&mt.DestroySessionRequest{SessionID: 1})[:8],
		"salts cut":              encode(&mt.GetFutureSaltsRequest{Num: 1})[:4],
		"vector of 2^31-1":       {0x59, 0xb4, 0xd6, 0x62, 0x15, 0xc4, 0xb5, 0x1c, 0xff, 0xff, 0xff, 0x7f},
		"vector of -1":           {0x59, 0xb4, 0xd6, 0x62, 0x15, 0xc4, 0xb5, 0x1c, 0xff, 0xff, 0xff, 0xff},
		"handshake in a session": encode(&mt.ReqPqMultiRequest{}),
		"answer of a client":     binary.LittleEndian.AppendUint32(nil, mt.RPCResultTypeID),
	} {
		p := r.dial(key)
		p.put(p.ID(r.now()), 0, body)
		t.Run(name, func(t *testing.T) {
			if code := p.ended(); code != 0 || r.calls("packed") != 0 {
				t.Errorf("%d; ran %d times", code, r.calls("packed"))
			}
		})
	}
}

// TestBadQueries sends queries that don't decode: they cost their sender an error, not the session.
func TestBadQueries(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	after := func(n uint32) []byte {
		return binary.LittleEndian.AppendUint32([]byte{0xf0, 0xb4, 0xc4, 0x3d, 0x15, 0xc4, 0xb5, 0x1c}, n)
	}
	deep := looking("deep")
	for range maxWrappers {
		deep = encode(&tg.InvokeWithoutUpdatesRequest{Query: rawQuery(deep)})
	}
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"unknown method":     {[]byte{1, 2, 3, 4}, "INPUT_METHOD_INVALID"},
		"cut":                {looking("cut")[:4], "INPUT_FETCH_ERROR"},
		"bytes behind":       {append(looking("behind"), 0, 0, 0, 0), "INPUT_FETCH_ERROR"},
		"no query in layer":  {encode(&tg.InvokeWithLayerRequest{Layer: 227, Query: rawQuery(nil)}), "INPUT_FETCH_ERROR"},
		"layer 3":            {encode(&tg.InvokeWithLayerRequest{Layer: 3, Query: rawQuery(looking("old"))}), "CONNECTION_LAYER_INVALID"},
		"many wrappers":      {deep, "INPUT_FETCH_ERROR"},
		"after 2^31-1":       {after(1<<31 - 1), "INPUT_FETCH_ERROR"},
		"after 1025":         {after(1025), "INPUT_FETCH_ERROR"},
		"after nothing":      {[]byte{0x2d, 0x37, 0x9f, 0xcb, 1, 2}, "INPUT_FETCH_ERROR"},
		"init cut":           {[]byte{0xa9, 0x5e, 0xcd, 0xc1, 0, 0, 0, 0}, "INPUT_FETCH_ERROR"},
		"signed out":         {encode(&tg.UpdatesGetStateRequest{}), "AUTH_KEY_UNREGISTERED"},
		"gzip twice wrapped": {encode(&tg.InvokeWithoutUpdatesRequest{Query: rawQuery(gzipped(gzipped(looking("twice"))))}), "INPUT_FETCH_ERROR"},
	} {
		id := p.ask(pad4(c.body))
		m := p.answer(id)
		var e mt.RPCError
		if err := e.Decode(&bin.Buffer{Buf: m.body}); err != nil || e.ErrorMessage != c.want {
			t.Errorf("%s: %v %v, want %s", name, e, err, c.want)
		}
	}
	p.ok(p.ask(encode(&tg.InvokeWithoutUpdatesRequest{Query: rawQuery(zlibbed(looking("wrapped")))})), "wrapped")
}

func pad4(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

// rawQuery is a query that is encoded already.
type rawQuery []byte

func (q rawQuery) Encode(b *bin.Buffer) error { b.Put(q); return nil }
func (q rawQuery) Decode(*bin.Buffer) error   { return nil }

// TestUnencrypted holds M12: in a session nothing comes unencrypted but another key exchange.
func TestUnencrypted(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	p.quiet()
	packet := make([]byte, 20)
	packet = append(packet, pad4(looking("plain"))...)
	binary.LittleEndian.PutUint64(packet[8:], uint64(p.ID(r.now())))
	binary.LittleEndian.PutUint32(packet[16:], uint32(len(packet)-20))
	if err := p.WriteFrame(packet); err != nil {
		t.Fatal(err)
	}
	if p.ended() != 0 || r.calls("plain") != 0 {
		t.Error("an unencrypted query was dealt with")
	}
}

// TestKeys holds M3 and the rest of what keys are refused for.
func TestKeys(t *testing.T) {
	r := newRig(t)
	unknown := rawconn.NewKey([256]byte{1, 2, 3})
	p := r.redial(unknown, 1)
	p.ask(looking("unknown"))
	if code := p.ended(); code != keyUnknown {
		t.Errorf("unknown key: %d", code)
	}
	temp := r.newKey(Key{Expires: r.now().Unix() + 60})
	p = r.dial(temp)
	p.fails(p.ask(looking("unbound")), "AUTH_KEY_PERM_EMPTY")
	r.ahead.Store(int64(61 * time.Second))
	p.ask(looking("expired"))
	if code := p.ended(); code != keyUnknown {
		t.Errorf("expired key: %d", code)
	}
	r.ahead.Store(0)
	idle := r.newKey(Key{Expires: r.now().Unix() + 60})
	p = r.dial(idle)
	p.quiet()
	r.hub.sweep(r.now().Add(61 * time.Second))
	if code := p.ended(); code != keyUnknown {
		t.Errorf("expired key of an idle client: %d", code)
	}
	// Two keys have two sessions even under one id.
	a, b := r.dial(r.newKey(Key{})), r.dial(r.newKey(Key{}))
	b.SessionID = a.SessionID
	id := a.ID(r.now())
	a.put(id, 1, looking("mine"))
	b.put(id, 1, looking("mine"))
	a.ok(id, "mine")
	b.ok(id, "mine")
	if r.calls("mine") != 2 || r.calls("unbound")+r.calls("expired")+r.calls("unknown") != 0 {
		t.Error("wrong calls", r.began)
	}
}
