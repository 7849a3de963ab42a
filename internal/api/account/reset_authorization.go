package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// resetAuthorization ends another login of the caller's account.
//
// https://core.telegram.org/method/account.resetAuthorization
func (d Deps) resetAuthorization(ctx context.Context, c *rpc.Caller, r *tg.AccountResetAuthorizationRequest) (bin.Encoder, error) {
	return done(d.Login.Reset(ctx, Client(c), r.Hash))
}
