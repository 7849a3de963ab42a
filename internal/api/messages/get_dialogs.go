package messages

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getDialogs returns a part of the list of conversations. There is no archive, so folder 1 is empty.
//
// https://core.telegram.org/method/messages.getDialogs
func (d Deps) getDialogs(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetDialogsRequest) (bin.Encoder, error) {
	if r.FolderID != 0 {
		return &tg.MessagesDialogs{}, nil
	}
	found, total, err := d.Messages.Dialogs(ctx, c.Account, r.OffsetID, int64(r.OffsetDate), r.Limit)
	if err != nil {
		return nil, err
	}
	dialogs, messages, users, err := d.dialogs(ctx, c.Account, found)
	if err != nil {
		return nil, err
	}
	if len(found) == total {
		return &tg.MessagesDialogs{Dialogs: dialogs, Messages: messages, Users: users}, nil
	}
	return &tg.MessagesDialogsSlice{Count: total, Dialogs: dialogs, Messages: messages, Users: users}, nil
}

func (d Deps) dialogs(ctx context.Context, account int64, found []message.Dialog) ([]tg.DialogClass, []tg.MessageClass, []tg.UserClass, error) {
	var dialogs []tg.DialogClass
	var newest []message.Message
	var peers []peer.ID
	for _, f := range found {
		dialogs = append(dialogs, encode.Dialog(f))
		peers = append(peers, f.Peer)
		if f.Newest != nil {
			newest = append(newest, *f.Newest)
		}
	}
	users, err := d.people(ctx, account, newest, peers...)
	return dialogs, encode.Messages(newest), users, err
}

// maxPeers is how many conversations one call may name.
const maxPeers = 100

// getPeerDialogs returns the conversations with some peers; without it no client opens a chat.
//
// https://core.telegram.org/method/messages.getPeerDialogs
func (d Deps) getPeerDialogs(ctx context.Context, c *rpc.Caller, r *tg.MessagesGetPeerDialogsRequest) (bin.Encoder, error) {
	var peers []peer.ID
	for _, in := range r.Peers[:min(len(r.Peers), maxPeers)] {
		p, ok := in.(*tg.InputDialogPeer)
		if !ok {
			continue
		}
		id, err := d.Read.Peer(c.Account, p.Peer)
		if err != nil {
			return nil, err
		}
		peers = append(peers, id)
	}
	return d.peerDialogs(ctx, c.Account, peers)
}

func (d Deps) peerDialogs(ctx context.Context, account int64, peers []peer.ID) (bin.Encoder, error) {
	found, pts, err := d.Messages.DialogsWith(ctx, account, peers)
	if err != nil {
		return nil, err
	}
	dialogs, messages, users, err := d.dialogs(ctx, account, found)
	if err != nil {
		return nil, err
	}
	return &tg.MessagesPeerDialogs{
		Dialogs: dialogs, Messages: messages, Users: users,
		State: tg.UpdatesState{Pts: pts, Date: int(d.Now().Unix()), Seq: 1},
	}, nil
}

// getPinnedDialogs returns the pinned conversations: none can be pinned yet.
//
// https://core.telegram.org/method/messages.getPinnedDialogs
func (d Deps) getPinnedDialogs(ctx context.Context, c *rpc.Caller, _ *tg.MessagesGetPinnedDialogsRequest) (bin.Encoder, error) {
	return d.peerDialogs(ctx, c.Account, nil)
}
