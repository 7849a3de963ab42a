package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// setAuthorizationTTL sets how long an unused session lives.
//
// https://core.telegram.org/method/account.setAuthorizationTTL
func (d Deps) setAuthorizationTTL(ctx context.Context, c *rpc.Caller, r *tg.AccountSetAuthorizationTTLRequest) (bin.Encoder, error) {
	return done(d.Account.SetSessionTTL(ctx, c.Account, r.AuthorizationTTLDays))
}
