package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// deleteMessages removes messages of private chats.
//
// https://core.telegram.org/method/messages.deleteMessages
func (d Deps) deleteMessages(ctx context.Context, c *rpc.Caller, r *tg.MessagesDeleteMessagesRequest) (bin.Encoder, error) {
	a, err := d.Messages.Delete(ctx, c.Account, r.ID, r.Revoke, c.Session)
	if err != nil {
		return nil, err
	}
	return &tg.MessagesAffectedMessages{Pts: a.Pts, PtsCount: a.Count}, nil
}

// deleteHistory removes a conversation; clients repeat the call while offset is not 0.
//
// https://core.telegram.org/method/messages.deleteHistory
func (d Deps) deleteHistory(ctx context.Context, c *rpc.Caller, r *tg.MessagesDeleteHistoryRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	if r.MinDate != 0 || r.MaxDate != 0 {
		return nil, fault.MaxDateInvalid
	}
	a, err := d.Messages.DeleteHistory(ctx, c.Account, chat, r.MaxID, r.JustClear, r.Revoke, c.Session)
	if err != nil {
		return nil, err
	}
	answer := &tg.MessagesAffectedHistory{Pts: a.Pts, PtsCount: a.Count}
	if a.More {
		answer.Offset = 1
	}
	return answer, nil
}
