package login

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// Account ids are drawn from firstAccount up to ten times that: ten digits, as clients know them.
	firstAccount = 1_000_000_000
	nameRunes    = 64
)

// SignIn signs the owner of a number in on a device. The account 0 without an error says that the
// code was right and the number has no account yet: SignUp is next. SESSION_PASSWORD_NEEDED says
// that the code was right and the password is missing. Other errors: PHONE_NUMBER_INVALID,
// PHONE_CODE_EMPTY, PHONE_CODE_INVALID, PHONE_CODE_EXPIRED.
//
// https://core.telegram.org/method/auth.signIn
func (s *Service) SignIn(ctx context.Context, c Client, number, hash, code string) (account int64, err error) {
	phone, err := Digits(number)
	if err != nil {
		return 0, err
	}
	if code == "" {
		return 0, fault.PhoneCodeEmpty
	}
	owner, err := s.owner(ctx, phone)
	if err != nil {
		return 0, err
	}
	var in entry
	var refused error
	err = s.write(ctx, func(tx *store.Tx) error {
		in, refused = entry{}, nil
		row, ok, err := s.liveCode(tx, phone, hash)
		if err != nil || !ok {
			refused = fault.PhoneCodeExpired
			return err
		}
		right := s.try(&row, code)
		if !right {
			refused = fault.PhoneCodeInvalid
			return tx.SaveLoginCode(row)
		}
		n, _, err := s.number(tx, phone)
		if err != nil {
			return err
		}
		if n.Account != owner || (owner != 0 && row.Verified) {
			refused = fault.PhoneCodeExpired // it was for somebody else, or it was used
			return nil
		}
		// A used code stays, so that an owner who forgot the password and has the account deleted
		// can sign up again with the same hash.
		row.Verified, row.Expires = true, s.Now().Add(reservation).Unix()
		if err := tx.SaveLoginCode(row); err != nil || owner == 0 {
			return err
		}
		in, refused, err = s.enter(tx, c, owner)
		return err
	}, owner)
	if err != nil {
		return 0, err
	}
	if refused != nil || owner == 0 {
		s.Gone(in.gone)
		return 0, refused
	}
	s.entered(ctx, c, in)
	return owner, nil
}

// owner returns the account of a number, 0 if none.
func (s *Service) owner(ctx context.Context, phone string) (account int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		n, _, err := s.number(tx, phone)
		account = n.Account
		return err
	})
	return account, err
}

// SignUp makes an account for a number whose code was given to SignIn, and signs it in. It fails
// with PHONE_CODE_EXPIRED, PHONE_NUMBER_OCCUPIED, FIRSTNAME_INVALID and LASTNAME_INVALID.
//
// https://core.telegram.org/method/auth.signUp
func (s *Service) SignUp(ctx context.Context, c Client, number, hash, first, last string) (account int64, err error) {
	phone, err := Digits(number)
	if err != nil {
		return 0, err
	}
	if first, last, err = Names(first, last); err != nil {
		return 0, err
	}
	var in entry
	var refused error
	err = s.write(ctx, func(tx *store.Tx) error {
		in, refused = entry{}, nil
		row, ok, err := s.liveCode(tx, phone, hash)
		if err != nil || !ok || !row.Verified {
			refused = fault.PhoneCodeExpired
			return err
		}
		if n, _, err := s.number(tx, phone); err != nil || n.Account != 0 {
			refused = fault.PhoneNumberOccupied
			return err
		}
		a := store.Account{Phone: phone, FirstName: first, LastName: last, Created: s.Now().Unix(), Seen: s.Now().Unix()}
		if a.ID, err = createAccount(tx, a); err != nil {
			return err
		}
		if err := tx.ClaimNumber(phone, a.ID); err != nil {
			return err
		}
		if err := tx.DeleteLoginCodes(phone); err != nil {
			return err
		}
		in, refused, err = s.enter(tx, c, a.ID)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return 0, err
	}
	s.entered(ctx, c, in)
	return in.device.Account, nil
}

func createAccount(tx *store.Tx, a store.Account) (int64, error) {
	for {
		a.ID = firstAccount + int64(random63()%(9*firstAccount))
		if err := tx.CreateAccount(a); !errors.Is(err, store.ErrCollision) {
			return a.ID, err
		}
	}
}

// Names checks and trims a first and a last name, at most 64 characters each. It fails with
// FIRSTNAME_INVALID or LASTNAME_INVALID.
func Names(first, last string) (string, string, error) {
	tidy := func(name string) (string, bool) {
		name = strings.Join(strings.Fields(name), " ")
		return name, utf8.ValidString(name) && !strings.Contains(name, "\x00") && utf8.RuneCountInString(name) <= nameRunes
	}
	first, ok := tidy(first)
	if !ok || first == "" {
		return "", "", fault.FirstnameInvalid
	}
	if last, ok = tidy(last); !ok {
		return "", "", fault.LastnameInvalid
	}
	return first, last, nil
}

func random63() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]) >> 1
}

// entry is a login that was written.
type entry struct {
	device store.Device
	// gone are devices that were signed out by it.
	gone []int64
	// others says that the account was signed in elsewhere before.
	others bool
}

// enter writes the login of an account on a device, or, if the account has a password, that the
// device owes it: then refused is SESSION_PASSWORD_NEEDED.
func (s *Service) enter(tx *store.Tx, c Client, account int64) (in entry, refused, err error) {
	d := s.Device(c)
	d.Account = 0
	old, err := tx.Device(c.Key)
	if _, err := found(err); err != nil {
		return in, nil, err
	}
	if old.Pending == account {
		d.Deletion = old.Deletion // signing in again does not begin the week anew
	}
	if in.gone, err = s.release(tx, c.Key); err != nil {
		return in, nil, err
	}
	locked, err := tx.HasPassword(account)
	if err != nil {
		return in, nil, err
	}
	if locked {
		d.Pending, d.Hash = account, int64(random63()|1)
		return in, fault.SessionPasswordNeeded, tx.SaveDevice(d)
	}
	in.device, in.others, err = s.admit(tx, d, account)
	return in, nil, err
}

// admit writes that an account is signed in on a device.
func (s *Service) admit(tx *store.Tx, d store.Device, account int64) (_ store.Device, others bool, err error) {
	devices, err := tx.DevicesOf(account)
	if err != nil {
		return d, false, err
	}
	d.Account, d.Pending, d.Deletion = account, 0, 0
	if d.Hash == 0 {
		d.Hash = int64(random63() | 1)
	}
	d.Unconfirmed = len(devices) > 0
	return d, len(devices) > 0, tx.SaveDevice(d)
}

// entered tells the rest of the program, and the account's other devices, of a login.
func (s *Service) entered(ctx context.Context, c Client, in entry) {
	for _, key := range in.gone {
		if key != in.device.Key {
			s.Devices.SignedOut(key)
		}
	}
	d := in.device
	s.Devices.SignedIn(d.Key, d.Account)
	if !in.others {
		return
	}
	name := strings.TrimSpace(d.DeviceModel + ", " + d.AppVersion)
	s.Bus.Announce(event.Event{Account: d.Account, Date: d.Created, Origin: c.Session, Body: event.NewAuthorization{
		Hash: d.Hash, Unconfirmed: d.Unconfirmed, Date: d.Created, Device: name, Location: d.IP,
	}})
	text := fmt.Sprintf("New login. Your account was signed in to on another device.\n\nDevice: %s\nTime: %s",
		name, time.Unix(d.Created, 0).UTC().Format("2 January 2006, 15:04 UTC"))
	if d.IP != "" {
		text += "\nNetwork: " + d.IP
	}
	text += "\n\nIf this was not you, end that session in the list of your devices, and set a password."
	if err := s.Tell(ctx, d.Account, text); err != nil {
		s.Log.Error("an account could not be told of a login", "err", err)
	}
}

// Pending returns the account whose password a device owes, 0 if none.
func (s *Service) Pending(ctx context.Context, key int64) (account int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		d, err := tx.Device(key)
		account = d.Pending
		_, err = found(err)
		return err
	})
	return account, err
}

// Finish signs in the account whose password a device owed and has given now. It fails with
// AUTH_KEY_UNREGISTERED if it owes none.
//
// https://core.telegram.org/method/auth.checkPassword
func (s *Service) Finish(ctx context.Context, c Client, account int64) error {
	var in entry
	var refused error
	err := s.write(ctx, func(tx *store.Tx) error {
		in, refused = entry{}, nil
		owed, err := tx.Device(c.Key)
		if ok, err := found(err); err != nil || !ok || owed.Pending != account || account == 0 {
			refused = fault.AuthKeyUnregistered
			return err
		}
		d := s.Device(c)
		d.Hash = owed.Hash
		in.device, in.others, err = s.admit(tx, d, account)
		return err
	}, account)
	if err == nil {
		err = refused
	}
	if err == nil {
		s.entered(ctx, c, in)
	}
	return err
}
