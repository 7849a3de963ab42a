package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// checkPassword signs in with the password after the login code was right.
//
// https://core.telegram.org/method/auth.checkPassword
func (d Deps) checkPassword(ctx context.Context, c *rpc.Caller, r *tg.AuthCheckPasswordRequest) (bin.Encoder, error) {
	owner, err := d.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := d.Password.Check(ctx, owner, c.Key, account.Proof(r.Password)); err != nil {
		return nil, err
	}
	return d.finish(ctx, c, owner)
}

// owner is the account a caller is signed in to or owes the password of; AUTH_KEY_UNREGISTERED if
// neither.
func (d Deps) owner(ctx context.Context, c *rpc.Caller) (int64, error) {
	owner, err := account.Owner(ctx, d.Login, c)
	if err == nil && owner == 0 {
		err = fault.AuthKeyUnregistered
	}
	return owner, err
}

// finish signs in whoever proved to be the owner, unless it is already.
func (d Deps) finish(ctx context.Context, c *rpc.Caller, owner int64) (bin.Encoder, error) {
	if c.Account != owner {
		if err := d.Login.Finish(ctx, account.Client(c), owner); err != nil {
			return nil, err
		}
	}
	return d.authorization(ctx, owner)
}
