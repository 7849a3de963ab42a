package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/rpc"
)

// forwardMessages sends copies of messages to somebody else.
//
// https://core.telegram.org/method/messages.forwardMessages
func (d Deps) forwardMessages(ctx context.Context, c *rpc.Caller, r *tg.MessagesForwardMessagesRequest) (bin.Encoder, error) {
	to, err := d.Read.Peer(c.Account, r.ToPeer)
	if err != nil {
		return nil, err
	}
	var from peer.ID
	if _, empty := r.FromPeer.(*tg.InputPeerEmpty); !empty {
		if from, err = d.Read.Peer(c.Account, r.FromPeer); err != nil {
			return nil, err
		}
	}
	switch {
	case r.ScheduleDate != 0 || r.ScheduleRepeatPeriod != 0:
		return nil, fault.ScheduleDateInvalid
	case r.AllowPaidStars != 0:
		return nil, fault.PaymentUnsupported
	case r.Effect != 0:
		return nil, fault.EffectIDInvalid
	case r.QuickReplyShortcut != nil:
		return nil, fault.ShortcutInvalid
	case r.ReplyTo != nil:
		return nil, fault.ReplyToInvalid
	}
	sent, err := d.Messages.ForwardAll(ctx, message.Forwarding{
		From: c.Account, Chat: from, To: to, IDs: r.ID, Randoms: r.RandomID, Silent: r.Silent,
		DropAuthor: r.DropAuthor, NoForwards: r.Noforwards, Session: c.Session,
	})
	if err != nil {
		return nil, err
	}
	return d.sent(ctx, c, sent)
}
