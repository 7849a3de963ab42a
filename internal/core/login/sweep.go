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

// Sweep signs out devices not heard of for longer than their owners allow, and forgets what ran
// out: codes, tokens, reservations, attempts, keys nobody uses, and addresses after a week.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	for more := true; more; {
		var idle []store.Device
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			idle, err = tx.IdleDevices(now.Unix(), sweepBatch)
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

// Reserve keeps the number of an account that ends for a while, for who begins anew under it.
func (s *Service) Reserve(tx *store.Tx, phone string) error {
	n := store.Number{Phone: phone, Code: []byte{}, Expires: s.Now().Add(reservation).Unix()}
	return tx.ReserveNumber(n, s.Now().Unix())
}
