package secret

import (
	"testing"
	"time"

	"github.com/gotd/td/tg/e2e"
)

// forge seals a message of the peer of c under any numbers.
func (p *pair) forge(c *Chat, in, out int, m e2e.DecryptedMessageClass) Incoming {
	p.t.Helper()
	payload, err := encode(&e2e.DecryptedMessageLayer{
		RandomBytes: make([]byte, 15), Layer: Layer, InSeqNo: in, OutSeqNo: out, Message: m,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	frame, err := c.s.Key.seal(c.Role().peer(), payload, p.env.Rand)
	if err != nil {
		p.t.Fatal(err)
	}
	return Incoming{Data: frame}
}

// TestNegativeInGap has a frame with a negative in_seq_no come before its turn:
// TDLib doesn't wait for the gap to be filled.
func TestNegativeInGap(t *testing.T) {
	p := newFastPair(t)
	res, err := p.b.Receive(p.env, p.forge(p.b, -2, 9, &e2e.DecryptedMessage{RandomID: 1}))
	if err != nil || res.Verdict != Refused {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestWideGap asks for a gap of 2,500 frames in slices that TDLib obeys.
func TestWideGap(t *testing.T) {
	p := newFastPair(t)
	p.b.s.Keyed = noon.Add(keyAge)
	frame := func(i int) Incoming { return p.forge(p.b, 0, 2*i+1, &e2e.DecryptedMessage{RandomID: int64(i) + 1}) }
	asked := func(res Result, first, last int) {
		t.Helper()
		payload, err := p.b.s.Key.open(Acceptor, res.Send[0].Data)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		_, action := upgrade(m.Message)
		if a, ok := action.(*e2e.DecryptedMessageActionResend); !ok || a.StartSeqNo != 2*first+1 || a.EndSeqNo != 2*last+1 {
			t.Errorf("asks for %v, want %d to %d", action, first, last)
		}
	}
	asked(p.must(p.b.Receive(p.env, frame(2500))), 0, 1000)
	for i := range 2500 {
		p.b.s.Used = 0
		res := p.must(p.b.Receive(p.env, frame(i)))
		switch i {
		case 1000:
			asked(res, 1001, 2001)
		case 2001:
			asked(res, 2002, 2499)
		default:
			if len(res.Send) != 0 {
				t.Fatalf("frame %d is answered", i)
			}
		}
	}
	if p.b.s.In != 2501 {
		t.Errorf("%d received", p.b.s.In)
	}
}

// TestResentIsPending keeps a frame pending that was asked for again, so that a
// crash before it is sent loses nothing.
func TestResentIsPending(t *testing.T) {
	p := newFastPair(t)
	lost := p.must(p.a.Send(p.env, text(1, "lost"))).Send[0]
	p.a.Sent(1, 5, nil)
	ask := p.must(p.b.Receive(p.env, Incoming{Data: p.must(p.a.Send(p.env, text(2, "x"))).Send[0].Data}))
	p.a.Sent(2, 5, nil)
	if len(p.a.Pending()) != 0 {
		t.Fatal("frames are pending")
	}
	p.must(p.a.Receive(p.env, Incoming{Data: ask.Send[0].Data}))
	p.a = reload(t, p.a)
	if list := p.a.Pending(); len(list) != 1 || string(list[0].Data) != string(lost.Data) {
		t.Errorf("pending: %v", list)
	}
}

// TestKeyWear renews the key with the 101st frame, whoever sent it.
func TestKeyWear(t *testing.T) {
	p := newFastPair(t)
	for i := range int64(50) {
		p.relay(p.a, p.b, p.must(p.a.Send(p.env, text(i+1, ""))))
		p.relay(p.b, p.a, p.must(p.b.Send(p.env, text(i+1, ""))))
	}
	if p.a.s.Exchange != exchangeNone || p.a.s.Used != 100 {
		t.Errorf("exchange %d after %d frames", p.a.s.Exchange, p.a.s.Used)
	}
	if res := p.must(p.a.Send(p.env, text(51, ""))); len(res.Send) != 2 || p.a.s.Exchange != exchangeRequested {
		t.Errorf("%d frames sent, exchange %d", len(res.Send), p.a.s.Exchange)
	}
}

// TestLargerExchangeWins has both sides ask for a key and looks at who answers.
func TestLargerExchangeWins(t *testing.T) {
	for _, c := range []struct {
		mine, theirs int64
		answers      int
		then         exchange
	}{{5, -6, 0, exchangeRequested}, {-6, 5, 1, exchangeAccepted}} {
		p := newFastPair(t)
		p.wear(p.a)
		p.a.s.ExchangeID = c.mine
		share := p.a.s.group().public(&exponent{0: 200, 255: 1})
		res := p.must(p.a.Receive(p.env, Incoming{Data: p.act(p.b, &e2e.DecryptedMessageActionRequestKey{
			ExchangeID: c.theirs, GA: share,
		})}))
		if len(res.Send) != c.answers || p.a.s.Exchange != c.then {
			t.Errorf("%d against %d: %d answers, exchange %d", c.mine, c.theirs, len(res.Send), p.a.s.Exchange)
		}
	}
}

// TestUnsentIsNotRead keeps a timer waiting while the server has not taken the
// message, whatever the peer is said to have read.
func TestUnsentIsNotRead(t *testing.T) {
	p := newFastPair(t)
	p.must(p.a.Send(p.env, timed(1, 10, nil)))
	p.must(p.a.PeerRead(p.env, 1000, noon))
	p.lifetimes(p.a, nil)
	p.a.Sent(1, 1000, nil)
	p.must(p.a.PeerRead(p.env, 1000, noon))
	p.lifetimes(p.a, map[int64]time.Duration{1: 10 * time.Second})
}
