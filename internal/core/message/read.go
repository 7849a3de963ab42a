package message

import (
	"context"
	"errors"
	"fmt"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// Read marks a private chat as read up to a message (0: all of it), and tells the other side. It
// takes no pts if there was nothing to read.
//
// https://core.telegram.org/method/messages.readHistory
func (s *Service) Read(ctx context.Context, account int64, chat peer.ID, upTo int, session int64) (Affected, error) {
	var result Affected
	err := s.change(ctx, owners(account, chat), func(tx *store.Tx) (events []event.Event, err error) {
		result = Affected{}
		dialog, err := tx.Dialog(account, int64(chat))
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return nil, err
		}
		if upTo <= 0 || upTo > dialog.Top {
			upTo = dialog.Top
		}
		last, twin, err := tx.LastIncoming(account, int64(chat), dialog.ReadIn, upTo)
		if err != nil {
			return nil, err
		}
		if last == 0 {
			result.Pts, err = tx.Pts(account)
			return nil, err
		}
		unread, err := tx.ReadInbox(account, int64(chat), last)
		if err != nil {
			return nil, err
		}
		if result.Pts, err = tx.AdvancePts(account, 1); err != nil {
			return nil, err
		}
		result.Count = 1
		e, err := s.record(tx, account, result.Pts, 1, ReadIn{chat, last, unread})
		if err != nil {
			return nil, err
		}
		e.Origin = session
		events = append(events, e)
		err = s.tellRead(tx, account, chat, twin, &events)
		return events, err
	})
	return result, err
}

// tellRead notes in the other side's dialog that its messages were read.
func (s *Service) tellRead(tx *store.Tx, account int64, chat peer.ID, twin int, events *[]event.Event) error {
	other, ok := chat.User()
	if !ok || twin == 0 {
		return nil
	}
	changed, err := tx.ReadOutbox(other, account, twin)
	if err != nil || !changed {
		return err
	}
	pts, err := tx.AdvancePts(other, 1)
	if err != nil {
		return err
	}
	e, err := s.record(tx, other, pts, 1, ReadOut{peer.User(account), twin})
	*events = append(*events, e)
	return err
}

// Mark marks a conversation as unread, or lifts the mark.
//
// https://core.telegram.org/method/messages.markDialogUnread
func (s *Service) Mark(ctx context.Context, account int64, chat peer.ID, marked bool, session int64) error {
	return s.change(ctx, []int64{account}, func(tx *store.Tx) ([]event.Event, error) {
		news, err := tx.MarkDialog(account, int64(chat), marked)
		if err != nil || !news {
			return nil, err
		}
		return []event.Event{{Account: account, Date: s.Now().Unix(), Origin: session, Body: Marked{chat, marked}}}, nil
	})
}

// Marks returns the conversations that are marked as unread.
//
// https://core.telegram.org/method/messages.getDialogUnreadMarks
func (s *Service) Marks(ctx context.Context, account int64) (out []peer.ID, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		peers, err := tx.MarkedDialogs(account)
		out = make([]peer.ID, len(peers))
		for i, p := range peers {
			out[i] = peer.ID(p)
		}
		return err
	})
	return out, err
}

// readDates is for how long after a message was sent its sender may ask when it was read, in seconds.
//
// https://core.telegram.org/api/config#pm-read-date-expire-period
const readDates = 7 * 24 * 60 * 60

// ReadDate returns when the other side of a private chat read a message, in Unix seconds.
//
// Errors: MESSAGE_ID_INVALID, MESSAGE_TOO_OLD, MESSAGE_NOT_READ_YET.
//
// https://core.telegram.org/method/messages.getOutboxReadDate
func (s *Service) ReadDate(ctx context.Context, account int64, chat peer.ID, id int) (date int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		m, err := message(tx, account, id)
		switch {
		case err != nil:
			return err
		case m.Peer != chat || !m.Out:
			return fault.MessageIDInvalid
		case m.Date+readDates < s.Now().Unix():
			return fault.MessageTooOld
		}
		seen, err := tx.EventsLike(account, id, kindReadOut, fmt.Sprintf(`{"peer":%d,`, chat))
		if err != nil {
			return err
		}
		for _, e := range seen {
			body, err := Recorded(tx, e)
			if err != nil {
				return err
			}
			if body.(ReadOut).UpTo >= id {
				date = e.Date
				return nil
			}
		}
		return fault.MessageNotReadYet
	})
	return date, err
}

// Type tells the other side of a private chat what somebody does there. Nothing of it is stored.
//
// https://core.telegram.org/method/messages.setTyping
func (s *Service) Type(ctx context.Context, account int64, chat peer.ID, action string) error {
	other, ok := chat.User()
	if !ok {
		return fault.PeerIDInvalid
	}
	if other == account {
		return nil
	}
	var blocked bool
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		blocked, err = tx.Blocks(other, account)
		return err
	})
	if err != nil || blocked {
		return err
	}
	s.Bus.Announce(event.Event{Account: other, Date: s.Now().Unix(), Body: Typing{account, action}})
	return nil
}
