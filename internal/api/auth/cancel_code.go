package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// cancelCode ends a login code.
//
// https://core.telegram.org/method/auth.cancelCode
func (d Deps) cancelCode(ctx context.Context, _ *rpc.Caller, r *tg.AuthCancelCodeRequest) (bin.Encoder, error) {
	return done(d.Login.CancelCode(ctx, r.PhoneNumber, r.PhoneCodeHash))
}
