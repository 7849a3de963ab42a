package account

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getPassword tells how the caller's account is protected and begins a proof by SRP. A device that
// gave the right login code may ask for the account whose password it owes.
//
// https://core.telegram.org/method/account.getPassword
func (d Deps) getPassword(ctx context.Context, c *rpc.Caller, _ *tg.AccountGetPasswordRequest) (bin.Encoder, error) {
	owner, err := Owner(ctx, d.Login, c)
	if err != nil {
		return nil, err
	}
	if owner == 0 {
		return nil, fault.AuthKeyUnregistered
	}
	state, err := d.Password.State(ctx, owner, c.Key)
	if err != nil {
		return nil, err
	}
	answer := &tg.AccountPassword{
		HasRecovery: state.Recovery, HasPassword: state.Set,
		NewAlgo:       algorithm(state.NewSalt1, state.NewSalt2),
		NewSecureAlgo: &tg.SecurePasswordKdfAlgoPBKDF2HMACSHA512iter100000{Salt: state.NewSalt1},
		SecureRandom:  state.Random,
	}
	if state.Set {
		answer.SetCurrentAlgo(algorithm(state.Salt1, state.Salt2))
		answer.SetSRPB(state.B)
		answer.SetSRPID(state.ID)
	}
	if state.Hint != "" {
		answer.SetHint(state.Hint)
	}
	if state.Unproven != "" {
		answer.SetEmailUnconfirmedPattern(state.Unproven)
	}
	if state.Reset != 0 {
		answer.SetPendingResetDate(int(state.Reset))
	}
	if state.Login != "" {
		answer.SetLoginEmailPattern(state.Login)
	}
	return answer, nil
}

func algorithm(salt1, salt2 []byte) *tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow {
	return &tg.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow{
		Salt1: salt1, Salt2: salt2, G: password.Generator, P: password.Prime,
	}
}

// Proof is a client's proof that it knows the password, nil if it gave none.
func Proof(check tg.InputCheckPasswordSRPClass) *password.Proof {
	srp, ok := check.(*tg.InputCheckPasswordSRP)
	if !ok {
		return nil
	}
	return &password.Proof{ID: srp.SRPID, A: srp.A, M1: srp.M1}
}
