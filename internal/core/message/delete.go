package message

import (
	"context"
	"errors"
	"slices"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// maxDeleted is how many messages one call deletes.
const maxDeleted = 100

// Affected tells a caller's client what a change did to its pts.
//
// https://core.telegram.org/constructor/messages.affectedMessages
type Affected struct {
	Pts, Count int
	// More tells that the call must be repeated to finish.
	More bool
}

// Delete removes messages for oneself, and with revoke for the other side, too.
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
	return s.remove(ctx, account, rows, revoke, session, func(tx *store.Tx) ([]store.Message, error) {
		return tx.Messages(account, ids)
	}, false)
}

// DeleteHistory removes a conversation up to a message, a thousand messages a call, the newest
// first; keepDialog leaves the empty conversation in the list.
//
// https://core.telegram.org/method/messages.deleteHistory
func (s *Service) DeleteHistory(ctx context.Context, account int64, chat peer.ID, upTo int, keepDialog, revoke bool, session int64) (Affected, error) {
	const chunk = 1000
	if upTo <= 0 || upTo > maxID {
		upTo = maxID - 1
	}
	page := store.Page{MaxID: upTo + 1, Limit: chunk}
	select1 := func(tx *store.Tx) ([]store.Message, error) { return tx.History(account, int64(chat), page) }
	a, err := s.remove(ctx, account, []store.Message{{Peer: int64(chat)}}, revoke, session, select1, keepDialog)
	a.More = a.Count >= chunk
	return a, err
}

func (s *Service) rows(ctx context.Context, account int64, ids []int) (rows []store.Message, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.Messages(account, ids)
		return err
	})
	return rows, err
}

// remove deletes what pick selects. hints are rows that tell which accounts are concerned.
func (s *Service) remove(ctx context.Context, account int64, hints []store.Message, revoke bool, session int64,
	pick func(*store.Tx) ([]store.Message, error), keepDialog bool,
) (Affected, error) {
	concerned := []int64{account}
	for _, m := range hints {
		concerned = append(concerned, owners(account, peer.ID(m.Peer))...)
	}
	slices.Sort(concerned)
	concerned = slices.Compact(concerned)
	var events []event.Event
	var result Affected
	err := s.DB.Write(ctx, concerned, func(tx *store.Tx) error {
		events, result = nil, Affected{}
		rows, err := pick(tx)
		if err != nil {
			return err
		}
		mine, theirs := map[int64][]int{}, map[int64][]int{}
		for _, m := range rows {
			mine[m.Peer] = append(mine[m.Peer], m.ID)
			if other, ok := peer.ID(m.Peer).User(); revoke && ok && m.Twin != 0 {
				theirs[other] = append(theirs[other], m.Twin)
			}
		}
		if len(rows) == 0 {
			for _, m := range hints {
				mine[m.Peer] = nil
			}
		}
		if err := s.removeCopies(tx, account, mine, session, keepDialog, &events); err != nil {
			return err
		}
		if len(events) > 0 {
			result.Pts, result.Count = events[0].Pts, events[0].Count
		} else if result.Pts, err = tx.Pts(account); err != nil {
			return err
		}
		for other, ids := range theirs {
			if err := s.removeCopies(tx, other, map[int64][]int{account: ids}, 0, true, &events); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Affected{}, err
	}
	s.Bus.Announce(events...)
	return result, nil
}

// removeCopies deletes one account's copies, by dialog, as one event.
func (s *Service) removeCopies(tx *store.Tx, account int64, byPeer map[int64][]int, session int64, keepDialog bool, events *[]event.Event) error {
	var all []int
	for with, ids := range byPeer {
		if err := tx.DeleteMessages(account, ids); err != nil {
			return err
		}
		if err := tx.Recount(account, with, keepDialog); err != nil && !errors.Is(err, store.ErrNoRows) {
			return err
		}
		all = append(all, ids...)
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
