package login

import (
	"context"
	"slices"
	"time"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// fresh is how long a login cannot end older ones: whoever steals a code must not lock the owner
	// out.
	fresh = 24 * time.Hour
	// confirmed is after how long a login that nobody objected to counts as approved.
	confirmed = 7 * 24 * time.Hour
)

// SignOut ends the login of a device and of those that got theirs from it. It is no error if nobody
// is signed in on it.
//
// https://core.telegram.org/method/auth.logOut
func (s *Service) SignOut(ctx context.Context, c Client) error {
	return s.end(ctx, c.Account, func(*store.Tx) ([]int64, error) { return []int64{c.Key}, nil })
}

// end signs out the devices that pick chooses.
func (s *Service) end(ctx context.Context, account int64, pick func(tx *store.Tx) ([]int64, error)) error {
	var gone []int64
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		gone = nil
		keys, err := pick(tx)
		if err != nil {
			return err
		}
		for _, key := range keys {
			released, err := s.release(tx, key)
			if err != nil {
				return err
			}
			gone = append(gone, released...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range gone {
		s.Devices.SignedOut(key)
	}
	return nil
}

// release deletes the rows of a device and of those under it, with what belongs to them, and
// returns their keys.
func (s *Service) release(tx *store.Tx, key int64) (gone []int64, err error) {
	keys, err := tx.DevicesUnder(key)
	if err != nil {
		return nil, err
	}
	for _, key := range append(keys, key) {
		d, err := tx.Device(key)
		if ok, err := found(err); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for _, fn := range s.signOut {
			if err := fn(tx, d); err != nil {
				return nil, err
			}
		}
		if err := tx.DeleteDevice(key); err != nil {
			return nil, err
		}
		if err := tx.DeleteLoginToken(key); err != nil {
			return nil, err
		}
		gone = append(gone, key)
	}
	return gone, nil
}

// SignOutAll ends all logins of an account in a transaction that is under way, and returns the keys
// to give to Gone after its commit. Devices that owe its password owe nothing any more.
func (s *Service) SignOutAll(tx *store.Tx, account int64) (gone []int64, err error) {
	devices, err := tx.DevicesOf(account)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		released, err := s.release(tx, d.Key)
		if err != nil {
			return nil, err
		}
		gone = append(gone, released...)
	}
	pending, err := tx.PendingDevices(account)
	if err != nil {
		return nil, err
	}
	for _, d := range pending {
		if err := tx.DeleteDevice(d.Key); err != nil {
			return nil, err
		}
	}
	return gone, nil
}

// Gone tells the connected sessions of devices that they were signed out.
func (s *Service) Gone(keys []int64) {
	for _, key := range keys {
		s.Devices.SignedOut(key)
	}
}

// Device is a device as it is stored.
type Device = store.Device

// List returns the devices the caller's account is signed in on and those that owe its password,
// without those that got their login from another, and the key of the caller's own.
//
// https://core.telegram.org/method/account.getAuthorizations
func (s *Service) List(ctx context.Context, c Client) (list []Device, own int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		mine, others, err := s.family(tx, c)
		list, own = append([]Device{mine}, others...), mine.Key
		return err
	})
	for i, d := range list {
		list[i].Unconfirmed = s.unconfirmed(d)
	}
	return list, own, err
}

// unconfirmed tells whether a login still waits for its owner to approve it on another device.
func (s *Service) unconfirmed(d store.Device) bool {
	return d.Unconfirmed && d.Created > s.Now().Add(-confirmed).Unix()
}

// Reset ends the login that hash names among those of the caller's account. It fails with
// HASH_INVALID, and with FRESH_RESET_AUTHORISATION_FORBIDDEN if the caller's own login is younger
// than a day and than that one.
//
// https://core.telegram.org/method/account.resetAuthorization
func (s *Service) Reset(ctx context.Context, c Client, hash int64) error {
	return s.end(ctx, c.Account, func(tx *store.Tx) ([]int64, error) {
		own, others, err := s.family(tx, c)
		if err != nil {
			return nil, err
		}
		for _, d := range others {
			if d.Hash != hash || hash == 0 {
				continue
			}
			if s.tooFresh(own, d) {
				return nil, fault.FreshResetAuthorisationForbidden
			}
			return []int64{d.Key}, nil
		}
		return nil, fault.HashInvalid
	})
}

// ResetOthers ends all logins of the caller's account but its own. It fails as Reset does.
//
// https://core.telegram.org/method/auth.resetAuthorizations
func (s *Service) ResetOthers(ctx context.Context, c Client) error {
	return s.end(ctx, c.Account, func(tx *store.Tx) ([]int64, error) {
		own, others, err := s.family(tx, c)
		if err != nil {
			return nil, err
		}
		keys := make([]int64, 0, len(others))
		for _, d := range others {
			if s.tooFresh(own, d) {
				return nil, fault.FreshResetAuthorisationForbidden
			}
			keys = append(keys, d.Key)
		}
		return keys, nil
	})
}

// family returns the caller's own login (the one that its own came from, if it did) and the other
// logins of its account, with those that owe its password.
func (s *Service) family(tx *store.Tx, c Client) (own store.Device, others []store.Device, err error) {
	if own, err = s.own(tx, c); err != nil {
		return own, nil, err
	}
	devices, err := tx.DevicesOf(c.Account)
	if err != nil {
		return own, nil, err
	}
	pending, err := tx.PendingDevices(c.Account)
	if err != nil {
		return own, nil, err
	}
	for _, d := range append(devices, pending...) {
		if d.Key != own.Key && d.Parent == 0 {
			others = append(others, d)
		}
	}
	return own, others, nil
}

// own returns the caller's own login, or the one that its own came from; AUTH_KEY_UNREGISTERED if
// it was signed out a moment ago.
func (s *Service) own(tx *store.Tx, c Client) (store.Device, error) {
	d, err := tx.Device(c.Key)
	if err == nil && d.Parent != 0 {
		d, err = tx.Device(d.Parent)
	}
	if ok, err := found(err); err != nil {
		return d, err
	} else if !ok || d.Account == 0 {
		return d, fault.AuthKeyUnregistered
	}
	return d, nil
}

// TooFresh tells whether the caller's login is too young to end those that its account had before.
func (s *Service) TooFresh(ctx context.Context, c Client) (fresh bool, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		own, others, err := s.family(tx, c)
		fresh = slices.ContainsFunc(others, func(d store.Device) bool { return s.tooFresh(own, d) })
		return err
	})
	return fresh, err
}

func (s *Service) tooFresh(own, other store.Device) bool {
	return !s.NoLimits && other.Created < own.Created && own.Created > s.Now().Add(-fresh).Unix()
}

// Settings are what the owner says of a device; nil leaves a setting as it is.
type Settings struct {
	// Confirmed says that the login is the owner's own.
	Confirmed         bool
	NoSecret, NoCalls *bool
}

// Change writes the settings of the device that hash names (0 is the caller's). It fails with
// HASH_INVALID, which confirming one's own login does too, and with
// FRESH_RESET_AUTHORISATION_FORBIDDEN if a login that nobody approved wants to confirm another.
//
// https://core.telegram.org/method/account.changeAuthorizationSettings
func (s *Service) Change(ctx context.Context, c Client, hash int64, settings Settings) error {
	var device store.Device
	err := s.DB.Write(ctx, []int64{c.Account}, func(tx *store.Tx) error {
		own, others, err := s.family(tx, c)
		if err != nil {
			return err
		}
		device = store.Device{}
		for _, d := range append(others, own) {
			if d.Account == c.Account && (d.Hash == hash || hash == 0 && d.Key == own.Key) {
				device = d
			}
		}
		if device.Key == 0 {
			return fault.HashInvalid
		}
		if settings.Confirmed {
			switch {
			case device.Key == own.Key:
				return fault.HashInvalid
			case s.unconfirmed(own):
				return fault.FreshResetAuthorisationForbidden
			}
			device.Unconfirmed = false
		}
		if settings.NoSecret != nil {
			device.NoSecret = *settings.NoSecret
		}
		if settings.NoCalls != nil {
			device.NoCalls = *settings.NoCalls
		}
		return tx.SaveDevice(device)
	})
	if err == nil && settings.Confirmed {
		s.Bus.Announce(event.Event{
			Account: c.Account, Date: s.Now().Unix(), Origin: c.Session,
			Body: event.NewAuthorization{Hash: device.Hash},
		})
	}
	return err
}

// DropTemporary forgets the temporary keys of a device but the caller's own and those in except.
//
// https://core.telegram.org/method/auth.dropTempAuthKeys
func (s *Service) DropTemporary(ctx context.Context, c Client, own int64, except []int64) error {
	if c.Key == 0 {
		return nil
	}
	keep := map[int64]bool{own: true}
	for _, id := range except {
		keep[id] = true
	}
	var dropped []int64
	err := s.DB.Write(ctx, nil, func(tx *store.Tx) error {
		dropped = nil
		ids, err := tx.TempAuthKeys(c.Key)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if keep[id] {
				continue
			}
			if err := tx.DeleteAuthKey(id); err != nil {
				return err
			}
			dropped = append(dropped, id)
		}
		return nil
	})
	for _, id := range dropped {
		s.Devices.Forget(id)
	}
	return err
}

// Bind binds a temporary key to a permanent one, after the caller compared the binding message. It
// fails with ENCRYPTED_MESSAGE_INVALID if the permanent key is none, with EXPIRES_AT_INVALID and
// with TEMP_AUTH_KEY_ALREADY_BOUND.
//
// https://core.telegram.org/method/auth.bindTempAuthKey
func (s *Service) Bind(ctx context.Context, temporary, permanent int64, expires int64) error {
	var account int64
	var layer int
	err := s.DB.Write(ctx, nil, func(tx *store.Tx) error {
		perm, err := tx.AuthKey(permanent)
		if ok, err := found(err); err != nil {
			return err
		} else if !ok || perm.Expires != 0 {
			return fault.EncryptedMessageInvalid
		}
		temp, err := tx.AuthKey(temporary)
		if ok, err := found(err); err != nil {
			return err
		} else if !ok || temp.Expires == 0 {
			return fault.TempAuthKeyEmpty
		}
		if expires <= s.Now().Unix() {
			return fault.ExpiresAtInvalid
		}
		if temp.Perm != 0 && temp.Perm != permanent {
			return fault.TempAuthKeyAlreadyBound
		}
		d, err := tx.Device(permanent)
		if _, err := found(err); err != nil {
			return err
		}
		account, layer = d.Account, d.Layer
		return tx.BindAuthKey(temporary, permanent)
	})
	if err == nil {
		s.Devices.Bound(temporary, permanent, account, layer)
	}
	return err
}
