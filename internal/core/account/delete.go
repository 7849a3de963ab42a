package account

import (
	"context"
	"errors"
	"time"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

// deletionWait is the notice before an account goes that somebody without its password wants gone.
const deletionWait = 7 * 24 * time.Hour

// OnDelete adds what else happens in the transaction that ends an account: what belongs to it goes.
// Call it before the server starts.
func (s *Service) OnDelete(fn func(tx *store.Tx, account int64) error) {
	s.onDelete = append(s.onDelete, fn)
}

// Delete ends an account. Its number stays reserved for half an hour, so that who lost the password
// can begin anew under it.
//
// https://core.telegram.org/method/account.deleteAccount
func (s *Service) Delete(ctx context.Context, account int64) error {
	var gone []int64
	var done bool
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		gone, done = nil, false
		a, err := tx.Account(account)
		if err != nil || a.Deleted != 0 || a.Phone == "" {
			return err
		}
		done = true
		if gone, err = s.Login.SignOutAll(tx, account); err != nil {
			return err
		}
		for _, fn := range s.onDelete {
			if err := fn(tx, account); err != nil {
				return err
			}
		}
		if err := tx.ReleaseUsernames(store.OfAccount, account, s.Now().Unix()); err != nil {
			return err
		}
		if err := tx.EraseAccount(account, s.Now().Unix()); err != nil {
			return err
		}
		return s.Login.Reserve(tx, a.Phone)
	})
	if err != nil || !done {
		return err
	}
	s.Login.Gone(gone)
	s.Bus.Announce(event.Event{Account: account, Date: s.Now().Unix(), Body: event.UserChanged{User: account}})
	return nil
}

// AskDeletion is Delete for a device that could not give the account's password, or that signed in
// too recently to end the other sessions. The account goes after a week, unless that device is
// signed out until then; its owner is told. It fails with 2FA_CONFIRM_WAIT while the week lasts.
//
// https://core.telegram.org/method/account.deleteAccount
func (s *Service) AskDeletion(ctx context.Context, account, key int64) error {
	now := s.Now()
	asked, due := false, int64(0)
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		d, err := tx.Device(key)
		if errors.Is(err, store.ErrNoRows) {
			return fault.AuthKeyUnregistered
		}
		if err != nil {
			return err
		}
		if asked = d.Deletion == 0; asked {
			d.Deletion = now.Add(deletionWait).Unix()
		}
		due = d.Deletion
		return tx.SaveDevice(d)
	})
	if err != nil {
		return err
	}
	if due <= now.Unix() {
		return s.Delete(ctx, account)
	}
	if asked {
		const text = "A new device, or one that did not give your password, asked to delete your account. " +
			"It will be deleted in seven days.\n\nIf this was not you, end that session in the list of your devices: " +
			"that keeps the account."
		if err := s.Tell(ctx, account, text); err != nil {
			s.Log.Error("an account could not be told of its deletion", "err", err)
		}
	}
	return fault.TwoFAConfirmWait(int(due - now.Unix()))
}

const (
	// sweepBatch is how many rows one step of Sweep looks for.
	sweepBatch = 100
	// sweepIdle is how often Sweep looks at all accounts and devices.
	sweepIdle = 6 * time.Hour
)

// Sweep ends accounts and sessions that were not used for too long, accounts whose deletion is due,
// and forgets logins and keys that ran out. Call it every few minutes, from one goroutine.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.Login.Sweep(ctx); err != nil {
		return err
	}
	if err := s.deleteAll(ctx, (*store.Tx).DueDeletions); err != nil {
		return err
	}
	if s.Now().Sub(s.swept) < sweepIdle {
		return nil
	}
	if err := s.Login.SweepIdle(ctx); err != nil {
		return err
	}
	if err := s.deleteAll(ctx, (*store.Tx).IdleAccounts); err != nil {
		return err
	}
	s.swept = s.Now()
	return nil
}

// deleteAll ends the accounts that find returns, until it finds no more.
func (s *Service) deleteAll(ctx context.Context, find func(tx *store.Tx, now int64, limit int) ([]int64, error)) error {
	for {
		var accounts []int64
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			accounts, err = find(tx, s.Now().Unix(), sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, account := range accounts {
			if err := s.Delete(ctx, account); err != nil {
				return err
			}
		}
		if len(accounts) < sweepBatch {
			return nil
		}
	}
}
