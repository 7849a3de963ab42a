package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// declinePasswordReset takes the wish to lose the password back.
//
// https://core.telegram.org/method/account.declinePasswordReset
func (d Deps) declinePasswordReset(ctx context.Context, c *rpc.Caller, _ *tg.AccountDeclinePasswordResetRequest) (bin.Encoder, error) {
	return done(d.Password.DeclineReset(ctx, c.Account))
}
