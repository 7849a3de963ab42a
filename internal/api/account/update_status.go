package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// updateStatus notes whether the caller is online.
//
// https://core.telegram.org/method/account.updateStatus
func (d Deps) updateStatus(ctx context.Context, c *rpc.Caller, r *tg.AccountUpdateStatusRequest) (bin.Encoder, error) {
	return done(d.SetOnline(ctx, c.Account, !r.Offline))
}
