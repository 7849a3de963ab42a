package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/rpc"
)

// setTyping tells the other side what somebody does.
//
// https://core.telegram.org/method/messages.setTyping
func (d Deps) setTyping(ctx context.Context, c *rpc.Caller, r *tg.MessagesSetTypingRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	action, err := encode.FromAction(r.Action)
	if err != nil {
		return nil, err
	}
	if err := d.Messages.Type(ctx, c.Account, chat, action); err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}
