package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// requestPasswordRecovery mails a code to the recovery address.
//
// https://core.telegram.org/method/auth.requestPasswordRecovery
func (d Deps) requestPasswordRecovery(ctx context.Context, c *rpc.Caller, _ *tg.AuthRequestPasswordRecoveryRequest) (bin.Encoder, error) {
	owner, err := d.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	masked, err := d.Password.RequestRecovery(ctx, owner)
	if err != nil {
		return nil, err
	}
	return &tg.AuthPasswordRecovery{EmailPattern: masked}, nil
}
