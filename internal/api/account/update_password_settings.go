package account

import (
	"bytes"
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/rpc"
)

// updatePasswordSettings sets, changes or takes away the password and the recovery address. The
// password counts at once; an address counts when the code that is mailed to it comes back, which
// EMAIL_UNCONFIRMED asks for.
//
// https://core.telegram.org/method/account.updatePasswordSettings
func (d Deps) updatePasswordSettings(ctx context.Context, c *rpc.Caller,
	r *tg.AccountUpdatePasswordSettingsRequest) (bin.Encoder, error) {
	settings := r.NewSettings
	address, mail := settings.GetEmail()
	if settings.NewSecureSettings.SecureSecretID != 0 {
		return nil, fault.NewSettingsInvalid // passport documents are not kept here
	}
	n, change, err := New(settings)
	if err != nil {
		return nil, err
	}
	if !change && !mail {
		return nil, fault.NewSettingsEmpty
	}
	if err := d.Password.Check(ctx, c.Account, c.Key, Proof(r.Password)); err != nil {
		return nil, err
	}
	if mail && address != "" && d.Email.Mail == nil {
		return nil, fault.EmailNotAllowed
	}
	if change {
		if err := d.Password.Set(ctx, c.Account, n); err != nil {
			return nil, err
		}
	}
	switch {
	case !mail:
		return done(nil)
	case address == "":
		return done(d.Password.ForgetRecoveryAddress(ctx, c.Account))
	}
	if err := d.Email.Begin(ctx, c.Account, email.ForPassword, address); err != nil {
		return nil, err
	}
	return nil, fault.EmailUnconfirmedN(email.Digits)
}

// New is the password in settings, nil if they take it away; change is false if they leave it.
func New(settings tg.AccountPasswordInputSettings) (n *password.New, change bool, err error) {
	algo, change := settings.GetNewAlgo()
	if !change {
		return nil, false, nil
	}
	hash := settings.NewPasswordHash
	if len(hash) == 0 {
		return nil, true, nil
	}
	srp, ok := algo.(*tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow)
	if !ok || srp.G != password.Generator || !bytes.Equal(srp.P, password.Prime) {
		return nil, false, fault.NewSettingsInvalid
	}
	return &password.New{Verifier: hash, Salt1: srp.Salt1, Salt2: srp.Salt2, Hint: settings.Hint}, true, nil
}
