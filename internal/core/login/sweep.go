package login

import (
	"context"
	"time"

	"github.com/chappe-im/chappe/internal/store"
)

const (
	// keysIdle is how long a key waits for a login, addressLife how long an address is kept.
	keysIdle    = 30 * 24 * time.Hour
	addressLife = 7 * 24 * time.Hour
	sweepBatch  = 100
)

// Sweep forgets what ran out: codes, tokens, reservations, attempts, temporary keys, logins that
// were never ended, and addresses after a week. It is cheap.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	return s.DB.Write(ctx, nil, func(tx *store.Tx) error {
		if err := tx.SweepLogins(now.Unix(), now.Add(-24*time.Hour).UnixMicro()); err != nil {
			return err
		}
		if err := tx.ForgetAddresses(now.Add(-addressLife).Unix()); err != nil {
			return err
		}
		return tx.SweepAuthKeys(now.Unix(), now.Add(-keysIdle).Unix())
	})
}

// SweepIdle signs out devices not heard of for longer than their owners allow, and forgets keys
// that nobody uses. It looks at all of them.
func (s *Service) SweepIdle(ctx context.Context) error {
	for more := true; more; {
		var idle []store.Device
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			idle, err = tx.IdleDevices(s.Now().Unix(), sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, d := range idle {
			if err := s.SignOut(ctx, Client{Key: d.Key, Account: d.Account}); err != nil {
				return err
			}
		}
		more = len(idle) == sweepBatch
	}
	for more := true; more; {
		var keys []int64
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			keys, err = tx.IdleAuthKeys(s.Now().Add(-keysIdle).Unix(), sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
		err = s.DB.Write(ctx, nil, func(tx *store.Tx) error {
			for _, key := range keys {
				if err := tx.DeleteIdleAuthKey(key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		more = len(keys) == sweepBatch
	}
	return nil
}

// Reserve keeps the number of an account that ends for a while, for who begins anew under it.
func (s *Service) Reserve(tx *store.Tx, phone string) error {
	n := store.Number{Phone: phone, Code: []byte{}, Expires: s.Now().Add(reservation).Unix()}
	return tx.ReserveNumber(n, s.Now().Unix())
}
