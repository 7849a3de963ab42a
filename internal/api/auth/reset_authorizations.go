package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// resetAuthorizations ends all other logins of the caller's account.
//
// https://core.telegram.org/method/auth.resetAuthorizations
func (d Deps) resetAuthorizations(ctx context.Context, c *rpc.Caller, _ *tg.AuthResetAuthorizationsRequest) (bin.Encoder, error) {
	return done(d.Login.ResetOthers(ctx, account.Client(c)))
}
