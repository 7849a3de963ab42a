package message

import (
	"encoding/json"
	"fmt"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// Arrived tells of a new message.
type Arrived struct{ Message Message }

// Changed tells of an edited message.
type Changed struct{ Message Message }

// Deleted tells of messages that are gone.
type Deleted struct {
	IDs []int `json:"ids"`
}

// ReadIn tells the owner's devices up to where the owner has read.
type ReadIn struct {
	Peer   peer.ID `json:"peer"`
	UpTo   int     `json:"up_to"`
	Unread int     `json:"unread"`
}

// ReadOut tells up to where the other side has read.
type ReadOut struct {
	Peer peer.ID `json:"peer"`
	UpTo int     `json:"up_to"`
}

// Marked tells that a conversation was marked as unread, or the mark lifted.
type Marked struct {
	Peer   peer.ID
	Marked bool
}

// Typing tells what somebody is doing in a conversation; Action is a name of package message, or
// "cancel".
type Typing struct {
	From   int64
	Action string
}

// Kinds of stored events.
const (
	kindChanged = "edit"
	kindDeleted = "delete"
	kindReadIn  = "read"
	kindReadOut = "seen"
)

// changedRef is what is stored of Changed: the message itself is where it always is.
type changedRef struct {
	ID int `json:"id"`
}

// record stores an event that took count of the account's pts, the last of which is pts.
func (s *Service) record(tx *store.Tx, account int64, pts, count int, body any) (event.Event, error) {
	e := event.Event{Account: account, Pts: pts, Count: count, Date: s.Now().Unix(), Body: body}
	var kind string
	data := body
	switch b := body.(type) {
	case Changed:
		kind, data = kindChanged, changedRef{b.Message.ID}
	case Deleted:
		kind = kindDeleted
	case ReadIn:
		kind = kindReadIn
	case ReadOut:
		kind = kindReadOut
	default:
		return e, fmt.Errorf("no stored form of %T", body)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return e, err
	}
	return e, tx.AddEvent(store.Event{Account: account, Pts: pts, Count: count, Date: e.Date, Kind: kind, Data: string(text)})
}

// Recorded turns a stored event back into what happened. It returns nil, without an error, for an
// event whose message is gone.
func Recorded(tx *store.Tx, e store.Event) (any, error) {
	switch e.Kind {
	case kindChanged:
		var ref changedRef
		if err := json.Unmarshal([]byte(e.Data), &ref); err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", e.Pts, e.Account, err)
		}
		rows, err := tx.Messages(e.Account, []int{ref.ID})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		m, err := fromRow(rows[0])
		return Changed{m}, err
	case kindDeleted:
		return decode[Deleted](e)
	case kindReadIn:
		return decode[ReadIn](e)
	case kindReadOut:
		return decode[ReadOut](e)
	}
	return nil, fmt.Errorf("event %d of %d is of unknown kind %q", e.Pts, e.Account, e.Kind)
}

func decode[T any](e store.Event) (any, error) {
	var body T
	if err := json.Unmarshal([]byte(e.Data), &body); err != nil {
		return nil, fmt.Errorf("event %d of %d: %w", e.Pts, e.Account, err)
	}
	return body, nil
}
