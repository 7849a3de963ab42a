package user_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const ann, bob, cid, dan = 11, 22, 33, 44

// world is four people: bob has ann in his address book, cid talks with her, dan does not know her.
type world struct {
	*user.Service
	t      *testing.T
	db     *store.DB
	now    time.Time
	mu     sync.Mutex
	events []event.Event
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, db: open(), now: time.Unix(1_800_000_000, 0)}
		w.Service = user.New(w.db, bus.New(w.note), box, func() time.Time { return w.now })
		w.write(func(tx *store.Tx) error {
			for id, name := range map[int64]string{ann: "Ann", bob: "Bob", cid: "Cid", dan: "Dan"} {
				if err := tx.CreateAccount(store.Account{ID: id, Phone: fmt.Sprint(id), FirstName: name, Created: 5, Seen: 5}); err != nil {
					return err
				}
			}
			if err := tx.SaveContact(store.Contact{Account: bob, Contact: ann, FirstName: "Annie"}); err != nil {
				return err
			}
			return tx.GrowTwins(ann, 2, cid, 2)
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
	w.must(w.db.Write(w.t.Context(), []int64{ann, bob, cid, dan}, fn))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// told returns who was told what presence since the last call.
func (w *world) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[int64]event.Status{}
	for _, e := range w.events {
		if _, twice := out[e.Account]; twice {
			w.t.Errorf("%d was told twice", e.Account)
		}
		out[e.Account] = e.Body.(event.Status)
	}
	w.events = nil
	return fmt.Sprint(out)
}

func (w *world) view(viewer, id int64) user.View {
	w.t.Helper()
	v, ok, err := w.View(w.t.Context(), viewer, id)
	w.must(err)
	if !ok {
		w.t.Fatalf("nobody with the id %d", id)
	}
	return v
}

func TestViews(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if _, ok, err := w.View(ctx, ann, 404); ok || err != nil {
			t.Errorf("saw nobody: %v", err)
		}
		views, err := w.Views(ctx, ann, bob, 404, bob, ann, peer.System)
		w.must(err)
		if len(views) != 3 || views[0].ID != bob || views[1].ID != ann || !views[1].Self || !views[2].System {
			t.Errorf("%+v", views)
		}
		for range 2 { // the second time from the cache
			if v := w.view(bob, ann); v.FirstName != "Annie" || !v.Contact || v.Mutual || v.Phone != "" {
				t.Errorf("bob sees %+v", v)
			}
			if v := w.view(ann, bob); v.FirstName != "Bob" || v.Contact || v.Phone != "22" {
				t.Errorf("ann sees %+v", v) // he has her in his book, so she sees his number
			}
			if v := w.view(ann, ann); v.Phone != "11" {
				t.Errorf("ann sees herself as %+v", v)
			}
			if v := w.view(dan, ann); v.FirstName != "Ann" || v.Phone != "" || v.Contact {
				t.Errorf("dan sees %+v", v)
			}
		}
		w.write(func(tx *store.Tx) error {
			return tx.SaveContact(store.Contact{Account: ann, Contact: bob, LastName: "B"})
		})
		w.ForgetRelation(ann, bob)
		if v := w.view(bob, ann); !v.Mutual || v.Phone != "11" {
			t.Errorf("bob sees %+v", v)
		}
		if v := w.view(ann, bob); !v.Mutual || v.FirstName != "" || v.LastName != "B" {
			t.Errorf("ann sees %+v", v)
		}
		w.write(func(tx *store.Tx) error { return tx.EraseAccount(ann, 9) })
		w.Forget(ann)
		if v := w.view(bob, ann); !v.Deleted || v.FirstName != "" || v.AccessHash == 0 {
			t.Errorf("bob sees %+v", v)
		}
	})
}

func TestAccessHash(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		seen := map[int64]bool{}
		for _, viewer := range []int64{ann, bob} {
			for _, target := range []int64{ann, bob, cid} {
				h := w.AccessHash(viewer, target)
				if seen[h] || h != w.AccessHash(viewer, target) {
					t.Errorf("%d of %d is no hash of its own", viewer, target)
				}
				seen[h] = true
			}
		}
	})
}

// TestCacheIsNotBehind changes somebody while views of them are made: once the change is told, no
// older view is given out.
func TestCacheIsNotBehind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var group sync.WaitGroup
		stop := make(chan struct{})
		for viewer := range int64(4) {
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if _, _, err := w.View(t.Context(), 1000+viewer, ann); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		for i := range 100 {
			name := fmt.Sprint("Ann ", i)
			w.write(func(tx *store.Tx) error { return tx.SaveProfile(store.Account{ID: ann, FirstName: name}) })
			w.Forget(ann)
			if v := w.view(dan, ann); v.FirstName != name {
				t.Fatalf("%q after %q", v.FirstName, name)
			}
		}
		close(stop)
		group.Wait()
	})
}

func TestPresence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), w.now.Unix()
		w.must(w.SetOnline(ctx, ann, false)) // she was not online
		if got := w.told(); got != "map[]" {
			t.Errorf("told %s", got)
		}
		w.must(w.SetOnline(ctx, ann, true))
		if got, want := w.told(), fmt.Sprintf("map[22:{11 true %d} 33:{11 true %d}]", now+300, now+300); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		if v := w.view(dan, ann); v.Online != now+300 {
			t.Errorf("%+v", v)
		}
		w.now = w.now.Add(time.Minute)
		w.must(w.SetOnline(ctx, ann, false))
		if got, want := w.told(), fmt.Sprintf("map[22:{11 false %d} 33:{11 false %d}]", now+60, now+60); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		if v := w.view(bob, ann); v.Online != 0 || v.Seen != now+60 {
			t.Errorf("%+v", v)
		}
		w.must(w.SetOnline(ctx, ann, false))
		if got := w.told(); got != "map[]" {
			t.Errorf("told %s", got)
		}
	})
}

func TestPresenceOfWhoBlocked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.view(bob, ann)
		w.view(cid, ann)
		w.write(func(tx *store.Tx) error {
			if _, err := tx.Block(ann, bob, 1); err != nil {
				return err
			}
			_, err := tx.Block(ann, cid, 1)
			return err
		})
		w.ForgetRelation(ann, bob)
		w.ForgetRelation(ann, cid)
		w.write(func(tx *store.Tx) error {
			return tx.SaveContact(store.Contact{Account: ann, Contact: bob, FirstName: "x"})
		})
		w.must(w.SetOnline(t.Context(), ann, true))
		if got := w.told(); got != "map[]" {
			t.Errorf("told %s", got)
		}
		for _, viewer := range []int64{bob, cid} {
			if v := w.view(viewer, ann); v.Online != 0 || v.Seen != 0 || v.Phone != "" {
				t.Errorf("%d sees %+v", viewer, v)
			}
		}
		if v := w.view(dan, ann); v.Online == 0 {
			t.Errorf("dan sees %+v", v)
		}
	})
}

func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, until := t.Context(), w.now.Unix()+300
		w.must(w.SetOnline(ctx, ann, true))
		w.must(w.SetOnline(ctx, dan, true)) // nobody knows him
		w.told()
		w.now = w.now.Add(5*time.Minute - time.Second)
		w.must(w.Sweep(ctx))
		if got := w.told(); got != "map[]" {
			t.Errorf("told %s", got)
		}
		w.now = w.now.Add(time.Minute)
		if v := w.view(bob, ann); v.Online != 0 || v.Seen != until {
			t.Errorf("%+v", v)
		}
		for i, want := range []string{fmt.Sprintf("map[22:{11 false %d} 33:{11 false %d}]", until, until), "map[]"} {
			w.must(w.Sweep(ctx))
			if got := w.told(); got != want {
				t.Errorf("sweep %d told %s, want %s", i, got, want)
			}
		}
		w.Forget(ann)
		if v := w.view(bob, ann); v.Seen != until {
			t.Errorf("%+v", v)
		}
	})
}
