package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// dropTempAuthKeys forgets the temporary keys of the caller's device but the one it uses and those
// it names.
//
// https://core.telegram.org/method/auth.dropTempAuthKeys
func (d Deps) dropTempAuthKeys(ctx context.Context, c *rpc.Caller, r *tg.AuthDropTempAuthKeysRequest) (bin.Encoder, error) {
	return done(d.Login.DropTemporary(ctx, account.Client(c), c.TempKey, r.ExceptAuthKeys))
}
