package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// importLoginToken is exportLoginToken for clients that another data centre sent here. All data
// centres are this server, so the token must be the caller's own.
//
// https://core.telegram.org/method/auth.importLoginToken
func (d Deps) importLoginToken(ctx context.Context, c *rpc.Caller, r *tg.AuthImportLoginTokenRequest) (bin.Encoder, error) {
	id, err := d.Login.TakeToken(ctx, account.Client(c), r.Token)
	if err != nil {
		return nil, err
	}
	return d.tokenSuccess(ctx, id)
}
