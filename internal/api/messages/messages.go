// Package messages answers the methods of the namespace messages: what people write to each other.
//
// Each file holds one method, or a few that differ in a word: decode, call core once, encode.
//
// Specification: https://core.telegram.org/methods#working-with-messages
package messages

import (
	"context"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Messages *message.Service
	Users    *user.Service
	Read     encode.Reader
	Now      func() time.Time
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.sendMessage, rpc.As(rpc.Send)),
		rpc.Handle(d.editMessage, rpc.As(rpc.Send)),
		rpc.Handle(d.forwardMessages, rpc.As(rpc.Send)),
		rpc.Handle(d.deleteMessages, rpc.As(rpc.Write)),
		rpc.Handle(d.deleteHistory, rpc.As(rpc.Write)),
		rpc.Handle(d.readHistory, rpc.As(rpc.Write)),
		rpc.Handle(d.markDialogUnread, rpc.As(rpc.Write)),
		rpc.Handle(d.getDialogUnreadMarks),
		rpc.Handle(d.getOutboxReadDate),
		rpc.Handle(d.setTyping, rpc.As(rpc.Write)),
		rpc.Handle(d.getHistory),
		rpc.Handle(d.getMessages),
		rpc.Handle(d.getMessageEditData),
		rpc.Handle(d.getDialogs),
		rpc.Handle(d.getPeerDialogs),
		rpc.Handle(d.getPinnedDialogs),
		rpc.Handle(d.getPeerSettings),
		rpc.Handle(d.receivedMessages),
		rpc.Handle(d.getWebPagePreview),
	}
}

// people returns everybody the messages name, as the account sees them.
func (d Deps) people(ctx context.Context, account int64, ms []message.Message, more ...peer.ID) ([]tg.UserClass, error) {
	var ids []int64
	for _, m := range ms {
		ids = append(ids, encode.People(m)...)
	}
	for _, p := range more {
		if id, ok := p.User(); ok {
			ids = append(ids, id)
		}
	}
	views, err := d.Users.Views(ctx, account, ids...)
	return encode.Users(views), err
}
