package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// getAccountTTL tells how long the unused account lives.
//
// https://core.telegram.org/method/account.getAccountTTL
func (d Deps) getAccountTTL(ctx context.Context, c *rpc.Caller, _ *tg.AccountGetAccountTTLRequest) (bin.Encoder, error) {
	days, _, err := d.Account.TTL(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	return &tg.AccountDaysTTL{Days: days}, nil
}
