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

// TestHistory walks all of https://core.telegram.org/api/offsets over a conversation of the ids
// 3, 5, 7 … 21 (another's lie between), a minute apart.
func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		begin := w.now.Unix()
		for i := range 10 {
			w.send(cid, ann, "between")
			w.send(ann, bob, fmt.Sprint(i))
			w.now = w.now.Add(time.Minute)
		}
		for i, c := range []struct {
			w    message.Window
			want string
		}{
			{message.Window{}, "[]"},
			{message.Window{Limit: -5}, "[]"},
			{message.Window{Limit: 1000}, "[21 19 17 15 13 11 9 7 5 3]"},
			{message.Window{Limit: 3}, "[21 19 17]"},
			{message.Window{Limit: 3, OffsetID: 17}, "[15 13 11]"},
			{message.Window{Limit: 3, OffsetID: 16}, "[15 13 11]"},
			{message.Window{Limit: 3, OffsetID: 3}, "[]"},
			{message.Window{Limit: 3, OffsetID: -7}, "[21 19 17]"},
			{message.Window{Limit: 3, OffsetID: 1 << 30}, "[21 19 17]"},
			{message.Window{Limit: 3, Add: 2}, "[17 15 13]"},
			{message.Window{Limit: 3, Add: 9}, "[3]"},
			{message.Window{Limit: 3, Add: 500}, "[]"},
			{message.Window{Limit: 4, OffsetID: 11, Add: -2}, "[13 11 9 7]"},
			{message.Window{Limit: 4, OffsetID: 11, Add: -4}, "[17 15 13 11]"},
			{message.Window{Limit: 2, OffsetID: 11, Add: -4}, "[17 15]"},
			{message.Window{Limit: 4, OffsetID: 12, Add: -2}, "[15 13 11 9]"},
			{message.Window{Limit: 4, OffsetID: 21, Add: -2}, "[21 19 17]"},
			{message.Window{Limit: 5, OffsetID: 1, Add: -5}, "[11 9 7 5 3]"},
			{message.Window{Limit: 5, Add: -5}, "[]"},
			{message.Window{Limit: 9, MinID: 15}, "[21 19 17]"},
			{message.Window{Limit: 9, MaxID: 9}, "[7 5 3]"},
			{message.Window{Limit: 9, MinID: 5, MaxID: 11}, "[9 7]"},
			{message.Window{Limit: 9, OffsetID: 9, MinID: 3, MaxID: 1 << 30}, "[7 5]"},
			{message.Window{Limit: 9, OffsetID: 9, Add: -9, MinID: 5, MaxID: 13}, "[11 9]"},
			{message.Window{Limit: 2, OffsetDate: begin + 60*3}, "[7 5]"},
			{message.Window{Limit: 2, OffsetDate: begin + 60*3, Add: -2}, "[11 9]"},
			{message.Window{Limit: 2, OffsetDate: begin}, "[]"},
			{message.Window{Limit: 2, OffsetDate: begin + 1<<30}, "[21 19]"},
			{message.Window{Limit: 2, OffsetID: 21, OffsetDate: begin}, "[19 17]"},
		} {
			s, err := w.History(t.Context(), ann, bob, c.w)
			w.must(err)
			ids := []int{}
			for _, m := range s.Messages {
				ids = append(ids, m.ID)
			}
			if got := fmt.Sprint(ids); got != c.want || s.Total != 10 {
				t.Errorf("%d: %+v is %s of %d, want %s", i, c.w, got, s.Total, c.want)
			}
		}
		if s, err := w.History(t.Context(), ann, 404, message.Window{Limit: 5}); err != nil || s.Total != 0 || len(s.Messages) != 0 {
			t.Errorf("with nobody: %+v, %v", s, err)
		}
	})
}

func TestDialogs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		begin := w.now.Unix()
		w.write(func(tx *store.Tx) error {
			for id := range int64(150) {
				if err := tx.CreateAccount(store.Account{ID: 1000 + id}); err != nil {
					return err
				}
			}
			return nil
		})
		for id := range int64(150) {
			w.send(ann, 1000+id, "x") // 2 to 151
			w.now = w.now.Add(time.Second)
		}
		page := func(below int, before int64, limit int) (out []peer.ID) {
			t.Helper()
			list, total, err := w.Dialogs(ctx, ann, below, before, limit)
			w.must(err)
			if total != 150 {
				t.Errorf("total %d", total)
			}
			for _, d := range list {
				out = append(out, d.Peer)
				if d.Newest == nil || d.Newest.ID != d.Top {
					t.Errorf("%+v", d)
				}
			}
			return out
		}
		if got := page(0, 0, 1000); len(got) != message.MaxPage || got[0] != 1149 {
			t.Errorf("%v", got)
		}
		if got := page(51, 0, 1000); len(got) != 49 || got[0] != 1048 || got[48] != 1000 {
			t.Errorf("%v", got)
		}
		if got := page(0, begin+10, 1000); len(got) != 10 || got[0] != 1009 {
			t.Errorf("%v", got)
		}
		if got := page(0, begin, 10); len(got) != 0 {
			t.Errorf("%v", got)
		}
		if got := page(2, 0, 0); len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestGet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send(ann, bob, "a")
		w.send(ann, bob, "b")
		found, err := w.Get(t.Context(), ann, []int{3, 99, -1, 0, 2, 3})
		w.must(err)
		if len(found) != 2 || found[0].Text != "a" || found[1].Text != "b" {
			t.Errorf("%+v", found)
		}
		if found, err := w.Get(t.Context(), cid, []int{2, 3}); err != nil || len(found) != 0 {
			t.Errorf("a stranger's %+v, %v", found, err)
		}
	})
}

func TestType(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.want(w.Type(t.Context(), ann, peer.Group(5), "typing"), fault.PeerIDInvalid)
		w.must(w.Type(t.Context(), ann, bob, "send file"))
		told := w.told()
		if len(told) != 1 || told[0].Account != bob || told[0].Body != (message.Typing{From: ann, Action: "send file"}) {
			t.Errorf("told %+v", told)
		}
	})
}
