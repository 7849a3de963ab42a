package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
)

// Message is one person's copy of a message.
//
// https://core.telegram.org/constructor/message
func Message(m message.Message) tg.MessageClass {
	if m.Notice != "" {
		return notice(m)
	}
	out := &tg.Message{
		Out: m.Out, Silent: m.Silent, Noforwards: m.NoForwards, ID: m.ID,
		PeerID: Peer(m.Peer), Date: int(m.Date), Message: m.Text,
		Entities: Entities(m.Entities), EditDate: int(m.Edited),
	}
	// TDLib takes a message without an author for the other side's.
	out.SetFromID(&tg.PeerUser{UserID: m.Sender})
	if m.Peer == peer.User(m.Account) {
		out.SetSavedPeerID(Peer(savedFrom(m)))
	}
	if m.Forward != nil {
		out.SetFwdFrom(forward(m.Forward))
	}
	if m.Reply != nil {
		out.SetReplyTo(reply(m.Reply))
	}
	return out
}

// notice is a message that the server wrote; there is one kind of them.
//
// https://core.telegram.org/constructor/messageService
func notice(m message.Message) tg.MessageClass {
	out := &tg.MessageService{
		Out: m.Out, ID: m.ID, PeerID: Peer(m.Peer), Date: int(m.Date), Action: &tg.MessageActionHistoryClear{},
	}
	out.SetFromID(&tg.PeerUser{UserID: m.Sender})
	return out
}

// Messages are copies of one person.
func Messages(ms []message.Message) []tg.MessageClass {
	out := make([]tg.MessageClass, len(ms))
	for i, m := range ms {
		out[i] = Message(m)
	}
	return out
}

// savedFrom is the conversation a message of Saved Messages is filed under.
//
// https://core.telegram.org/api/saved-messages
func savedFrom(m message.Message) peer.ID {
	if m.Forward != nil && m.Forward.SavedPeer != 0 {
		return m.Forward.SavedPeer
	}
	return peer.User(m.Account)
}

func forward(f *message.Forward) tg.MessageFwdHeader {
	h := tg.MessageFwdHeader{Date: int(f.Date), FromName: f.Name}
	if f.From != 0 {
		h.SetFromID(&tg.PeerUser{UserID: f.From})
	}
	if f.SavedPeer != 0 {
		h.SetSavedFromPeer(Peer(f.SavedPeer))
		h.SetSavedFromMsgID(f.SavedID)
	}
	return h
}

func reply(r *message.Reply) *tg.MessageReplyHeader {
	h := &tg.MessageReplyHeader{ReplyToMsgID: r.ID}
	if r.Quote != "" {
		h.Quote = true
		h.SetQuoteText(r.Quote)
		h.SetQuoteOffset(r.QuoteOffset)
		if len(r.Entities) > 0 {
			h.SetQuoteEntities(Entities(r.Entities))
		}
	}
	return h
}

// People lists everybody a message names: whoever wrote it, in which conversation, and whose it was.
func People(m message.Message) []int64 {
	ids := []int64{m.Sender}
	if id, ok := m.Peer.User(); ok {
		ids = append(ids, id)
	}
	if m.Forward != nil {
		if m.Forward.From != 0 {
			ids = append(ids, m.Forward.From)
		}
		if id, ok := m.Forward.SavedPeer.User(); ok {
			ids = append(ids, id)
		}
	}
	for _, e := range m.Entities {
		if e.User != 0 {
			ids = append(ids, e.User)
		}
	}
	return ids
}

// Dialog is a conversation in the list. Settings are those of a chat that was never touched.
//
// https://core.telegram.org/constructor/dialog
func Dialog(d message.Dialog) *tg.Dialog {
	return &tg.Dialog{
		Peer: Peer(d.Peer), TopMessage: d.Top, ReadInboxMaxID: d.ReadIn, ReadOutboxMaxID: d.ReadOut,
		UnreadCount: d.Unread, UnreadMark: d.Marked,
	}
}
