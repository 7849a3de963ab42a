package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// acceptLoginToken lets a device that shows a QR code sign in to the caller's account.
//
// https://core.telegram.org/method/auth.acceptLoginToken
func (d Deps) acceptLoginToken(ctx context.Context, c *rpc.Caller, r *tg.AuthAcceptLoginTokenRequest) (bin.Encoder, error) {
	device, err := d.Login.AcceptToken(ctx, account.Client(c), r.Token)
	if err != nil {
		return nil, err
	}
	answer := account.Authorization(device, false)
	return &answer, nil
}
