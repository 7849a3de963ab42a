package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/rpc"
)

// cancelPasswordEmail forgets the recovery address that waits for its code.
//
// https://core.telegram.org/method/account.cancelPasswordEmail
func (d Deps) cancelPasswordEmail(ctx context.Context, c *rpc.Caller, _ *tg.AccountCancelPasswordEmailRequest) (bin.Encoder, error) {
	return done(d.Email.Cancel(ctx, c.Account, email.ForPassword))
}
