// Package account keeps what people say of themselves, and ends accounts.
//
// An account ends when its owner deletes it, when it was not used for as long as its owner chose,
// and a week after somebody who knows its login code but not its password asked for that. Its row
// stays, emptied, so that the id is never given to anyone else; everything else that is the
// account's goes in the same transaction, through the functions that other nouns gave to
// [Service.OnDelete].
//
// The package knows no TL; it imports store, bus, event, login, username and fault.
//
// Specification: https://core.telegram.org/api/account-deletion.
package account

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/username"
	"github.com/chappe-im/chappe/internal/store"
)

const aboutRunes = 70

// namesPerDay is how often a public name changes.
var namesPerDay = store.Limit{Most: 10, Window: 24 * time.Hour}

// Service keeps accounts. It is safe for concurrent use.
type Service struct {
	DB    *store.DB
	Bus   *bus.Bus
	Login *login.Service
	// Tell sends an account a message from the service account.
	Tell     func(ctx context.Context, account int64, text string) error
	NoLimits bool
	Now      func() time.Time
	Log      *slog.Logger

	onDelete []func(tx *store.Tx, account int64) error
	swept    time.Time // when Sweep looked at everything
}

// Profile is what changes of a profile; nil leaves a field as it is.
type Profile struct {
	FirstName, LastName, About *string
}

// Update changes the names and the text about somebody. It fails with FIRSTNAME_INVALID,
// LASTNAME_INVALID and ABOUT_TOO_LONG.
//
// https://core.telegram.org/method/account.updateProfile
func (s *Service) Update(ctx context.Context, account, key int64, p Profile) error {
	return s.change(ctx, account, key, func(_ *store.Tx, a *store.Account) (err error) {
		if p.FirstName != nil {
			a.FirstName = *p.FirstName
		}
		if p.LastName != nil {
			a.LastName = *p.LastName
		}
		if a.FirstName, a.LastName, err = login.Names(a.FirstName, a.LastName); err != nil {
			return err
		}
		if p.About == nil {
			return nil
		}
		a.About = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimSpace(*p.About), ""), "\x00", "")
		if utf8.RuneCountInString(a.About) > aboutRunes {
			return fault.AboutTooLong
		}
		return nil
	})
}

// SetUsername gives somebody a public name, or none (""). It fails with USERNAME_INVALID,
// USERNAME_OCCUPIED, USERNAME_NOT_MODIFIED and FLOOD_WAIT.
//
// https://core.telegram.org/method/account.updateUsername
func (s *Service) SetUsername(ctx context.Context, account, key int64, name string) error {
	return s.change(ctx, account, key, func(tx *store.Tx, a *store.Account) error {
		if a.Username == name {
			return fault.UsernameNotModified
		}
		if !s.NoLimits {
			wait, err := tx.Attempt(fmt.Sprintf("username %d", account), s.Now(), namesPerDay)
			if err != nil {
				return err
			}
			if wait > 0 {
				return fault.FloodWait(int(wait/time.Second) + 1)
			}
		}
		a.Username = name
		return username.Set(tx, username.Owner{Kind: store.OfAccount, ID: account}, name, s.Now())
	})
}

// change writes what fn makes of an account's profile, and tells the account's devices.
func (s *Service) change(ctx context.Context, account, key int64, fn func(tx *store.Tx, a *store.Account) error) error {
	var before, after store.Account
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) (err error) {
		if before, err = tx.Account(account); err != nil {
			return err
		}
		after = before
		if err := fn(tx, &after); err != nil || after == before {
			return err
		}
		return tx.SaveProfile(after)
	})
	if err != nil || after == before {
		return err
	}
	s.Bus.Announce(event.Event{Account: account, Date: s.Now().Unix(), Origin: key, Body: event.UserChanged{
		User: account, FirstName: after.FirstName, LastName: after.LastName, Username: after.Username,
	}})
	return nil
}

// UsernameFree tells whether somebody may have a public name: nil, USERNAME_INVALID or
// USERNAME_OCCUPIED.
//
// https://core.telegram.org/method/account.checkUsername
func (s *Service) UsernameFree(ctx context.Context, account int64, name string) error {
	return s.DB.Read(ctx, func(tx *store.Tx) error {
		return username.Free(tx, username.Owner{Kind: store.OfAccount, ID: account}, name, s.Now())
	})
}

// TTL returns after how many days of inactivity the account ends, and a session does.
//
// https://core.telegram.org/method/account.getAccountTTL
func (s *Service) TTL(ctx context.Context, account int64) (accountDays, sessionDays int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		accountDays, sessionDays = a.TTLDays, a.SessionDays
		return err
	})
	return accountDays, sessionDays, err
}

// SetTTL sets after how many days of inactivity the account ends, 30 to 730; TTL_DAYS_INVALID.
//
// https://core.telegram.org/method/account.setAccountTTL
func (s *Service) SetTTL(ctx context.Context, account int64, days int) error {
	return s.setDays(ctx, account, days, 30, 730, func(a *store.Account) { a.TTLDays = days })
}

// SetSessionTTL sets after how many days of inactivity a session ends, 1 to 366; TTL_DAYS_INVALID.
//
// https://core.telegram.org/method/account.setAuthorizationTTL
func (s *Service) SetSessionTTL(ctx context.Context, account int64, days int) error {
	return s.setDays(ctx, account, days, 1, 366, func(a *store.Account) { a.SessionDays = days })
}

func (s *Service) setDays(ctx context.Context, account int64, days, least, most int, set func(*store.Account)) error {
	if days < least || days > most {
		return fault.TTLDaysInvalid
	}
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err != nil {
			return err
		}
		set(&a)
		return tx.SaveProfile(a)
	})
}
