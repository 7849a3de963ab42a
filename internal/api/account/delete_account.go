package account

import (
	"context"
	"errors"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// deleteAccount ends the account of the caller, or the one whose password its device owes. An
// account with a password goes at once only if the password is given.
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
	if proof == nil && errors.Is(err, fault.PasswordHashInvalid) {
		return done(d.Account.AskDeletion(ctx, owner, c.Key))
	}
	if err != nil {
		return nil, err
	}
	return done(d.Account.Delete(ctx, owner))
}
