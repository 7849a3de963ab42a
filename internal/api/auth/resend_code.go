package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// resendCode sends a login code again, by the next way there is.
//
// https://core.telegram.org/method/auth.resendCode
func (d Deps) resendCode(ctx context.Context, c *rpc.Caller, r *tg.AuthResendCodeRequest) (bin.Encoder, error) {
	sent, err := d.Login.ResendCode(ctx, account.Client(c), r.PhoneNumber, r.PhoneCodeHash)
	if err != nil {
		return nil, err
	}
	return sentCode(sent), nil
}
