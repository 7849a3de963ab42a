package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// setAccountTTL sets how long the unused account lives.
//
// https://core.telegram.org/method/account.setAccountTTL
func (d Deps) setAccountTTL(ctx context.Context, c *rpc.Caller, r *tg.AccountSetAccountTTLRequest) (bin.Encoder, error) {
	return done(d.Account.SetTTL(ctx, c.Account, r.TTL.Days))
}
