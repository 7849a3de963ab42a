package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// getPasswordSettings shows the recovery address to who knows the password.
//
// https://core.telegram.org/method/account.getPasswordSettings
func (d Deps) getPasswordSettings(ctx context.Context, c *rpc.Caller, r *tg.AccountGetPasswordSettingsRequest) (bin.Encoder, error) {
	if err := d.Password.Check(ctx, c.Account, c.Key, Proof(r.Password)); err != nil {
		return nil, err
	}
	address, err := d.Password.RecoveryAddress(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	answer := &tg.AccountPasswordSettings{}
	if address != "" {
		answer.SetEmail(address)
	}
	return answer, nil
}
