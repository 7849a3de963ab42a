// Package users answers the methods of the namespace users: who people are.
//
// Specification: https://core.telegram.org/methods#working-with-users
package users

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Users    *user.Service
	Contacts *contact.Service
	Read     encode.Reader
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.getUsers),
		rpc.Handle(d.getFullUser),
	}
}

const maxUsers = 200

// getUsers returns people one has met.
//
// https://core.telegram.org/method/users.getUsers
func (d Deps) getUsers(ctx context.Context, c *rpc.Caller, r *tg.UsersGetUsersRequest) (bin.Encoder, error) {
	ids := make([]int64, 0, len(r.ID))
	for _, in := range r.ID[:min(len(r.ID), maxUsers)] {
		id, err := d.Read.User(c.Account, in)
		if err != nil {
			continue
		}
		ids = append(ids, id)
	}
	views, err := d.Users.Views(ctx, c.Account, ids...)
	if err != nil {
		return nil, err
	}
	return &tg.UserClassVector{Elems: encode.Users(views)}, nil
}

// getFullUser returns one person's profile.
//
// https://core.telegram.org/method/users.getFullUser
func (d Deps) getFullUser(ctx context.Context, c *rpc.Caller, r *tg.UsersGetFullUserRequest) (bin.Encoder, error) {
	id, err := d.Read.User(c.Account, r.ID)
	if err != nil {
		return nil, err
	}
	v, ok, err := d.Users.View(ctx, c.Account, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.UserIDInvalid
	}
	blocked, err := d.Contacts.Blocks(ctx, c.Account, id)
	if err != nil {
		return nil, err
	}
	return &tg.UsersUserFull{
		FullUser: tg.UserFull{ID: id, About: v.About, Blocked: blocked, Settings: encode.Settings(v)},
		Users:    []tg.UserClass{encode.User(v)},
	}, nil
}
