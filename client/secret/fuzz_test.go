package secret

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gotd/td/tg/e2e"
)

// game plays a chat by the bytes of a fuzzer: who writes, and which frame the
// server delivers, repeats, corrupts or holds back.
type game struct {
	*pair
	frames [2][]Frame        // on their way, by sender
	said   [2][]int64        // by sender, in order
	heard  [2]int            // how many of them the other has
	gone   [2]map[int64]bool // deleted, by sender
}

func (g *game) side(i int) *Chat { return [2]*Chat{g.a, g.b}[i] }

func (g *game) collect(by int, res Result) {
	g.frames[by] = append(append(g.frames[by], res.Resent...), res.Send...)
}

// move plays one move.
func (g *game) move(op, arg byte) {
	by := int(op & 1)
	switch op >> 1 % 8 {
	case 0, 1:
		id := int64(len(g.said[by])*2 + by + 1)
		g.said[by] = append(g.said[by], id)
		g.collect(by, g.must(g.side(by).Send(g.env, text(id, "x"))))
	case 2:
		if n := len(g.said[by]); n > 0 {
			id := g.said[by][int(arg)%n]
			g.gone[by][id] = true
			g.collect(by, g.must(g.side(by).Act(g.env, &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{id}})))
		}
	case 3:
		g.side(by).s.Used += int(arg)
	case 4:
		if by == 0 {
			g.a = reload(g.t, g.a)
		} else {
			g.b = reload(g.t, g.b)
		}
	case 5:
		if n := len(g.frames[by]); n > 0 {
			g.corrupt(by, slices.Clone(g.frames[by][int(arg)%n].Data), arg)
		}
	default:
		if n := len(g.frames[by]); n > 0 {
			g.deliver(by, g.frames[by][int(arg)%n].Data)
		}
	}
}

func (g *game) deliver(by int, data []byte) {
	res := g.must(g.side(1-by).Receive(g.env, Incoming{Data: data}))
	g.hear(by, res)
	g.collect(1-by, res)
}

// hear holds what arrives to what was said: in order, once, and nothing left out
// that was not deleted.
func (g *game) hear(by int, res Result) {
	for _, e := range res.Events {
		if e.Message == nil {
			continue
		}
		for g.heard[by] < len(g.said[by]) && g.said[by][g.heard[by]] != e.RandomID && g.gone[by][g.said[by][g.heard[by]]] {
			g.heard[by]++
		}
		if g.heard[by] == len(g.said[by]) || g.said[by][g.heard[by]] != e.RandomID {
			g.t.Fatalf("message %d of side %d out of turn", e.RandomID, by)
		}
		g.heard[by]++
	}
}

// corrupt delivers a changed frame to a copy of the receiver: nothing of it may be
// taken.
func (g *game) corrupt(by int, data []byte, arg byte) {
	switch arg % 4 {
	case 0:
		data = data[:len(data)-1-int(arg)%(len(data)-1)]
	case 1:
		data = append(data, make([]byte, 16)...)
	default:
		data[int(arg)*7%len(data)] ^= 1 << (arg % 8)
	}
	c := reload(g.t, g.side(1-by))
	res, err := c.Receive(g.env, Incoming{Data: data})
	if err != nil || len(res.Events) != 0 || res.Verdict != Dropped && res.Verdict != Refused {
		g.t.Fatalf("corrupted frame: %+v, %v", res, err)
	}
	if res.Verdict == Refused != res.Closed {
		g.t.Fatal("closed without a verdict")
	}
}

// finish lets the server deliver all there is, in order, until both have all.
func (g *game) finish() {
	for range 20 {
		for by := range 2 {
			for _, f := range g.side(by).s.Stored {
				g.deliver(by, f.Data)
			}
			g.collect(by, g.must(g.side(by).Send(g.env, text(-int64(len(g.said[by])*2+by+1), "end"))))
			g.said[by] = append(g.said[by], -int64(len(g.said[by])*2+by+1))
		}
	}
	for by := range 2 {
		for _, f := range g.side(by).s.Stored {
			g.deliver(by, f.Data)
		}
	}
	for by := range 2 {
		for _, id := range g.said[by][g.heard[by]:] {
			if !g.gone[by][id] {
				g.t.Fatalf("message %d of side %d is lost: %v and %v", id, by, g.a, g.b)
			}
		}
	}
}

// FuzzChat plays whole conversations. Frames that are reordered, repeated, held
// back or corrupted never panic, are never taken for others, and never close the
// chat unless they fail to open under a key that is known.
func FuzzChat(f *testing.F) {
	f.Add([]byte("\x00\x00\x0c\x00\x01\x00\x0d\x01"))
	f.Add([]byte("\x00\x00\x00\x00\x02\x00\x04\x00\x0c\x02\x0c\x01\x0a\x00\x0b\x05\x06\xff\x0c\x03"))
	f.Add(bytes.Repeat([]byte("\x00\x00\x01\x00\x0c\x07\x0d\x03\x06\x50\x07\x50\x08\x00\x04\x01"), 12))
	f.Fuzz(func(t *testing.T, moves []byte) {
		play(t, moves[:min(len(moves), 400)])
	})
}

// TestGames plays conversations of random moves.
func TestGames(t *testing.T) {
	games := uint64(100)
	if testing.Short() {
		games = 10
	}
	for seed := range games {
		moves := make([]byte, 600)
		if _, err := newRand(seed).Read(moves); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, moves) })
	}
}

func play(t *testing.T, moves []byte) {
	g := &game{pair: newFastPair(t), gone: [2]map[int64]bool{{}, {}}}
	for i := 0; i+1 < len(moves); i += 2 {
		g.move(moves[i], moves[i+1])
	}
	g.finish()
}

// newFastPair is an open chat without the exchange.
func newFastPair(t testing.TB) *pair {
	g, key := knownGroup(t), newChatKey([256]byte{5})
	return &pair{
		t: t, env: Env{noon, newRand(6)}, a: readyChat(Originator, key, g), b: readyChat(Acceptor, key, g),
	}
}

// FuzzPayload seals what it likes as the peer: nothing panics, and what is taken
// can be stored and loaded.
func FuzzPayload(f *testing.F) {
	for _, m := range []e2e.DecryptedMessageClass{
		&e2e.DecryptedMessage{RandomID: 1, TTL: 5, Message: "x", Media: &e2e.DecryptedMessageMediaEmpty{}},
		&e2e.DecryptedMessageService{Action: &e2e.DecryptedMessageActionResend{StartSeqNo: 1, EndSeqNo: 9}},
		&e2e.DecryptedMessageService{Action: &e2e.DecryptedMessageActionRequestKey{GA: []byte{3}}},
		&e2e.DecryptedMessageService8{Action: &e2e.DecryptedMessageActionFlushHistory{}},
		&e2e.DecryptedMessage8{Media: &e2e.DecryptedMessageMediaVideo8{}},
	} {
		for _, out := range []int{0, 2} {
			b, err := encode(&e2e.DecryptedMessageLayer{Layer: 73, InSeqNo: 1, OutSeqNo: out, Message: m})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		p := newFastPair(t)
		p.must(p.a.Send(p.env, text(1, "x")))
		payload = payload[:len(payload)&^3]
		frame, err := p.b.s.Key.seal(Acceptor, payload, p.env.Rand)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.a.Receive(p.env, Incoming{Data: frame})
		if err != nil {
			t.Fatal(err)
		}
		if (res.Verdict == Refused) != (p.a.Phase() == Closed) {
			t.Errorf("verdict %s, phase %d", res.Verdict.name(), p.a.Phase())
		}
		reload(t, p.a)
	})
}

// FuzzFrame delivers bytes that no key has sealed: none is ever taken.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add(make([]byte, 64), true)
	f.Fuzz(func(t *testing.T, frame []byte, named bool) {
		p := newFastPair(t)
		if named && len(frame) >= 8 {
			copy(frame, p.a.s.Key.encrypt(Originator, nil)[:8])
		}
		res, err := p.a.Receive(p.env, Incoming{Data: frame})
		if err != nil || len(res.Events) != 0 || res.Verdict == Taken || res.Verdict == Queued {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

// FuzzLoad reads whatever it finds on disk: what is accepted works.
func FuzzLoad(f *testing.F) {
	p := newFastPair(f)
	for _, c := range []*Chat{p.a, p.b} {
		b, err := c.State()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Load(b)
		if err != nil {
			return
		}
		again, err := c.State()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("state changes: %v", err)
		}
		if _, err := c.Tick(Env{noon, newRand(1)}); err != nil {
			t.Logf("tick: %v", err)
		}
		_, _ = c.Receive(Env{noon, newRand(1)}, Incoming{Data: make([]byte, 40)})
	})
}
