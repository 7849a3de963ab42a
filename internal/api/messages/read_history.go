package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// readHistory marks a conversation as read.
//
// https://core.telegram.org/method/messages.readHistory
func (d Deps) readHistory(ctx context.Context, c *rpc.Caller, r *tg.MessagesReadHistoryRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	a, err := d.Messages.Read(ctx, c.Account, chat, r.MaxID, c.Session)
	if err != nil {
		return nil, err
	}
	return &tg.MessagesAffectedMessages{Pts: a.Pts, PtsCount: a.Count}, nil
}

// markDialogUnread marks a conversation as unread, or lifts the mark.
//
// https://core.telegram.org/method/messages.markDialogUnread
func (d Deps) markDialogUnread(ctx context.Context, c *rpc.Caller, r *tg.MessagesMarkDialogUnreadRequest) (bin.Encoder, error) {
	p, ok := r.Peer.(*tg.InputDialogPeer)
	if !ok {
		return nil, fault.PeerIDInvalid
	}
	chat, err := d.Read.Peer(c.Account, p.Peer)
	if err != nil {
		return nil, err
	}
	if err := d.Messages.Mark(ctx, c.Account, chat, r.Unread, c.Session); err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// getDialogUnreadMarks returns the conversations that are marked as unread.
//
// https://core.telegram.org/method/messages.getDialogUnreadMarks
func (d Deps) getDialogUnreadMarks(ctx context.Context, c *rpc.Caller, _ *tg.MessagesGetDialogUnreadMarksRequest) (bin.Encoder, error) {
	marked, err := d.Messages.Marks(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	answer := &tg.DialogPeerClassVector{Elems: make([]tg.DialogPeerClass, len(marked))}
	for i, p := range marked {
		answer.Elems[i] = &tg.DialogPeer{Peer: encode.Peer(p)}
	}
	return answer, nil
}

// getOutboxReadDate tells when the other side read a message.
//
// https://core.telegram.org/method/messages.getOutboxReadDate
func (d Deps) getOutboxReadDate(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetOutboxReadDateRequest) (bin.Encoder, error) {
	chat, err := d.Read.Peer(c.Account, r.Peer)
	if err != nil {
		return nil, err
	}
	date, err := d.Messages.ReadDate(ctx, c.Account, chat, r.MsgID)
	if err != nil {
		return nil, err
	}
	return &tg.OutboxReadDate{Date: int(date)}, nil
}

// receivedMessages confirms that messages were shown as notifications; what counts is what was
// read, so there is nothing to note, and nobody to notify on other devices of what they know.
//
// https://core.telegram.org/method/messages.receivedMessages
func (d Deps) receivedMessages(context.Context, *rpc.Caller, *tg.MessagesReceivedMessagesRequest) (bin.Encoder, error) {
	return &tg.ReceivedNotifyMessageVector{}, nil
}
