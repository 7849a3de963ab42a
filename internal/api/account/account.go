// Package account answers the methods of the namespace account that core/account, core/login and
// core/password stand behind: profile, public name, status, sessions, password, deletion.
//
// Each file holds one method: it decodes, calls core once and encodes.
//
// Specification: https://core.telegram.org/methods#working-with-the-user-account.
package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/account"
	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Account  *account.Service
	Login    *login.Service
	Password *password.Service
	Email    *email.Service
	// Self is an account as its owner sees it.
	Self func(ctx context.Context, account int64) (tg.UserClass, error)
	// SetOnline notes that somebody is online, or no longer, and tells who may see it.
	SetOnline func(ctx context.Context, account int64, online bool) error
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.updateProfile, rpc.As(rpc.Write)),
		rpc.Handle(d.updateUsername, rpc.As(rpc.Write)),
		rpc.Handle(d.checkUsername, rpc.As(rpc.Search)),
		rpc.Handle(d.updateStatus, rpc.As(rpc.Write)),
		rpc.Handle(d.getAuthorizations),
		rpc.Handle(d.resetAuthorization, rpc.As(rpc.Write)),
		rpc.Handle(d.changeAuthorizationSettings, rpc.As(rpc.Write)),
		rpc.Handle(d.setAuthorizationTTL, rpc.As(rpc.Write)),
		rpc.Handle(d.getAccountTTL),
		rpc.Handle(d.setAccountTTL, rpc.As(rpc.Write)),
		rpc.Handle(d.deleteAccount, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.getPassword, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.getPasswordSettings, rpc.As(rpc.Login)),
		rpc.Handle(d.updatePasswordSettings, rpc.As(rpc.Login)),
		rpc.Handle(d.resetPassword, rpc.As(rpc.Login)),
		rpc.Handle(d.declinePasswordReset, rpc.As(rpc.Write)),
		rpc.Handle(d.confirmPasswordEmail, rpc.As(rpc.Login)),
		rpc.Handle(d.resendPasswordEmail, rpc.As(rpc.Login)),
		rpc.Handle(d.cancelPasswordEmail, rpc.As(rpc.Write)),
		rpc.Handle(d.sendVerifyEmailCode, rpc.As(rpc.Login)),
		rpc.Handle(d.verifyEmail, rpc.As(rpc.Login)),
	}
}

// Client is the caller as core/login knows it.
func Client(c *rpc.Caller) login.Client {
	return login.Client{
		Key: c.Key, Account: c.Account, Session: c.Session, Layer: c.Layer, APIID: c.App.ID,
		DeviceModel: c.App.DeviceModel, SystemVersion: c.App.SystemVersion, AppVersion: c.App.AppVersion,
		SystemLang: c.App.SystemLangCode, LangPack: c.App.LangPack, LangCode: c.App.LangCode,
		IP: c.IP,
	}
}

// Owner is the account a caller is signed in to, or the one whose password its device still owes;
// 0 if neither.
func Owner(ctx context.Context, l *login.Service, c *rpc.Caller) (int64, error) {
	if c.Account != 0 {
		return c.Account, nil
	}
	return l.Pending(ctx, c.Key)
}

// done answers true if nothing went wrong.
func done(err error) (bin.Encoder, error) {
	if err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// self answers with the caller if nothing went wrong.
func (d Deps) self(ctx context.Context, c *rpc.Caller, err error) (bin.Encoder, error) {
	if err != nil {
		return nil, err
	}
	return d.Self(ctx, c.Account)
}
