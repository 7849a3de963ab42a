package contacts

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/rpc"
)

// block adds somebody to the blocklist. There are no stories, so their blocklist is this one.
//
// https://core.telegram.org/method/contacts.block
func (d Deps) block(ctx context.Context, c *rpc.Caller, r *tg.ContactsBlockRequest) (bin.Encoder, error) {
	return d.setBlocked(ctx, c, r.ID, true)
}

// unblock takes somebody off the blocklist.
//
// https://core.telegram.org/method/contacts.unblock
func (d Deps) unblock(ctx context.Context, c *rpc.Caller, r *tg.ContactsUnblockRequest) (bin.Encoder, error) {
	return d.setBlocked(ctx, c, r.ID, false)
}

func (d Deps) setBlocked(ctx context.Context, c *rpc.Caller, in tg.InputPeerClass, blocked bool) (bin.Encoder, error) {
	who, err := d.Read.Peer(c.Account, in)
	if err != nil {
		return nil, err
	}
	if err := d.Contacts.Block(ctx, c.Account, who, blocked, c.Session); err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// getBlocked returns a part of the blocklist.
//
// https://core.telegram.org/method/contacts.getBlocked
func (d Deps) getBlocked(ctx context.Context, c *rpc.Caller, r *tg.ContactsGetBlockedRequest) (bin.Encoder, error) {
	list, total, err := d.Contacts.Blocked(ctx, c.Account, r.Offset, r.Limit)
	if err != nil {
		return nil, err
	}
	var ids []int64
	var blocked []tg.PeerBlocked
	for _, b := range list {
		blocked = append(blocked, tg.PeerBlocked{PeerID: encode.Peer(peer.ID(b.Peer)), Date: int(b.Date)})
		ids = append(ids, b.Peer)
	}
	users, err := d.people(ctx, c.Account, ids...)
	if err != nil {
		return nil, err
	}
	if len(list) == total {
		return &tg.ContactsBlocked{Blocked: blocked, Users: users}, nil
	}
	return &tg.ContactsBlockedSlice{Count: total, Blocked: blocked, Users: users}, nil
}
