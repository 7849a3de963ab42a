package message

import (
	"context"
	"errors"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// Read marks a private chat as read up to a message (0: all of it), and tells the other side.
//
// https://core.telegram.org/method/messages.readHistory
func (s *Service) Read(ctx context.Context, account int64, chat peer.ID, upTo int, session int64) (Affected, error) {
	var events []event.Event
	var result Affected
	err := s.DB.Write(ctx, owners(account, chat), func(tx *store.Tx) (err error) {
		events, result = nil, Affected{}
		dialog, err := tx.Dialog(account, int64(chat))
		if errors.Is(err, store.ErrNoRows) {
			result.Pts, err = tx.Pts(account)
			return err
		}
		if err != nil {
			return err
		}
		if upTo <= 0 || upTo > dialog.Top {
			upTo = dialog.Top
		}
		if upTo <= dialog.ReadIn {
			result.Pts, err = tx.Pts(account)
			return err
		}
		unread, err := tx.ReadInbox(account, int64(chat), upTo)
		if err != nil {
			return err
		}
		if result.Pts, err = tx.AdvancePts(account, 1); err != nil {
			return err
		}
		result.Count = 1
		e, err := s.record(tx, account, result.Pts, 1, ReadIn{chat, upTo, unread})
		if err != nil {
			return err
		}
		e.Origin = session
		events = append(events, e)
		return s.tellRead(tx, account, chat, dialog.ReadIn, upTo, &events)
	})
	if err != nil {
		return Affected{}, err
	}
	s.Bus.Announce(events...)
	return result, nil
}

// tellRead notes in the other side's dialog that its messages were read.
func (s *Service) tellRead(tx *store.Tx, account int64, chat peer.ID, from, upTo int, events *[]event.Event) error {
	other, ok := chat.User()
	if !ok || other == account || other == peer.System {
		return nil
	}
	twin, err := tx.LastTwinUpTo(account, int64(chat), from, upTo)
	if err != nil || twin == 0 {
		return err
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
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error { return tx.MarkDialog(account, int64(chat), marked) })
	if err != nil {
		return err
	}
	s.Bus.Announce(event.Event{Account: account, Date: s.Now().Unix(), Origin: session, Body: Marked{chat, marked}})
	return nil
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
