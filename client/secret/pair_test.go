package secret

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/gotd/td/tg/e2e"
)

// pair is a chat of two sides with a server between them that delivers at once.
type pair struct {
	t    testing.TB
	env  Env
	a, b *Chat
	seen []Event // of both sides, in the order of arrival
}

// newPair sets up a chat through the whole exchange.
func newPair(t testing.TB) *pair {
	t.Helper()
	p := &pair{t: t, env: Env{noon, newRand(3)}}
	g := knownGroup(t)
	var err error
	if p.a, err = Request(p.env, g, make([]byte, 256)); err != nil {
		t.Fatal(err)
	}
	if p.b, err = Accept(p.env, g, nil, p.a.Share()); err != nil {
		t.Fatal(err)
	}
	share := p.b.Share()
	p.relay(p.b, p.a, p.must(p.b.Confirm(p.env, nil, p.b.Fingerprint())))
	p.relay(p.a, p.b, p.must(p.a.Confirm(p.env, share, p.b.Fingerprint())))
	p.flush()
	return p
}

func (p *pair) must(res Result, err error) Result {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	if res.Closed || res.Verdict == Refused {
		p.t.Fatalf("closed: %v", res.Reason)
	}
	return res
}

// relay delivers what a call brought, and what that brings in turn. What comes
// before the receiver has a key waits in Pending.
func (p *pair) relay(from, to *Chat, res Result) {
	p.t.Helper()
	p.seen = append(p.seen, res.Events...)
	for _, f := range append(res.Resent, res.Send...) {
		if to.Phase() == Requested {
			return
		}
		p.relay(to, from, p.must(to.Receive(p.env, Incoming{Data: f.Data, Date: int32(f.Seq), File: f.File})))
		from.Sent(f.RandomID, int32(f.Seq), nil)
	}
}

// flush delivers all that is pending.
func (p *pair) flush() {
	p.t.Helper()
	p.relay(p.b, p.a, Result{Send: p.b.Pending()})
	p.relay(p.a, p.b, Result{Send: p.a.Pending()})
}

func text(id int64, s string) Outgoing {
	return Outgoing{Message: &e2e.DecryptedMessage{RandomID: id, Message: s}}
}

func TestSetup(t *testing.T) {
	g := knownGroup(t)
	env := Env{noon, newRand(4)}
	failing := Env{noon, iotest.ErrReader(errors.New("no randomness"))}
	if _, err := Request(failing, g, nil); err == nil {
		t.Error("requested without randomness")
	}
	if _, err := Accept(env, g, nil, []byte{1}); !errors.Is(err, errRange) {
		t.Errorf("accepted g_a of 1: %v", err)
	}
	a, err := Request(env, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Accept(env, g, nil, a.Share())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Send(env, text(1, "early")); !errors.Is(err, errNotReady) {
		t.Errorf("sent before the chat was open: %v", err)
	}
	if res, err := a.Receive(env, Incoming{Data: make([]byte, 64)}); err != nil || res.Verdict != Dropped {
		t.Errorf("frame before there is a key: %v, %v", res.Verdict, err)
	}
	for _, bad := range []struct {
		share       []byte
		fingerprint int64
	}{{[]byte{1}, b.Fingerprint()}, {b.Share(), b.Fingerprint() + 1}} {
		c := reload(t, a)
		res, err := c.Confirm(env, bad.share, bad.fingerprint)
		if err != nil || res.Verdict != Refused || !res.Closed || c.Phase() != Closed {
			t.Errorf("confirmed a bad share or fingerprint: %+v, %v", res, err)
		}
	}
	res, err := a.Confirm(env, b.Share(), b.Fingerprint())
	if err != nil || len(res.Send) != 1 || a.Phase() != Ready || a.Share() != nil {
		t.Fatalf("%+v, %v", res, err)
	}
	if a.Picture() != b.Picture() || a.Fingerprint() != b.Fingerprint() || a.Picture() == (Picture{}) {
		t.Error("pictures or fingerprints differ")
	}
	if res, err := a.Confirm(env, b.Share(), b.Fingerprint()); err != nil || res.Verdict != Dropped {
		t.Errorf("second confirmation: %v, %v", res.Verdict, err)
	}
	got, err := b.Receive(env, Incoming{Data: res.Send[0].Data})
	if err != nil || len(got.Events) != 1 || b.Phase() != Ready || b.Layer() != Layer {
		t.Errorf("a frame that overtakes the server's answer: %+v, %v", got, err)
	}
}

func TestClose(t *testing.T) {
	p := newPair(t)
	res, err := p.a.Close(p.env)
	if err != nil || !res.Closed || p.a.Phase() != Closed || p.a.Fingerprint() != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	if res, err := p.a.Close(p.env); err != nil || res.Closed || res.Verdict != Dropped {
		t.Errorf("closed twice: %+v, %v", res, err)
	}
	if _, err := p.a.Send(p.env, text(1, "late")); !errors.Is(err, errNotReady) {
		t.Errorf("sent after the end: %v", err)
	}
	if p.a = reload(t, p.a); p.a.Picture() != p.b.Picture() || p.a.Role() != Originator {
		t.Error("picture or role is gone")
	}
}

func TestSend(t *testing.T) {
	p := newPair(t)
	if _, err := p.a.Send(p.env, text(0, "x")); !errors.Is(err, errRandomID) {
		t.Errorf("random_id 0: %v", err)
	}
	if _, err := p.a.Send(p.env, text(1, string(make([]byte, maxPayload)))); !errors.Is(err, errTooLarge) {
		t.Errorf("message of 1 MiB: %v", err)
	}
	if _, err := p.a.Act(p.env, &e2e.DecryptedMessageActionResend{}); !errors.Is(err, errAction) {
		t.Errorf("action of the machine: %v", err)
	}
	before, _ := p.a.State()
	if _, err := p.a.Send(Env{noon, io.LimitReader(newRand(5), 40)}, text(1, "x")); err == nil {
		t.Error("sent without randomness")
	}
	if after, _ := p.a.State(); !bytes.Equal(before, after) {
		t.Error("a call that failed changed the chat")
	}
	o := text(2, "hello")
	o.File = []byte("upload")
	res := p.must(p.a.Send(p.env, o))
	again := p.must(p.a.Send(p.env, text(2, "hello")))
	if len(again.Send) != 1 || !bytes.Equal(again.Send[0].Data, res.Send[0].Data) {
		t.Error("a repeated random_id makes another frame")
	}
	p.a.Sent(2, 77, []byte("location"))
	if f := p.a.s.Stored[len(p.a.s.Stored)-1]; len(p.a.Pending()) != 0 || string(f.File) != "location" {
		t.Errorf("%d pending, stored file %q", len(p.a.Pending()), f.File)
	}
	p.relay(p.a, p.b, res)
	if e := p.seen[len(p.seen)-1]; e.Message == nil || e.Message.Message != "hello" || string(e.File) != "upload" {
		t.Errorf("received %+v", e)
	}
}

// reload returns the chat as it is after a restart.
func reload(t testing.TB, c *Chat) *Chat {
	t.Helper()
	b, err := c.State()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
