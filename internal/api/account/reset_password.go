package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// resetPassword asks to take a forgotten password away, or does it when the notice has passed.
//
// https://core.telegram.org/method/account.resetPassword
func (d Deps) resetPassword(ctx context.Context, c *rpc.Caller, _ *tg.AccountResetPasswordRequest) (bin.Encoder, error) {
	reset, err := d.Password.Reset(ctx, c.Account)
	switch {
	case err != nil:
		return nil, err
	case reset.Done:
		return &tg.AccountResetPasswordOk{}, nil
	case reset.Failed:
		return &tg.AccountResetPasswordFailedWait{RetryDate: int(reset.Until)}, nil
	}
	return &tg.AccountResetPasswordRequestedWait{UntilDate: int(reset.Until)}, nil
}
