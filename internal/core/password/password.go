package password

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// freeTries may be wrong within triesWindow; after that each try waits, twice as long as the last.
	freeTries   = 5
	triesWindow = time.Hour
	longestWait = 7 * 24 * time.Hour
	// resetWait is the notice before a forgotten password goes.
	resetWait = 7 * 24 * time.Hour
	hintRunes = 255
	saltSize  = 8

	sealPurpose = "password verifier"
)

// Service keeps passwords. It is safe for concurrent use.
type Service struct {
	DB  *store.DB
	Box *seal.Box
	// Email holds the addresses to recover passwords with.
	Email *email.Service
	// Tell sends an account a message from the service account.
	Tell     func(ctx context.Context, account int64, text string) error
	NoLimits bool
	Now      func() time.Time
	Log      *slog.Logger

	challenges challenges
}

// secrets are the sealed part of a row.
type secrets struct {
	Verifier, Salt1, Salt2 []byte
	Hint                   string
}

func owner(account int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(account)) }

func (s *Service) open(p store.Password) (v secrets, err error) {
	plain, err := s.Box.Open(sealPurpose, owner(p.Account), p.Sealed)
	if err != nil {
		return v, fmt.Errorf("open password: %w", err)
	}
	return v, json.Unmarshal(plain, &v)
}

// State is what a client learns of an account's password.
//
// https://core.telegram.org/constructor/account.password
type State struct {
	// Set says that there is a password; then B is a new challenge with this ID.
	Set          bool
	ID           int64
	B            []byte
	Salt1, Salt2 []byte
	Hint         string
	// Recovery says that a recovery address is proven; Unproven is the masked one that is not yet.
	Recovery bool
	Unproven string
	// Login is the masked address of login codes, "" if none.
	Login string
	// Reset is from when a forgotten password may be taken away, 0 if nobody asked.
	Reset int64
	// NewSalt1 and NewSalt2 begin the salts of a new password, Random helps the client's randomness.
	NewSalt1, NewSalt2, Random []byte
}

// State returns the state of an account's password and gives the device a challenge.
//
// https://core.telegram.org/method/account.getPassword
func (s *Service) State(ctx context.Context, account, key int64) (State, error) {
	var state State
	var secret secrets
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		recovery, err := s.Email.Address(tx, account, email.ForPassword, true)
		if err != nil {
			return err
		}
		unproven, err := s.Email.Address(tx, account, email.ForPassword, false)
		if err != nil {
			return err
		}
		login, err := s.Email.Address(tx, account, email.ForLogin, true)
		if err != nil {
			return err
		}
		state = State{Recovery: recovery != "", Unproven: email.Mask(unproven), Login: email.Mask(login)}
		row, err := tx.Password(account)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		state.Set, state.Reset = true, row.Reset
		secret, err = s.open(row)
		return err
	})
	if err != nil {
		return State{}, err
	}
	state.NewSalt1, state.NewSalt2, state.Random = random(saltSize), random(2*saltSize), random(Size)
	if !state.Set {
		return state, nil
	}
	c := challenge{
		account: account, key: key, verifier: secret.Verifier, salt1: secret.Salt1, salt2: secret.Salt2,
		secret: random(secretSize), expires: s.Now().Add(challengeLife),
	}
	c.public = groupOfClients.public(groupOfClients.element(c.verifier), c.secret)
	state.ID = s.challenges.add(c, s.Now())
	state.B, state.Salt1, state.Salt2, state.Hint = c.public, c.salt1, c.salt2, secret.Hint
	return state, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Check holds a device's proof against the password of an account; nil is the proof of a client
// that knows no password, and right if there is none. It fails with PASSWORD_HASH_INVALID,
// SRP_ID_INVALID, SRP_A_INVALID, SRP_PASSWORD_CHANGED and FLOOD_WAIT.
//
// https://core.telegram.org/method/auth.checkPassword
func (s *Service) Check(ctx context.Context, account, key int64, p *Proof) error {
	if p == nil {
		has := false
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			has, err = tx.HasPassword(account)
			return err
		})
		if err == nil && has {
			err = fault.PasswordHashInvalid
		}
		return err
	}
	c, err := s.challenges.take(p.ID, account, key, s.Now())
	if err != nil {
		return err
	}
	if err := s.countTry(ctx, account, c); err != nil {
		return err
	}
	right, err := c.answers(*p)
	if err != nil {
		return err
	}
	if !right {
		return fault.PasswordHashInvalid
	}
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		row, err := tx.Password(account)
		if err != nil {
			return err
		}
		row.Fails, row.Failed = 0, 0
		return tx.SavePassword(row)
	})
}

// countTry counts a try as wrong before it is looked at, or refuses it.
func (s *Service) countTry(ctx context.Context, account int64, c challenge) error {
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		row, err := tx.Password(account)
		if errors.Is(err, store.ErrNoRows) {
			return fault.SRPPasswordChanged
		}
		if err != nil {
			return err
		}
		now, secret := s.Now(), secrets{}
		if secret, err = s.open(row); err != nil {
			return err
		}
		if !c.same(secret.Verifier) {
			return fault.SRPPasswordChanged
		}
		if wait := triesWait(row, now); wait > 0 && !s.NoLimits {
			return fault.FloodWait(int((wait + time.Second - 1) / time.Second))
		}
		if row.Fails < freeTries && now.Sub(time.Unix(row.Failed, 0)) > triesWindow {
			row.Fails = 0
		}
		row.Fails, row.Failed = row.Fails+1, now.Unix()
		return tx.SavePassword(row)
	})
}

// triesWait is how long the next try has to wait.
func triesWait(row store.Password, now time.Time) time.Duration {
	if row.Fails < freeTries {
		return 0
	}
	wait := longestWait
	if doublings := row.Fails - freeTries; doublings < 8 {
		wait = min(wait, triesWindow<<doublings)
	}
	return time.Unix(row.Failed, 0).Add(wait).Sub(now)
}

// New is a new password as its client made it.
//
// https://core.telegram.org/constructor/account.passwordInputSettings
type New struct {
	// Verifier is g^x; Salt1 and Salt2 are what x was made with.
	Verifier, Salt1, Salt2 []byte
	Hint                   string
}

func (n New) check() error {
	switch {
	case len(n.Verifier) != Size || groupOfClients.element(n.Verifier) == nil:
		return fault.NewSettingsInvalid
	case len(n.Salt1) < saltSize || len(n.Salt1) > 128 || len(n.Salt2) < saltSize || len(n.Salt2) > 128:
		return fault.NewSaltInvalid
	case !utf8.ValidString(n.Hint) || utf8.RuneCountInString(n.Hint) > hintRunes:
		return fault.NewSettingsInvalid
	}
	return nil
}

// Set gives an account a password, or takes it away (nil). The caller has checked the old one.
func (s *Service) Set(ctx context.Context, account int64, n *New) error {
	if n != nil {
		if err := n.check(); err != nil {
			return err
		}
	}
	had := false
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) (err error) {
		if had, err = tx.HasPassword(account); err != nil {
			return err
		}
		if n == nil {
			if err := forgetAddresses(tx, account); err != nil {
				return err
			}
			return tx.DeletePassword(account)
		}
		plain, err := json.Marshal(secrets(*n))
		if err != nil {
			return err
		}
		sealed := s.Box.Seal(sealPurpose, owner(account), plain)
		return tx.SavePassword(store.Password{Account: account, Sealed: sealed, Changed: s.Now().Unix()})
	})
	switch {
	case err != nil:
		return err
	case n == nil && had:
		s.notice(ctx, account, "The password of your account was taken away: a login code alone signs in to it now.")
	case n != nil && had:
		s.notice(ctx, account, "The password of your account was changed.")
	case n != nil:
		s.notice(ctx, account, "Your account has a password now: new devices need it besides the login code.")
	}
	return nil
}

// notice tells an account what happened to its password.
func (s *Service) notice(ctx context.Context, account int64, text string) {
	text += "\n\nIf this was not you, look at the list of your devices."
	if err := s.Tell(ctx, account, text); err != nil {
		s.Log.Error("an account could not be told of its password", "err", err)
	}
}
