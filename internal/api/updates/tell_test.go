package updates

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const ann, bob, cid = 11, 22, 33

// hub writes down what is pushed; cid is not online.
type hub struct {
	pushed []string
	buf    bin.Buffer
}

func (h *hub) Online(account int64) bool { return account != cid }

func (h *hub) Push(account, except int64, u bin.Encoder) error {
	for _, one := range u.(*tg.Updates).Updates {
		h.pushed = append(h.pushed, fmt.Sprintf("%d but %d: %v", account, except, one))
	}
	return nil
}

func (h *hub) PushDevice(key int64, u bin.Encoder) error {
	h.pushed = append(h.pushed, fmt.Sprintf("device %d: %T", key, u))
	return nil
}

// drain encodes as the server does, and forgets.
type drain struct{ hub }

func (d *drain) Push(_, _ int64, u bin.Encoder) error {
	d.buf.Reset()
	return u.Encode(&d.buf)
}

// teller knows ann, whom bob calls Annie and cid has in his book, too.
func teller(t testing.TB, s Sessions) *Teller {
	t.Helper()
	box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.SQLite(t).Open(t, store.Options{})
	users := user.New(db, bus.New(func([]event.Event) {}), box, time.Now)
	err = db.Write(t.Context(), nil, func(tx *store.Tx) error {
		for id, name := range map[int64]string{ann: "Ann", bob: "Bob", cid: "Cid"} {
			if err := tx.CreateAccount(store.Account{ID: id, FirstName: name, Seen: 1}); err != nil {
				return err
			}
		}
		if err := tx.SaveContact(store.Contact{Account: cid, Contact: ann, FirstName: "A"}); err != nil {
			return err
		}
		return tx.SaveContact(store.Contact{Account: bob, Contact: ann, FirstName: "Annie"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Teller{Hub: s, Users: users, Log: slog.New(slog.DiscardHandler)}
}

func TestTell(t *testing.T) {
	h := &hub{}
	teller := teller(t, h)
	for i, c := range []struct {
		e    event.Event
		want string
	}{
		{event.Event{Account: ann, Body: "something else"}, ""},
		{event.Event{Account: cid, Body: message.Typing{From: ann, Action: "typing"}}, ""},
		{event.Event{Account: bob, Body: message.Typing{From: ann, Action: "cancel"}}, "22 but 0: UpdateUserTyping"},
		{event.Event{Account: ann, Origin: 7, Pts: 9, Count: 3, Body: message.Deleted{IDs: []int{1, 2, 3}}}, "11 but 7: UpdateDeleteMessages"},
		{event.Event{Account: bob, Body: contact.Changed{User: ann}}, "22 but 0: UpdatePeerSettings"},
		{event.Event{Account: bob, Body: contact.Changed{User: ann, Blocklist: true, Blocked: true}}, "22 but 0: UpdatePeerBlocked"},
		{event.Event{Body: event.LoginTokenAccepted{Key: 5}}, "device 5: *tg.UpdateShort"},
		{event.Event{Account: ann, Origin: 3, Body: event.UserChanged{User: ann, FirstName: "Ann"}}, "11 but 3: UpdateUserName, 22 but 0: UpdateUserName"},
	} {
		h.pushed = nil
		teller.Tell([]event.Event{c.e})
		var got []string
		for _, p := range h.pushed {
			what, _, _ := strings.Cut(p, "{")
			got = append(got, what)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
	if all := strings.Join(h.pushed, " "); !strings.Contains(all, "FirstName:Annie") || strings.Count(all, "Annie") != 1 {
		t.Errorf("%s", all)
	}
}

// BenchmarkTell encodes a message of 300 bytes for its receiver, with the two people it names.
func BenchmarkTell(b *testing.B) {
	teller := teller(b, &drain{})
	m := message.Message{Account: bob, ID: 5, Peer: ann, Twin: 5, Sender: ann, Date: 1, Text: strings.Repeat("Lorem ipsum ", 25)}
	events := []event.Event{{Account: bob, Pts: 5, Count: 1, Date: 1, Body: message.Arrived{Message: m}}}
	b.ReportAllocs()
	for b.Loop() {
		teller.Tell(events)
	}
}
