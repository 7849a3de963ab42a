package message

import (
	"context"
	"errors"
	"slices"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// maxForwarded is how many messages one call forwards.
const maxForwarded = 100

// Forwarding is a call of messages.forwardMessages.
type Forwarding struct {
	From int64
	// Chat is the conversation the messages are in, 0 if the client does not say.
	Chat       peer.ID
	To         peer.ID
	IDs        []int
	Randoms    []int64
	Silent     bool
	DropAuthor bool
	NoForwards bool
	Session    int64
}

// ForwardAll sends copies of messages to somebody else. Messages that are gone are left out.
//
// Errors: MESSAGE_IDS_EMPTY, RANDOM_ID_INVALID, RANDOM_ID_EMPTY, MESSAGE_ID_INVALID, CHAT_FORWARDS_RESTRICTED, and
// those of sending.
//
// https://core.telegram.org/method/messages.forwardMessages
func (s *Service) ForwardAll(ctx context.Context, f Forwarding) ([]Message, error) {
	switch {
	case len(f.IDs) == 0:
		return nil, fault.MessageIdsEmpty
	case len(f.IDs) > maxForwarded:
		return nil, fault.MessageIDInvalid
	case len(f.Randoms) != len(f.IDs):
		return nil, fault.RandomIDInvalid
	case slices.Contains(f.Randoms, 0):
		return nil, fault.RandomIDEmpty
	}
	var drafts []Draft
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		for i, id := range f.IDs {
			m, err := message(tx, f.From, id)
			if errors.Is(err, fault.MessageIDInvalid) || err == nil && (m.Notice != "" || f.Chat != 0 && m.Peer != f.Chat) {
				continue
			}
			if err != nil {
				return err
			}
			if m.NoForwards {
				return fault.ChatForwardsRestricted
			}
			drafts = append(drafts, f.draft(m, f.Randoms[i]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(drafts) == 0 {
		return nil, fault.MessageIDInvalid
	}
	return s.deliver(ctx, drafts)
}

func (f Forwarding) draft(m Message, random int64) Draft {
	d := Draft{
		From: f.From, To: f.To, Random: random, Text: m.Text, Entities: m.Entities,
		Silent: f.Silent, NoForwards: f.NoForwards, Session: f.Session,
	}
	if f.DropAuthor {
		return d
	}
	if m.Forward != nil {
		origin := *m.Forward
		d.Forward = &origin
	} else {
		d.Forward = &Forward{From: m.Sender, Date: m.Date}
	}
	d.Forward.SavedPeer, d.Forward.SavedID = 0, 0
	if f.To == peer.User(f.From) {
		d.Forward.SavedPeer, d.Forward.SavedID = m.Peer, m.ID
	}
	return d
}
