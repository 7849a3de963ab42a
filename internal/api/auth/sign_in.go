package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// signIn signs in with a login code, which a client gives as verification of an e-mail address if
// it came by mail.
//
// https://core.telegram.org/method/auth.signIn
func (d Deps) signIn(ctx context.Context, c *rpc.Caller, r *tg.AuthSignInRequest) (bin.Encoder, error) {
	code := r.PhoneCode
	if mailed, ok := r.EmailVerification.(*tg.EmailVerificationCode); ok && code == "" {
		code = mailed.Code
	}
	id, err := d.Login.SignIn(ctx, account.Client(c), r.PhoneNumber, r.PhoneCodeHash, code)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return &tg.AuthAuthorizationSignUpRequired{}, nil
	}
	return d.authorization(ctx, id)
}
