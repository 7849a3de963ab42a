package secret

import (
	"math/rand/v2"
	"testing"
	"time"
)

// wire is a server between two devices: it may hold frames back, deliver them
// twice or out of order, and lose them for a while.
type wire struct {
	rnd   *rand.Rand
	queue [2][]Incoming // by receiver
	lost  [2][]Incoming // come when nothing else does
}

func (w *wire) put(to int, f Frame) {
	for range 1 + w.rnd.IntN(20)/19 {
		w.queue[to] = append(w.queue[to], Incoming{Data: f.Data, Date: 1})
	}
}

// take returns a frame for a device, if there is one that the server lets go.
func (w *wire) take(to int) (Incoming, bool) {
	if len(w.queue[to]) == 0 {
		w.queue[to], w.lost[to] = w.lost[to], nil
	}
	q := w.queue[to]
	if len(q) == 0 {
		return Incoming{}, false
	}
	i := 0
	if w.rnd.IntN(50) == 0 {
		i = w.rnd.IntN(min(len(q), 4))
	}
	in := q[i]
	w.queue[to] = append(q[:i:i], q[i+1:]...)
	if w.rnd.IntN(50) == 0 {
		w.lost[to] = append(w.lost[to], in)
		return Incoming{}, false
	}
	return in, true
}

// memory is what a device keeps beside the chat.
type memory struct{ read, wrote int }

// device is one side with its disk: what is not stored is lost in a crash.
type device struct {
	t      *testing.T
	chat   *Chat
	memory memory
	disk   struct {
		state  []byte
		memory memory
	}
}

func (d *device) store() {
	b, err := d.chat.State()
	if err != nil {
		d.t.Fatal(err)
	}
	d.disk.state, d.disk.memory = b, d.memory
}

func (d *device) crash() {
	c, err := Load(d.disk.state)
	if err != nil {
		d.t.Fatal(err)
	}
	d.chat, d.memory = c, d.disk.memory
}

// TestPings is TDLib's disabled test of secret chats in another shape: two sides
// write to each other, both are killed at every place where that could hurt, the
// server holds back, repeats, disorders and loses frames. Nothing is lost, nothing
// comes twice or out of order, and the chat never closes.
func TestPings(t *testing.T) {
	pings := 5000
	if testing.Short() {
		pings = 400
	}
	p := newPair(t)
	w := &wire{rnd: rand.New(rand.NewPCG(1, 2))}
	devices := [2]*device{{t: t, chat: p.a}, {t: t, chat: p.b}}
	for _, d := range devices {
		d.store()
	}
	keys, key := 0, p.a.Fingerprint()
	for steps := 0; devices[0].memory.read < pings || devices[1].memory.read < pings; steps++ {
		if steps > 200*pings {
			t.Fatalf("stuck at %+v, %+v", devices[0].memory, devices[1].memory)
		}
		me := w.rnd.IntN(2)
		p.env.Now = p.env.Now.Add(time.Second)
		p.ping(w, devices[me], 1-me, pings)
		if now := devices[0].chat.Fingerprint(); now != key {
			key, keys = now, keys+1
		}
	}
	if keys < pings/100 {
		t.Errorf("%d keys in %d pings", keys, 2*pings)
	}
	t.Logf("%d pings, %d keys", 2*pings, keys)
}

// ping lets a device receive and write once, and crash now and then.
func (p *pair) ping(w *wire, d *device, peer, pings int) {
	p.t.Helper()
	crash := w.rnd.IntN(60)
	if in, ok := w.take(1 - peer); ok {
		d.receive(p.must(d.chat.Receive(p.env, in)))
		if crash == 0 { // nothing was stored nor acknowledged: the server delivers again
			d.crash()
			w.queue[1-peer] = append([]Incoming{in}, w.queue[1-peer]...)
			return
		}
	}
	if d.memory.wrote < pings && d.memory.wrote <= d.memory.read+5 {
		d.memory.wrote++
		p.must(d.chat.Send(p.env, text(int64(d.memory.wrote), "ping")))
	}
	d.store()
	if crash == 1 { // stored, nothing sent
		d.crash()
		return
	}
	for _, f := range d.chat.Pending() {
		if w.rnd.IntN(10) == 0 {
			break // cut
		}
		w.put(peer, f)
		if crash == 2 { // sent, but not noted
			d.crash()
			return
		}
		d.chat.Sent(f.RandomID, 1, nil)
	}
	d.store()
}

func (d *device) receive(res Result) {
	d.t.Helper()
	for _, e := range res.Events {
		if e.Message == nil {
			continue
		}
		if d.memory.read++; e.RandomID != int64(d.memory.read) {
			d.t.Fatalf("message %d came as number %d", e.RandomID, d.memory.read)
		}
	}
}
