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

// editable is for how long a message may be edited, in seconds; in Saved Messages it is for ever.
const editable = 48 * 60 * 60

// Edit replaces the text of one's own message in both copies, and returns the editor's.
//
// Errors: MESSAGE_ID_INVALID, MESSAGE_AUTHOR_REQUIRED, MESSAGE_EDIT_TIME_EXPIRED,
// MESSAGE_NOT_MODIFIED, PEER_FLOOD, and those of a text. Somebody who blocked the editor keeps the old text.
//
// https://core.telegram.org/method/messages.editMessage
func (s *Service) Edit(ctx context.Context, account int64, chat peer.ID, id int, text string, entities []Entity, session int64) (Message, int, error) {
	text, entities, err := clean(text, entities)
	if err != nil {
		return Message{}, 0, err
	}
	if text == "" {
		return Message{}, 0, fault.MessageEmpty
	}
	entities = detect(text, entities)
	var mine Message
	var pts int
	err = s.change(ctx, owners(account, chat), func(tx *store.Tx) (events []event.Event, err error) {
		if mine, err = message(tx, account, id); err != nil {
			return nil, err
		}
		if mine.Peer != chat {
			return nil, fault.MessageIDInvalid
		}
		if err := s.mayEdit(mine, text, entities); err != nil {
			return nil, err
		}
		if other, ok := chat.User(); ok {
			if err := s.approach(tx, account, other, true, linked(entities)); err != nil {
				return nil, err
			}
		}
		if err := s.editCopy(tx, &mine, text, entities, session, &events); err != nil {
			return nil, err
		}
		pts = events[0].Pts
		err = s.editTwin(tx, mine, text, entities, &events)
		return events, err
	})
	return mine, pts, err
}

// message returns a message, or MESSAGE_ID_INVALID.
func message(tx *store.Tx, account int64, id int) (Message, error) {
	row, err := tx.Message(account, id)
	if errors.Is(err, store.ErrNoRows) {
		return Message{}, fault.MessageIDInvalid
	}
	if err != nil {
		return Message{}, err
	}
	return fromRow(row)
}

// editTwin edits the other side's copy, if that side has one and takes anything from the editor.
func (s *Service) editTwin(tx *store.Tx, mine Message, text string, entities []Entity, events *[]event.Event) error {
	other, ok := mine.Peer.User()
	if !ok || mine.Twin == 0 {
		return nil
	}
	if blocked, err := tx.Blocks(other, mine.Account); err != nil || blocked {
		return err
	}
	theirs, err := message(tx, other, mine.Twin)
	if errors.Is(err, fault.MessageIDInvalid) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.editCopy(tx, &theirs, text, entities, 0, events)
}

func (s *Service) mayEdit(m Message, text string, entities []Entity) error {
	switch {
	case m.Notice != "":
		return fault.MessageIDInvalid
	case m.Sender != m.Account || m.Forward != nil:
		return fault.MessageAuthorRequired
	case m.Out && s.Now().Unix() > m.Date+editable:
		return fault.MessageEditTimeExpired
	case m.Text == text && slices.Equal(m.Entities, entities):
		return fault.MessageNotModified
	}
	return nil
}

func (s *Service) editCopy(tx *store.Tx, m *Message, text string, entities []Entity, session int64, events *[]event.Event) error {
	m.Text, m.Entities, m.Edited = text, entities, s.Now().Unix()
	extra, err := m.Extra.encode()
	if err != nil {
		return err
	}
	if err := tx.EditMessage(m.Account, m.ID, text, extra, m.Edited); err != nil {
		return err
	}
	pts, err := tx.AdvancePts(m.Account, 1)
	if err != nil {
		return err
	}
	e, err := s.record(tx, m.Account, pts, 1, Changed{*m})
	e.Origin = session
	*events = append(*events, e)
	return err
}

// owners are the accounts whose rows a change of a private chat touches.
func owners(account int64, chat peer.ID) []int64 {
	if other, ok := chat.User(); ok && other != account {
		return []int64{account, other}
	}
	return []int64{account}
}
