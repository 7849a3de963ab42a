package message

import (
	"context"
	"maps"
	"slices"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// maxDeleted is how many messages one call deletes by id, chunk how many of a whole history.
	maxDeleted = 100
	chunk      = 1000
)

// Affected tells a caller's client what a change did to its pts.
//
// https://core.telegram.org/constructor/messages.affectedMessages
type Affected struct {
	Pts, Count int
	// More tells that the call must be repeated to finish.
	More bool
}

// Delete removes messages for oneself, and with revoke for the other side, too. Those that are gone
// already are passed over.
//
// Errors: MESSAGE_ID_INVALID (more than a hundred).
//
// https://core.telegram.org/method/messages.deleteMessages
func (s *Service) Delete(ctx context.Context, account int64, ids []int, revoke bool, session int64) (Affected, error) {
	if len(ids) > maxDeleted {
		return Affected{}, fault.MessageIDInvalid
	}
	rows, err := s.rows(ctx, account, ids)
	if err != nil {
		return Affected{}, err
	}
	concerned := []int64{account}
	for _, m := range rows {
		concerned = append(concerned, owners(account, peer.ID(m.Peer))...)
	}
	var result Affected
	err = s.change(ctx, concerned, func(tx *store.Tx) (events []event.Event, err error) {
		if rows, err = tx.Messages(account, ids); err != nil {
			return nil, err
		}
		result, events, err = s.remove(tx, account, rows, revoke, false, session)
		return events, err
	})
	return result, err
}

// DeleteHistory removes a conversation up to a message (0: all of it), a thousand messages a call,
// the newest first. With clear the conversation stays in the list: a notice takes its place.
//
// https://core.telegram.org/method/messages.deleteHistory
func (s *Service) DeleteHistory(ctx context.Context, account int64, chat peer.ID, upTo int, clear, revoke bool, session int64) (Affected, error) {
	page := store.Page{MaxID: maxID, Limit: chunk}
	if upTo > 0 && upTo < maxID {
		page.MaxID = upTo + 1
	}
	var result Affected
	err := s.change(ctx, owners(account, chat), func(tx *store.Tx) ([]event.Event, error) {
		rows, err := tx.History(account, int64(chat), page)
		if err != nil {
			return nil, err
		}
		var events []event.Event
		if result, events, err = s.remove(tx, account, rows, revoke, clear, session); err != nil {
			return nil, err
		}
		result.More = len(rows) == chunk
		switch {
		case clear && len(rows) > 0 && !result.More:
			notice := Message{
				Account: account, Peer: chat, Sender: account, Date: s.Now().Unix(), Out: chat != peer.User(account),
				Extra: Extra{Notice: NoticeCleared},
			}
			_, told, err := s.keep(tx, notice, 0)
			return append(events, told...), err
		case len(rows) == 0 && !clear:
			err = tx.Recount(account, int64(chat), false)
		}
		return events, err
	})
	return result, err
}

func (s *Service) rows(ctx context.Context, account int64, ids []int) (rows []store.Message, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.Messages(account, ids)
		return err
	})
	return rows, err
}

// change runs a transaction on the rows of some accounts and announces what came of it.
func (s *Service) change(ctx context.Context, concerned []int64, fn func(*store.Tx) ([]event.Event, error)) error {
	slices.Sort(concerned)
	var events []event.Event
	err := s.DB.Write(ctx, slices.Compact(concerned), func(tx *store.Tx) (err error) {
		events, err = fn(tx)
		return err
	})
	if err == nil {
		s.Bus.Announce(events...)
	}
	return err
}

// remove deletes an account's messages, and with revoke their twins. The account's own event comes
// first.
func (s *Service) remove(tx *store.Tx, account int64, rows []store.Message, revoke, keepDialog bool, session int64) (a Affected, events []event.Event, err error) {
	mine, theirs := map[int64][]int{}, map[int64][]int{}
	for _, m := range rows {
		mine[m.Peer] = append(mine[m.Peer], m.ID)
		if other, ok := peer.ID(m.Peer).User(); revoke && ok && m.Twin != 0 {
			theirs[other] = append(theirs[other], m.Twin)
		}
	}
	if err := s.removeCopies(tx, account, mine, session, keepDialog, &events); err != nil {
		return a, nil, err
	}
	if len(events) > 0 {
		a.Pts, a.Count = events[0].Pts, events[0].Count
	} else if a.Pts, err = tx.Pts(account); err != nil {
		return a, nil, err
	}
	for _, other := range slices.Sorted(maps.Keys(theirs)) {
		if err := s.removeCopies(tx, other, map[int64][]int{account: theirs[other]}, 0, true, &events); err != nil {
			return a, nil, err
		}
	}
	return a, events, nil
}

// removeCopies deletes one account's copies, by dialog, as one event.
func (s *Service) removeCopies(tx *store.Tx, account int64, byPeer map[int64][]int, session int64, keepDialog bool, events *[]event.Event) error {
	var all []int
	for with, ids := range byPeer {
		gone, err := tx.DeleteMessages(account, ids)
		if err != nil {
			return err
		}
		if err := tx.Recount(account, with, keepDialog); err != nil {
			return err
		}
		all = append(all, gone...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	pts, err := tx.AdvancePts(account, len(all))
	if err != nil {
		return err
	}
	e, err := s.record(tx, account, pts, len(all), Deleted{all})
	e.Origin = session
	*events = append(*events, e)
	return err
}

// Erase removes what an ended account has of messages; the other sides keep their copies.
func Erase(tx *store.Tx, account int64) error { return tx.EraseMessages(account) }
