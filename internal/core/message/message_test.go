package message_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const ann, bob, cid = 11, 22, 33

// world is three people and a clock that stands still.
type world struct {
	*message.Service
	t      *testing.T
	mu     sync.Mutex
	now    time.Time
	random int64
	events []event.Event
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		w := &world{t: t, now: time.Unix(1_800_000_000, 0)}
		w.Service = &message.Service{DB: open(), Bus: bus.New(w.note), NoLimits: true, Now: func() time.Time { return w.now }}
		w.write(func(tx *store.Tx) error {
			for _, id := range []int64{ann, bob, cid} {
				if err := tx.CreateAccount(store.Account{ID: id, Phone: fmt.Sprint(id), Created: 1, Seen: 1}); err != nil {
					return err
				}
			}
			return nil
		})
		test(t, w)
	})
}

func (w *world) note(events []event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, events...)
}

// told returns what was announced since the last call.
func (w *world) told() []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.events
	w.events = nil
	return list
}

func (w *world) write(fn func(tx *store.Tx) error) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), []int64{ann, bob, cid}, fn))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(err error, want *fault.Error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("%v, want %v", err, want)
	}
}

// draft is a message with a new random number.
func (w *world) draft(from, to int64, text string) message.Draft {
	w.random++
	return message.Draft{From: from, To: peer.User(to), Random: w.random, Text: text, Session: from * 10}
}

func (w *world) send(from, to int64, text string) message.Message {
	w.t.Helper()
	m, err := w.Send(w.t.Context(), w.draft(from, to, text))
	w.must(err)
	return m
}

// copyOf is an account's message.
func (w *world) copyOf(account int64, id int) message.Message {
	w.t.Helper()
	found, err := w.Get(w.t.Context(), account, []int{id})
	w.must(err)
	if len(found) != 1 {
		w.t.Fatalf("%d has no message %d", account, id)
	}
	return found[0]
}

func (w *world) texts(account, with int64) (out []string) {
	w.t.Helper()
	s, err := w.History(w.t.Context(), account, peer.User(with), message.Window{Limit: 100})
	w.must(err)
	for _, m := range s.Messages {
		out = append(out, m.Text)
	}
	return out
}

func (w *world) dialog(account, with int64) message.Dialog {
	w.t.Helper()
	ds, _, err := w.DialogsWith(w.t.Context(), account, []peer.ID{peer.User(with)})
	w.must(err)
	return ds[0]
}

func (w *world) pts(account int64) int {
	w.t.Helper()
	_, pts, err := w.DialogsWith(w.t.Context(), account, nil)
	w.must(err)
	return pts
}

func (w *world) block(account, who int64) {
	w.t.Helper()
	w.write(func(tx *store.Tx) error {
		_, err := tx.Block(account, who, 1)
		return err
	})
}

func TestSendRefusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		refused := func(want *fault.Error, change func(*message.Draft)) {
			t.Helper()
			d := w.draft(ann, bob, "text")
			change(&d)
			_, err := w.Send(ctx, d)
			w.want(err, want)
		}
		refused(fault.MessageEmpty, func(d *message.Draft) { d.Text = "" })
		refused(fault.MessageEmpty, func(d *message.Draft) { d.Text = " \n\t\u00a0\x00" })
		refused(fault.MessageEmpty, func(d *message.Draft) { d.Text = "\xff" })
		refused(fault.MessageTooLong, func(d *message.Draft) { d.Text = strings.Repeat("😀", 4097) })
		refused(fault.RandomIDEmpty, func(d *message.Draft) { d.Random = 0 })
		refused(fault.PeerIDInvalid, func(d *message.Draft) { d.To = peer.User(404) })
		refused(fault.PeerIDInvalid, func(d *message.Draft) { d.To = peer.Group(bob) })
		for _, e := range []message.Entity{
			{Kind: "bold", Offset: -1, Length: 1}, {Kind: "bold", Offset: 0, Length: 5}, {Kind: "bold", Offset: 5, Length: 0},
			{Kind: "bold", Offset: 1, Length: -1}, {Kind: "bold", Offset: 1 << 62, Length: 1 << 62},
		} {
			refused(fault.EntityBoundsInvalid, func(d *message.Draft) { d.Entities = []message.Entity{e} })
		}
		for _, e := range []message.Entity{{Kind: "bold", Offset: 1, Length: 1}, {Kind: "bold", Offset: 0, Length: 1}} {
			refused(fault.EntityBoundsInvalid, func(d *message.Draft) { d.Text, d.Entities = "😀", []message.Entity{e} })
		}
		refused(fault.EntitiesTooLong, func(d *message.Draft) {
			d.Entities = []message.Entity{{Kind: "link", Length: 4, URL: "https://" + strings.Repeat("x", 1<<14)}}
		})
		w.block(ann, bob)
		refused(fault.YouBlockedUser, func(*message.Draft) {})
		w.write(func(tx *store.Tx) error { return tx.EraseAccount(cid, 5) })
		refused(fault.InputUserDeactivated, func(d *message.Draft) { d.To = peer.User(cid) })
		if told := w.told(); len(told) != 0 || w.pts(ann) != 1 || w.pts(bob) != 1 {
			t.Errorf("a refusal told %+v, pts %d and %d", told, w.pts(ann), w.pts(bob))
		}
	})
}

func TestSend(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.draft(ann, bob, "  see\x00😀 example.com \n")
		d.Silent = true
		d.Entities = []message.Entity{
			{Kind: "italic", Offset: 6, Length: 2}, {Kind: "url", Offset: 2, Length: 3}, {Kind: "bold", Offset: 0, Length: 20},
			{Kind: "bold", Offset: 0, Length: 20}, {Kind: "spoiler", Offset: 0, Length: 2},
		}
		m, err := w.Send(t.Context(), d)
		w.must(err)
		if m.Text != "see 😀 example.com" || !m.Out || !m.Silent || m.ID != 2 || m.Twin != 2 || m.Sender != ann {
			t.Errorf("%+v", m)
		}
		want := []message.Entity{
			{Kind: "bold", Offset: 0, Length: 18}, {Kind: "italic", Offset: 4, Length: 2}, {Kind: "url", Offset: 7, Length: 11},
		}
		if fmt.Sprint(m.Entities) != fmt.Sprint(want) {
			t.Errorf("entities %+v", m.Entities)
		}
		theirs := w.copyOf(bob, 2)
		if theirs.Text != m.Text || theirs.Out || theirs.Peer != ann || theirs.Twin != m.ID || theirs.Random != 0 || !theirs.Silent {
			t.Errorf("%+v", theirs)
		}
		told := w.told()
		if len(told) != 2 || told[0].Account != ann || told[0].Origin != ann*10 || told[1].Account != bob || told[1].Origin != 0 ||
			told[1].Pts != 2 || told[1].Count != 1 {
			t.Errorf("told %+v", told)
		}
		if a, b := w.dialog(ann, bob), w.dialog(bob, ann); a.Unread != 0 || b.Unread != 1 || a.Top != 2 || b.Top != 2 {
			t.Errorf("dialogs %+v %+v", a, b)
		}
		long := strings.Repeat("😀", 4096)
		if m := w.send(bob, ann, long); m.Text != long {
			t.Error("4096 characters were not kept")
		}
	})
}

// TestSendTwice holds a random_id to one message, however often and however at once it is sent.
func TestSendTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.draft(ann, bob, "once")
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if m, err := w.Send(t.Context(), d); err != nil || m.ID != 2 || m.Text != "once" {
					t.Errorf("%+v, %v", m, err)
				}
			})
		}
		group.Wait()
		if told := w.told(); len(told) != 2 {
			t.Errorf("told %+v", told)
		}
		if got := w.texts(bob, ann); len(got) != 1 {
			t.Errorf("bob has %q", got)
		}
		d.From, d.To = bob, ann // a number is a sender's own
		if m, err := w.Send(t.Context(), d); err != nil || m.ID != 3 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestSendToWhoBlocked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.send(ann, bob, "before")
		w.block(bob, ann)
		w.told()
		m := w.send(ann, bob, "into the void")
		if !m.Out || m.Twin != 0 {
			t.Errorf("%+v", m)
		}
		_, _, err := w.Edit(t.Context(), ann, peer.User(bob), before.ID, "sneaked in", nil, 0)
		w.must(err)
		w.must(w.Type(t.Context(), ann, peer.User(bob), "typing"))
		for _, e := range w.told() {
			if e.Account == bob {
				t.Errorf("bob was told %+v", e)
			}
		}
		if got := fmt.Sprint(w.texts(bob, ann)); got != "[before]" {
			t.Errorf("bob has %s", got)
		}
		if got := fmt.Sprint(w.texts(ann, bob)); got != "[into the void sneaked in]" {
			t.Errorf("ann has %s", got)
		}
		a, err := w.Read(t.Context(), bob, peer.User(ann), 0, 0)
		w.must(err)
		if a.Count != 1 || w.dialog(ann, bob).ReadOut != before.ID {
			t.Errorf("read %+v, %+v", a, w.dialog(ann, bob))
		}
	})
}

func TestSavedMessages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for i := range 3 {
			if m := w.send(ann, ann, fmt.Sprint("note ", i)); m.Out || m.Twin != 0 || m.ID != i+2 {
				t.Errorf("%+v", m)
			}
		}
		if told := w.told(); len(told) != 3 {
			t.Errorf("told %+v", told)
		}
		_, err := w.Read(ctx, ann, peer.User(ann), 2, 0)
		w.must(err)
		a, err := w.Delete(ctx, ann, []int{3}, true, 0)
		w.must(err)
		if d := w.dialog(ann, ann); d.Unread != 0 || d.Top != 4 || a.Count != 1 {
			t.Errorf("%+v, %+v", d, a)
		}
		w.now = w.now.Add(365 * 24 * time.Hour)
		_, _, err = w.Edit(ctx, ann, peer.User(ann), 2, "later", nil, 0)
		w.must(err)
		w.must(w.Type(ctx, ann, peer.User(ann), "typing"))
	})
}

func TestTell(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.Tell(t.Context(), 404, "x", nil); !errors.Is(err, store.ErrNoRows) {
			t.Errorf("told nobody: %v", err)
		}
		w.must(w.Tell(t.Context(), ann, "code", nil))
		if d := w.dialog(ann, peer.System); d.Unread != 1 || d.Newest.Text != "code" || d.Newest.Out {
			t.Errorf("%+v", d)
		}
		_, err := w.Read(t.Context(), ann, peer.User(peer.System), 0, 0)
		w.must(err)
		w.send(ann, peer.System, "thanks")
		_, _, err = w.Edit(t.Context(), ann, peer.User(peer.System), 2, "hacked", nil, 0)
		w.want(err, fault.MessageAuthorRequired)
	})
}

func TestReply(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.send(bob, cid, "shifts bob's numbers")
		first := w.send(ann, bob, "the first message of all")
		reply := func(from, to int64, r message.Reply) (message.Message, error) {
			d := w.draft(from, to, "answer")
			d.Reply = &r
			return w.Send(ctx, d)
		}
		for _, quote := range []string{"not there", strings.Repeat("x", 1025), "\xff"} {
			_, err := reply(bob, ann, message.Reply{ID: first.Twin, Quote: quote})
			w.want(err, fault.QuoteTextInvalid)
		}
		_, err := reply(bob, ann, message.Reply{ID: first.Twin, Quote: "first", QuoteOffset: -1})
		w.want(err, fault.QuoteTextInvalid)
		m, err := reply(bob, ann, message.Reply{
			ID: first.Twin, Quote: "first message", QuoteOffset: 4, Entities: []message.Entity{{Kind: "bold", Length: 5}},
		})
		w.must(err)
		if m.Reply == nil || m.Reply.ID != first.Twin || m.Reply.Quote != "first message" {
			t.Errorf("%+v", m.Reply)
		}
		if r := w.copyOf(ann, m.Twin).Reply; r == nil || r.ID != first.ID || r.Quote != "first message" || r.QuoteOffset != 4 || len(r.Entities) != 1 {
			t.Errorf("%+v", r)
		}
		if m, err = reply(cid, bob, message.Reply{ID: 2}); err != nil || m.Reply == nil {
			t.Errorf("%+v, %v", m.Reply, err)
		}
		for _, id := range []int{0, -1, 99, first.Twin} { // nothing, and another conversation's
			if m, err := reply(bob, cid, message.Reply{ID: id}); err != nil || m.Reply != nil {
				t.Errorf("to %d: %+v, %v", id, m.Reply, err)
			}
		}
		_, err = w.Delete(ctx, bob, []int{first.Twin}, false, 0)
		w.must(err)
		if m, err := reply(bob, ann, message.Reply{ID: first.Twin}); err != nil || m.Reply != nil {
			t.Errorf("to a deleted one: %+v, %v", m.Reply, err)
		}
		if m, err := reply(ann, bob, message.Reply{ID: first.ID}); err != nil || m.Reply == nil || w.copyOf(bob, m.Twin).Reply == nil {
			t.Errorf("to one the other side deleted: %+v, %v", m.Reply, err)
		}
	})
}

func TestForward(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		forward := func(f message.Forwarding) ([]message.Message, error) {
			for range f.IDs {
				w.random++
				f.Randoms = append(f.Randoms, w.random)
			}
			return w.ForwardAll(ctx, f)
		}
		one, two := w.send(bob, ann, "one"), w.send(bob, ann, "two")
		secret := w.draft(bob, ann, "secret")
		secret.NoForwards = true
		_, err := w.Send(ctx, secret)
		w.must(err)
		f := message.Forwarding{From: ann, Chat: bob, To: peer.User(cid)}
		_, err = forward(f)
		w.want(err, fault.MessageIdsEmpty)
		f.IDs = []int{one.Twin, two.Twin}
		_, err = w.ForwardAll(ctx, message.Forwarding{From: ann, To: bob, IDs: f.IDs, Randoms: []int64{1}})
		w.want(err, fault.RandomIDInvalid)
		_, err = w.ForwardAll(ctx, message.Forwarding{From: ann, To: bob, IDs: f.IDs, Randoms: []int64{1, 0}})
		w.want(err, fault.RandomIDEmpty)
		_, err = forward(message.Forwarding{From: ann, To: bob, IDs: make([]int, 101)})
		w.want(err, fault.MessageIDInvalid)
		_, err = forward(message.Forwarding{From: ann, To: bob, IDs: []int{98, 99}})
		w.want(err, fault.MessageIDInvalid)
		_, err = forward(message.Forwarding{From: ann, Chat: cid, To: bob, IDs: f.IDs})
		w.want(err, fault.MessageIDInvalid)
		_, err = forward(message.Forwarding{From: ann, Chat: bob, To: cid, IDs: []int{one.Twin, 4}})
		w.want(err, fault.ChatForwardsRestricted)
		if got := w.texts(cid, ann); len(got) != 0 {
			t.Errorf("cid has %q", got)
		}

		f.IDs = []int{two.Twin, 99, one.Twin}
		sent, err := forward(f)
		w.must(err)
		if len(sent) != 2 || sent[0].Text != "two" || sent[1].Text != "one" || sent[0].Random != w.random-2 || sent[1].Random != w.random {
			t.Errorf("%+v", sent)
		}
		got := w.copyOf(cid, sent[0].Twin)
		if got.Forward == nil || got.Forward.From != bob || got.Forward.Date != two.Date || got.Forward.SavedID != 0 || got.Sender != ann {
			t.Errorf("%+v", got)
		}
		again, err := forward(message.Forwarding{From: cid, To: cid, IDs: []int{got.ID}})
		w.must(err)
		if h := again[0].Forward; h.From != bob || h.SavedPeer != ann || h.SavedID != got.ID || again[0].Out {
			t.Errorf("saved with %+v", h)
		}
		back, err := forward(message.Forwarding{From: cid, To: peer.User(ann), IDs: []int{again[0].ID}})
		w.must(err)
		if h := w.copyOf(ann, back[0].Twin).Forward; h.From != bob || h.SavedPeer != 0 {
			t.Errorf("sent on with %+v", h)
		}
		f.DropAuthor, f.NoForwards = true, true
		if sent, err = forward(f); err != nil || sent[0].Forward != nil || !w.copyOf(cid, sent[1].Twin).NoForwards {
			t.Errorf("%+v, %v", sent, err)
		}
		_, _, err = w.Edit(ctx, cid, peer.User(ann), back[0].ID, "not mine", nil, 0)
		w.want(err, fault.MessageAuthorRequired)
	})
}
