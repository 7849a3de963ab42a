package update_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/update"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

var people = []int64{11, 22, 33}

// world is three people whose devices hear of everything.
type world struct {
	t        *testing.T
	db       *store.DB
	messages *message.Service
	updates  *update.Service
	mu       sync.Mutex
	events   []event.Event
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		w := &world{t: t, db: open()}
		w.messages = &message.Service{DB: w.db, Bus: bus.New(w.note), Now: time.Now}
		w.updates = &update.Service{DB: w.db}
		w.write(func(tx *store.Tx) error {
			for _, id := range people {
				if err := tx.CreateAccount(store.Account{ID: id}); err != nil {
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

func (w *world) write(fn func(tx *store.Tx) error) {
	w.t.Helper()
	w.must(w.db.Write(w.t.Context(), people, fn))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(from, to int64, text string) message.Message {
	w.t.Helper()
	m, err := w.messages.Send(w.t.Context(), message.Draft{From: from, To: peer.User(to), Text: text, Random: rand.Int64() | 1})
	w.must(err)
	return m
}

func (w *world) since(account int64, pts, limit int) update.Difference {
	w.t.Helper()
	d, err := w.updates.Since(w.t.Context(), account, pts, limit)
	w.must(err)
	return d
}

// line writes events as pts, kind and message.
func line(events []event.Event) string {
	var out []string
	for _, e := range events {
		switch b := e.Body.(type) {
		case message.Arrived:
			out = append(out, fmt.Sprintf("%d:%s", e.Pts, b.Message.Text))
		case message.Changed:
			out = append(out, fmt.Sprintf("%d:edit %d %s", e.Pts, b.Message.ID, b.Message.Text))
		default:
			out = append(out, fmt.Sprintf("%d:%T%v", e.Pts, b, b))
		}
	}
	return strings.Join(out, ", ")
}

func TestSinceNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.updates.Since(t.Context(), 404, 1, 0); !errors.Is(err, store.ErrNoRows) {
			t.Errorf("of nobody: %v", err)
		}
		w.send(11, 22, "x")
		for _, pts := range []int{2, 3, 1 << 30} { // at its own pts, and beyond
			if d := w.since(11, pts, 0); d.Pts != 2 || d.Now != 2 || len(d.Events) != 0 || d.More || d.TooLong {
				t.Errorf("since %d: %+v", pts, d)
			}
		}
		w.write(func(tx *store.Tx) error {
			_, err := tx.AdvancePts(11, 100_001)
			return err
		})
		if d := w.since(11, 1, 0); !d.TooLong || d.Pts != 100_003 || len(d.Events) != 0 {
			t.Errorf("%+v", d)
		}
		if d := w.since(11, 3, 0); d.TooLong {
			t.Errorf("%+v", d)
		}
		if pts, err := w.updates.Pts(t.Context(), 22); pts != 2 || err != nil {
			t.Errorf("pts %d, %v", pts, err)
		}
	})
}

func TestSince(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		edit := func(id int, text string) {
			t.Helper()
			_, _, err := w.messages.Edit(ctx, 11, 22, id, text, nil, 0)
			w.must(err)
		}
		for _, text := range []string{"a", "b", "c"} {
			w.send(11, 22, text) // 2, 3, 4
		}
		edit(2, "a1")                                               // 5
		edit(2, "a2")                                               // 6
		edit(3, "b1")                                               // 7
		_, err := w.messages.Delete(ctx, 11, []int{3, 4}, false, 0) // 9
		w.must(err)
		w.send(11, 22, "d") // 10
		_, err = w.messages.Read(ctx, 22, 11, 0, 0)
		w.must(err) // 11
		for _, c := range []struct {
			pts, limit int
			want       string
			more       bool
		}{
			{1, 0, "2:a2, 9:message.Deleted{[3 4]}, 10:d, 11:message.ReadOut{22 10}", false},
			{2, 0, "6:edit 2 a2, 9:message.Deleted{[3 4]}, 10:d, 11:message.ReadOut{22 10}", false},
			{6, 0, "9:message.Deleted{[3 4]}, 10:d, 11:message.ReadOut{22 10}", false},
			{10, 0, "11:message.ReadOut{22 10}", false},
			{1, 1, "2:a2", true},
			{2, 2, "6:edit 2 a2", true}, // of two changes the last
			{6, 1, "", true},            // a change of what is gone
			{7, 1, "9:message.Deleted{[3 4]}", true},
			{7, 3, "9:message.Deleted{[3 4]}, 10:d, 11:message.ReadOut{22 10}", false},
		} {
			d := w.since(11, c.pts, c.limit)
			if got := line(d.Events); got != c.want || d.More != c.more || d.Now != 11 || !c.more && d.Pts != 11 {
				t.Errorf("since %d, %d at most: %s, %+v", c.pts, c.limit, got, d)
			}
		}
	})
}

// device is a client that applies what it is told, and nothing else.
type device struct {
	t       *testing.T
	account int64
	pts     int
	waiting map[int]event.Event // by the pts they follow
	has     map[int]string
	readIn  map[peer.ID]int
	readOut map[peer.ID]int
}

func newDevice(t *testing.T, account int64) *device {
	return &device{
		t: t, account: account, pts: 1, waiting: map[int]event.Event{}, has: map[int]string{},
		readIn: map[peer.ID]int{}, readOut: map[peer.ID]int{},
	}
}

// push takes a pushed event, and applies those whose turn it is.
func (d *device) push(e event.Event) {
	d.waiting[e.Pts-e.Count] = e
	for e, ok := d.waiting[d.pts]; ok; e, ok = d.waiting[d.pts] {
		delete(d.waiting, d.pts)
		d.apply(e)
		d.pts = e.Pts
	}
}

// catchUp asks for differences, in slices of a size.
func (d *device) catchUp(w *world, limit int) {
	for more := true; more; {
		diff := w.since(d.account, d.pts, limit)
		if diff.More && diff.Pts <= d.pts {
			d.t.Fatalf("a slice from %d to %d", d.pts, diff.Pts)
		}
		for _, e := range diff.Events {
			if e.Pts <= d.pts || e.Pts > diff.Pts {
				d.t.Errorf("an event at %d between %d and %d", e.Pts, d.pts, diff.Pts)
			}
			d.apply(e)
		}
		d.pts, more = diff.Pts, diff.More
	}
}

func show(m message.Message) string {
	return fmt.Sprintf("%d %v %q %+v %d", m.Peer, m.Out, m.Text, m.Reply, m.Edited)
}

func (d *device) apply(e event.Event) {
	switch b := e.Body.(type) {
	case message.Arrived:
		if d.has[b.Message.ID] != "" {
			d.t.Errorf("message %d came twice", b.Message.ID)
		}
		d.has[b.Message.ID] = show(b.Message)
	case message.Changed:
		if d.has[b.Message.ID] != "" {
			d.has[b.Message.ID] = show(b.Message)
		}
	case message.Deleted:
		for _, id := range b.IDs {
			delete(d.has, id)
		}
	case message.ReadIn:
		if b.UpTo <= d.readIn[b.Peer] {
			d.t.Errorf("read up to %d after %d", b.UpTo, d.readIn[b.Peer])
		}
		d.readIn[b.Peer] = b.UpTo
	case message.ReadOut:
		if b.UpTo <= d.readOut[b.Peer] {
			d.t.Errorf("seen up to %d after %d", b.UpTo, d.readOut[b.Peer])
		}
		d.readOut[b.Peer] = b.UpTo
	default:
		d.t.Errorf("unexpected %T", b)
	}
}

// TestEverythingAtRandom lets three people do everything at once from several devices each. Who
// heard the pushes (in whatever order), who asked for differences now and then, and who asked once at
// the end, must know what the database knows.
func TestEverythingAtRandom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var group sync.WaitGroup
		asking := map[int64]*device{}
		for _, account := range people {
			asking[account] = newDevice(t, account)
			for n := range 2 {
				group.Go(func() {
					for i := range 70 {
						if err := w.act(account); err != nil {
							if _, refused := errors.AsType[*fault.Error](err); !refused {
								t.Errorf("%d: %v", account, err)
							}
						}
						if n == 0 && i%9 == 0 {
							asking[account].catchUp(w, 1+rand.IntN(9))
						}
					}
				})
			}
		}
		group.Wait()
		for _, account := range people {
			hearing, late := newDevice(t, account), newDevice(t, account)
			for _, e := range w.events {
				if e.Account == account && e.Pts != 0 {
					hearing.push(e)
				}
			}
			if len(hearing.waiting) != 0 {
				t.Errorf("%d: pts %d, and then %+v", account, hearing.pts, hearing.waiting)
			}
			asking[account].catchUp(w, 3)
			late.catchUp(w, 0)
			w.compare("pushes", hearing)
			w.compare("differences", asking[account])
			w.compare("one difference", late)
		}
	})
}

// act does one thing at random.
func (w *world) act(account int64) error {
	ctx, m := w.t.Context(), w.messages
	other := people[rand.IntN(len(people))]
	id := 2 + rand.IntN(60)
	switch rand.IntN(12) {
	case 0:
		_, _, err := m.Edit(ctx, account, peer.User(other), id, fmt.Sprint("edited ", rand.Int()), nil, 0)
		return err
	case 1:
		_, err := m.Delete(ctx, account, []int{id, id + 1, id + 2}, rand.IntN(2) == 0, 0)
		return err
	case 2:
		if rand.IntN(8) != 0 {
			return nil
		}
		_, err := m.DeleteHistory(ctx, account, peer.User(other), id, rand.IntN(2) == 0, rand.IntN(2) == 0, 0)
		return err
	case 3, 4:
		_, err := m.Read(ctx, account, peer.User(other), rand.IntN(3)*id, 0)
		return err
	case 5:
		_, err := m.ForwardAll(ctx, message.Forwarding{
			From: account, To: peer.User(other), IDs: []int{id, id + 1}, Randoms: []int64{rand.Int64(), rand.Int64()},
		})
		return err
	case 6:
		return w.db.Write(ctx, []int64{account}, func(tx *store.Tx) (err error) {
			if rand.IntN(4) == 0 {
				_, err = tx.Block(account, other, 1)
			} else {
				_, err = tx.Unblock(account, other)
			}
			return err
		})
	case 7:
		return m.Tell(ctx, account, "notice", nil)
	}
	d := message.Draft{From: account, To: peer.User(other), Text: fmt.Sprint("text ", rand.Int()), Random: rand.Int64N(1000) + 1}
	if rand.IntN(3) == 0 {
		d.Reply = &message.Reply{ID: id}
	}
	_, err := m.Send(ctx, d)
	return err
}

// compare holds a device against the database.
func (w *world) compare(by string, d *device) {
	w.t.Helper()
	has, readIn, readOut := map[int]string{}, map[peer.ID]int{}, map[peer.ID]int{}
	w.must(w.db.Read(w.t.Context(), func(tx *store.Tx) error {
		events, err := message.After(tx, d.account, 0, 1<<20)
		for _, e := range events {
			m := e.Body.(message.Arrived).Message
			has[m.ID] = show(m)
		}
		return err
	}))
	if !maps.Equal(d.has, has) {
		w.t.Errorf("%d by %s has %d messages, the database %d", d.account, by, len(d.has), len(has))
	}
	list, pts, err := w.messages.DialogsWith(w.t.Context(), d.account, append([]peer.ID{peer.System}, 11, 22, 33))
	w.must(err)
	if d.pts != pts {
		w.t.Errorf("%d by %s is at %d, the database at %d", d.account, by, d.pts, pts)
	}
	for _, dialog := range list {
		readIn[dialog.Peer], readOut[dialog.Peer] = dialog.ReadIn, dialog.ReadOut
		unread, top := 0, 0
		for id, m := range has {
			if strings.HasPrefix(m, fmt.Sprintf("%d ", dialog.Peer)) {
				top = max(top, id)
				if strings.HasPrefix(m, fmt.Sprintf("%d false", dialog.Peer)) && id > dialog.ReadIn && dialog.Peer != peer.User(d.account) {
					unread++
				}
			}
		}
		if dialog.Unread != unread || dialog.Top != top {
			w.t.Errorf("%d: %+v, but %d are unread and %d is on top", d.account, dialog, unread, top)
		}
		// An emptied conversation that left the list is forgotten, and with it up to where it was read.
		if dialog.Top != 0 && (d.readIn[dialog.Peer] < dialog.ReadIn || d.readOut[dialog.Peer] < dialog.ReadOut) {
			w.t.Errorf("%d by %s has read %v and %v, the database %+v", d.account, by, d.readIn, d.readOut, dialog)
		}
	}
}
