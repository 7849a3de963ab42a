package message_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// ned is new here.
const ned = 44

// crowd makes people that nobody knows, and ned, who signed up so long ago.
func (w *world) crowd(n int, age time.Duration) (ids []int64) {
	w.t.Helper()
	w.NoLimits = false
	w.write(func(tx *store.Tx) error {
		ids = nil
		for i := range int64(n) {
			ids = append(ids, 100+i)
			if err := tx.CreateAccount(store.Account{ID: 100 + i, Phone: fmt.Sprint(100 + i), Created: 1}); err != nil {
				return err
			}
		}
		return tx.CreateAccount(store.Account{ID: ned, Phone: fmt.Sprint(ned), Created: w.now.Add(-age).Unix()})
	})
	return ids
}

// TestStrangers counts whom an account writes to first.
func TestStrangers(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		most int
	}{{7*24*time.Hour - time.Second, 5}, {7 * 24 * time.Hour, 30}} {
		each(t, func(t *testing.T, w *world) {
			ctx := t.Context()
			people := w.crowd(c.most+1, c.age)
			last := people[c.most]
			flood := func(want *fault.Error, to int64) {
				t.Helper()
				_, err := w.Send(ctx, w.draft(ned, to, "hello"))
				w.want(err, want)
			}
			for _, id := range people[:c.most] {
				w.send(ned, id, "hello")
				w.send(ned, id, "hello again")
			}
			flood(fault.PeerFlood, last)
			first, err := w.History(ctx, ned, peer.User(people[0]), message.Window{Limit: 1})
			w.must(err)
			_, err = w.ForwardAll(ctx, message.Forwarding{From: ned, To: peer.User(last), IDs: []int{first.Messages[0].ID}, Randoms: []int64{9999}})
			w.want(err, fault.PeerFlood)
			if got := w.texts(last, ned); len(got) != 0 {
				t.Errorf("got %q", got)
			}

			w.send(ned, people[0], "an old acquaintance")
			w.send(ned, ned, "a note")
			w.send(ned, peer.System, "a question")
			w.send(bob, ned, "who writes first")
			w.send(ned, bob, "may be answered")
			w.write(func(tx *store.Tx) error { return tx.SaveContact(store.Contact{Account: cid, Contact: ned}) })
			w.send(ned, cid, "who knows the sender too")
			w.NoLimits = true
			w.send(ned, ann, "without limits")
			w.NoLimits = false
			flood(fault.PeerFlood, last)
			w.now = w.now.Add(24*time.Hour + time.Second)
			w.send(ned, last, "a day later")
		})
	}
}

// TestLinksOfStrangers holds back links until there is a reply.
func TestLinksOfStrangers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.NoLimits = false
		note := w.send(ann, ann, "see example.com")
		hello := w.send(ann, bob, "hello")
		link := []message.Entity{{Kind: "link", Length: 4, URL: "https://example.com"}}
		refused := func() {
			t.Helper()
			for _, change := range []func(d *message.Draft){
				func(d *message.Draft) { d.Text = "see example.com" },
				func(d *message.Draft) { d.Entities = link },
				func(d *message.Draft) { d.Reply = &message.Reply{ID: hello.ID, Quote: "hello", Entities: link} },
				func(d *message.Draft) { d.To, d.Entities = peer.User(cid), link },
			} {
				d := w.draft(ann, bob, "text")
				change(&d)
				_, err := w.Send(ctx, d)
				w.want(err, fault.PeerFlood)
			}
			_, _, err := w.Edit(ctx, ann, peer.User(bob), hello.ID, "text", link, 0)
			w.want(err, fault.PeerFlood)
			_, err = w.ForwardAll(ctx, message.Forwarding{From: ann, To: bob, IDs: []int{note.ID}, Randoms: []int64{9999}})
			w.want(err, fault.PeerFlood)
		}
		refused()
		_, _, err := w.Edit(ctx, ann, peer.User(ann), note.ID, "see example.org", nil, 0)
		w.must(err)
		w.send(bob, ann, "who are you?")
		w.send(ann, bob, "example.com")
		_, err = w.DeleteHistory(ctx, ann, bob, 0, false, false, 0)
		w.must(err)
		w.send(ann, bob, "example.com") // bob still has the reply
		w.write(func(tx *store.Tx) error { return tx.SaveContact(store.Contact{Account: cid, Contact: ann}) })
		w.send(ann, cid, "example.com")
	})
}
