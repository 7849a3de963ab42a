package secret

import (
	"slices"
	"testing"
	"time"

	"github.com/gotd/td/tg/e2e"
)

func timed(id int64, ttl int, media e2e.DecryptedMessageMediaClass) Outgoing {
	return Outgoing{Message: &e2e.DecryptedMessage{RandomID: id, TTL: ttl, Media: media}}
}

// lifetimes checks which messages of a side expire, and after how long.
func (p *pair) lifetimes(c *Chat, want map[int64]time.Duration) {
	p.t.Helper()
	got := map[int64]time.Duration{}
	for _, t := range c.s.Timers {
		if !t.Due.IsZero() {
			got[t.ID] = t.Due.Sub(p.env.Now)
		}
	}
	for id := range want {
		if d, ok := got[id]; !ok || d != want[id] {
			p.t.Errorf("message %d expires in %v, want %v", id, d, want[id])
		}
	}
	if len(got) != len(want) {
		p.t.Errorf("%d timers run, want %d", len(got), len(want))
	}
}

func (p *pair) send(c, to *Chat, o Outgoing) {
	p.t.Helper()
	p.relay(c, to, p.must(c.Send(p.env, o)))
}

// TestTimerStarts holds each kind of message to its rule: text from when it is
// seen, pictures and recordings from when they are opened.
func TestTimerStarts(t *testing.T) {
	p := newPair(t)
	video := &e2e.DecryptedMessageMediaVideo{Duration: 20}
	round := &e2e.DecryptedMessageMediaDocument{Attributes: []e2e.DocumentAttributeClass{
		&e2e.DocumentAttributeFilename{}, &e2e.DocumentAttributeVideo{Duration: 3},
	}}
	paper := &e2e.DecryptedMessageMediaDocument{Attributes: []e2e.DocumentAttributeClass{&e2e.DocumentAttributeFilename{}}}
	p.send(p.a, p.b, timed(1, 10, nil))
	p.send(p.a, p.b, timed(2, 10, &e2e.DecryptedMessageMediaPhoto{}))
	p.send(p.a, p.b, timed(3, 10, video))
	p.send(p.a, p.b, timed(4, 10, round))
	p.send(p.a, p.b, timed(5, 10, paper))
	p.send(p.a, p.b, timed(6, 3600, &e2e.DecryptedMessageMediaPhoto{}))
	p.send(p.a, p.b, timed(7, onceTTL, &e2e.DecryptedMessageMediaPhoto{}))
	p.send(p.a, p.b, timed(8, 0, nil))
	p.send(p.a, p.b, timed(9, 5, nil))
	seen := p.b.s.Timers[len(p.b.s.Timers)-2].Date // all but the last
	p.lifetimes(p.b, nil)
	p.must(p.b.View(p.env, seen))
	p.lifetimes(p.b, map[int64]time.Duration{1: 10 * time.Second, 5: 10 * time.Second, 6: time.Hour})
	p.lifetimes(p.a, nil)
	p.env.Now = p.env.Now.Add(8 * time.Second)
	p.must(p.a.PeerRead(p.env, seen, p.env.Now.Add(-3*time.Second)))
	p.lifetimes(p.a, map[int64]time.Duration{1: 7 * time.Second, 5: 7 * time.Second, 6: time.Hour - 3*time.Second})
	for _, id := range []int64{2, 3, 4, 7} {
		p.relay(p.b, p.a, p.must(p.b.Open(p.env, id)))
		if res := p.must(p.b.Open(p.env, id)); len(res.Send) != 0 {
			t.Error("opened twice, told twice")
		}
	}
	p.must(p.a.PeerRead(p.env, 1000, p.env.Now.Add(time.Hour)))
	opened := map[int64]time.Duration{2: 10 * time.Second, 3: 21 * time.Second, 4: 10 * time.Second, 7: 0, 9: 5 * time.Second}
	opened[1], opened[5], opened[6] = 7*time.Second, 7*time.Second, time.Hour-3*time.Second
	p.lifetimes(p.a, opened)
	p.env.Now = p.env.Now.Add(10 * time.Second)
	if due := p.a.Expire(p.env.Now); !slices.Equal(due, []int64{1, 2, 4, 5, 7, 9}) {
		t.Errorf("due: %v", due)
	}
	if at, ok := p.a.Deadline(); !ok || at.Sub(p.env.Now) != 11*time.Second {
		t.Errorf("next at %v, %v", at, ok)
	}
	if due := p.a.Expire(p.env.Now); due != nil {
		t.Errorf("due twice: %v", due)
	}
}

// TestTimerClock sets the clock back and forth, with restarts and after the end of
// the chat: nothing lives longer.
func TestTimerClock(t *testing.T) {
	p := newPair(t)
	p.send(p.a, p.b, timed(1, 100, nil))
	p.must(p.b.View(p.env, 1000))
	p.env.Now = p.env.Now.Add(40 * time.Second)
	if due := p.b.Expire(p.env.Now); due != nil {
		t.Errorf("due too early: %v", due)
	}
	p.env.Now = p.env.Now.Add(-time.Hour)
	p.b = reload(t, p.b)
	p.must(p.b.Tick(p.env))
	p.lifetimes(p.b, map[int64]time.Duration{1: time.Minute})
	if _, err := p.b.Close(p.env); err != nil {
		t.Fatal(err)
	}
	if _, err := p.b.Open(p.env, 1); err != nil {
		t.Error(err)
	}
	p.b = reload(t, p.b)
	if due := p.b.Expire(p.env.Now.Add(time.Hour)); !slices.Equal(due, []int64{1}) {
		t.Errorf("due %v", due)
	}
	if _, ok := p.b.Deadline(); ok {
		t.Error("a timer runs on")
	}
}

func TestShared(t *testing.T) {
	p := newPair(t)
	p.relay(p.a, p.b, p.must(p.a.Act(p.env, &e2e.DecryptedMessageActionSetMessageTTL{TTLSeconds: 30})))
	if p.a.TTL() != 30 || p.b.TTL() != 30 {
		t.Errorf("TTL %d and %d", p.a.TTL(), p.b.TTL())
	}
	p.relay(p.b, p.a, p.must(p.b.Act(p.env, &e2e.DecryptedMessageActionSetMessageTTL{TTLSeconds: -1})))
	if p.a.TTL() != 0 || p.b.TTL() != 0 {
		t.Errorf("TTL %d and %d", p.a.TTL(), p.b.TTL())
	}
	p.relay(p.b, p.a, p.must(p.b.Act(p.env, &e2e.DecryptedMessageActionScreenshotMessages{RandomIDs: []int64{0}})))
	if _, ok := p.seen[len(p.seen)-1].Action.(*e2e.DecryptedMessageActionScreenshotMessages); !ok {
		t.Error("no screenshot notice")
	}
	p.send(p.a, p.b, timed(1, 10, nil))
	p.send(p.a, p.b, timed(2, 10, nil))
	p.relay(p.b, p.a, p.must(p.b.Act(p.env, &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{1}})))
	if len(p.a.s.Timers) != 1 || len(p.b.s.Timers) != 1 {
		t.Error("timers of a deleted message stay")
	}
}

// TestFlush flushes before the peer has acknowledged anything: of what was written
// only the deletions arrive.
func TestFlush(t *testing.T) {
	p := newPair(t)
	p.flush()
	p.must(p.a.Send(p.env, timed(1, 10, nil)))
	p.must(p.a.Send(p.env, text(2, "second")))
	p.must(p.a.Act(p.env, &e2e.DecryptedMessageActionFlushHistory{}))
	if len(p.a.s.Timers) != 0 {
		t.Error("timers stay")
	}
	for _, f := range p.a.Pending() {
		if !f.Service || f.File != nil {
			t.Errorf("frame %+v is not a deletion", f)
		}
	}
	before := len(p.seen)
	p.relay(p.a, p.b, Result{Send: p.a.Pending()})
	if len(p.seen) != before+3 {
		t.Errorf("%d events, want 3", len(p.seen)-before)
	}
	for _, e := range p.seen[before:] {
		if e.Message != nil {
			t.Error("a message was delivered after the flush")
		}
	}
}

// TestOpened knows every kind of media that is opened, of any layer.
func TestOpened(t *testing.T) {
	document := func(a e2e.DocumentAttributeClass) e2e.DecryptedMessageMediaClass {
		return &e2e.DecryptedMessageMediaDocument{Attributes: []e2e.DocumentAttributeClass{a}}
	}
	for _, m := range []e2e.DecryptedMessageMediaClass{
		&e2e.DecryptedMessageMediaVideo8{Duration: 7}, &e2e.DecryptedMessageMediaVideo23{Duration: 7},
		&e2e.DecryptedMessageMediaVideo{Duration: 7}, &e2e.DecryptedMessageMediaAudio8{Duration: 7},
		&e2e.DecryptedMessageMediaAudio{Duration: 7},
		&e2e.DecryptedMessageMediaDocument46{Attributes: []e2e.DocumentAttributeClass{&e2e.DocumentAttributeVideo{Duration: 7}}},
		document(&e2e.DocumentAttributeVideo23{Duration: 7}), document(&e2e.DocumentAttributeAudio23{Duration: 7}),
		document(&e2e.DocumentAttributeAudio45{Duration: 7}), document(&e2e.DocumentAttributeAudio{Duration: 7}),
	} {
		if d, ok := opened(m); d != 7 || !ok {
			t.Errorf("%s: %d, %v", m.TypeName(), d, ok)
		}
	}
	for _, m := range []e2e.DecryptedMessageMediaClass{
		&e2e.DecryptedMessageMediaPhoto8{}, &e2e.DecryptedMessageMediaPhoto{}, document(&e2e.DocumentAttributeAnimated{}),
	} {
		if d, ok := opened(m); d != 0 || !ok {
			t.Errorf("%s: %d, %v", m.TypeName(), d, ok)
		}
	}
	for _, m := range []e2e.DecryptedMessageMediaClass{nil, &e2e.DecryptedMessageMediaEmpty{}, document(&e2e.DocumentAttributeSticker{})} {
		if _, ok := opened(m); ok {
			t.Errorf("%v is opened", m)
		}
	}
}
