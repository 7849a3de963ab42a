package message

import (
	"context"
	"errors"
	"strings"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// Draft is a message to be sent.
type Draft struct {
	From int64
	To   peer.ID
	// Random is the client's number for the message: sending it twice sends it once.
	Random     int64
	Text       string
	Entities   []Entity
	Reply      *Reply
	Forward    *Forward
	Silent     bool
	NoForwards bool
	// Session is the MTProto session that sends, which learns by the answer.
	Session int64
}

// Send delivers a text message and returns the sender's copy.
//
// Errors: MESSAGE_EMPTY, MESSAGE_TOO_LONG, ENTITY_BOUNDS_INVALID, PEER_ID_INVALID,
// INPUT_USER_DEACTIVATED, YOU_BLOCKED_USER, RANDOM_ID_EMPTY, ENTITIES_TOO_LONG, QUOTE_TEXT_INVALID,
// PEER_FLOOD (the receiver does not know the sender, who writes to too many such people or sends a link
// before a reply).
//
// https://core.telegram.org/method/messages.sendMessage
func (s *Service) Send(ctx context.Context, d Draft) (Message, error) {
	text, entities, err := clean(d.Text, d.Entities)
	switch {
	case err != nil:
		return Message{}, err
	case text == "":
		return Message{}, fault.MessageEmpty
	case d.Random == 0:
		return Message{}, fault.RandomIDEmpty
	}
	d.Text, d.Entities = text, detect(text, entities)
	sent, err := s.deliver(ctx, []Draft{d})
	if err != nil {
		return Message{}, err
	}
	return sent[0], nil
}

// deliver stores drafts of one sender to one receiver in one transaction, and announces them.
func (s *Service) deliver(ctx context.Context, drafts []Draft) ([]Message, error) {
	to, ok := drafts[0].To.User()
	if !ok {
		return nil, fault.PeerIDInvalid
	}
	var sent []Message
	err := s.change(ctx, []int64{drafts[0].From, to}, func(tx *store.Tx) (events []event.Event, err error) {
		sent = make([]Message, len(drafts))
		for i, d := range drafts {
			var told []event.Event
			if sent[i], told, err = s.deliverOne(tx, d, to); err != nil {
				return nil, err
			}
			events = append(events, told...)
		}
		return events, nil
	})
	return sent, err
}

func (s *Service) deliverOne(tx *store.Tx, d Draft, to int64) (Message, []event.Event, error) {
	state, err := tx.Delivery(d.From, to, d.Random)
	switch {
	case errors.Is(err, store.ErrNoRows):
		return Message{}, nil, fault.PeerIDInvalid
	case err != nil:
		return Message{}, nil, err
	case state.Sent != 0:
		m, err := message(tx, d.From, state.Sent)
		return m, nil, err
	case state.Deleted:
		return Message{}, nil, fault.InputUserDeactivated
	case state.Blocks:
		return Message{}, nil, fault.YouBlockedUser
	}
	if err := s.approach(tx, d.From, to, state.Met, d.linked()); err != nil {
		return Message{}, nil, err
	}
	out := Message{
		Account: d.From, Peer: d.To, Sender: d.From, Date: s.Now().Unix(), Out: to != d.From,
		Silent: d.Silent, NoForwards: d.NoForwards, Text: d.Text, Random: d.Random,
		Extra: Extra{Entities: d.Entities, Forward: d.Forward},
	}
	twinReply, err := s.resolveReply(tx, d, &out)
	if err != nil {
		return Message{}, nil, err
	}
	if to == d.From || state.Blocked || to == peer.System {
		return s.keep(tx, out, d.Session)
	}
	return s.store(tx, out, twinReply, d, to)
}

// resolveReply checks what a draft answers, and says what that is for the other side. An answer to a
// message that is gone is sent as an ordinary one; QUOTE_TEXT_INVALID says that it has no such words.
func (s *Service) resolveReply(tx *store.Tx, d Draft, out *Message) (twin *Reply, err error) {
	if d.Reply == nil {
		return nil, nil
	}
	r := *d.Reply
	row, err := tx.Message(d.From, r.ID)
	if errors.Is(err, store.ErrNoRows) || err == nil && peer.ID(row.Peer) != d.To {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if r.Quote != "" {
		r.Quote, r.Entities, err = clean(r.Quote, r.Entities)
		if err != nil || units(r.Quote) > maxQuote || !strings.Contains(row.Body, r.Quote) || r.QuoteOffset < 0 {
			return nil, fault.QuoteTextInvalid
		}
	}
	out.Reply = &r
	if row.Twin == 0 {
		return nil, nil
	}
	other := r
	other.ID = row.Twin
	return &other, nil
}

// keep stores a message that has one copy: in Saved Messages, or to somebody who blocked the sender
// and shall not notice, nor be noticed.
func (s *Service) keep(tx *store.Tx, m Message, session int64) (Message, []event.Event, error) {
	var err error
	if m.ID, err = tx.AdvancePts(m.Account, 1); err != nil {
		return m, nil, err
	}
	row, err := m.row()
	if err != nil {
		return m, nil, err
	}
	if err := tx.AddMessage(&row); err != nil {
		return m, nil, err
	}
	if err := tx.Grow(m.Account, int64(m.Peer), m.ID, 0); err != nil {
		return m, nil, err
	}
	return m, []event.Event{arrived(m, session)}, nil
}

// store stores both copies of a message.
func (s *Service) store(tx *store.Tx, out Message, reply *Reply, d Draft, to int64) (Message, []event.Event, error) {
	var err error
	in := out
	in.Account, in.Peer, in.Out, in.Reply, in.Random = to, peer.User(d.From), false, reply, 0
	if out.ID, in.ID, err = tx.AdvancePtsOfTwo(d.From, to); err != nil {
		return out, nil, err
	}
	out.Twin, in.Twin = in.ID, out.ID
	if in.Forward != nil {
		f := *in.Forward
		f.SavedPeer, f.SavedID = 0, 0
		in.Forward = &f
	}
	outRow, err := out.row()
	if err != nil {
		return out, nil, err
	}
	inRow, err := in.row()
	if err != nil {
		return out, nil, err
	}
	if err := tx.AddTwins(&outRow, &inRow); err != nil {
		return out, nil, err
	}
	if err := tx.GrowTwins(d.From, out.ID, to, in.ID); err != nil {
		return out, nil, err
	}
	return out, []event.Event{arrived(out, d.Session), arrived(in, 0)}, nil
}

func arrived(m Message, origin int64) event.Event {
	return event.Event{Account: m.Account, Pts: m.ID, Count: 1, Date: m.Date, Origin: origin, Body: Arrived{m}}
}

// Tell delivers a message of the service account: login codes, notices.
func (s *Service) Tell(ctx context.Context, account int64, text string, entities []Entity) error {
	var told event.Event
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		pts, err := tx.AdvancePts(account, 1)
		if err != nil {
			return err
		}
		m := Message{
			Account: account, ID: pts, Peer: peer.User(peer.System), Sender: peer.System,
			Date: s.Now().Unix(), Text: text, Extra: Extra{Entities: entities},
		}
		row, err := m.row()
		if err != nil {
			return err
		}
		if err := tx.AddMessage(&row); err != nil {
			return err
		}
		told = arrived(m, 0)
		return tx.Grow(account, peer.System, pts, 1)
	})
	if err != nil {
		return err
	}
	s.Bus.Announce(told)
	return nil
}
