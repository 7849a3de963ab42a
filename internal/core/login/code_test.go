package login_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/login/logintest"
)

func TestNumbers(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx, ip := t.Context(), w.Client(1).IP
		for _, number := range []string{"", "+", "123456", "1234567890123456", "12345678x", "88812345678"} {
			_, err := w.Login.SendCode(ctx, w.Client(1), number)
			w.Want(err, fault.PhoneNumberInvalid)
			_, err = w.Login.SignIn(ctx, w.Client(1), number, "x", "1")
			if number != "88812345678" {
				w.Want(err, fault.PhoneNumberInvalid)
			}
		}

		w.Login.Policy = login.Closed
		_, err := w.Login.HandOut(ctx, ip, "")
		w.Want(err, login.ErrClosed)
		w.Login.Policy = login.Invite
		_, err = w.Login.HandOut(ctx, ip, "")
		w.Want(err, login.ErrInvite)
		_, err = w.Login.HandOut(ctx, ip, "unknown")
		w.Want(err, login.ErrInvite)
		_, err = w.Login.NewInvite(ctx, 0, 0)
		if err == nil {
			t.Error("an invite for nobody")
		}

		invite, err := w.Login.NewInvite(ctx, 1, time.Hour)
		w.Must(err)
		h, err := w.Login.HandOut(ctx, ip, invite)
		w.Must(err)
		if len(h.Number) != 11 || !strings.HasPrefix(h.Number, "888") || len(h.Code) != 6 || h.Expires != w.Now().Add(30*time.Minute) {
			t.Errorf("handed out %+v", h)
		}
		_, err = w.Login.HandOut(ctx, ip, invite) // used up
		w.Want(err, login.ErrInvite)
		late, err := w.Login.NewInvite(ctx, 1, time.Hour)
		w.Must(err)
		w.Pass(time.Hour)
		w.Want(w.Login.MayJoin(ctx, late), login.ErrInvite)

		_, err = w.Login.SendCode(ctx, w.Client(1), h.Number) // its half hour is over
		w.Want(err, fault.PhoneNumberInvalid)
		_, err = w.Login.PendingCode(ctx, h.Number)
		w.Want(err, login.ErrNoCode)
	})
}

func TestJoinLimits(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		join := func(key int64) error {
			_, err := w.Login.HandOut(t.Context(), w.Client(key).IP, "")
			return err
		}
		for range 10 {
			w.Must(join(1))
		}
		w.Want(join(1), fault.FloodWait(3600))
		invite, err := w.Login.NewInvite(t.Context(), 1, 0)
		w.Must(err)
		_, err = w.Login.HandOut(t.Context(), w.Client(1).IP, invite) // has its own limit
		w.Must(err)
		w.Must(join(2)) // another network
		for range 3 {
			w.Pass(time.Hour + time.Second)
			for range 10 {
				w.Must(join(1))
			}
		}
		w.Pass(time.Hour + time.Second)
		w.Want(join(1), fault.FloodWait(0)) // forty a day
		w.Login.NoLimits = true
		w.Must(join(1))
	})
}

// TestClass holds that many people of one network may join in one hour.
func TestClass(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		invite, err := w.Login.NewInvite(t.Context(), 30, time.Hour)
		w.Must(err)
		for range 30 {
			h, err := w.Login.HandOut(t.Context(), w.Client(1).IP, invite)
			w.Must(err)
			_, err = w.Login.SendCode(t.Context(), w.Client(1), h.Number)
			w.Must(err)
		}
	})
}

func TestSendCodeLimits(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		_, number := w.SignUp(1, "Ann")
		send := func(key int64) error {
			_, err := w.Login.SendCode(t.Context(), w.Client(key), number)
			return err
		}
		// The sign-up was the first code of the hour.
		w.Must(send(2))
		w.Must(send(2))
		w.Want(send(2), fault.FloodWait(3600))
		w.Want(send(3), fault.FloodWait(3600)) // from anywhere
		for range 2 {
			w.Pass(time.Hour + time.Second)
			for range 3 {
				w.Must(send(2))
			}
		}
		w.Pass(time.Hour + time.Second)
		w.Must(send(2))
		w.Want(send(2), fault.FloodWait(0)) // ten a day
		w.Pass(24 * time.Hour)
		w.Must(send(2))

		for i := range 21 { // twenty an hour for a network, known numbers or not
			_, err := w.Login.SendCode(t.Context(), w.Client(9), fmt.Sprintf("888000000%02d", i))
			want := error(fault.PhoneNumberInvalid)
			if i == 20 {
				want = fault.FloodWait(3600)
			}
			w.Want(err, want)
		}
		w.Login.NoLimits = true
		w.Must(send(9))
	})
}

func TestCodes(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		account, number := w.SignUp(1, "Ann")
		try := func(hash, code string) error {
			_, err := w.Login.SignIn(ctx, w.Client(2), number, hash, code)
			return err
		}
		hash, code := w.SendCode(2, number)
		w.Want(try(hash, ""), fault.PhoneCodeEmpty)
		w.Want(try("unknown\x00", code), fault.PhoneCodeExpired)
		for range 5 {
			w.Want(try(hash, logintest.Wrong(code)), fault.PhoneCodeInvalid)
		}
		w.Want(try(hash, code), fault.PhoneCodeExpired) // dead after five wrong tries

		hash, code = w.SendCode(2, number)
		w.Pass(5 * time.Minute)
		w.Want(try(hash, code), fault.PhoneCodeExpired)

		w.Pass(time.Hour)
		hash, code = w.SendCode(2, number)
		w.Must(w.Login.CancelCode(ctx, number, hash))
		w.Want(try(hash, code), fault.PhoneCodeExpired)

		hash, code = w.SendCode(2, number)
		for range 4 {
			w.Want(try(hash, logintest.Wrong(code)), fault.PhoneCodeInvalid)
		}
		w.Must(try(hash, code)) // the fifth try
		if got := w.SignedIn(2); got != account {
			t.Errorf("signed in to %d, want %d", got, account)
		}
		w.Want(try(hash, code), fault.PhoneCodeExpired) // used

		// Five tries hold without limits, too.
		w.Login.NoLimits = true
		hash, code = w.SendCode(3, number)
		for range 5 {
			w.Want(try(hash, logintest.Wrong(code)), fault.PhoneCodeInvalid)
		}
		w.Want(try(hash, code), fault.PhoneCodeExpired)
	})
}

func TestSignUp(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		h, err := w.Login.HandOut(ctx, w.Client(1).IP, "")
		w.Must(err)
		sent, err := w.Login.SendCode(ctx, w.Client(1), "+"+h.Number[:3]+" "+h.Number[3:])
		w.Must(err)
		if sent.Way != login.OnPage || sent.Next != 0 {
			t.Errorf("sent %+v", sent)
		}
		_, err = w.Login.ResendCode(ctx, w.Client(1), h.Number, sent.Hash)
		w.Want(err, fault.SendCodeUnavailable)
		up := func(first, last string) (int64, error) {
			return w.Login.SignUp(ctx, w.Client(1), h.Number, sent.Hash, first, last)
		}
		_, err = up("Ann", "") // the code was not given yet
		w.Want(err, fault.PhoneCodeExpired)
		for range 4 { // the right code comes at the last try
			_, err = w.Login.SignIn(ctx, w.Client(1), h.Number, sent.Hash, logintest.Wrong(h.Code))
			w.Want(err, fault.PhoneCodeInvalid)
		}
		if account, err := w.Login.SignIn(ctx, w.Client(1), h.Number, sent.Hash, h.Code); account != 0 || err != nil {
			t.Fatalf("account %d, %v", account, err)
		}
		for _, name := range []string{"", " \t", strings.Repeat("x", 65), "a\x00", "\xff"} {
			_, err = up(name, "")
			w.Want(err, fault.FirstnameInvalid)
		}
		_, err = up("Ann", strings.Repeat("x", 65))
		w.Want(err, fault.LastnameInvalid)

		account, err := up("  Ann ", "Lee")
		w.Must(err)
		if account < 1e9 || account >= 1e10 || w.SignedIn(1) != account {
			t.Errorf("account %d, signed in %d", account, w.SignedIn(1))
		}
		_, err = up("Ann", "")
		w.Want(err, fault.PhoneCodeExpired)
		if told := w.Told(account); len(told) != 0 {
			t.Errorf("told of its own sign-up: %q", told)
		}
	})
}

func TestDelivery(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		w.Login.NoLimits = true
		account, number := w.SignUp(1, "Ann")
		send := func() login.Sent {
			t.Helper()
			w.Pass(time.Second)
			sent, err := w.Login.SendCode(ctx, w.Client(2), number)
			w.Must(err)
			return sent
		}
		if sent := send(); sent.Way != login.InApp || sent.Next != login.ByConsole {
			t.Errorf("sent %+v", sent)
		}
		code, err := w.Login.PendingCode(ctx, number)
		w.Must(err)
		if told := w.Told(account); len(told) != 1 || !strings.Contains(told[0], code) {
			t.Errorf("told %q", told)
		}

		w.Email.Mail = w.Mail
		w.Must(w.Email.Begin(ctx, account, email.ForLogin, "ann@example.org"))
		_, err = w.Email.Prove(ctx, account, email.ForLogin, w.Mail.Code())
		w.Must(err)
		w.Login.Webhook = w.Hook
		sent := send()
		for _, want := range []login.Way{login.ByEmail, login.ByWebhook, 0} {
			if sent.Next != want {
				t.Errorf("after %d comes %d, want %d", sent.Way, sent.Next, want)
			}
			if sent.Way == login.ByEmail && sent.Email != "a*n@example.org" {
				t.Errorf("mailed to %s", sent.Email)
			}
			again, err := w.Login.ResendCode(ctx, w.Client(2), number, sent.Hash)
			if want == 0 {
				w.Want(err, fault.SendCodeUnavailable)
				break
			}
			w.Must(err)
			if again.Hash != sent.Hash {
				t.Error("resending made another code")
			}
			sent = again
		}
		if code, err := w.Login.PendingCode(ctx, number); err != nil || w.Hook.Number != "+"+number ||
			w.Hook.Code != code || w.Mail.Code() != code {
			t.Errorf("hook %+v, mail %q, want %q", w.Hook, w.Mail.Text, code)
		}

		// Signed out everywhere: mail first, and if that fails the webhook.
		w.Must(w.Login.SignOut(ctx, w.Client(1)))
		if sent := send(); sent.Way != login.ByEmail {
			t.Errorf("sent %+v", sent)
		}
		w.Mail.Err = errors.New("down")
		if sent := send(); sent.Way != login.ByWebhook {
			t.Errorf("sent %+v", sent)
		}
		w.Hook.Err = errors.New("down")
		_, err = w.Login.SendCode(ctx, w.Client(2), number)
		w.Want(err, fault.SMSCodeCreateFailed)
	})
}

// TestRealNumbers holds that a number the server did not draw signs up only if codes reach it.
func TestRealNumbers(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx, number := t.Context(), "+49 30 1234567"
		_, err := w.Login.SendCode(ctx, w.Client(1), number)
		w.Want(err, fault.PhoneNumberInvalid)
		w.Login.Webhook, w.Login.Policy = w.Hook, login.Invite
		_, err = w.Login.SendCode(ctx, w.Client(1), number)
		w.Want(err, fault.PhoneNumberInvalid)
		w.Login.Policy = login.Open
		_, err = w.Login.SendCode(ctx, w.Client(1), "88811111111")
		w.Want(err, fault.PhoneNumberInvalid)

		sent, err := w.Login.SendCode(ctx, w.Client(1), number)
		w.Must(err)
		account, err := w.Login.SignIn(ctx, w.Client(1), number, sent.Hash, w.Hook.Code)
		if account != 0 || err != nil {
			t.Fatalf("account %d, %v", account, err)
		}
		_, err = w.Login.SignUp(ctx, w.Client(1), number, sent.Hash, "Ann", "")
		w.Must(err)
	})
}

// TestGuessing holds that parallel guesses at one code count like others.
func TestGuessing(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		_, number := w.SignUp(1, "Ann")
		hash, code := w.SendCode(2, number)
		errs := make(chan error)
		for range 20 {
			go func() {
				_, err := w.Login.SignIn(context.Background(), w.Client(2), number, hash, logintest.Wrong(code))
				errs <- err
			}()
		}
		invalid := 0
		for range 20 {
			if errors.Is(<-errs, fault.PhoneCodeInvalid) {
				invalid++
			}
		}
		if invalid != 5 {
			t.Errorf("%d guesses were looked at, want 5", invalid)
		}
	})
}
