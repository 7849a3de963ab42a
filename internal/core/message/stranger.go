package message

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// newcomer is how long an account is new.
const newcomer = 7 * 24 * time.Hour

// How many people an account may write to first.
var (
	strangersOfNew = store.Limit{Most: 5, Window: 24 * time.Hour}
	strangers      = store.Limit{Most: 30, Window: 24 * time.Hour}
)

// approach decides whether somebody may write to somebody, and counts whom one writes to first. met
// tells that there is a conversation, links that what is to be written has some: these wait for a
// reply. It fails with PEER_FLOOD.
func (s *Service) approach(tx *store.Tx, from, to int64, met, links bool) error {
	if s.NoLimits || met && !links || to == from || to == peer.System || from == peer.System {
		return nil
	}
	_, err := tx.Contact(to, from)
	if !errors.Is(err, store.ErrNoRows) {
		return err // the receiver knows the sender
	}
	if links {
		replied, err := tx.Replied(from, to)
		if err == nil && !replied {
			err = fault.PeerFlood
		}
		return err
	}
	a, err := tx.Account(from)
	if err != nil {
		return err
	}
	limit, now := strangers, s.Now()
	if now.Sub(time.Unix(a.Created, 0)) < newcomer {
		limit = strangersOfNew
	}
	wait, err := tx.Attempt(fmt.Sprintf("stranger %d", from), now, limit)
	if err == nil && wait > 0 {
		err = fault.PeerFlood
	}
	return err
}

// linked tells whether a text leads anywhere.
func linked(entities []Entity) bool {
	return slices.ContainsFunc(entities, func(e Entity) bool { return e.Kind == kindURL || e.Kind == "link" })
}

func (d *Draft) linked() bool {
	return linked(d.Entities) || d.Reply != nil && linked(d.Reply.Entities)
}
