package account

import (
	"context"
	"errors"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// deleteAccount ends the account of the caller, or the one whose password its device owes. It goes
// at once only for who gives the password, or if there is none for a device that may end the
// other sessions.
//
// https://core.telegram.org/method/account.deleteAccount
func (d Deps) deleteAccount(ctx context.Context, c *rpc.Caller, r *tg.AccountDeleteAccountRequest) (bin.Encoder, error) {
	owner, err := Owner(ctx, d.Login, c)
	if err != nil {
		return nil, err
	}
	if owner == 0 {
		return nil, fault.AuthKeyUnregistered
	}
	proof := Proof(r.Password)
	err = d.Password.Check(ctx, owner, c.Key, proof)
	wait := proof == nil && errors.Is(err, fault.PasswordHashInvalid)
	if err == nil && proof == nil {
		wait, err = d.Login.TooFresh(ctx, Client(c))
	}
	if wait {
		return done(d.Account.AskDeletion(ctx, owner, c.Key))
	}
	if err != nil {
		return nil, err
	}
	return done(d.Account.Delete(ctx, owner))
}
