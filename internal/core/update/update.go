// Package update answers "what happened since": the difference between an account's pts and a
// device's.
//
// New messages are a range of the message table, everything else is recorded as events; both are
// merged in the order of pts.
//
// https://core.telegram.org/api/updates#recovering-gaps
package update

import (
	"context"
	"slices"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// slice is how many events one answer holds.
	slice = 500
	// tooLong is how far behind a device may be before it is told to start anew.
	tooLong = 100_000
)

// Service answers for differences.
type Service struct{ DB *store.DB }

// Difference is what happened to an account after a pts, oldest first.
type Difference struct {
	Events []event.Event
	// Pts is up to where the events go, Now is the account's.
	Pts, Now int
	// More tells that there is more after Pts.
	More bool
	// TooLong tells that there is too much: the device starts anew at Pts.
	TooLong bool
}

// Pts returns an account's pts.
func (s *Service) Pts(ctx context.Context, account int64) (pts int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		pts, err = tx.Pts(account)
		return err
	})
	return pts, err
}

// Since returns what happened after pts. A pts beyond the account's own is answered with the
// account's, and nothing else: the device forgets what it made up.
func (s *Service) Since(ctx context.Context, account int64, pts, limit int) (d Difference, err error) {
	if limit <= 0 || limit > slice {
		limit = slice
	}
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		now, err := tx.Pts(account)
		if err != nil {
			return err
		}
		d = Difference{Pts: now, Now: now}
		if now <= pts {
			return nil
		}
		if now-pts > tooLong {
			d.TooLong = true
			return nil
		}
		return s.collect(tx, account, pts, limit, &d)
	})
	return d, err
}

func (s *Service) collect(tx *store.Tx, account int64, pts, limit int, d *Difference) error {
	arrived, err := message.After(tx, account, pts, limit+1)
	if err != nil {
		return err
	}
	stored, err := tx.EventsAfter(account, pts, limit+1)
	if err != nil {
		return err
	}
	events := arrived
	for _, e := range stored {
		body, err := message.Recorded(tx, e)
		if err != nil {
			return err
		}
		events = append(events, event.Event{Account: account, Pts: e.Pts, Count: e.Count, Date: e.Date, Body: body})
	}
	slices.SortFunc(events, func(a, b event.Event) int { return a.Pts - b.Pts })
	if len(events) > limit {
		events, d.More = events[:limit], true
		d.Pts = events[limit-1].Pts
	}
	d.Events = news(events, pts)
	return nil
}

// news leaves out what tells a device that was at pts nothing: changes of messages that are gone,
// that arrive in the same answer as they are now, or that change again in it.
func news(events []event.Event, pts int) []event.Event {
	last := make(map[int]int) // the last change of each message
	for i, e := range events {
		if changed, ok := e.Body.(message.Changed); ok {
			last[changed.Message.ID] = i
		}
	}
	var out []event.Event
	for i, e := range events {
		if changed, ok := e.Body.(message.Changed); ok && (changed.Message.ID > pts || last[changed.Message.ID] != i) || e.Body == nil {
			continue
		}
		out = append(out, e)
	}
	return out
}
