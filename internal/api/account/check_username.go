package account

import (
	"context"
	"errors"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// checkUsername tells whether the caller may have a public name.
//
// https://core.telegram.org/method/account.checkUsername
func (d Deps) checkUsername(ctx context.Context, c *rpc.Caller, r *tg.AccountCheckUsernameRequest) (bin.Encoder, error) {
	err := d.Account.UsernameFree(ctx, c.Account, r.Username)
	if errors.Is(err, fault.UsernameOccupied) {
		return &tg.BoolFalse{}, nil
	}
	return done(err)
}
