// Package message is what people write to each other in private chats: sending, editing, deleting,
// forwarding, reading, and the histories and dialogs that come of it.
//
// Each person has a copy of a message, with an id of their own (the pts at which it came); the
// copies know each other as twins. Everything that changes a copy is one transaction for all people
// it concerns, and is announced after its commit.
//
// https://core.telegram.org/api/updates and https://core.telegram.org/api/pts
package message

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
)

// MaxText is the length of a message's text in characters.
const MaxText = 4096

// maxID is above every message id.
const maxID = math.MaxInt32

// Service is the rules of messages.
type Service struct {
	DB  *store.DB
	Bus *bus.Bus
	// NoLimits lifts what strangers may write.
	NoLimits bool
	Now      func() time.Time
}

// Message is one person's copy of a message.
type Message struct {
	Account      int64
	ID           int
	Peer         peer.ID
	Twin         int
	Sender       int64
	Date, Edited int64 // Unix seconds
	Out          bool
	Silent       bool
	NoForwards   bool
	Text         string
	Random       int64 // of the sender's copy
	Extra
}

// Extra is what few messages have.
type Extra struct {
	Entities []Entity `json:"entities,omitempty"`
	Reply    *Reply   `json:"reply,omitempty"`
	Forward  *Forward `json:"forward,omitempty"`
	// Notice is set in a message that the server wrote of what happened, and says what.
	Notice string `json:"notice,omitempty"`
}

// NoticeCleared says that the owner emptied the conversation.
//
// https://core.telegram.org/constructor/messageActionHistoryClear
const NoticeCleared = "cleared"

// Entity is a stretch of formatted text; offset and length are in UTF-16 code units.
//
// https://core.telegram.org/api/entities
type Entity struct {
	Kind      string `json:"k"`
	Offset    int    `json:"o"`
	Length    int    `json:"l"`
	URL       string `json:"url,omitempty"`
	Language  string `json:"lang,omitempty"`
	User      int64  `json:"user,omitempty"`
	Document  int64  `json:"doc,omitempty"`
	Collapsed bool   `json:"c,omitempty"`
}

// Reply points at the message that is answered, by its id in the same account.
type Reply struct {
	ID          int      `json:"id"`
	Quote       string   `json:"quote,omitempty"`
	Entities    []Entity `json:"entities,omitempty"`
	QuoteOffset int      `json:"offset,omitempty"`
}

// Forward says where a forwarded message came from: an account, or only a name.
type Forward struct {
	From int64  `json:"from,omitempty"`
	Name string `json:"name,omitempty"`
	Date int64  `json:"date"`
	// SavedPeer and SavedID lead back to the original of a message kept in Saved Messages.
	SavedPeer peer.ID `json:"peer,omitempty"`
	SavedID   int     `json:"id,omitempty"`
}

func (e Extra) empty() bool {
	return len(e.Entities) == 0 && e.Reply == nil && e.Forward == nil && e.Notice == ""
}

func (e Extra) encode() (string, error) {
	if e.empty() {
		return "", nil
	}
	b, err := json.Marshal(e)
	return string(b), err
}

func (m *Message) row() (store.Message, error) {
	extra, err := m.Extra.encode()
	if err != nil {
		return store.Message{}, fmt.Errorf("encode message: %w", err)
	}
	r := store.Message{
		Account: m.Account, ID: m.ID, Peer: int64(m.Peer), Twin: m.Twin, Sender: m.Sender,
		Date: m.Date, Edited: m.Edited, Body: m.Text, Extra: extra, Random: m.Random,
	}
	if m.Out {
		r.Flags |= store.MessageOut
	}
	if m.Silent {
		r.Flags |= store.MessageSilent
	}
	if m.NoForwards {
		r.Flags |= store.MessageNoForwards
	}
	if m.Notice != "" {
		r.Flags |= store.MessageService
	}
	return r, nil
}

func fromRow(r store.Message) (Message, error) {
	m := Message{
		Account: r.Account, ID: r.ID, Peer: peer.ID(r.Peer), Twin: r.Twin, Sender: r.Sender,
		Date: r.Date, Edited: r.Edited, Text: r.Body, Random: r.Random,
		Out: r.Flags&store.MessageOut != 0, Silent: r.Flags&store.MessageSilent != 0, NoForwards: r.Flags&store.MessageNoForwards != 0,
	}
	if r.Extra == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(r.Extra), &m.Extra); err != nil {
		return m, fmt.Errorf("decode message %d of %d: %w", r.ID, r.Account, err)
	}
	return m, nil
}

func fromRows(rows []store.Message) ([]Message, error) {
	out := make([]Message, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = fromRow(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
