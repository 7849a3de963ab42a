package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// bindTempAuthKey binds the temporary key of the query to a permanent one, to which the client
// proves its right with a message sealed under it. Every field of that message must be what the
// query itself shows.
//
// https://core.telegram.org/method/auth.bindTempAuthKey
func (d Deps) bindTempAuthKey(ctx context.Context, c *rpc.Caller, r *tg.AuthBindTempAuthKeyRequest) (bin.Encoder, error) {
	if c.TempKey == 0 {
		return nil, fault.TempAuthKeyEmpty
	}
	key, ok, err := d.Key(ctx, r.PermAuthKeyID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.EncryptedMessageInvalid
	}
	bind, err := cipher.OpenBind(&key, r.EncryptedMessage)
	if err != nil {
		return nil, fault.EncryptedMessageInvalid
	}
	want := cipher.Bind{
		MessageID: c.Message, Nonce: r.Nonce, TempKeyID: c.TempKey, PermKeyID: r.PermAuthKeyID,
		TempSessionID: c.Session, ExpiresAt: int32(r.ExpiresAt),
	}
	if bind != want {
		return nil, fault.EncryptedMessageInvalid
	}
	return done(d.Login.Bind(ctx, c.TempKey, r.PermAuthKeyID, int64(r.ExpiresAt)))
}
