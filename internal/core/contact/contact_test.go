package contact_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const ann, bob, cid = 11, 22, 33

// world is three people with the numbers 8881, 8882 and 8883; bob and cid have public names.
type world struct {
	*contact.Service
	t      *testing.T
	now    time.Time
	events []event.Event
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, now: time.Unix(1_800_000_000, 0)}
		clock := func() time.Time { return w.now }
		b := bus.New(func(events []event.Event) { w.events = append(w.events, events...) })
		db := open()
		w.Service = &contact.Service{DB: db, Bus: b, Users: user.New(db, b, box, clock), Now: clock}
		w.write(func(tx *store.Tx) error {
			for i, a := range []store.Account{{ID: ann, FirstName: "Ann"}, {ID: bob, FirstName: "Bob", LastName: "Bobson"}, {ID: cid, FirstName: "Cid"}} {
				a.Phone = fmt.Sprint(8881 + i)
				if err := tx.CreateAccount(a); err != nil {
					return err
				}
				if err := tx.ClaimNumber(a.Phone, a.ID); err != nil {
					return err
				}
			}
			if err := tx.TakeUsername("robert", store.OfAccount, bob, 0); err != nil {
				return err
			}
			return tx.TakeUsername("robin_cid", store.OfAccount, cid, 0)
		})
		test(t, w)
	})
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

func (w *world) told() string {
	var out []string
	for _, e := range w.events {
		out = append(out, fmt.Sprintf("%d but %d: %+v", e.Account, e.Origin, e.Body))
	}
	w.events = nil
	return strings.Join(out, ", ")
}

func (w *world) book(account int64) string {
	w.t.Helper()
	list, err := w.List(w.t.Context(), account)
	w.must(err)
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("%d %s %s %v", c.Contact, c.FirstName, c.LastName, c.Mutual))
	}
	return strings.Join(out, ", ")
}

func TestAdd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		long := strings.Repeat("ö", 65)
		for _, names := range [][3]string{{" ", "\x00", ""}, {long, "", ""}, {"x", long, ""}, {"x", "", strings.Repeat("x", 129)}} {
			w.want(w.Add(ctx, ann, bob, names[0], names[1], names[2], 0), fault.ContactNameEmpty)
		}
		for _, id := range []int64{ann, 404, peer.System} {
			w.want(w.Add(ctx, ann, id, "x", "", "", 0), fault.ContactIDInvalid)
		}
		if got := w.told() + w.book(ann); got != "" {
			t.Error(got)
		}
		w.must(w.Add(ctx, ann, bob, " Bobby\x00 ", "", "from school", 7))
		w.must(w.Add(ctx, bob, ann, "", "A", "", 0))
		if got := w.told(); got != "11 but 7: {User:22 Blocked:false Blocklist:false}, 22 but 0: {User:11 Blocked:false Blocklist:false}" {
			t.Error(got)
		}
		if got := w.book(ann) + "; " + w.book(bob); got != "22 Bobby  true; 11  A true" {
			t.Error(got)
		}
		w.must(w.Add(ctx, ann, bob, "Robert", "B", "", 0))
		w.told()
		for range 2 {
			w.must(w.Delete(ctx, ann, []int64{bob, cid, 404}, 3))
		}
		if got := w.told(); got != "11 but 3: {User:22 Blocked:false Blocklist:false}" {
			t.Error(got)
		}
		if got := w.book(ann) + "; " + w.book(bob); got != "; 11  A false" {
			t.Error(got)
		}
		w.write(func(tx *store.Tx) error { return tx.EraseAccount(cid, 5) })
		w.want(w.Add(ctx, ann, cid, "x", "", "", 0), fault.ContactIDInvalid)
	})
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		got, err := w.ImportAll(ctx, ann, []contact.Import{
			{1, "+888 2", "Bobby", ""}, {2, "8883", "", " "}, {3, "8884", "Nobody", ""}, {4, "8881", "Me", ""}, {5, "", "Empty", ""},
			{6, "8883", strings.Repeat("x", 65), ""},
		}, 9)
		w.must(err)
		if want := []contact.Imported{{1, bob}, {2, cid}, {4, ann}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v", got)
		}
		if got := w.book(ann); got != "22 Bobby  false, 33 +8883  false" {
			t.Error(got)
		}
		w.told()
		w.must(w.DeleteByPhones(ctx, ann, []string{"+888 3", "8884", ""}, 2))
		if got := w.book(ann) + "; " + w.told(); got != "22 Bobby  false; 11 but 2: {User:33 Blocked:false Blocklist:false}" {
			t.Error(got)
		}
		if got, err := w.ImportAll(ctx, ann, nil, 0); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestBlock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, who := range []peer.ID{ann, 0, peer.Group(5)} {
			w.want(w.Block(ctx, ann, who, true, 0), fault.PeerIDInvalid)
		}
		w.must(w.Block(ctx, ann, bob, false, 0))
		for range 2 {
			w.must(w.Block(ctx, ann, bob, true, 5))
			w.now = w.now.Add(time.Second)
		}
		w.must(w.Block(ctx, ann, cid, true, 0))
		if got := w.told(); got != "11 but 5: {User:22 Blocked:true Blocklist:true}, 11 but 0: {User:33 Blocked:true Blocklist:true}" {
			t.Error(got)
		}
		list, total, err := w.Blocked(ctx, ann, 0, 1)
		if err != nil || total != 2 || len(list) != 1 || list[0].Peer != cid {
			t.Errorf("%+v of %d, %v", list, total, err)
		}
		if list, total, err = w.Blocked(ctx, ann, 1, 1000); err != nil || total != 2 || len(list) != 1 || list[0].Peer != bob {
			t.Errorf("%+v of %d, %v", list, total, err)
		}
		if list, total, err = w.Blocked(ctx, ann, -1, -1); err != nil || total != 2 || len(list) != 0 {
			t.Errorf("%+v of %d, %v", list, total, err)
		}
		w.must(w.Block(ctx, ann, bob, false, 0))
		if blocks, err := w.Blocks(ctx, ann, bob); blocks || err != nil {
			t.Errorf("%v, %v", blocks, err)
		}
	})
}

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for name, want := range map[string]*fault.Error{
			"": fault.UsernameInvalid, "@": fault.UsernameInvalid, strings.Repeat("x", 65): fault.UsernameInvalid, "nobody": fault.UsernameNotOccupied,
		} {
			_, err := w.ByUsername(ctx, name)
			w.want(err, want)
		}
		if id, err := w.ByUsername(ctx, "@RoBert"); id != bob || err != nil {
			t.Errorf("%d, %v", id, err)
		}
		_, err := w.ByPhone(ctx, "8884")
		w.want(err, fault.PhoneNotOccupied)
		if id, err := w.ByPhone(ctx, "+888-2"); id != bob || err != nil {
			t.Errorf("%d, %v", id, err)
		}
		_, err = w.Search(ctx, ann, " @ro ", 10)
		w.want(err, fault.QueryTooShort)
		search := func(query string, limit int) string {
			t.Helper()
			f, err := w.Search(ctx, ann, query, limit)
			w.must(err)
			return fmt.Sprint(f)
		}
		if got := search("@ROB", 10); got != "{[] [22 33]}" {
			t.Error(got)
		}
		if got := search("rob", 0); got != "{[] [22]}" {
			t.Error(got)
		}
		if got := search("bobs", 10); got != "{[] []}" { // a stranger's name
			t.Error(got)
		}
		w.write(func(tx *store.Tx) error { return tx.GrowTwins(ann, 2, bob, 2) })
		w.must(w.Add(ctx, ann, cid, "Old", "Robber", "", 0))
		for query, want := range map[string]string{"rob": "{[33] [22]}", "bobs": "{[22] []}", "Old Rob": "{[33] []}", "lso": "{[] []}", "%%%": "{[] []}"} {
			if got := search(query, 10); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		w.write(func(tx *store.Tx) error { return tx.ReleaseUsernames(store.OfAccount, bob, 5) })
		_, err = w.ByUsername(ctx, "robert")
		w.want(err, fault.UsernameNotOccupied)
	})
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must(w.Add(ctx, ann, bob, "B", "", "", 0))
		w.must(w.Add(ctx, cid, ann, "A", "", "", 0))
		w.must(w.Block(ctx, ann, cid, true, 0))
		w.write(func(tx *store.Tx) error { return contact.Erase(tx, ann) })
		if got := w.book(ann) + w.book(cid); got != "" {
			t.Error(got)
		}
		if _, total, _ := w.Blocked(ctx, ann, 0, 10); total != 0 {
			t.Errorf("%d are blocked", total)
		}
	})
}
