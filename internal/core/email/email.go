// Package email keeps the mail addresses of accounts, proves them with codes, and sends mail.
//
// An account may have one address for login codes and one to recover its password with. An address
// waits beside the proven one until the code that was mailed to it comes back. Addresses are sealed
// at rest, codes are kept as keyed hashes; a code dies after an hour, after five wrong tries, and
// when it was used.
//
// Without a mail server there are no addresses: every call that would need one fails with
// EMAIL_NOT_ALLOWED. The package imports store, seal and fault.
package email

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/mail"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// Digits is the length of a code.
	Digits      = 6
	codeLife    = time.Hour
	maxTries    = 5
	sealPurpose = "email address"
)

// mailsPerHour is how many codes go to one account.
var mailsPerHour = store.Limit{Most: 3, Window: time.Hour}

// Purpose is what an address is for.
type Purpose int

// The purposes.
const (
	ForLogin    Purpose = store.ForLogin
	ForPassword Purpose = store.ForPassword
)

// Mailer sends a short mail.
type Mailer interface {
	SendMail(ctx context.Context, to, subject, text string) error
}

// Service keeps addresses. It is safe for concurrent use.
type Service struct {
	DB  *store.DB
	Box *seal.Box
	// Mail is nil if the server sends no mail.
	Mail     Mailer
	NoLimits bool
	Now      func() time.Time
}

// Begin mails a code to an address that an account wants to use. It fails with EMAIL_INVALID,
// EMAIL_NOT_ALLOWED and FLOOD_WAIT.
func (s *Service) Begin(ctx context.Context, account int64, p Purpose, address string) error {
	if s.Mail == nil {
		return fault.EmailNotAllowed
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != strings.TrimSpace(address) || len(address) > 254 {
		return fault.EmailInvalid
	}
	sealed := s.Box.Seal(sealPurpose, binary.LittleEndian.AppendUint64(nil, uint64(account)), []byte(parsed.Address))
	return s.send(ctx, account, p, false, func(tx *store.Tx) (store.Email, error) {
		return store.Email{Account: account, Purpose: int(p), Address: sealed}, nil
	})
}

// Resend mails a new code to the address that waits to be proven; EMAIL_HASH_EXPIRED if none does.
func (s *Service) Resend(ctx context.Context, account int64, p Purpose) error {
	return s.send(ctx, account, p, false, func(tx *store.Tx) (store.Email, error) {
		return s.row(tx, account, p, false, fault.EmailHashExpired)
	})
}

// Challenge mails a code to the proven address of an account; PASSWORD_RECOVERY_NA if it has none.
func (s *Service) Challenge(ctx context.Context, account int64, p Purpose) error {
	return s.send(ctx, account, p, true, func(tx *store.Tx) (store.Email, error) {
		return s.row(tx, account, p, true, fault.PasswordRecoveryNa)
	})
}

func (s *Service) row(tx *store.Tx, account int64, p Purpose, proven bool, none error) (store.Email, error) {
	e, err := tx.Email(account, int(p), proven)
	if errors.Is(err, store.ErrNoRows) {
		return e, none
	}
	return e, err
}

func (s *Service) send(ctx context.Context, account int64, p Purpose, proven bool, row func(*store.Tx) (store.Email, error)) error {
	if s.Mail == nil {
		return fault.EmailNotAllowed
	}
	code := draw()
	var to []byte
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		e, err := row(tx)
		if err != nil {
			return err
		}
		if !s.NoLimits {
			wait, err := tx.Attempt(fmt.Sprintf("mail %d", account), s.Now(), mailsPerHour)
			if err != nil {
				return err
			}
			if wait > 0 {
				return fault.FloodWait(int(wait/time.Second) + 1)
			}
		}
		if to, err = s.open(e); err != nil {
			return err
		}
		e.MAC, e.Tries, e.Expires, e.Proven = s.mac(account, p, code), 0, s.Now().Add(codeLife).Unix(), proven
		return tx.SaveEmail(e)
	})
	if err != nil {
		return err
	}
	return s.Mail.SendMail(ctx, string(to), "Your code: "+code, "Your code is "+code+". It is good for an hour.\n\n"+
		"If you did not ask for it, you need do nothing.\n")
}

func (s *Service) open(e store.Email) ([]byte, error) {
	return s.Box.Open(sealPurpose, binary.LittleEndian.AppendUint64(nil, uint64(e.Account)), e.Address)
}

func (s *Service) mac(account int64, p Purpose, code string) []byte {
	sum := s.Box.MAC("email code", binary.LittleEndian.AppendUint64(nil, uint64(account)), []byte{byte(p)}, []byte(code))
	return sum[:]
}

// Prove takes the code that was mailed to an address that waited, makes it the account's address
// and returns it. It fails with CODE_INVALID and EMAIL_HASH_EXPIRED.
func (s *Service) Prove(ctx context.Context, account int64, p Purpose, code string) (address string, err error) {
	err = s.use(ctx, account, p, false, code, fault.EmailHashExpired, func(tx *store.Tx, e store.Email) error {
		plain, err := s.open(e)
		if err != nil {
			return err
		}
		address, e.Proven = string(plain), true
		if err := tx.SaveEmail(e); err != nil {
			return err
		}
		return tx.DeleteEmail(account, int(p), false)
	})
	return address, err
}

// Check holds a code against the one that Challenge mailed. If spend is set the code is used up. It
// fails with CODE_INVALID and PASSWORD_RECOVERY_EXPIRED.
func (s *Service) Check(ctx context.Context, account int64, p Purpose, code string, spend bool) error {
	return s.use(ctx, account, p, true, code, fault.PasswordRecoveryExpired, func(tx *store.Tx, e store.Email) error {
		if !spend {
			return nil
		}
		return tx.SaveEmail(e)
	})
}

// use runs then, in the same transaction, if the code is right; e is the address without its code.
func (s *Service) use(ctx context.Context, account int64, p Purpose, proven bool, code string, expired error,
	then func(tx *store.Tx, e store.Email) error) error {
	var refused error
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		refused = nil
		e, err := s.row(tx, account, p, proven, expired)
		if err != nil {
			return err
		}
		if len(e.MAC) == 0 || e.Expires <= s.Now().Unix() || e.Tries >= maxTries {
			return expired
		}
		if !hmac.Equal(e.MAC, s.mac(account, p, strings.TrimSpace(code))) {
			refused = fault.CodeInvalid
			e.Tries++
			return tx.SaveEmail(e)
		}
		e.MAC = []byte{}
		return then(tx, e)
	})
	if err == nil {
		err = refused
	}
	return err
}

// Cancel forgets the address that waits to be proven.
func (s *Service) Cancel(ctx context.Context, account int64, p Purpose) error {
	return s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error { return tx.DeleteEmail(account, int(p), false) })
}

// Address returns an account's proven address for a purpose, or the one that waits, "" if none.
func (s *Service) Address(tx *store.Tx, account int64, p Purpose, proven bool) (string, error) {
	e, err := tx.Email(account, int(p), proven)
	if errors.Is(err, store.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	plain, err := s.open(e)
	return string(plain), err
}

// Mask shows enough of an address for its owner to know it: the ends of its local part.
func Mask(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	runes := []rune(address[:at])
	if len(runes) < 3 {
		return strings.Repeat("*", len(runes)) + address[at:]
	}
	return string(runes[0]) + strings.Repeat("*", len(runes)-2) + string(runes[len(runes)-1]) + address[at:]
}

func draw() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic("email: no randomness: " + err.Error()) // crypto/rand never fails
	}
	return fmt.Sprintf("%0*d", Digits, n)
}
