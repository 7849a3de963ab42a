package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// verifyEmail proves the address that login codes shall go to.
//
// https://core.telegram.org/method/account.verifyEmail
func (d Deps) verifyEmail(ctx context.Context, c *rpc.Caller, r *tg.AccountVerifyEmailRequest) (bin.Encoder, error) {
	if _, ok := r.Purpose.(*tg.EmailVerifyPurposeLoginChange); !ok {
		return nil, fault.EmailNotAllowed
	}
	code, ok := r.Verification.(*tg.EmailVerificationCode)
	if !ok {
		return nil, fault.CodeInvalid
	}
	address, err := d.Email.Prove(ctx, c.Account, email.ForLogin, code.Code)
	if err != nil {
		return nil, err
	}
	return &tg.AccountEmailVerified{Email: address}, nil
}
