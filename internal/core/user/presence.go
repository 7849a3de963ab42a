package user

import (
	"context"
	"time"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// onlineFor is for how long somebody counts as online after saying so.
	onlineFor = 5 * time.Minute
	// audience is how many people of either kind learn at most that somebody came, went or changed.
	audience = 500
)

// SetOnline notes that somebody came or went, and tells those who know them.
//
// https://core.telegram.org/method/account.updateStatus
func (s *Service) SetOnline(ctx context.Context, id int64, online bool) error {
	now := s.now().Unix()
	status := event.Status{User: id, Until: now}
	s.mu.Lock()
	before := s.online[id]
	if online {
		status = event.Status{User: id, Online: true, Until: now + int64(onlineFor/time.Second)}
		s.online[id] = status.Until
	} else {
		delete(s.online, id)
	}
	s.mu.Unlock()
	was := before > now
	if !online && !was {
		return nil
	}
	if !online || !was { // who only renews is written down when they go
		err := s.db.Write(ctx, []int64{id}, func(tx *store.Tx) error { return tx.SetSeen(id, now) })
		if err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.seenLocked(id, now)
	s.mu.Unlock()
	return s.tell(ctx, status)
}

// seenLocked notes in the cache when somebody was last seen, after it was written.
func (s *Service) seenLocked(id, at int64) {
	if a, ok := s.people[id]; ok {
		a.Seen = max(a.Seen, at)
		s.people[id] = a
	}
	s.forgotten++
}

// Sweep tells of those who have said for too long nothing to count as online still. Call it every
// few minutes.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now().Unix()
	lapsed := make(map[int64]int64)
	var ids []int64
	s.mu.Lock()
	for id, until := range s.online {
		if until <= now {
			lapsed[id] = until
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := s.db.Write(ctx, ids, func(tx *store.Tx) error {
		for id, until := range lapsed {
			if err := tx.SetSeen(id, until); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	for id, until := range lapsed {
		s.seenLocked(id, until)
		if s.online[id] == until {
			delete(s.online, id)
		} else {
			delete(lapsed, id) // back meanwhile
		}
	}
	s.mu.Unlock()
	for id, until := range lapsed {
		if err := s.tell(ctx, event.Status{User: id, Until: until}); err != nil {
			return err
		}
	}
	return nil
}

// tell announces somebody's presence to those who know them.
func (s *Service) tell(ctx context.Context, status event.Status) error {
	known, err := s.KnownTo(ctx, status.User)
	if err != nil {
		return err
	}
	events := make([]event.Event, len(known))
	for i, other := range known {
		events[i] = event.Event{Account: other, Date: s.now().Unix(), Body: status}
	}
	s.bus.Announce(events...)
	return nil
}

// KnownTo returns who learns what somebody does: those who have them in the address book, and those
// they talk with, but for the ones they blocked.
func (s *Service) KnownTo(ctx context.Context, id int64) (known []int64, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		having, err := tx.ContactOf(id, audience)
		if err != nil {
			return err
		}
		talking, err := tx.TalksWith(id, audience)
		if err != nil {
			return err
		}
		blocked, _, err := tx.BlockedBy(id, 0, maxBlocked)
		if err != nil {
			return err
		}
		passed := map[int64]bool{id: true, peer.System: true}
		for _, b := range blocked {
			passed[b.Peer] = true
		}
		known = known[:0]
		for _, other := range append(having, talking...) {
			if !passed[other] {
				passed[other] = true
				known = append(known, other)
			}
		}
		return nil
	})
	return known, err
}

// maxBlocked bounds how much of a blocklist is looked at.
const maxBlocked = 10_000
