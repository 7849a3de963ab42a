package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// importAuthorization signs an exported login in on the caller's key.
//
// https://core.telegram.org/method/auth.importAuthorization
func (d Deps) importAuthorization(ctx context.Context, c *rpc.Caller, r *tg.AuthImportAuthorizationRequest) (bin.Encoder, error) {
	if err := d.Login.Import(ctx, account.Client(c), r.ID, r.Bytes); err != nil {
		return nil, err
	}
	return d.authorization(ctx, r.ID)
}
