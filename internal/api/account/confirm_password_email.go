package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/rpc"
)

// confirmPasswordEmail proves the recovery address.
//
// https://core.telegram.org/method/account.confirmPasswordEmail
func (d Deps) confirmPasswordEmail(ctx context.Context, c *rpc.Caller, r *tg.AccountConfirmPasswordEmailRequest) (bin.Encoder, error) {
	_, err := d.Email.Prove(ctx, c.Account, email.ForPassword, r.Code)
	return done(err)
}
