package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// exportLoginToken gives a device a token to show as a QR code, or signs it in if the last one was
// accepted.
//
// https://core.telegram.org/method/auth.exportLoginToken
func (d Deps) exportLoginToken(ctx context.Context, c *rpc.Caller, r *tg.AuthExportLoginTokenRequest) (bin.Encoder, error) {
	token, id, err := d.Login.ShowToken(ctx, account.Client(c), r.ExceptIDs)
	if err != nil {
		return nil, err
	}
	if id != 0 {
		return d.tokenSuccess(ctx, id)
	}
	return &tg.AuthLoginToken{Expires: int(token.Expires.Unix()), Token: token.Bytes}, nil
}

func (d Deps) tokenSuccess(ctx context.Context, id int64) (bin.Encoder, error) {
	authorization, err := d.authorization(ctx, id)
	if err != nil {
		return nil, err
	}
	return &tg.AuthLoginTokenSuccess{Authorization: authorization}, nil
}
