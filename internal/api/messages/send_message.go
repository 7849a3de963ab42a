package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/rpc"
)

// sendMessage sends a text. The answer is always full updates, because some clients refuse the
// short form.
//
// https://core.telegram.org/method/messages.sendMessage
func (d Deps) sendMessage(ctx context.Context, c *rpc.Caller, r *tg.MessagesSendMessageRequest) (bin.Encoder, error) {
	to, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	if err := refuseExtras(r); err != nil {
		return nil, err
	}
	if r.SendAs != nil {
		if as, err := d.Read.Peer(c.Account, r.SendAs); err != nil || as != peer.User(c.Account) {
			return nil, fault.SendAsPeerInvalid
		}
	}
	reply, err := d.replyTo(c.Account, to, r.ReplyTo)
	if err != nil {
		return nil, err
	}
	m, err := d.Messages.Send(ctx, message.Draft{
		From: c.Account, To: to, Random: r.RandomID, Text: r.Message,
		Entities: d.Read.Entities(c.Account, r.Entities), Reply: reply,
		Silent: r.Silent, NoForwards: r.Noforwards, Session: c.Session,
	})
	if err != nil {
		return nil, err
	}
	return d.sent(ctx, c, []message.Message{m})
}

// refuseExtras names what this server does not do, instead of dropping it.
func refuseExtras(r *tg.MessagesSendMessageRequest) error {
	switch {
	case r.ScheduleDate != 0 || r.ScheduleRepeatPeriod != 0:
		return fault.ScheduleDateInvalid
	case r.AllowPaidStars != 0:
		return fault.PaymentUnsupported
	case r.Effect != 0:
		return fault.EffectIDInvalid
	case r.QuickReplyShortcut != nil:
		return fault.ShortcutInvalid
	}
	return nil
}

// replyTo reads what a message answers, which must be in the same conversation.
//
// https://core.telegram.org/constructor/inputReplyToMessage
func (d Deps) replyTo(account int64, to peer.ID, in tg.InputReplyToClass) (*message.Reply, error) {
	if in == nil {
		return nil, nil
	}
	r, ok := in.(*tg.InputReplyToMessage)
	if !ok {
		return nil, fault.ReplyToInvalid
	}
	if r.ReplyToPeerID != nil {
		if chat, err := d.Read.Peer(account, r.ReplyToPeerID); err != nil || chat != to {
			return nil, fault.ReplyToInvalid
		}
	}
	return &message.Reply{
		ID: r.ReplyToMsgID, Quote: r.QuoteText, Entities: d.Read.Entities(account, r.QuoteEntities), QuoteOffset: r.QuoteOffset,
	}, nil
}

// sent answers with what became of messages: their ids, then the messages themselves.
func (d Deps) sent(ctx context.Context, c *rpc.Caller, ms []message.Message) (bin.Encoder, error) {
	users, err := d.people(ctx, c.Account, ms)
	if err != nil {
		return nil, err
	}
	u := &tg.Updates{Users: users, Date: int(d.Now().Unix())}
	for _, m := range ms {
		u.Updates = append(u.Updates, &tg.UpdateMessageID{ID: m.ID, RandomID: m.Random})
	}
	for _, m := range ms {
		u.Updates = append(u.Updates, &tg.UpdateNewMessage{Message: encode.Message(m), Pts: m.ID, PtsCount: 1})
	}
	return u, nil
}
