package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// updateUsername changes the caller's public name.
//
// https://core.telegram.org/method/account.updateUsername
func (d Deps) updateUsername(ctx context.Context, c *rpc.Caller, r *tg.AccountUpdateUsernameRequest) (bin.Encoder, error) {
	return d.self(ctx, c, d.Account.SetUsername(ctx, c.Account, c.Session, r.Username))
}
