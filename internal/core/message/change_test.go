package message_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

func TestEdit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		m := w.send(ann, bob, "text")
		other := w.send(ann, cid, "elsewhere")
		refused := func(account, chat int64, id int, text string, want *fault.Error) {
			t.Helper()
			_, _, err := w.Edit(ctx, account, peer.User(chat), id, text, nil, 0)
			w.want(err, want)
		}
		refused(ann, bob, m.ID, " ", fault.MessageEmpty)
		refused(ann, bob, 99, "new", fault.MessageIDInvalid)
		refused(ann, bob, other.ID, "new", fault.MessageIDInvalid)
		refused(bob, ann, m.Twin, "new", fault.MessageAuthorRequired)
		refused(ann, bob, m.ID, " text ", fault.MessageNotModified)
		w.told()
		bold := []message.Entity{{Kind: "bold", Length: 4}}
		edited, pts, err := w.Edit(ctx, ann, peer.User(bob), m.ID, "text", bold, 7)
		w.must(err)
		if edited.Edited != w.now.Unix() || pts != 4 || len(edited.Entities) != 1 || edited.ID != m.ID {
			t.Errorf("%+v at %d", edited, pts)
		}
		told := w.told()
		if len(told) != 2 || told[0].Origin != 7 || told[1].Account != bob || told[1].Origin != 0 || told[1].Pts != 3 {
			t.Errorf("told %+v", told)
		}
		if theirs := w.copyOf(bob, m.Twin); len(theirs.Entities) != 1 || theirs.Edited == 0 || theirs.Out {
			t.Errorf("%+v", theirs)
		}
		w.now = w.now.Add(48 * time.Hour)
		_, err = w.Delete(ctx, bob, []int{m.Twin}, false, 0)
		w.must(err)
		w.told()
		_, _, err = w.Edit(ctx, ann, peer.User(bob), m.ID, "see example.com", nil, 0)
		w.must(err)
		if told := w.told(); len(told) != 1 {
			t.Errorf("told %+v", told)
		}
		if es := w.copyOf(ann, m.ID).Entities; len(es) != 1 || es[0].Kind != "url" {
			t.Errorf("%+v", es)
		}
		w.now = w.now.Add(time.Second)
		refused(ann, bob, m.ID, "too late", fault.MessageEditTimeExpired)
	})
}

func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, err := w.Delete(ctx, ann, make([]int, 101), false, 0)
		w.want(err, fault.MessageIDInvalid)
		a, err := w.Delete(ctx, ann, []int{5, -1, 0}, true, 0)
		w.must(err)
		if a.Pts != 1 || a.Count != 0 {
			t.Errorf("%+v", a)
		}
		for _, text := range []string{"a", "b", "c"} {
			w.send(ann, bob, text) // 2, 3, 4 of both
		}
		w.send(cid, ann, "d") // 5
		w.told()
		a, err = w.Delete(ctx, ann, []int{2, 5, 2, 99}, false, 3)
		w.must(err)
		if a.Pts != 7 || a.Count != 2 {
			t.Errorf("%+v", a)
		}
		if told := w.told(); len(told) != 1 || told[0].Origin != 3 || fmt.Sprint(told[0].Body) != "{[2 5]}" {
			t.Errorf("told %+v", told)
		}
		if got := fmt.Sprint(w.texts(ann, bob), w.texts(bob, ann), w.texts(cid, ann)); got != "[c b] [c b a] [d]" {
			t.Error(got)
		}
		if d := w.dialog(ann, cid); d.Top != 0 {
			t.Errorf("%+v", d)
		}
		// For both, what the other wrote, too; one of them is gone on this side only.
		a, err = w.Delete(ctx, bob, []int{2, 4}, true, 0)
		w.must(err)
		if d := w.dialog(bob, ann); a.Count != 2 || d.Unread != 1 || d.Top != 3 {
			t.Errorf("%+v, %+v", a, d)
		}
		told := w.told()
		if len(told) != 2 || told[1].Account != ann || told[1].Count != 1 || fmt.Sprint(told[1].Body) != "{[4]}" {
			t.Errorf("told %+v", told)
		}
		if got := fmt.Sprint(w.texts(ann, bob), w.texts(bob, ann)); got != "[b] [b]" {
			t.Error(got)
		}
	})
}

func TestDeleteHistory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, err := w.DeleteHistory(ctx, ann, bob, 0, false, true, 0)
		w.must(err)
		if a.Pts != 1 || a.Count != 0 || a.More {
			t.Errorf("nothing: %+v", a)
		}
		for i := range 5 {
			w.send(ann, bob, fmt.Sprint(i)) // 2 to 6
		}
		keep := w.send(ann, cid, "keep")
		w.told()
		a, err = w.DeleteHistory(ctx, bob, ann, 3, false, false, 0)
		w.must(err)
		if a.Count != 2 || a.More {
			t.Errorf("%+v", a)
		}
		if got := fmt.Sprint(w.texts(ann, bob), w.texts(bob, ann)); got != "[4 3 2 1 0] [4 3 2]" {
			t.Error(got)
		}
		w.told()
		if _, err = w.DeleteHistory(ctx, ann, bob, 0, true, true, 9); err != nil {
			t.Fatal(err)
		}
		told := w.told()
		if len(told) != 3 || told[0].Origin != 9 || told[1].Account != bob || told[1].Count != 3 || told[2].Origin != 0 || told[2].Count != 1 {
			t.Errorf("told %+v", told)
		}
		list, total, err := w.Dialogs(ctx, ann, 0, 0, 10)
		w.must(err)
		if total != 2 || list[0].Peer != bob || list[0].Newest.Notice != message.NoticeCleared || list[0].Unread != 0 || list[1].Top != keep.ID {
			t.Errorf("%+v", list)
		}
		notice := list[0].Top
		if _, _, err = w.Edit(ctx, ann, bob, notice, "x", nil, 0); err == nil {
			t.Error("a notice was edited")
		}
		_, err = w.ForwardAll(ctx, message.Forwarding{From: ann, To: cid, IDs: []int{notice}, Randoms: []int64{5}})
		w.want(err, fault.MessageIDInvalid)
		if _, total, _ := w.Dialogs(ctx, bob, 0, 0, 10); total != 0 {
			t.Errorf("bob has %d conversations", total)
		}
		if _, err = w.DeleteHistory(ctx, ann, bob, 0, false, false, 0); err != nil {
			t.Fatal(err)
		}
		if _, total, _ := w.Dialogs(ctx, ann, 0, 0, 10); total != 1 {
			t.Errorf("ann has %d conversations", total)
		}
	})
}

func TestDeleteLongHistory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.write(func(tx *store.Tx) error {
			for range 2500 {
				pts, err := tx.AdvancePts(ann, 1)
				if err != nil {
					return err
				}
				if err := tx.AddMessage(&store.Message{Account: ann, ID: pts, Peer: ann, Sender: ann, Body: "x"}); err != nil {
					return err
				}
			}
			return tx.Grow(ann, ann, 2501, 0)
		})
		for i, want := range []message.Affected{
			{Pts: 3501, Count: 1000, More: true}, {Pts: 4501, Count: 1000, More: true}, {Pts: 5001, Count: 500},
		} {
			if a, err := w.DeleteHistory(t.Context(), ann, ann, 0, false, false, 0); err != nil || a != want {
				t.Errorf("call %d: %+v, %v", i, a, err)
			}
		}
	})
}

func TestRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		read := func(account, with int64, upTo int) message.Affected {
			t.Helper()
			a, err := w.Read(ctx, account, peer.User(with), upTo, 4)
			w.must(err)
			return a
		}
		if a := read(bob, ann, 0); a.Count != 0 || a.Pts != 1 {
			t.Errorf("nothing: %+v", a)
		}
		for i := range 4 {
			w.send(ann, bob, fmt.Sprint(i)) // 2 to 5
		}
		w.told()
		if a := read(bob, ann, 3); a.Pts != 6 || a.Count != 1 {
			t.Errorf("%+v", a)
		}
		told := w.told()
		if len(told) != 2 || told[0].Body != (message.ReadIn{Peer: ann, UpTo: 3, Unread: 2}) || told[0].Origin != 4 ||
			told[1].Body != (message.ReadOut{Peer: bob, UpTo: 3}) || told[1].Origin != 0 {
			t.Errorf("told %+v", told)
		}
		for _, upTo := range []int{3, 2} { // again, and back
			if a := read(bob, ann, upTo); a.Count != 0 || a.Pts != 6 {
				t.Errorf("%+v", a)
			}
		}
		if d, e := w.dialog(bob, ann), w.dialog(ann, bob); d.ReadIn != 3 || d.Unread != 2 || e.ReadOut != 3 {
			t.Errorf("%+v %+v", d, e)
		}
		_, err := w.Delete(ctx, ann, []int{4}, true, 0)
		w.must(err)
		if d := w.dialog(bob, ann); d.Unread != 1 {
			t.Errorf("%+v", d)
		}
		if a := read(bob, ann, 1000); a.Count != 1 {
			t.Errorf("%+v", a)
		}
		if d, e := w.dialog(bob, ann), w.dialog(ann, bob); d.ReadIn != 5 || d.Unread != 0 || e.ReadOut != 5 {
			t.Errorf("%+v %+v", d, e)
		}
		w.told()
		w.send(bob, ann, "own")
		w.told()
		if a := read(bob, ann, 0); a.Count != 0 || len(w.told()) != 0 {
			t.Errorf("reading one's own: %+v", a)
		}
	})
}

func TestReadDate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		first, second := w.send(ann, bob, "1"), w.send(ann, bob, "2")
		theirs := w.send(bob, ann, "3")
		date := func(id int, want *fault.Error) int64 {
			t.Helper()
			d, err := w.ReadDate(ctx, ann, bob, id)
			if want != nil || err != nil {
				w.want(err, want)
			}
			return d
		}
		date(99, fault.MessageIDInvalid)
		date(theirs.Twin, fault.MessageIDInvalid)
		date(first.ID, fault.MessageNotReadYet)
		w.now = w.now.Add(time.Minute)
		_, err := w.Read(ctx, bob, ann, first.Twin, 0)
		w.must(err)
		firstRead := w.now.Unix()
		date(second.ID, fault.MessageNotReadYet)
		w.now = w.now.Add(time.Minute)
		_, err = w.Read(ctx, bob, ann, 0, 0)
		w.must(err)
		if got := date(first.ID, nil); got != firstRead {
			t.Errorf("first read at %d, want %d", got, firstRead)
		}
		if got := date(second.ID, nil); got != w.now.Unix() {
			t.Errorf("second read at %d, want %d", got, w.now.Unix())
		}
		w.now = w.now.Add(7 * 24 * time.Hour)
		date(first.ID, fault.MessageTooOld)
	})
}

func TestMarks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.must(w.Mark(ctx, ann, bob, true, 0)) // no conversation to mark
		w.send(ann, bob, "x")
		w.told()
		for range 2 {
			w.must(w.Mark(ctx, ann, bob, true, 6))
		}
		told := w.told()
		if len(told) != 1 || told[0].Origin != 6 || told[0].Pts != 0 || told[0].Body != (message.Marked{Peer: bob, Marked: true}) {
			t.Errorf("told %+v", told)
		}
		marks, err := w.Marks(ctx, ann)
		if err != nil || !slices.Equal(marks, []peer.ID{bob}) || !w.dialog(ann, bob).Marked {
			t.Errorf("%v, %v", marks, err)
		}
		w.must(w.Mark(ctx, ann, bob, false, 0))
		if marks, err := w.Marks(ctx, ann); err != nil || len(marks) != 0 {
			t.Errorf("%v, %v", marks, err)
		}
	})
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		m := w.send(ann, bob, "kept by bob")
		w.send(bob, ann, "kept by bob, too")
		w.write(func(tx *store.Tx) error {
			if err := message.Erase(tx, ann); err != nil {
				return err
			}
			return tx.EraseAccount(ann, 9)
		})
		if got := fmt.Sprint(w.texts(ann, bob), w.texts(bob, ann)); got != "[] [kept by bob, too kept by bob]" {
			t.Error(got)
		}
		_, err := w.Send(ctx, w.draft(bob, ann, "hello?"))
		w.want(err, fault.InputUserDeactivated)
		w.told()
		_, err = w.Read(ctx, bob, ann, 0, 0)
		w.must(err)
		_, _, err = w.Edit(ctx, bob, ann, 3, "edited", nil, 0)
		w.must(err)
		_, err = w.Delete(ctx, bob, []int{m.Twin, 3}, true, 0)
		w.must(err)
		for _, e := range w.told() {
			if e.Account != bob {
				t.Errorf("told %+v", e)
			}
		}
		if d, _, _ := w.Dialogs(ctx, ann, 0, 0, 10); len(d) != 0 {
			t.Errorf("ann has %+v", d)
		}
	})
}
