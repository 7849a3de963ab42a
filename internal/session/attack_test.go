package session

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// The attacks here are on the server. client/mtproto/attack_test.go runs A1, A2, A3, A7, A11 and A13
// on our client, gotd_test.go A3 and A7 on gotd's; A5 and A6 are measured in internal/cipher and
// internal/handshake, A8 is in internal/handshake, A12 in internal/wire, A14 in internal/api/auth
// and, through a whole server, in e2e_test.go.

// TestA1Replay plays recorded packets back over the same connection, over another one, and to a
// server that was started anew: nothing runs twice, and the client loses neither answers nor pushes.
func TestA1Replay(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	id := p.ask(sending("once"))
	single := p.nc.last()
	first := p.ok(id, "once")
	inner := p.ID(r.now())
	p.put(p.ID(r.now()), 2, container(part{inner, 3, sending("twice")}))
	several := p.nc.last()
	p.ok(inner, "twice")
	p.frame(single)
	if again := p.ok(id, "once"); again.id != first.id {
		t.Error("another answer")
	}
	thief := p.again()
	for _, frame := range [][]byte{single, several, single} {
		thief.frame(frame)
	}
	thief.ok(id, "once") // sealed, so of no use to a thief
	r.hub.Push(5, 0, push(t, 1))
	if p.await(tg.UpdatesTypeID, nil); len(thief.got) != 0 {
		t.Error("a replay took the session away")
	}
	thief.Close()
	p.Close()
	for r.hub.sessionOf(p).connected() != nil {
		r.hub.sweep(r.now())
	}
	alone := p.again()
	alone.frame(single)
	alone.ok(id, "once")
	back := alone.again() // the client itself comes back
	back.Numbers = p.Numbers
	back.put(back.ID(r.now()), 5, sending("back"))
	back.quiet()
	r.hub.Push(5, 0, push(t, 2))
	back.await(tg.UpdatesTypeID, nil)

	r.ahead.Store(int64(secondsBehind+afterlife/time.Second) * int64(time.Second))
	alone.Close()
	back.Close()
	for r.sessions() > 0 {
		r.hub.sweep(r.now().Add(time.Hour))
	}
	late := p.again()
	late.frame(single)
	if code := late.code(id); code != badIDTooLow {
		t.Errorf("code %d for what is older than the window", code)
	}
	r.ahead.Store(0)
	r.stop()
	r.start()
	later := r.redial(p.Key, p.SessionID)
	for _, frame := range [][]byte{single, several} {
		later.frame(frame)
		m, err := later.read()
		if err != nil || m.kind() != mt.BadServerSaltTypeID {
			t.Fatalf("%v %x after a restart", err, m.body)
		}
	}
	if r.calls("once") != 1 || r.calls("twice") != 1 {
		t.Errorf("calls: %v", r.began)
	}
}

// TestA2ReorderAndDrop delivers packets in another order than they were sent, and not all of them
// ("crime-pizza", Albrecht et al. 2022): what is chained keeps its order or does not run.
func TestA2ReorderAndDrop(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	record := func(what string, before int64) (int64, []byte) {
		t.Helper()
		q := r.redial(p.Key, p.SessionID) // whose packets the attacker keeps
		q.Numbers, q.Salt = p.Numbers, p.Salt
		id := q.ID(r.now())
		body := sending(what)
		if before != 0 {
			body = after(before, body)
		}
		packet, err := rawconn.Seal(nil, &q.Key, rawconn.Client, rawconn.Message{
			Salt: q.Salt, SessionID: q.SessionID, ID: id, Seq: q.Seq(true), Body: body,
		}, rawconn.Rand)
		if err != nil {
			t.Fatal(err)
		}
		p.Numbers = q.Numbers
		return id, packet
	}
	crime, crimePacket := record("crime", 0)
	pizza, pizzaPacket := record("pizza", crime)
	third, thirdPacket := record("third", pizza)
	for _, packet := range [][]byte{pizzaPacket, crimePacket, thirdPacket} {
		if err := p.WriteFrame(packet); err != nil {
			t.Fatal(err)
		}
	}
	p.fails(pizza, "MSG_WAIT_FAILED")
	p.ok(crime, "crime")
	p.fails(third, "MSG_WAIT_FAILED")
	p.fails(p.ask(after(pizza, sending("fourth"))), "MSG_WAIT_FAILED")
	if !slices.Equal(r.began, []string{"crime"}) {
		t.Errorf("ran %v", r.began)
	}
}

// TestA3Reflection sends the server its own packets.
func TestA3Reflection(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	p.ok(p.ask(looking("hello")), "hello")
	r.hub.Push(5, 0, push(t, 1))
	m := p.await(tg.UpdatesTypeID, nil)
	for _, side := range []rawconn.Side{rawconn.Server, rawconn.Client} {
		// As it was sealed by the server, and its content as if the client had sealed it.
		packet, err := rawconn.Seal(nil, &p.Key, side, rawconn.Message{
			Salt: m.outer.Salt, SessionID: p.SessionID, ID: m.id, Seq: m.seq, Body: m.body,
		}, rawconn.Rand)
		if err != nil {
			t.Fatal(err)
		}
		q := p.again()
		if err := q.WriteFrame(packet); err != nil {
			t.Fatal(err)
		}
		if side == rawconn.Client {
			if code := q.code(m.id); code != badIDBits {
				t.Errorf("code %d", code)
			}
		} else if q.ended() != 0 {
			t.Error("the server took its own packet")
		}
	}
	if len(p.quiet()) != 0 {
		t.Error("the session heard of it")
	}
}

// TestA4RetransmissionDistinguisher looks at what is sent twice: never do two packets begin with the
// same salt, session, msg_id and seq_no and differ in their padding only, which would tell a watcher
// that they hold the same.
func TestA4RetransmissionDistinguisher(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	id := p.ask(looking("again"))
	headers := map[[2]int64]bool{}
	note := func(m arrival) {
		t.Helper()
		h := [2]int64{m.outer.ID, int64(m.outer.Seq)}
		if headers[h] {
			t.Errorf("two packets with msg_id %d", m.outer.ID)
		}
		headers[h] = true
	}
	m := p.ok(id, "again")
	note(m)
	for range 3 {
		p.put(id, 1, looking("again"))
		note(p.ok(id, "again"))
		p.tell(&mt.MsgResendReq{MsgIDs: []int64{m.id}})
		note(p.ok(id, "again"))
		p.tell(&mt.MsgsStateReq{MsgIDs: []int64{id}})
		note(p.ok(id, "again"))
		p = p.again()
		p.tell(&mt.HTTPWaitRequest{})
		note(p.ok(id, "again"))
	}
}

// refusals are packets that fail at each step of opening one.
func refusals(p *peer, from rawconn.Side, now time.Time) map[string][]byte {
	plain := func(length int32, body, padding int) []byte {
		le := binary.LittleEndian
		b := le.AppendUint64(nil, uint64(p.Salt))
		b = le.AppendUint64(b, uint64(p.SessionID))
		b = le.AppendUint64(b, uint64(p.ID(now)))
		b = le.AppendUint32(b, p32(p.Seq(true)))
		b = le.AppendUint32(b, p32(length))
		return rawconn.SealPlaintext(nil, &p.Key, from, append(b, make([]byte, body+padding)...))
	}
	broken := func(at int) []byte {
		b := plain(16, 16, 16)
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 1
		return b
	}
	return map[string][]byte{
		"msg_key changed":       broken(8),
		"first block changed":   broken(24),
		"last block changed":    broken(-1),
		"no padding":            plain(16, 16, 0),
		"padding of 8":          plain(8, 8, 8),
		"padding of 1040":       plain(16, 16, 1040),
		"negative length":       plain(-16, 16, 16),
		"length beyond the end": plain(1<<20, 16, 16),
		"unaligned length":      plain(15, 16, 16),
		"cut by a block":        plain(16, 16, 16)[:8+16+32],
		"longer by a block":     append(plain(16, 16, 16), make([]byte, 16)...),
		"no data":               plain(16, 16, 16)[:24],
		"another side's":        rawconn.SealPlaintext(nil, &p.Key, rawconn.Server-from, make([]byte, 64)),
	}
}

func p32(n int32) uint32 { return uint32(n) }

// TestA5LengthBeforeMsgKey looks at a server that refuses packets from outside: whatever is wrong, it
// closes without a word. internal/cipher measures that it takes the same time.
func TestA5LengthBeforeMsgKey(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{}))
	for name, packet := range refusals(p, rawconn.Client, r.now()) {
		q := p.again()
		if err := q.WriteFrame(packet); err != nil {
			t.Fatal(err)
		}
		n, err := q.nc.Conn.Read(make([]byte, 1))
		if n != 0 || err == nil {
			t.Errorf("%s: the server says something", name)
		}
	}
	if n := r.sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// TestA7PaddingAndSubstitution changes packets of a living session (Jakobsen and Orlandi 2015): they
// cost the connection they come over, and the session nothing.
func TestA7PaddingAndSubstitution(t *testing.T) {
	r := newRig(t)
	p := r.dial(r.newKey(Key{Account: 5}))
	p.ok(p.ask(looking("hello")), "hello")
	for name, packet := range refusals(p, rawconn.Client, r.now()) {
		q := p.again()
		if err := q.WriteFrame(packet); err != nil {
			t.Fatal(err)
		}
		if q.ended() != 0 {
			t.Error(name)
		}
	}
	r.hub.Push(5, 0, push(t, 1))
	p.await(tg.UpdatesTypeID, nil)
	p.ok(p.ask(looking("on")), "on")
}

// bombs are packets of a mebibyte that want to be more.
func bombs(now time.Time) map[string][]byte {
	const room = 1<<20 - 200
	fill := func(of []byte) []byte { return bytes.Repeat(of, room/len(of)) }
	vector := func(head []byte, element []byte) []byte {
		b := append(slices.Clone(head), 0x15, 0xc4, 0xb5, 0x1c)
		n := (room - len(b)) / len(element)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
		return append(b, bytes.Repeat(element, n)...)
	}
	// sendMessage with the flag of entities, to oneself, and a message of no length.
	entities := encode(&tg.MessagesSendMessageRequest{Peer: &tg.InputPeerSelf{}})
	binary.LittleEndian.PutUint32(entities[4:], 1<<3)
	unknown := encode(&tg.MessageEntityUnknown{})
	zeros := make([]byte, 32<<20)
	bomb := gzipped(zeros)
	id := func(n int) int64 { return rawconn.MessageID(now)&^3 - 1<<20 + int64(4*n) }
	var packed, repeated, pings []part
	for n := range room / (len(bomb) + messageHeader) {
		packed = append(packed, part{id(n), 1, bomb})
	}
	small := gzipped(zeros[:2<<20])
	for n := range min(maxInContainer, room/(len(small)+messageHeader)) {
		repeated = append(repeated, part{id(n), 1, small})
	}
	for n := range maxInContainer {
		pings = append(pings, part{id(n), 0, encode(&mt.PingRequest{})})
	}
	deep := encode(&tg.JSONArray{Value: []tg.JSONValueClass{}})
	nested := bytes.Repeat([]byte{0x44, 0x44, 0x74, 0xf7, 0x15, 0xc4, 0xb5, 0x1c, 1, 0, 0, 0}, room/12-20)
	init := encode(&tg.InitConnectionRequest{Query: rawQuery(nil)})
	binary.LittleEndian.PutUint32(init[4:], 2)
	ids := make([]int64, maxIDs)
	return map[string][]byte{
		"gzip of zeros":          bomb,
		"gzip of entities":       gzipped(bytes.Repeat(vector(entities, unknown), 3)[:2<<20-4]),
		"container of bombs":     container(packed...),
		"container of 2 MiB":     container(repeated...),
		"container of pings":     container(pings...),
		"vector of entities":     vector(entities, unknown),
		"vector of ids":          vector([]byte{0x59, 0xb4, 0xd6, 0x62}, make([]byte, 8)),
		"vector of dependencies": vector([]byte{0xf0, 0xb4, 0xc4, 0x3d}, make([]byte, 8)),
		"states":                 encode(&mt.MsgsStateReq{MsgIDs: ids}),
		"nested values":          append(append(init, nested...), deep...),
		"wrappers":               fill(binary.LittleEndian.AppendUint32(nil, invokeWithoutUpdates)),
		"containers in one":      fill(container(part{1, 1, container()})),
		"long string":            encode(&tg.ContactsResolveUsernameRequest{Username: strings.Repeat("x", room)}),
		"unknown":                fill([]byte{1, 2, 3, 4}),
	}
}

// TestA11Bombs sends packets of a mebibyte that want to be more: at most 32 MiB and 200 ms each.
func TestA11Bombs(t *testing.T) {
	r := newRig(t)
	key := r.newKey(Key{})
	for name, body := range bombs(r.now()) {
		p := r.dial(key)
		p.quiet()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		p.put(p.ID(r.now()), p.Seq(true)&1|6, pad4(body))
		p.put(p.ID(r.now()), 8, encode(&mt.PingRequest{PingID: 77}))
		for {
			m, err := p.read()
			var pong mt.Pong
			if err != nil || pong.Decode(&bin.Buffer{Buf: m.body}) == nil && pong.PingID == 77 {
				break
			}
		}
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		grown := after.TotalAlloc - before.TotalAlloc // also what was given back meanwhile, and the test's own
		t.Logf("%-24s %6d kB of packet, %6d kB allocated, %v", name, len(body)>>10, grown>>10, took)
		if grown > 32<<20 || took > 200*time.Millisecond && !raceEnabled {
			t.Errorf("%s: %d kB, %v", name, grown>>10, took)
		}
	}
	drained(r.seen, t, "") // one of them is a good query
	q := r.dial(key)
	q.ok(q.ask(looking("alive")), "alive")
}
