package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/account"
	"github.com/chappe-im/chappe/internal/rpc"
)

// updateProfile changes the caller's names and the text about it.
//
// https://core.telegram.org/method/account.updateProfile
func (d Deps) updateProfile(ctx context.Context, c *rpc.Caller, r *tg.AccountUpdateProfileRequest) (bin.Encoder, error) {
	var p account.Profile
	if v, ok := r.GetFirstName(); ok {
		p.FirstName = &v
	}
	if v, ok := r.GetLastName(); ok {
		p.LastName = &v
	}
	if v, ok := r.GetAbout(); ok {
		p.About = &v
	}
	return d.self(ctx, c, d.Account.Update(ctx, c.Account, c.Session, p))
}
