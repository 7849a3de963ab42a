package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// recoverPassword signs in with a mailed recovery code and sets a new password, or none.
//
// https://core.telegram.org/method/auth.recoverPassword
func (d Deps) recoverPassword(ctx context.Context, c *rpc.Caller, r *tg.AuthRecoverPasswordRequest) (bin.Encoder, error) {
	owner, err := d.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	n, _, err := account.New(r.NewSettings)
	if err != nil {
		return nil, err
	}
	if err := d.Password.Recover(ctx, owner, r.Code, n); err != nil {
		return nil, err
	}
	return d.finish(ctx, c, owner)
}
