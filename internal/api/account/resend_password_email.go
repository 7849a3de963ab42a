package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/rpc"
)

// resendPasswordEmail mails another code to the recovery address that waits for one.
//
// https://core.telegram.org/method/account.resendPasswordEmail
func (d Deps) resendPasswordEmail(ctx context.Context, c *rpc.Caller, _ *tg.AccountResendPasswordEmailRequest) (bin.Encoder, error) {
	return done(d.Email.Resend(ctx, c.Account, email.ForPassword))
}
