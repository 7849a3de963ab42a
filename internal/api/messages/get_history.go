package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getHistory returns a part of a conversation.
//
// https://core.telegram.org/method/messages.getHistory
func (d Deps) getHistory(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetHistoryRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	s, err := d.Messages.History(ctx, c.Account, chat, message.Window{
		OffsetID: r.OffsetID, OffsetDate: int64(r.OffsetDate), Add: r.AddOffset, Limit: r.Limit, MinID: r.MinID, MaxID: r.MaxID,
	})
	if err != nil {
		return nil, err
	}
	users, err := d.people(ctx, c.Account, s.Messages, chat)
	if err != nil {
		return nil, err
	}
	if len(s.Messages) == s.Total {
		return &tg.MessagesMessages{Messages: encode.Messages(s.Messages), Users: users}, nil
	}
	return &tg.MessagesMessagesSlice{Count: s.Total, Messages: encode.Messages(s.Messages), Users: users}, nil
}

// getMessages returns messages by id, and messageEmpty for those that are gone.
//
// https://core.telegram.org/method/messages.getMessages
func (d Deps) getMessages(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetMessagesRequest) (bin.Encoder, error) {
	ids := make([]int, 0, min(len(r.ID), message.MaxPage))
	for _, in := range r.ID[:min(len(r.ID), message.MaxPage)] {
		switch in := in.(type) {
		case *tg.InputMessageID:
			ids = append(ids, in.ID)
		case *tg.InputMessageReplyTo:
			answered, err := d.answered(ctx, c.Account, in.ID)
			if err != nil {
				return nil, err
			}
			ids = append(ids, answered)
		}
	}
	found, err := d.Messages.Get(ctx, c.Account, ids)
	if err != nil {
		return nil, err
	}
	users, err := d.people(ctx, c.Account, found)
	if err != nil {
		return nil, err
	}
	byID := make(map[int]message.Message, len(found))
	for _, m := range found {
		byID[m.ID] = m
	}
	out := make([]tg.MessageClass, len(ids))
	for i, id := range ids {
		if m, ok := byID[id]; ok {
			out[i] = encode.Message(m)
		} else {
			out[i] = &tg.MessageEmpty{ID: id}
		}
	}
	return &tg.MessagesMessages{Messages: out, Users: users}, nil
}

// answered returns the id of the message that another one answers, 0 if none.
func (d Deps) answered(ctx context.Context, account int64, id int) (int, error) {
	found, err := d.Messages.Get(ctx, account, []int{id})
	if err != nil || len(found) == 0 || found[0].Reply == nil {
		return 0, err
	}
	return found[0].Reply.ID, nil
}
