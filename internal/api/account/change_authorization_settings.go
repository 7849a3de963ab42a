package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/rpc"
)

// changeAuthorizationSettings approves a login, or says what a device takes.
//
// https://core.telegram.org/method/account.changeAuthorizationSettings
func (d Deps) changeAuthorizationSettings(ctx context.Context, c *rpc.Caller,
	r *tg.AccountChangeAuthorizationSettingsRequest) (bin.Encoder, error) {
	settings := login.Settings{Confirmed: r.Confirmed}
	if v, ok := r.GetEncryptedRequestsDisabled(); ok {
		settings.NoSecret = &v
	}
	if v, ok := r.GetCallRequestsDisabled(); ok {
		settings.NoCalls = &v
	}
	return done(d.Login.Change(ctx, Client(c), r.Hash, settings))
}
