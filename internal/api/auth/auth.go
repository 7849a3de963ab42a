// Package auth answers the methods of the namespace auth: logging in and out.
//
// Each file holds one method: it decodes, calls core once and encodes. Sign-in itself, its limits
// and its state are in core/login and core/password.
//
// Specification: https://core.telegram.org/methods#registration-authorization.
package auth

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Login    *login.Service
	Password *password.Service
	// Self is an account as its owner sees it.
	Self func(ctx context.Context, account int64) (tg.UserClass, error)
	// Key returns a stored authorization key by id, false if there is none. A failure to look must be
	// an error: clients give up keys that are said to be unknown.
	Key func(ctx context.Context, id int64) (cipher.Key, bool, error)
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.sendCode, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.resendCode, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.cancelCode, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.signIn, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.signUp, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.logOut, rpc.For(rpc.Anyone), rpc.As(rpc.Write)),
		rpc.Handle(d.resetAuthorizations, rpc.As(rpc.Write)),
		rpc.Handle(d.exportLoginToken, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.importLoginToken, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.acceptLoginToken, rpc.As(rpc.Login)),
		rpc.Handle(d.exportAuthorization, rpc.As(rpc.Login)),
		rpc.Handle(d.importAuthorization, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.bindTempAuthKey, rpc.For(rpc.Anyone)),
		rpc.Handle(d.dropTempAuthKeys, rpc.For(rpc.Anyone)),
		rpc.Handle(d.checkPassword, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.requestPasswordRecovery, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.checkRecoveryPassword, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
		rpc.Handle(d.recoverPassword, rpc.For(rpc.Anyone), rpc.As(rpc.Login)),
	}
}

// authorization answers that an account is signed in.
func (d Deps) authorization(ctx context.Context, account int64) (*tg.AuthAuthorization, error) {
	user, err := d.Self(ctx, account)
	if err != nil {
		return nil, err
	}
	return &tg.AuthAuthorization{User: user}, nil
}

// done answers true if nothing went wrong.
func done(err error) (bin.Encoder, error) {
	if err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}
