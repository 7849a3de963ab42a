package login

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// ownPrefix begins the numbers that the server draws, as anonymous numbers do elsewhere.
	ownPrefix = "888"
	ownDigits = 8
	// reservation is how long a number waits for its sign-up.
	reservation = 30 * time.Minute
)

// How many numbers go to each network. An invite has a limit of its own.
var (
	numbersPerHour = store.Limit{Most: 10, Window: time.Hour}
	numbersPerDay  = store.Limit{Most: 40, Window: 24 * time.Hour}
)

var (
	// ErrClosed says that the server takes nobody new.
	ErrClosed = errors.New("sign-up is closed")
	// ErrInvite says that a number needs an invite that is still good.
	ErrInvite = errors.New("sign-up needs a valid invite link")
)

// Digits returns the digits of a phone number as people and clients write it; it fails with
// PHONE_NUMBER_INVALID if they cannot be one.
func Digits(number string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case strings.ContainsRune("+ -.()\u00a0", r):
			return -1
		}
		return 'x'
	}, number)
	if len(digits) < 7 || len(digits) > 15 || strings.Contains(digits, "x") {
		return "", fault.PhoneNumberInvalid
	}
	return digits, nil
}

// Handed is a number that waits for its sign-up.
type Handed struct {
	// Number is its digits, Code its first login code.
	Number, Code string
	Expires      time.Time
}

// HandOut draws a number and its first login code for somebody at an address. Under the policy
// invite it takes one number out of the invite; an invite that is given counts under the policy
// open, too. It fails with ErrClosed, ErrInvite or FLOOD_WAIT.
func (s *Service) HandOut(ctx context.Context, ip netip.Addr, invite string) (Handed, error) {
	if err := s.MayJoin(ctx, invite); err != nil {
		return Handed{}, err
	}
	now := s.Now()
	h := Handed{Code: draw(codeDigits), Expires: now.Add(reservation).Truncate(time.Second)}
	var refused error
	err := s.write(ctx, func(tx *store.Tx) error {
		if refused = nil; invite == "" && !s.NoLimits {
			network := truncate(ip).String()
			wait, err := tx.Attempt("join "+network, now, numbersPerHour, numbersPerDay)
			if err != nil {
				return err
			}
			if wait > 0 {
				refused = floodWait(wait)
				return nil
			}
		}
		if invite != "" {
			good, err := tx.UseInvite(s.inviteMAC(invite), now.Unix())
			if err != nil {
				return err
			}
			if !good {
				refused = ErrInvite
				return nil
			}
		}
		for {
			h.Number = ownPrefix + draw(ownDigits)
			sealed := s.Box.Seal(sealFirst, []byte(h.Number), []byte(h.Code))
			err := tx.ReserveNumber(store.Number{Phone: h.Number, Code: sealed, Expires: h.Expires.Unix()}, now.Unix())
			if !errors.Is(err, store.ErrCollision) {
				return err
			}
		}
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Handed{}, err
	}
	return h, nil
}

// MayJoin tells whether HandOut would give a number for this invite ("" for none): nil, ErrClosed
// or ErrInvite.
func (s *Service) MayJoin(ctx context.Context, invite string) error {
	switch {
	case s.Policy == Closed:
		return ErrClosed
	case invite == "" && s.Policy == Open:
		return nil
	case invite == "":
		return ErrInvite
	}
	good := false
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		good, err = tx.Invite(s.inviteMAC(invite), s.Now().Unix())
		return err
	})
	if err == nil && !good {
		err = ErrInvite
	}
	return err
}

// NewInvite makes an invite that is good for some numbers, until it expires (0 never).
func (s *Service) NewInvite(ctx context.Context, uses int, lasting time.Duration) (token string, err error) {
	if uses < 1 || lasting < 0 {
		return "", fmt.Errorf("an invite for %d numbers and %v", uses, lasting)
	}
	var random [16]byte
	rand.Read(random[:])
	token = base64.RawURLEncoding.EncodeToString(random[:])
	i := store.Invite{MAC: s.inviteMAC(token), Created: s.Now().Unix(), Uses: uses}
	if lasting > 0 {
		i.Expires = s.Now().Add(lasting).Unix()
	}
	return token, s.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.SaveInvite(i) })
}

func (s *Service) inviteMAC(token string) []byte { return s.mac("invite", token) }

// mac is the keyed hash under which secrets that others hold are found again.
func (s *Service) mac(purpose string, parts ...string) []byte {
	list := make([][]byte, len(parts))
	for i, p := range parts {
		list[i] = []byte(p)
	}
	sum := s.Box.MAC("login "+purpose, list...)
	return sum[:]
}

// draw returns random decimal digits.
func draw(digits int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic("login: no randomness: " + err.Error()) // crypto/rand never fails
	}
	return fmt.Sprintf("%0*d", digits, n)
}

func floodWait(wait time.Duration) error {
	return fault.FloodWait(int((wait + time.Second - 1) / time.Second))
}
