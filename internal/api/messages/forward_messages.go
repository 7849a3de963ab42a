package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/message"
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
	if _, empty := r.FromPeer.(*tg.InputPeerEmpty); !empty {
		if _, err := d.Read.Peer(c.Account, r.FromPeer); err != nil {
			return nil, err
		}
	}
	switch {
	case r.ScheduleDate != 0 || r.ScheduleRepeatPeriod != 0:
		return nil, fault.ScheduleDateInvalid
	case r.AllowPaidStars != 0:
		return nil, fault.PaymentUnsupported
	}
	sent, err := d.Messages.ForwardAll(ctx, message.Forwarding{
		From: c.Account, To: to, IDs: r.ID, Randoms: r.RandomID, Silent: r.Silent,
		DropAuthor: r.DropAuthor, NoForwards: r.Noforwards, Session: c.Session,
	})
	if err != nil {
		return nil, err
	}
	return d.sent(ctx, c, sent)
}
