package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/rpc"
)

// editMessage replaces the text of one's own message.
//
// https://core.telegram.org/method/messages.editMessage
func (d Deps) editMessage(ctx context.Context, c *rpc.Caller, r *tg.MessagesEditMessageRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Media != nil:
		return nil, fault.MediaInvalid
	case r.ScheduleDate != 0 || r.ScheduleRepeatPeriod != 0:
		return nil, fault.ScheduleDateInvalid
	}
	m, pts, err := d.Messages.Edit(ctx, c.Account, chat, r.ID, r.Message, d.Read.Entities(c.Account, r.Entities), c.Session)
	if err != nil {
		return nil, err
	}
	users, err := d.people(ctx, c.Account, []message.Message{m})
	if err != nil {
		return nil, err
	}
	return &tg.Updates{
		Updates: []tg.UpdateClass{&tg.UpdateEditMessage{Message: encode.Message(m), Pts: pts, PtsCount: 1}},
		Users:   users, Date: int(d.Now().Unix()),
	}, nil
}

// getMessageEditData tells that a message may be edited at all; its caption never is one here.
//
// https://core.telegram.org/method/messages.getMessageEditData
func (d Deps) getMessageEditData(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetMessageEditDataRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	found, err := d.Messages.Get(ctx, c.Account, []int{r.ID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Peer != chat || found[0].Notice != "" {
		return nil, fault.MessageIDInvalid
	}
	if found[0].Sender != c.Account {
		return nil, fault.MessageAuthorRequired
	}
	return &tg.MessagesMessageEditData{}, nil
}
