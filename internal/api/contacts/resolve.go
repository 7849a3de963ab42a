package contacts

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// resolveUsername finds somebody by their public name.
//
// https://core.telegram.org/method/contacts.resolveUsername
func (d Deps) resolveUsername(ctx context.Context, c *rpc.Caller, r *tg.ContactsResolveUsernameRequest) (bin.Encoder, error) {
	id, err := d.Contacts.ByUsername(ctx, r.Username)
	if err != nil {
		return nil, err
	}
	return d.resolved(ctx, c, id)
}

// resolvePhone finds somebody by their number.
//
// https://core.telegram.org/method/contacts.resolvePhone
func (d Deps) resolvePhone(ctx context.Context, c *rpc.Caller, r *tg.ContactsResolvePhoneRequest) (bin.Encoder, error) {
	id, err := d.Contacts.ByPhone(ctx, r.Phone)
	if err != nil {
		return nil, err
	}
	return d.resolved(ctx, c, id)
}

func (d Deps) resolved(ctx context.Context, c *rpc.Caller, id int64) (bin.Encoder, error) {
	users, err := d.people(ctx, c.Account, id)
	return &tg.ContactsResolvedPeer{Peer: &tg.PeerUser{UserID: id}, Users: users}, err
}

// search finds people by name.
//
// https://core.telegram.org/method/contacts.search
func (d Deps) search(ctx context.Context, c *rpc.Caller, r *tg.ContactsSearchRequest) (bin.Encoder, error) {
	found, err := d.Contacts.Search(ctx, c.Account, r.Q, r.Limit)
	if err != nil {
		return nil, err
	}
	users, err := d.people(ctx, c.Account, append(append([]int64{}, found.Own...), found.Others...)...)
	if err != nil {
		return nil, err
	}
	return &tg.ContactsFound{MyResults: peers(found.Own), Results: peers(found.Others), Users: users}, nil
}

func peers(ids []int64) []tg.PeerClass {
	out := make([]tg.PeerClass, len(ids))
	for i, id := range ids {
		out[i] = &tg.PeerUser{UserID: id}
	}
	return out
}
