package password

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

// RequestRecovery mails a code to the recovery address of an account and returns the address,
// masked. It fails with PASSWORD_EMPTY if there is no password, PASSWORD_RECOVERY_NA if there is no
// address, and FLOOD_WAIT.
//
// https://core.telegram.org/method/auth.requestPasswordRecovery
func (s *Service) RequestRecovery(ctx context.Context, account int64) (masked string, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		has, err := tx.HasPassword(account)
		if err != nil {
			return err
		}
		if !has {
			return fault.PasswordEmpty
		}
		address, err := s.Email.Address(tx, account, email.ForPassword, true)
		if err == nil && (address == "" || s.Email.Mail == nil) {
			err = fault.PasswordRecoveryNa
		}
		masked = email.Mask(address)
		return err
	})
	if err != nil {
		return "", err
	}
	return masked, s.Email.Challenge(ctx, account, email.ForPassword)
}

// CheckRecovery tells whether a recovery code is right: nil, CODE_INVALID or
// PASSWORD_RECOVERY_EXPIRED.
//
// https://core.telegram.org/method/auth.checkRecoveryPassword
func (s *Service) CheckRecovery(ctx context.Context, account int64, code string) error {
	return s.Email.Check(ctx, account, email.ForPassword, code, false)
}

// Recover takes a recovery code and sets a new password, or none. It fails as CheckRecovery does.
//
// https://core.telegram.org/method/auth.recoverPassword
func (s *Service) Recover(ctx context.Context, account int64, code string, n *New) error {
	if n != nil {
		if err := n.check(); err != nil {
			return err
		}
	}
	if err := s.Email.Check(ctx, account, email.ForPassword, code, true); err != nil {
		return err
	}
	return s.Set(ctx, account, n)
}

// Reset is what came of asking to take a forgotten password away.
type Reset struct {
	// Done says that the password is gone; else it may go from Until on, or, if Failed, one may ask
	// again then. Until is in Unix seconds.
	Done, Failed bool
	Until        int64
}

// Reset asks, from a signed-in device, to take a forgotten password away: after seven days' notice
// to all devices it is done by asking again. Asking again after having declined takes a day. It
// fails with PASSWORD_EMPTY if there is none.
//
// https://core.telegram.org/method/account.resetPassword
func (s *Service) Reset(ctx context.Context, account int64) (Reset, error) {
	var r Reset
	asked := false
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		r, asked = Reset{}, false
		row, err := tx.Password(account)
		if errors.Is(err, store.ErrNoRows) {
			return fault.PasswordEmpty
		}
		if err != nil {
			return err
		}
		now := s.Now()
		if row.Reset != 0 {
			r.Until, r.Done = row.Reset, row.Reset <= now.Unix()
			return nil
		}
		if !s.NoLimits {
			wait, err := tx.Attempt(fmt.Sprintf("reset %d", account), now, store.Limit{Most: 1, Window: 24 * time.Hour})
			if err != nil {
				return err
			}
			if wait > 0 {
				r.Failed, r.Until = true, now.Add(wait).Unix()
				return nil
			}
		}
		row.Reset, asked = now.Add(resetWait).Unix(), true
		r.Until = row.Reset
		return tx.SavePassword(row)
	})
	switch {
	case err != nil:
		return r, err
	case r.Done:
		return r, s.Set(ctx, account, nil)
	case asked:
		s.notice(ctx, account, "One of your devices asked to take the password of your account away. "+
			"It can do so in seven days. Any device can decline this in the settings, under two-step verification.")
	}
	return r, nil
}

// DeclineReset takes the wish to reset back. It fails with RESET_REQUEST_MISSING.
//
// https://core.telegram.org/method/account.declinePasswordReset
func (s *Service) DeclineReset(ctx context.Context, account int64) error {
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		row, err := tx.Password(account)
		if errors.Is(err, store.ErrNoRows) || err == nil && row.Reset == 0 {
			return fault.ResetRequestMissing
		}
		if err != nil {
			return err
		}
		row.Reset = 0
		return tx.SavePassword(row)
	})
}

// RecoveryAddress returns the address to recover an account's password with, "" if none.
func (s *Service) RecoveryAddress(ctx context.Context, account int64) (address string, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		address, err = s.Email.Address(tx, account, email.ForPassword, true)
		return err
	})
	return address, err
}

// ForgetRecoveryAddress takes the recovery address of an account away, and the one that waits.
func (s *Service) ForgetRecoveryAddress(ctx context.Context, account int64) error {
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error { return forgetAddresses(tx, account) })
}

func forgetAddresses(tx *store.Tx, account int64) error {
	for _, proven := range []bool{false, true} {
		if err := tx.DeleteEmail(account, int(email.ForPassword), proven); err != nil {
			return err
		}
	}
	return nil
}
