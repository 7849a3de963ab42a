package updates

import (
	"context"
	"log/slog"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/user"
)

// Sessions are the devices connected to this node. Pushing never waits for one of them.
type Sessions interface {
	// Online tells whether an account has any.
	Online(account int64) bool
	// Push queues updates for an account's sessions but for one (0 for none).
	Push(account, except int64, updates bin.Encoder) error
	// PushDevice queues updates for a device, signed in or not.
	PushDevice(key int64, updates bin.Encoder) error
}

// Teller hands what happened to the sessions of this node. It is what the bus calls.
type Teller struct {
	Hub   Sessions
	Users *user.Service
	Log   *slog.Logger
}

// Tell encodes each event once and queues it for the sessions of its account. It touches the store
// only for people that nobody has seen lately.
func (t *Teller) Tell(events []event.Event) {
	for _, e := range events {
		t.forget(e.Body)
		if e.Account != 0 && !t.Hub.Online(e.Account) {
			continue
		}
		if err := t.tell(e); err != nil {
			t.Log.Error("update not told", "err", err)
		}
	}
}

// forget drops what is cached of somebody who changed.
func (t *Teller) forget(body any) {
	if b, ok := body.(event.UserChanged); ok {
		t.Users.Forget(b.User)
	}
}

func (t *Teller) tell(e event.Event) error {
	u, people := lasting(e)
	if u == nil {
		u, people = passing(e)
	}
	if u == nil {
		return nil
	}
	ctx := context.Background()
	users, err := users(ctx, t.Users, e.Account, people)
	if err != nil {
		return err
	}
	if accepted, ok := e.Body.(event.LoginTokenAccepted); ok {
		// Before they are signed in, TDLib and mtcute read nothing but updateShort.
		return t.Hub.PushDevice(accepted.Key, &tg.UpdateShort{Update: u, Date: int(e.Date)})
	}
	return t.Hub.Push(e.Account, e.Origin, &tg.Updates{Updates: []tg.UpdateClass{u}, Users: users, Date: int(e.Date)})
}

func users(ctx context.Context, s *user.Service, viewer int64, ids []int64) ([]tg.UserClass, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	views, err := s.Views(ctx, viewer, ids...)
	return encode.Users(views), err
}

// lasting is the update of an event that has a pts, nil for others, and whom it names.
func lasting(e event.Event) (tg.UpdateClass, []int64) {
	switch b := e.Body.(type) {
	case message.Arrived:
		return &tg.UpdateNewMessage{Message: encode.Message(b.Message), Pts: e.Pts, PtsCount: e.Count}, encode.People(b.Message)
	case message.Changed:
		return &tg.UpdateEditMessage{Message: encode.Message(b.Message), Pts: e.Pts, PtsCount: e.Count}, encode.People(b.Message)
	case message.Deleted:
		return &tg.UpdateDeleteMessages{Messages: b.IDs, Pts: e.Pts, PtsCount: e.Count}, nil
	case message.ReadIn:
		return &tg.UpdateReadHistoryInbox{
			Peer: encode.Peer(b.Peer), MaxID: b.UpTo, StillUnreadCount: b.Unread, Pts: e.Pts, PtsCount: e.Count,
		}, nil
	case message.ReadOut:
		return &tg.UpdateReadHistoryOutbox{Peer: encode.Peer(b.Peer), MaxID: b.UpTo, Pts: e.Pts, PtsCount: e.Count}, nil
	}
	return nil, nil
}

// passing is the update of an event without a pts, and whom it names.
func passing(e event.Event) (tg.UpdateClass, []int64) {
	switch b := e.Body.(type) {
	case message.Marked:
		return &tg.UpdateDialogUnreadMark{Peer: &tg.DialogPeer{Peer: encode.Peer(b.Peer)}, Unread: b.Marked}, nil
	case message.Typing:
		return &tg.UpdateUserTyping{UserID: b.From, Action: encode.Action(b.Action)}, []int64{b.From}
	case contact.Changed:
		if b.Blocklist {
			return &tg.UpdatePeerBlocked{Blocked: b.Blocked, PeerID: &tg.PeerUser{UserID: b.User}}, []int64{b.User}
		}
		return &tg.UpdatePeerSettings{Peer: &tg.PeerUser{UserID: b.User}}, []int64{b.User}
	}
	return account(e.Body)
}
