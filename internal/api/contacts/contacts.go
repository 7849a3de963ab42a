// Package contacts answers the methods of the namespace contacts: address book, blocklist, finding
// people.
//
// Specification: https://core.telegram.org/methods#working-with-contacts
package contacts

import (
	"context"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Contacts *contact.Service
	Users    *user.Service
	Read     encode.Reader
	Now      func() time.Time
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.getContacts),
		rpc.Handle(d.getStatuses),
		rpc.Handle(d.addContact, rpc.As(rpc.Write)),
		rpc.Handle(d.importContacts, rpc.As(rpc.Search)),
		rpc.Handle(d.deleteContacts, rpc.As(rpc.Write)),
		rpc.Handle(d.deleteByPhones, rpc.As(rpc.Search)),
		rpc.Handle(d.block, rpc.As(rpc.Write)),
		rpc.Handle(d.unblock, rpc.As(rpc.Write)),
		rpc.Handle(d.getBlocked),
		rpc.Handle(d.resolveUsername, rpc.As(rpc.Search)),
		rpc.Handle(d.resolvePhone, rpc.As(rpc.Search)),
		rpc.Handle(d.search, rpc.As(rpc.Search)),
	}
}

// people are some people as the account sees them.
func (d Deps) people(ctx context.Context, account int64, ids ...int64) ([]tg.UserClass, error) {
	views, err := d.Users.Views(ctx, account, ids...)
	return encode.Users(views), err
}

// changed answers with people whose place in the address book changed.
func (d Deps) changed(ctx context.Context, c *rpc.Caller, ids ...int64) (bin.Encoder, error) {
	views, err := d.Users.Views(ctx, c.Account, ids...)
	if err != nil {
		return nil, err
	}
	u := &tg.Updates{Users: encode.Users(views), Date: int(d.Now().Unix())}
	for _, v := range views {
		u.Updates = append(u.Updates, &tg.UpdatePeerSettings{Peer: &tg.PeerUser{UserID: v.ID}, Settings: encode.Settings(v)})
	}
	return u, nil
}
