package message

import (
	"context"
	"errors"

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
// MESSAGE_NOT_MODIFIED, and those of a text.
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
	var mine Message
	var events []event.Event
	err = s.DB.Write(ctx, owners(account, chat), func(tx *store.Tx) error {
		events = nil
		row, err := tx.Message(account, id)
		if errors.Is(err, store.ErrNoRows) || err == nil && peer.ID(row.Peer) != chat {
			return fault.MessageIDInvalid
		}
		if err != nil {
			return err
		}
		if mine, err = fromRow(row); err != nil {
			return err
		}
		if err := s.mayEdit(mine, text, entities); err != nil {
			return err
		}
		if err := s.editCopy(tx, &mine, text, entities, session, &events); err != nil {
			return err
		}
		if mine.Twin == 0 {
			return nil
		}
		other, _ := chat.User()
		row, err = tx.Message(other, mine.Twin)
		if errors.Is(err, store.ErrNoRows) {
			return nil // the other side deleted it
		}
		if err != nil {
			return err
		}
		theirs, err := fromRow(row)
		if err != nil {
			return err
		}
		return s.editCopy(tx, &theirs, text, entities, 0, &events)
	})
	if err != nil {
		return Message{}, 0, err
	}
	s.Bus.Announce(events...)
	return mine, events[0].Pts, nil
}

func (s *Service) mayEdit(m Message, text string, entities []Entity) error {
	switch {
	case m.Sender != m.Account || m.Forward != nil:
		return fault.MessageAuthorRequired
	case m.Out && s.Now().Unix() > m.Date+editable:
		return fault.MessageEditTimeExpired
	case m.Text == text && sameEntities(m.Entities, entities):
		return fault.MessageNotModified
	}
	return nil
}

func sameEntities(a, b []Entity) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
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
