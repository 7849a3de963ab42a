package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// sendVerifyEmailCode mails a code to the address that login codes shall go to. Addresses for other
// purposes are not kept here.
//
// https://core.telegram.org/method/account.sendVerifyEmailCode
func (d Deps) sendVerifyEmailCode(ctx context.Context, c *rpc.Caller, r *tg.AccountSendVerifyEmailCodeRequest) (bin.Encoder, error) {
	if _, ok := r.Purpose.(*tg.EmailVerifyPurposeLoginChange); !ok {
		return nil, fault.EmailNotAllowed
	}
	if err := d.Email.Begin(ctx, c.Account, email.ForLogin, r.Email); err != nil {
		return nil, err
	}
	return &tg.AccountSentEmailCode{EmailPattern: email.Mask(r.Email), Length: email.Digits}, nil
}
