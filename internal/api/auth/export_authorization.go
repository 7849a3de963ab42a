package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// exportAuthorization makes a login for another key of the same client, which it takes for one of
// another data centre.
//
// https://core.telegram.org/method/auth.exportAuthorization
func (d Deps) exportAuthorization(ctx context.Context, c *rpc.Caller, r *tg.AuthExportAuthorizationRequest) (bin.Encoder, error) {
	if r.DCID < 1 {
		return nil, fault.DCIDInvalid
	}
	export, err := d.Login.Export(ctx, account.Client(c))
	if err != nil {
		return nil, err
	}
	return &tg.AuthExportedAuthorization{ID: c.Account, Bytes: export}, nil
}
