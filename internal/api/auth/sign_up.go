package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// signUp makes an account for a number whose code was right.
//
// https://core.telegram.org/method/auth.signUp
func (d Deps) signUp(ctx context.Context, c *rpc.Caller, r *tg.AuthSignUpRequest) (bin.Encoder, error) {
	id, err := d.Login.SignUp(ctx, account.Client(c), r.PhoneNumber, r.PhoneCodeHash, r.FirstName, r.LastName)
	if err != nil {
		return nil, err
	}
	return d.authorization(ctx, id)
}
