package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// logOut ends the login of the caller's device. No token for a later login is given out.
//
// https://core.telegram.org/method/auth.logOut
func (d Deps) logOut(ctx context.Context, c *rpc.Caller, _ *tg.AuthLogOutRequest) (bin.Encoder, error) {
	if err := d.Login.SignOut(ctx, account.Client(c)); err != nil {
		return nil, err
	}
	return &tg.AuthLoggedOut{}, nil
}
