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
// only for people that nobody has seen lately, and for who knows somebody that changed.
//
// Seq is 0 in what is pushed: clients apply such updates at once, in the order of pts where there is
// one (https://core.telegram.org/api/updates#update-handling).
func (t *Teller) Tell(events []event.Event) {
	for _, e := range events {
		changed, renamed := e.Body.(event.UserChanged)
		if renamed {
			t.Users.Forget(changed.User)
		}
		if e.Account == 0 || t.Hub.Online(e.Account) {
			if err := t.tell(e); err != nil {
				t.Log.Error("update not told", "err", err)
			}
		}
		if renamed {
			if err := t.introduce(changed.User); err != nil {
				t.Log.Error("a change of names not told", "err", err)
			}
		}
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
	var views []user.View
	if len(people) > 0 {
		var err error
		if views, err = t.Users.Views(context.Background(), e.Account, people...); err != nil {
			return err
		}
	}
	if bar, ok := u.(*tg.UpdatePeerSettings); ok && len(views) > 0 {
		bar.Settings = encode.Settings(views[0])
	}
	if accepted, ok := e.Body.(event.LoginTokenAccepted); ok {
		// Before they are signed in, TDLib and mtcute read nothing but updateShort.
		return t.Hub.PushDevice(accepted.Key, &tg.UpdateShort{Update: u, Date: int(e.Date)})
	}
	updates := &tg.Updates{Updates: []tg.UpdateClass{u}, Users: encode.Users(views), Date: int(e.Date)}
	return t.Hub.Push(e.Account, e.Origin, updates)
}

// introduce tells those who know somebody, and are online, under which names they know them now.
//
// https://core.telegram.org/constructor/updateUserName
func (t *Teller) introduce(id int64) error {
	ctx := context.Background()
	known, err := t.Users.KnownTo(ctx, id)
	if err != nil {
		return err
	}
	for _, other := range known {
		if !t.Hub.Online(other) {
			continue
		}
		v, ok, err := t.Users.View(ctx, other, id)
		if err != nil || !ok {
			return err
		}
		u, _ := account(event.UserChanged{User: id, FirstName: v.FirstName, LastName: v.LastName, Username: v.Username})
		err = t.Hub.Push(other, 0, &tg.Updates{
			Updates: []tg.UpdateClass{u}, Users: []tg.UserClass{encode.User(v)},
		})
		if err != nil {
			return err
		}
	}
	return nil
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
