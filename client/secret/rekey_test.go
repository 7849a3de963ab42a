package secret

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/gotd/td/tg/e2e"
)

// act sends any action, also one that no honest side would send.
func (p *pair) act(c *Chat, action e2e.DecryptedMessageActionClass) []byte {
	p.t.Helper()
	res := p.must(c.step(p.env, func(r *run) error { return r.sendAction(action) }))
	return res.Send[0].Data
}

// wear makes the key of a side due for renewal and returns the request.
func (p *pair) wear(c *Chat) Frame {
	p.t.Helper()
	c.s.Used = keyFrames + 1
	res := p.must(c.Tick(p.env))
	if len(res.Send) != 1 || c.s.Exchange != exchangeRequested {
		p.t.Fatalf("worn key brings %+v", res)
	}
	return res.Send[0]
}

func TestRekey(t *testing.T) {
	p := newPair(t)
	picture, first := p.a.Picture(), p.a.Fingerprint()
	for i := range 250 {
		from, to := p.a, p.b
		if i%2 == 1 {
			from, to = to, from
		}
		p.relay(from, to, p.must(from.Send(p.env, text(int64(i)+1, "x"))))
	}
	if p.a.Fingerprint() == first || p.a.Fingerprint() != p.b.Fingerprint() {
		t.Error("key was not renewed after 100 frames")
	}
	if p.a.Picture() != picture || p.b.Picture() != picture {
		t.Error("picture changed")
	}
	if p.a.s.Other != nil || p.b.s.Other != nil || p.a.s.Secret != nil || p.b.s.Secret != nil {
		t.Error("old keys are kept")
	}
	second := p.a.Fingerprint()
	p.env.Now = p.env.Now.Add(keyAge - time.Hour)
	p.relay(p.a, p.b, p.must(p.a.Tick(p.env)))
	if p.a.Fingerprint() != second {
		t.Error("key was renewed too early")
	}
	p.env.Now = p.env.Now.Add(2 * time.Hour)
	p.relay(p.a, p.b, p.must(p.a.Tick(p.env)))
	if p.a.Fingerprint() == second || p.a.Fingerprint() != p.b.Fingerprint() {
		t.Error("key was not renewed after 7 days")
	}
}

// TestRekeyTogether has both sides ask at once: the larger id wins, of two equal
// ones neither does, and then they ask anew.
func TestRekeyTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b int64
	}{{"a wins", 5, -6}, {"b wins", -6, 5}, {"neither", 7, 7}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			first := p.a.Fingerprint()
			for chat, id := range map[*Chat]int64{p.a: c.a, p.b: c.b} {
				p.wear(chat)
				chat.s.ExchangeID = id
			}
			// the requests carry other ids: make them anew under the same numbers
			ra, rb := p.again(p.a), p.again(p.b)
			res := p.must(p.a.Receive(p.env, Incoming{Data: rb}))
			p.relay(p.b, p.a, p.must(p.b.Receive(p.env, Incoming{Data: ra})))
			p.relay(p.a, p.b, res)
			for range 3 {
				p.relay(p.a, p.b, p.must(p.a.Tick(p.env)))
				p.relay(p.b, p.a, p.must(p.b.Tick(p.env)))
			}
			if p.a.Fingerprint() == first || p.a.Fingerprint() != p.b.Fingerprint() {
				t.Errorf("keys %x and %x, first %x", p.a.Fingerprint(), p.b.Fingerprint(), first)
			}
		})
	}
}

// again seals the request for a key of a side anew, after its id was changed.
func (p *pair) again(c *Chat) []byte {
	p.t.Helper()
	last := &c.s.Stored[len(c.s.Stored)-1]
	r := &run{state: c.s, env: p.env}
	data, err := r.seal(r.Key, last.Seq, last.In, &e2e.DecryptedMessageService{
		RandomID: last.RandomID,
		Action: &e2e.DecryptedMessageActionRequestKey{
			ExchangeID: c.s.ExchangeID, GA: c.s.group().public(c.s.Secret),
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	last.Data = data
	return data
}

// rekeyCase is an action that A gets after before.
type rekeyCase struct {
	name   string
	before func(*pair)
	action func(*pair) e2e.DecryptedMessageActionClass
	keeps  bool // the chat stays open
}

func rekeyRefusals() []rekeyCase {
	good := func(p *pair) []byte { return p.a.s.group().public(&exponent{255: 1, 0: 200}) }
	requested := func(p *pair) { p.wear(p.a) }
	accepted := func(p *pair) {
		p.must(p.a.Receive(p.env, Incoming{Data: p.act(p.b, &e2e.DecryptedMessageActionRequestKey{ExchangeID: 9, GA: good(p)})}))
	}
	held := func(p *pair) { p.a.s.Other, p.a.s.Forget = newChatKey([256]byte{9}), true }
	return []rekeyCase{
		{"accept of nothing", nil, func(*pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAcceptKey{}
		}, false},
		{"accept of another exchange", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAcceptKey{ExchangeID: p.a.s.ExchangeID + 1, GB: good(p)}
		}, false},
		{"accept out of range", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAcceptKey{ExchangeID: p.a.s.ExchangeID, GB: []byte{2}}
		}, false},
		{"accept with a wrong fingerprint", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAcceptKey{ExchangeID: p.a.s.ExchangeID, GB: good(p), KeyFingerprint: 1}
		}, false},
		{"reflected share", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAcceptKey{ExchangeID: p.a.s.ExchangeID, GB: p.a.s.group().public(p.a.s.Secret)}
		}, false},
		{"request twice", accepted, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionRequestKey{ExchangeID: 10, GA: good(p)}
		}, false},
		{"request while the old key is held", held, func(p *pair) e2e.DecryptedMessageActionClass {
			p.a.s.Forget = false
			return &e2e.DecryptedMessageActionRequestKey{ExchangeID: 10, GA: good(p)}
		}, false},
		{"commit of another exchange", accepted, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionCommitKey{ExchangeID: 8, KeyFingerprint: p.a.s.Other.id}
		}, false},
		{"commit with a wrong fingerprint", accepted, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionCommitKey{ExchangeID: 9, KeyFingerprint: p.a.s.Other.id + 1}
		}, false},
		{"abort after accepting", accepted, func(*pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAbortKey{ExchangeID: 9}
		}, false},
		{"abort of another exchange", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAbortKey{ExchangeID: p.a.s.ExchangeID + 1}
		}, true},
		{"abort", requested, func(p *pair) e2e.DecryptedMessageActionClass {
			return &e2e.DecryptedMessageActionAbortKey{ExchangeID: p.a.s.ExchangeID}
		}, true},
	}
}

// TestRekeyRefused has B send what no honest side sends during an exchange.
func TestRekeyRefused(t *testing.T) {
	for _, c := range rekeyRefusals() {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			if c.before != nil {
				c.before(p)
			}
			res, err := p.a.Receive(p.env, Incoming{Data: p.act(p.b, c.action(p))})
			if err != nil {
				t.Fatal(err)
			}
			if closed := p.a.Phase() == Closed; closed == c.keeps || (res.Verdict == Refused) == c.keeps {
				t.Errorf("closed %v: %v", closed, res.Reason)
			}
		})
	}
}

// insider opens a frame as a member of the chat who doesn't play by the rules.
func (p *pair) insider(e *Chat, frame []byte) e2e.DecryptedMessageActionClass {
	p.t.Helper()
	payload, err := e.s.Key.open(e.Role().peer(), frame)
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := decode(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	e.s.In++
	_, action := upgrade(m.Message)
	return action
}

// relayKey has E, who is in one chat with A and in another with B, pass the shares
// of a renewal on, so that A and B end with one key that E doesn't know.
func relayKey(ae, eb *pair) {
	ask := ae.insider(ae.b, ae.wear(ae.a).Data)
	answer := eb.must(eb.b.Receive(eb.env, Incoming{Data: eb.act(eb.a, ask)}))
	accept := eb.insider(eb.a, answer.Send[0].Data)
	answer = ae.must(ae.a.Receive(ae.env, Incoming{Data: ae.act(ae.b, accept)}))
	commit := ae.insider(ae.b, answer.Send[0].Data)
	eb.must(eb.b.Receive(eb.env, Incoming{Data: eb.act(eb.a, commit)}))
}

// TestA9 is the unknown key-share attack of Miculan and Vitacolonna: E is a member
// of a chat with A and of one with B and relays the shares of a renewal. Nothing in
// Telegram's exchange names the chat, so both sides take the key. What the test
// holds is that it wins E nothing: E loses the key and with it the power to read
// and to write; the pictures still tell the two chats apart; and A's frames fit
// into B's chat only where role and both numbers happen to be the same, where E
// before the attack could have copied the text as well.
func TestA9UnknownKeyShare(t *testing.T) {
	t.Run("other numbers", func(t *testing.T) {
		ae, eb := newPair(t), newPair(t)
		eb.env.Rand = newRand(99)
		ae.relay(ae.a, ae.b, ae.must(ae.a.Send(ae.env, text(1, "to E alone"))))
		relayKey(ae, eb)
		if ae.a.Fingerprint() != eb.b.Fingerprint() || ae.a.Fingerprint() == ae.b.Fingerprint() {
			t.Fatal("the attack was not mounted")
		}
		res := ae.must(ae.a.Send(ae.env, text(2, "to E")))
		if _, err := ae.b.s.Key.open(Originator, res.Send[0].Data); err == nil {
			t.Error("E reads under a key it has")
		}
		got, err := eb.b.Receive(eb.env, Incoming{Data: res.Send[0].Data})
		if err != nil || got.Verdict == Taken || len(got.Events) != 0 {
			t.Errorf("B took A's frame: %+v, %v", got, err)
		}
	})
	t.Run("other role", func(t *testing.T) {
		ae, eb := newPair(t), newPair(t)
		eb.a, eb.b = eb.b, eb.a // B asked for the chat
		relayKey(ae, eb)
		res := ae.must(ae.a.Send(ae.env, text(2, "to E")))
		got, err := eb.b.Receive(eb.env, Incoming{Data: res.Send[0].Data})
		if err != nil || got.Verdict != Refused || len(got.Events) != 0 {
			t.Errorf("B took A's frame: %+v, %v", got, err)
		}
	})
	t.Run("pictures", func(t *testing.T) {
		ae, eb := newPair(t), newPair(t)
		other := newOtherPair(t)
		if ae.a.Picture() != eb.a.Picture() {
			t.Fatal("pairs of one seed differ")
		}
		relayKey(ae, other)
		if ae.a.Fingerprint() != other.b.Fingerprint() || ae.a.Picture() == other.b.Picture() {
			t.Error("A and B share a key and a picture without sharing a chat")
		}
	})
}

// TestA9OldKey has E write under the key that the attack cost it.
func TestA9OldKey(t *testing.T) {
	ae, eb := newPair(t), newPair(t)
	forged := eb.a.s.Key
	relayKey(ae, eb)
	eb.b.s.Other, eb.b.s.Forget = nil, false // as after the first frame under the new key
	payload, err := encode(&e2e.DecryptedMessageLayer{
		RandomBytes: make([]byte, 15), Layer: Layer, InSeqNo: 2*int(eb.b.s.Out) + 0, OutSeqNo: 2*int(eb.b.s.In) + 1,
		Message: &e2e.DecryptedMessage{RandomID: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := forged.seal(Originator, payload, eb.env.Rand)
	if err != nil {
		t.Fatal(err)
	}
	if got := eb.must(eb.b.Receive(eb.env, Incoming{Data: frame})); got.Verdict != Dropped {
		t.Errorf("frame under the key before: %+v", got)
	}
}

// newOtherPair is a pair with other keys than those of newPair.
func newOtherPair(t *testing.T) *pair {
	t.Helper()
	g, env := knownGroup(t), Env{noon, newRand(77)}
	a, err := Request(env, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Accept(env, g, nil, a.Share())
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, env: env, a: a, b: b}
	share := b.Share()
	p.must(b.Confirm(env, nil, b.Fingerprint()))
	p.must(a.Confirm(env, share, b.Fingerprint()))
	p.flush()
	return p
}

// TestA15ServerInTheMiddle lets the server answer both sides itself: the chats
// open, and the pictures differ.
func TestA15ServerInTheMiddle(t *testing.T) {
	g, env := knownGroup(t), Env{noon, newRand(8)}
	a, err := Request(env, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	toA, err := Accept(env, g, nil, a.Share())
	if err != nil {
		t.Fatal(err)
	}
	toB, err := Request(env, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Accept(env, g, nil, toB.Share())
	if err != nil {
		t.Fatal(err)
	}
	honest := b.Fingerprint()
	if res, err := reload(t, a).Confirm(env, toA.Share(), honest); err != nil || res.Verdict != Refused {
		t.Errorf("fingerprint of B with the share of another: %+v, %v", res, err)
	}
	if res, err := a.Confirm(env, toA.Share(), toA.Fingerprint()); err != nil || res.Verdict != Taken {
		t.Fatalf("%+v, %v", res, err)
	}
	if a.Picture() == b.Picture() || a.Picture().Text() == b.Picture().Text() {
		t.Error("pictures are the same")
	}
	same := 0
	for i, c := range a.Picture().Image().Pix {
		if b.Picture().Image().Pix[i] == c {
			same++
		}
	}
	if same > 72 {
		t.Errorf("%d of 144 squares are the same", same)
	}
}

// TestRewrittenAfterSwitch has the peer do as TDLib does: delete a message under
// the new key, while an older one under the old key is still on its way behind it.
func TestRewrittenAfterSwitch(t *testing.T) {
	p := newPair(t)
	ask := p.wear(p.b)
	accept := p.must(p.a.Receive(p.env, Incoming{Data: ask.Data})).Send[0]
	p.must(p.a.Send(p.env, text(1, "deleted")))
	behind := p.must(p.a.Send(p.env, text(2, "behind"))).Send[0]
	commit := p.must(p.b.Receive(p.env, Incoming{Data: accept.Data})).Send[0]
	p.must(p.a.Receive(p.env, Incoming{Data: commit.Data}))

	f := &p.a.s.Stored[p.a.s.find(1)]
	old := f.Data[:8]
	rewritten, err := (&run{state: p.a.s, env: p.env}).seal(p.a.s.Key, f.Seq, f.In, &e2e.DecryptedMessageService{
		RandomID: 1, Action: &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.must(p.a.Act(p.env, &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{1}}))
	if got := p.a.s.Stored[p.a.s.find(1)]; !bytes.Equal(got.Data[:8], old) || got.Rewritable {
		t.Error("we rewrite under another key")
	}
	for _, data := range [][]byte{rewritten, behind.Data} {
		if res := p.must(p.b.Receive(p.env, Incoming{Data: data})); res.Verdict != Taken || len(res.Events) != 1 {
			t.Errorf("%+v", res)
		}
	}
	if p.b.s.Other == nil {
		t.Error("old key went too early")
	}
	p.send(p.a, p.b, text(3, "new"))
	if p.b.s.Other != nil {
		t.Error("old key stays")
	}
}

// randomCalls prepare A and return a call of it that needs randomness.
var randomCalls = map[string]func(*pair) func(Env) (Result, error){
	"delete": func(p *pair) func(Env) (Result, error) {
		p.must(p.a.Send(p.env, text(1, "x")))
		return func(env Env) (Result, error) {
			return p.a.Act(env, &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{1}})
		}
	},
	"flush": func(p *pair) func(Env) (Result, error) {
		p.must(p.a.Send(p.env, text(1, "x")))
		return func(env Env) (Result, error) { return p.a.Act(env, &e2e.DecryptedMessageActionFlushHistory{}) }
	},
	"request": func(p *pair) func(Env) (Result, error) {
		p.a.s.Used = keyFrames + 1
		return p.a.Tick
	},
	"notify": func(p *pair) func(Env) (Result, error) {
		p.a.s.Told = 101
		return p.a.Tick
	},
	"accept": func(p *pair) func(Env) (Result, error) {
		ask := p.wear(p.b)
		return func(env Env) (Result, error) { return p.a.Receive(env, Incoming{Data: ask.Data}) }
	},
	"commit": func(p *pair) func(Env) (Result, error) {
		res := p.must(p.b.Receive(p.env, Incoming{Data: p.wear(p.a).Data}))
		return func(env Env) (Result, error) { return p.a.Receive(env, Incoming{Data: res.Send[0].Data}) }
	},
	"gap": func(p *pair) func(Env) (Result, error) {
		p.must(p.b.Send(p.env, text(1, "lost")))
		res := p.must(p.b.Send(p.env, text(2, "x")))
		return func(env Env) (Result, error) { return p.a.Receive(env, Incoming{Data: res.Send[0].Data}) }
	},
	"gap before a request": func(p *pair) func(Env) (Result, error) {
		lost := p.must(p.b.Send(p.env, text(1, "lost"))).Send[0]
		p.must(p.a.Receive(p.env, Incoming{Data: p.wear(p.b).Data}))
		return func(env Env) (Result, error) { return p.a.Receive(env, Incoming{Data: lost.Data}) }
	},
}

// TestFailingRandomness lets randomness run out at every byte of calls that need
// it: they fail and leave the chat as it was.
func TestFailingRandomness(t *testing.T) {
	for name, call := range randomCalls {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			run := call(p)
			before, err := p.a.State()
			if err != nil {
				t.Fatal(err)
			}
			for n := int64(0); ; n += 5 {
				if _, err := run(Env{noon, io.LimitReader(newRand(5), n)}); err == nil {
					if n == 0 {
						t.Error("needs no randomness")
					}
					return
				}
				if after, err := p.a.State(); err != nil || !bytes.Equal(before, after) {
					t.Fatalf("%d bytes of randomness change the chat, %v", n, err)
				}
			}
		})
	}
}

// TestFullQueue sends far more behind a gap than is kept: what is asked for fits
// in, and in the end nothing is missing.
func TestFullQueue(t *testing.T) {
	p := newFastPair(t)
	p.a.s.Keyed, p.b.s.Keyed = noon.Add(keyAge), noon.Add(keyAge)
	const n = maxQueue + 5
	var all [][]byte
	for i := range int64(n) {
		p.a.s.Used, p.b.s.Used = 0, 0
		all = append(all, p.must(p.a.Send(p.env, text(i+1, ""))).Send[0].Data)
		p.a.s.Stored = p.a.s.Stored[:1] // the test keeps them
	}
	verdicts := map[Verdict]int{}
	for _, data := range all[1:] {
		verdicts[p.must(p.b.Receive(p.env, Incoming{Data: data})).Verdict]++
	}
	if verdicts[Queued] != maxQueue || verdicts[Dropped] != n-1-maxQueue {
		t.Errorf("verdicts %v", verdicts)
	}
	if res := p.must(p.b.Receive(p.env, Incoming{Data: all[0]})); len(res.Events) != maxQueue+1 {
		t.Errorf("%d events", len(res.Events))
	}
	for _, data := range all[maxQueue+1:] {
		p.must(p.b.Receive(p.env, Incoming{Data: data}))
	}
	if p.b.s.In != n {
		t.Errorf("%d of %d received", p.b.s.In, n)
	}
}
