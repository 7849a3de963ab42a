package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	codeDigits = 6
	codeLife   = 5 * time.Minute
	codeTries  = 5

	sealCode  = "login code"
	sealFirst = "login first code"
)

// How many codes go to each number, and how many each network may ask for.
var (
	codesPerHour    = store.Limit{Most: 3, Window: time.Hour}
	codesPerDay     = store.Limit{Most: 10, Window: 24 * time.Hour}
	codesPerNetwork = store.Limit{Most: 20, Window: time.Hour}
)

// ErrNoCode says that a number waits for no code.
var ErrNoCode = errors.New("no login code is pending for this number")

// Sent says how a login code goes to its owner.
//
// https://core.telegram.org/constructor/auth.sentCode
type Sent struct {
	// Hash names the code in later calls.
	Hash string
	Way  Way
	// Next is how resending would deliver it, 0 for not at all.
	Next Way
	// Digits is the length of the code.
	Digits int
	// Email is the masked address of ByEmail.
	Email string
}

// SendCode makes a login code for a number and sends it. It fails with PHONE_NUMBER_INVALID for a
// number that is nobody's and was not handed out, and with FLOOD_WAIT.
//
// https://core.telegram.org/method/auth.sendCode
func (s *Service) SendCode(ctx context.Context, c Client, number string) (Sent, error) {
	phone, err := Digits(number)
	if err != nil {
		return Sent{}, err
	}
	var p parcel
	var refused error
	err = s.write(ctx, func(tx *store.Tx) (err error) {
		var unknown error
		if p, unknown, err = s.pack(tx, phone); err != nil {
			return err
		}
		if refused, err = s.maySend(tx, c, phone, p.ways); err != nil || refused != nil {
			return err
		}
		if refused = unknown; refused != nil {
			return nil
		}
		return tx.SaveLoginCode(p.row)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Sent{}, err
	}
	return s.deliver(ctx, p)
}

// ResendCode sends a code again, by the next way there is. It fails with PHONE_CODE_EXPIRED,
// SEND_CODE_UNAVAILABLE if there is no other way, and FLOOD_WAIT.
//
// https://core.telegram.org/method/auth.resendCode
func (s *Service) ResendCode(ctx context.Context, c Client, number, hash string) (Sent, error) {
	phone, err := Digits(number)
	if err != nil {
		return Sent{}, err
	}
	var p parcel
	var refused error
	err = s.write(ctx, func(tx *store.Tx) (err error) {
		row, ok, err := s.liveCode(tx, phone, hash)
		if err != nil || !ok || row.Verified {
			refused = fault.PhoneCodeExpired
			return err
		}
		if p, refused, err = s.pack(tx, phone); err != nil || refused != nil {
			return err
		}
		if refused, err = s.maySend(tx, c, phone, p.ways); err != nil || refused != nil {
			return err
		}
		code, err := s.Box.Open(sealCode, []byte(phone), row.Sealed)
		if err != nil {
			return err
		}
		if p.code, p.ways = string(code), after(p.ways, Way(row.Way)); len(p.ways) == 0 {
			refused = fault.SendCodeUnavailable
			return nil
		}
		row.Expires, row.Way = p.row.Expires, int(p.ways[0])
		p.row = row
		return tx.SaveLoginCode(row)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Sent{}, err
	}
	return s.deliver(ctx, p)
}

// CancelCode ends a code; it is no error if there is none.
//
// https://core.telegram.org/method/auth.cancelCode
func (s *Service) CancelCode(ctx context.Context, number, hash string) error {
	phone, err := Digits(number)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *store.Tx) error { return tx.DeleteLoginCode(phone, hash) })
}

// PendingCode returns the code that a number waits for, for the operator's console; ErrNoCode if
// there is none.
func (s *Service) PendingCode(ctx context.Context, number string) (string, error) {
	phone, err := Digits(number)
	if err != nil {
		return "", err
	}
	var code []byte
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.LatestLoginCode(phone, s.Now().Unix())
		if ok, err := found(err); err != nil {
			return err
		} else if ok {
			code, err = s.Box.Open(sealCode, []byte(phone), row.Sealed)
			return err
		}
		n, ok, err := s.number(tx, phone)
		if err == nil && ok && n.Account == 0 && len(n.Code) > 0 {
			code, err = s.Box.Open(sealFirst, []byte(phone), n.Code)
		}
		return err
	})
	if err == nil && len(code) == 0 {
		err = ErrNoCode
	}
	return string(code), err
}

// number returns what is known of a number; a reservation that ran out is nothing.
func (s *Service) number(tx *store.Tx, phone string) (store.Number, bool, error) {
	n, err := tx.Number(phone)
	ok, err := found(err)
	if n.Account == 0 && n.Expires <= s.Now().Unix() {
		ok = false
	}
	return n, ok, err
}

// liveCode returns a code that may still be tried.
func (s *Service) liveCode(tx *store.Tx, phone, hash string) (store.LoginCode, bool, error) {
	row, err := tx.LoginCode(phone, strings.ToValidUTF8(strings.ReplaceAll(hash, "\x00", ""), ""))
	ok, err := found(err)
	return row, ok && row.Expires > s.Now().Unix() && row.Tries < codeTries, err
}

// maySend counts a code that is to be sent, and says if it is one too many. What a page has shown
// already does not count for the network: a class may join in one hour.
func (s *Service) maySend(tx *store.Tx, c Client, phone string, ways []Way) (refused, err error) {
	if s.NoLimits {
		return nil, nil
	}
	now, wait := s.Now(), time.Duration(0)
	if !slices.Contains(ways, OnPage) {
		wait, err = tx.Attempt("code "+truncate(c.IP).String(), now, codesPerNetwork)
	}
	if err == nil && wait == 0 {
		wait, err = tx.Attempt("code "+phone, now, codesPerHour, codesPerDay)
	}
	if wait > 0 {
		refused = floodWait(wait)
	}
	return refused, err
}

// pack makes a code for a number and finds the ways it can go.
func (s *Service) pack(tx *store.Tx, phone string) (p parcel, refused, err error) {
	n, known, err := s.number(tx, phone)
	if err != nil {
		return p, nil, err
	}
	p.code = draw(codeDigits)
	switch {
	case known && n.Account != 0:
		p.account = n.Account
		if p.ways, p.address, err = s.ways(tx, n.Account); err != nil {
			return p, nil, err
		}
	case known && len(n.Code) > 0:
		first, err := s.Box.Open(sealFirst, []byte(phone), n.Code)
		if err != nil {
			return p, nil, err
		}
		p.code, p.ways = string(first), []Way{OnPage}
	case known:
		p.ways = []Way{ByConsole}
	case s.Webhook != nil && s.Policy == Open && !strings.HasPrefix(phone, ownPrefix):
		p.ways = []Way{ByWebhook}
	default:
		return p, fault.PhoneNumberInvalid, nil
	}
	p.row = s.codeRow(phone, p.code, p.ways[0])
	return p, nil, nil
}

func (s *Service) codeRow(phone, code string, way Way) store.LoginCode {
	var random [9]byte
	rand.Read(random[:])
	hash := hex.EncodeToString(random[:])
	return store.LoginCode{
		Phone: phone, Hash: hash, Way: int(way),
		MAC: s.codeMAC(phone, hash, code), Sealed: s.Box.Seal(sealCode, []byte(phone), []byte(code)),
		Created: s.Now().Unix(), Expires: s.Now().Add(codeLife).Unix(),
	}
}

func (s *Service) codeMAC(phone, hash, code string) []byte { return s.mac("code", phone, hash, code) }

// try holds a code against the row it is for, and counts the try if it was wrong; the caller writes
// the row.
func (s *Service) try(row *store.LoginCode, code string) bool {
	right := hmac.Equal(row.MAC, s.codeMAC(row.Phone, row.Hash, code))
	if !right {
		row.Tries++
	}
	return right
}
