package message

import (
	"context"
	"errors"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// MaxPage is how many messages or dialogs one answer holds.
const MaxPage = 100

// Window selects a part of a history: Limit messages around Offset (an id, or a date if it is 0),
// Add of them further down (if negative, newer ones come along), with MinID < id < MaxID.
//
// https://core.telegram.org/api/offsets
type Window struct {
	OffsetID   int
	OffsetDate int64
	Add        int
	Limit      int
	MinID      int
	MaxID      int
}

// Slice is a part of a history, newest first, and how many messages there are in all.
type Slice struct {
	Messages []Message
	Total    int
}

// History returns a part of a conversation.
//
// https://core.telegram.org/method/messages.getHistory
func (s *Service) History(ctx context.Context, account int64, chat peer.ID, w Window) (out Slice, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		if out.Total, err = tx.CountMessages(account, int64(chat), 0, maxID); err != nil {
			return err
		}
		rows, err := window(tx, account, chat, w)
		if err != nil {
			return err
		}
		out.Messages, err = fromRows(rows)
		return err
	})
	return out, err
}

func window(tx *store.Tx, account int64, chat peer.ID, w Window) ([]store.Message, error) {
	limit := min(max(w.Limit, 0), MaxPage)
	if limit == 0 {
		return nil, nil
	}
	if w.MaxID <= 0 {
		w.MaxID = maxID
	}
	from := w.OffsetID
	if from <= 0 {
		from = maxID
		if w.OffsetDate > 0 {
			last, err := tx.LastBefore(account, int64(chat), w.OffsetDate)
			if err != nil {
				return nil, err
			}
			from = last + 1
		}
	}
	newer := min(max(-w.Add, 0), MaxPage)
	older := limit - newer
	var rows []store.Message
	if newer > 0 {
		up, err := tx.History(account, int64(chat), store.Page{MinID: max(from-1, w.MinID), MaxID: w.MaxID, Limit: newer, Upwards: true})
		if err != nil {
			return nil, err
		}
		if older < 0 { // the window lies wholly above the offset
			up = up[:max(len(up)+older, 0)]
		}
		rows = up
	}
	if older <= 0 {
		return rows, nil
	}
	down, err := tx.History(account, int64(chat), store.Page{MinID: w.MinID, MaxID: min(from, w.MaxID), Skip: max(w.Add, 0), Limit: older})
	return append(rows, down...), err
}

// Get returns those of the messages that exist.
//
// https://core.telegram.org/method/messages.getMessages
func (s *Service) Get(ctx context.Context, account int64, ids []int) ([]Message, error) {
	rows, err := s.rows(ctx, account, ids)
	if err != nil {
		return nil, err
	}
	return fromRows(rows)
}

// Dialog is a conversation with its newest message.
type Dialog struct {
	Peer            peer.ID
	Top             int
	ReadIn, ReadOut int
	Unread          int
	Marked          bool
	Newest          *Message // nil if there is none
}

// Dialogs returns conversations whose newest message is below one (0: from the start), or, if that
// is not given, older than a date; the newest first, and how many there are in all.
//
// https://core.telegram.org/method/messages.getDialogs
func (s *Service) Dialogs(ctx context.Context, account int64, below int, before int64, limit int) (out []Dialog, total int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		if below <= 0 && before > 0 {
			last, err := tx.LastBefore(account, 0, before)
			if err != nil {
				return err
			}
			below = last + 1
		}
		if below <= 0 {
			below = maxID
		}
		if total, err = tx.CountDialogs(account); err != nil {
			return err
		}
		rows, err := tx.Dialogs(account, below, min(max(limit, 1), MaxPage))
		if err != nil {
			return err
		}
		out, err = withNewest(tx, account, rows)
		return err
	})
	return out, total, err
}

// DialogsWith returns the conversations with these peers, empty ones where there is nothing yet, and
// the account's pts.
//
// https://core.telegram.org/method/messages.getPeerDialogs
func (s *Service) DialogsWith(ctx context.Context, account int64, peers []peer.ID) (out []Dialog, pts int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		rows := make([]store.Dialog, len(peers))
		for i, p := range peers {
			row, err := tx.Dialog(account, int64(p))
			if errors.Is(err, store.ErrNoRows) {
				row = store.Dialog{Account: account, Peer: int64(p)}
			} else if err != nil {
				return err
			}
			rows[i] = row
		}
		if pts, err = tx.Pts(account); err != nil {
			return err
		}
		out, err = withNewest(tx, account, rows)
		return err
	})
	return out, pts, err
}

func withNewest(tx *store.Tx, account int64, rows []store.Dialog) ([]Dialog, error) {
	ids := make([]int, 0, len(rows))
	for _, r := range rows {
		if r.Top != 0 {
			ids = append(ids, r.Top)
		}
	}
	found, err := tx.Messages(account, ids)
	if err != nil {
		return nil, err
	}
	messages, err := fromRows(found)
	if err != nil {
		return nil, err
	}
	byID := make(map[int]*Message, len(messages))
	for i := range messages {
		byID[messages[i].ID] = &messages[i]
	}
	out := make([]Dialog, len(rows))
	for i, r := range rows {
		out[i] = Dialog{
			Peer: peer.ID(r.Peer), Top: r.Top, ReadIn: r.ReadIn, ReadOut: r.ReadOut,
			Unread: r.Unread, Marked: r.Marked, Newest: byID[r.Top],
		}
	}
	return out, nil
}

// After returns up to limit messages that arrived after pts, as events.
func After(tx *store.Tx, account int64, pts, limit int) ([]event.Event, error) {
	rows, err := tx.MessagesAfter(account, pts, limit)
	if err != nil {
		return nil, err
	}
	messages, err := fromRows(rows)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(messages))
	for i, m := range messages {
		events[i] = arrived(m, 0)
	}
	return events, nil
}
