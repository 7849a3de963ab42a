package login

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// tokenLife is how long a QR code is good, tokenPickup how long its acceptance is.
	tokenLife   = 30 * time.Second
	tokenPickup = 5 * time.Minute
	exportLife  = time.Minute
)

// Token is a login for somebody else's device to accept.
type Token struct {
	Bytes   []byte
	Expires time.Time
}

// ShowToken gives a device a new token to show, or, if its last one was accepted, signs it in and
// returns the account. SESSION_PASSWORD_NEEDED says that it was accepted and the password is
// missing. An account in except is not signed in again.
//
// https://core.telegram.org/method/auth.exportLoginToken
func (s *Service) ShowToken(ctx context.Context, c Client, except []int64) (Token, int64, error) {
	if c.Account != 0 {
		return Token{}, c.Account, nil
	}
	accepted, err := s.accepted(ctx, c.Key)
	if err != nil {
		return Token{}, 0, err
	}
	for _, id := range except {
		if id == accepted {
			accepted = 0
		}
	}
	if accepted != 0 {
		return Token{}, accepted, s.enterByToken(ctx, c, accepted)
	}
	var random [32]byte
	rand.Read(random[:])
	token := Token{Bytes: random[:], Expires: s.Now().Add(tokenLife)}
	var already int64
	err = s.write(ctx, func(tx *store.Tx) error {
		d := s.Device(c)
		old, err := tx.Device(c.Key)
		if _, err := found(err); err != nil {
			return err
		}
		if already = old.Account; already != 0 {
			return nil // signed in a moment ago
		}
		if old.Pending != 0 { // it stays the login that others were told of, and its week goes on
			d.Pending, d.Deletion, d.Hash, d.Created = old.Pending, old.Deletion, old.Hash, old.Created
		}
		if err := tx.SaveDevice(d); err != nil {
			return err
		}
		return tx.SaveLoginToken(store.LoginToken{Key: c.Key, MAC: s.tokenMAC(token.Bytes), Expires: token.Expires.Unix()})
	})
	return token, already, err
}

// accepted returns who accepted the last token of a device, 0 if nobody did.
func (s *Service) accepted(ctx context.Context, key int64) (account int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		k, err := tx.LoginToken(key)
		if k.Expires > s.Now().Unix() {
			account = k.Account
		}
		_, err = found(err)
		return err
	})
	return account, err
}

// enterByToken signs in an account that accepted a device's token.
func (s *Service) enterByToken(ctx context.Context, c Client, account int64) error {
	var in entry
	var refused error
	err := s.write(ctx, func(tx *store.Tx) error {
		in, refused = entry{}, nil
		k, err := tx.LoginToken(c.Key)
		if ok, err := found(err); err != nil || !ok || k.Account != account {
			refused = fault.AuthTokenExpired
			return err
		}
		shown, err := tx.Device(c.Key)
		if _, err := found(err); err != nil {
			return err
		}
		if in, refused, err = s.enter(tx, c, account); err != nil {
			return err
		}
		if in.device.Key != 0 && shown.Hash != 0 {
			in.device.Hash = shown.Hash // as its owner was told when accepting
			return tx.SaveDevice(in.device)
		}
		return nil
	}, account)
	if err != nil {
		return err
	}
	if refused != nil {
		s.Gone(in.gone)
		return refused
	}
	s.entered(ctx, c, in)
	return nil
}

// TakeToken is ShowToken for a client that was sent here with its token by another data centre.
//
// https://core.telegram.org/method/auth.importLoginToken
func (s *Service) TakeToken(ctx context.Context, c Client, token []byte) (int64, error) {
	accepted, err := s.accepted(ctx, c.Key)
	if err != nil {
		return 0, err
	}
	var own bool
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		k, err := tx.LoginTokenByMAC(s.tokenMAC(token))
		own = k.Key == c.Key
		_, err = found(err)
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case !own:
		return 0, fault.AuthTokenInvalid
	case accepted == 0:
		return 0, fault.AuthTokenExpired
	}
	return accepted, s.enterByToken(ctx, c, accepted)
}

// AcceptToken lets the device that shows a token sign in to the caller's account, and returns that
// device. It fails with AUTH_TOKEN_INVALID, AUTH_TOKEN_EXPIRED and AUTH_TOKEN_ALREADY_ACCEPTED.
//
// https://core.telegram.org/method/auth.acceptLoginToken
func (s *Service) AcceptToken(ctx context.Context, c Client, token []byte) (store.Device, error) {
	var d store.Device
	err := s.write(ctx, func(tx *store.Tx) error {
		k, err := tx.LoginTokenByMAC(s.tokenMAC(token))
		if ok, err := found(err); err != nil {
			return err
		} else if !ok {
			return fault.AuthTokenInvalid
		}
		switch {
		case k.Account != 0:
			return fault.AuthTokenAlreadyAccepted
		case k.Expires <= s.Now().Unix():
			return fault.AuthTokenExpired
		}
		if d, err = tx.Device(k.Key); err != nil {
			return err
		}
		if d.Account != 0 {
			return fault.AuthTokenInvalid // it signed in by other means
		}
		d.Hash = int64(random63() | 1)
		if err := tx.SaveDevice(d); err != nil {
			return err
		}
		k.Account, k.Expires = c.Account, s.Now().Add(tokenPickup).Unix()
		return tx.SaveLoginToken(k)
	}, c.Account)
	if err != nil {
		return store.Device{}, err
	}
	s.Bus.Announce(event.Event{Date: s.Now().Unix(), Body: event.LoginTokenAccepted{Key: d.Key}})
	return d, nil
}

func (s *Service) tokenMAC(token []byte) []byte { return s.mac("token", string(token)) }

// Export makes a login that another key of the same client can import once.
//
// https://core.telegram.org/method/auth.exportAuthorization
func (s *Service) Export(ctx context.Context, c Client) ([]byte, error) {
	var random [32]byte
	rand.Read(random[:])
	err := s.DB.Write(ctx, []int64{c.Account}, func(tx *store.Tx) error {
		d, err := s.own(tx, c)
		if err != nil {
			return err
		}
		return tx.SaveExport(c.Account, s.mac("export", string(random[:])), d.Key, s.Now().Add(exportLife).Unix())
	})
	return random[:], err
}

// Import signs an exported login in on the caller's key, as a part of the device it came from. It
// fails with AUTH_BYTES_INVALID.
//
// https://core.telegram.org/method/auth.importAuthorization
func (s *Service) Import(ctx context.Context, c Client, account int64, export []byte) error {
	var gone []int64
	var refused error
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		refused = fault.AuthBytesInvalid
		key, err := tx.TakeExport(account, s.mac("export", string(export)), s.Now().Unix())
		if ok, err := found(err); err != nil || !ok {
			return err
		}
		parent, err := tx.Device(key)
		if ok, err := found(err); err != nil || !ok || parent.Account != account {
			return err
		}
		refused = nil
		if key == c.Key {
			return nil // it has this login
		}
		if gone, err = s.release(tx, c.Key); err != nil {
			return err
		}
		d := s.Device(c)
		d.Account, d.Parent, d.Hash = account, key, int64(random63()|1)
		return tx.SaveDevice(d)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	for _, key := range gone {
		if key != c.Key {
			s.Devices.SignedOut(key)
		}
	}
	s.Devices.SignedIn(c.Key, account)
	return nil
}
