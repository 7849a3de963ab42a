package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// checkRecoveryPassword tells whether a mailed recovery code is right.
//
// https://core.telegram.org/method/auth.checkRecoveryPassword
func (d Deps) checkRecoveryPassword(ctx context.Context, c *rpc.Caller, r *tg.AuthCheckRecoveryPasswordRequest) (bin.Encoder, error) {
	owner, err := d.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	return done(d.Password.CheckRecovery(ctx, owner, r.Code))
}
