package password

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const (
	account = 5
	device  = 7
)

// world is a password service with a clock that stands still.
type world struct {
	*Service
	t    *testing.T
	now  time.Time
	told []string
	mail string
}

func (w *world) SendMail(_ context.Context, to, _, text string) error {
	w.mail = to + " " + text
	return nil
}

func (w *world) code() string { return regexp.MustCompile(`\b\d{6}\b`).FindString(w.mail) }

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		box, err := seal.Open(filepath.Join(t.TempDir(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, now: time.Unix(1_800_000_000, 0)}
		now := func() time.Time { return w.now }
		db := open()
		w.Service = &Service{
			DB: db, Box: box, Now: now, Log: slog.New(slog.DiscardHandler),
			Email: &email.Service{DB: db, Box: box, Now: now, Mail: w},
			Tell: func(_ context.Context, _ int64, text string) error {
				w.told = append(w.told, text)
				return nil
			},
		}
		err = db.Write(t.Context(), nil, func(tx *store.Tx) error { return tx.CreateAccount(store.Account{ID: account}) })
		w.want(err, nil)
		test(t, w)
	})
}

func (w *world) want(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("got error %v, want %v", err, want)
	}
}

func (w *world) set(text string) {
	w.t.Helper()
	s := w.state()
	salt1 := append(s.NewSalt1, "client's own randomness"...)
	n := &New{Verifier: client{text}.verifier(salt1, s.NewSalt2), Salt1: salt1, Salt2: s.NewSalt2, Hint: "hint"}
	w.want(w.Set(w.t.Context(), account, n), nil)
}

func (w *world) state() State {
	w.t.Helper()
	s, err := w.State(w.t.Context(), account, device)
	w.want(err, nil)
	return s
}

func (w *world) check(p *Proof) error { return w.Check(w.t.Context(), account, device, p) }

func (w *world) try(text string) error {
	p := client{text}.answer(w.state())
	return w.check(&p)
}

func TestCheck(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.want(w.check(nil), nil) // there is none
		if s := w.state(); s.Set || s.B != nil || len(s.NewSalt1) != 8 || len(s.Random) != 256 {
			t.Errorf("state %+v", s)
		}
		for name, n := range map[string]New{
			"short":    {Verifier: make([]byte, 255), Salt1: make([]byte, 40), Salt2: make([]byte, 16)},
			"zero":     {Verifier: make([]byte, 256), Salt1: make([]byte, 40), Salt2: make([]byte, 16)},
			"too much": {Verifier: Prime, Salt1: make([]byte, 40), Salt2: make([]byte, 16)},
			"no salt":  {Verifier: client{"x"}.verifier(nil, nil)},
			"hint":     {Verifier: client{"x"}.verifier(nil, nil), Salt1: make([]byte, 40), Salt2: make([]byte, 16), Hint: strings.Repeat("x", 256)},
		} {
			if err := w.Set(t.Context(), account, &n); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}

		w.set("right")
		w.want(w.check(nil), fault.PasswordHashInvalid)
		w.want(w.try("wrong"), fault.PasswordHashInvalid)
		s := w.state()
		if !s.Set || s.Hint != "hint" || len(s.B) != 256 {
			t.Errorf("state %+v", s)
		}
		p := client{"right"}.answer(s)
		for _, a := range [][]byte{nil, make([]byte, 256), Prime, make([]byte, 257)} {
			w.want(w.check(&Proof{ID: w.state().ID, A: a, M1: p.M1}), fault.SRPAInvalid)
			w.want(w.Set(t.Context(), account, nil), nil) // forget the failures
			w.set("right")
		}
		s = w.state()
		p = client{"right"}.answer(s)
		w.want(w.Check(t.Context(), account, device+1, &p), fault.SRPIDInvalid)
		w.want(w.Check(t.Context(), account+1, device, &p), fault.SRPIDInvalid)
		w.want(w.check(&Proof{ID: p.ID + 1, A: p.A, M1: p.M1}), fault.SRPIDInvalid)
		w.want(w.check(&p), nil)
		w.want(w.check(&p), fault.SRPIDInvalid) // once

		s = w.state()
		p = client{"right"}.answer(s)
		w.set("other")
		w.want(w.check(&p), fault.SRPPasswordChanged)
		w.want(w.try("right"), fault.PasswordHashInvalid)
		w.want(w.try("other"), nil)

		s = w.state()
		p = client{"other"}.answer(s)
		w.now = w.now.Add(10 * time.Minute)
		w.want(w.check(&p), fault.SRPIDInvalid) // late

		w.want(w.Set(t.Context(), account, nil), nil)
		w.want(w.check(nil), nil)
		if last := w.told[len(w.told)-1]; !strings.Contains(last, "taken away") {
			t.Errorf("told %q", last)
		}
	})
}

func TestTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.set("right")
		for range 4 {
			w.want(w.try("wrong"), fault.PasswordHashInvalid)
		}
		w.now = w.now.Add(time.Hour + time.Second) // another hour, another five
		for range 5 {
			w.want(w.try("wrong"), fault.PasswordHashInvalid)
		}
		for hours := 1; hours <= 4; hours *= 2 {
			w.want(w.try("right"), fault.FloodWait(hours*3600))
			w.now = w.now.Add(time.Duration(hours)*time.Hour - time.Second)
			w.want(w.try("right"), fault.FloodWait(1))
			w.now = w.now.Add(time.Second)
			w.want(w.try("wrong"), fault.PasswordHashInvalid)
		}
		w.now = w.now.Add(8 * time.Hour)
		w.want(w.try("right"), nil)
		for range 5 {
			w.want(w.try("wrong"), fault.PasswordHashInvalid)
		}
		w.want(w.try("right"), fault.FloodWait(3600))
		w.NoLimits = true
		w.want(w.try("right"), nil)
	})
}

func TestRecovery(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, err := w.RequestRecovery(ctx, account)
		w.want(err, fault.PasswordEmpty)
		w.set("forgotten")
		_, err = w.RequestRecovery(ctx, account)
		w.want(err, fault.PasswordRecoveryNa)
		w.want(w.Email.Begin(ctx, account, email.ForPassword, "nobody"), fault.EmailInvalid)
		w.want(w.Email.Begin(ctx, account, email.ForPassword, "Ann <ann@example.org>"), fault.EmailInvalid)
		w.want(w.Email.Begin(ctx, account, email.ForPassword, "ann@example.org"), nil)
		if s := w.state(); s.Recovery || s.Unproven != "a*n@example.org" {
			t.Errorf("state %+v", s)
		}
		for range 5 {
			_, err = w.Email.Prove(ctx, account, email.ForPassword, "x")
			w.want(err, fault.CodeInvalid)
		}
		_, err = w.Email.Prove(ctx, account, email.ForPassword, w.code())
		w.want(err, fault.EmailHashExpired)
		w.want(w.Email.Resend(ctx, account, email.ForPassword), nil)
		_, err = w.Email.Prove(ctx, account, email.ForPassword, w.code())
		w.want(err, nil)
		w.want(w.CheckRecovery(ctx, account, w.code()), fault.PasswordRecoveryExpired)

		masked, err := w.RequestRecovery(ctx, account)
		w.want(err, nil)
		if masked != "a*n@example.org" || !strings.HasPrefix(w.mail, "ann@example.org ") {
			t.Errorf("mailed to %s: %s", masked, w.mail)
		}
		_, err = w.RequestRecovery(ctx, account)
		w.want(err, fault.FloodWait(0)) // three mails an hour
		w.want(w.CheckRecovery(ctx, account, "x"), fault.CodeInvalid)
		w.want(w.CheckRecovery(ctx, account, w.code()), nil)
		w.want(w.Recover(ctx, account, w.code(), &New{}), fault.NewSettingsInvalid)
		w.want(w.Recover(ctx, account, "x", nil), fault.CodeInvalid)
		w.want(w.Recover(ctx, account, w.code(), nil), nil)
		w.want(w.Recover(ctx, account, w.code(), nil), fault.PasswordRecoveryExpired)
		if s := w.state(); s.Set || s.Recovery {
			t.Errorf("state %+v", s)
		}
		w.Email.Mail = nil
		w.want(w.Email.Begin(ctx, account, email.ForPassword, "ann@example.org"), fault.EmailNotAllowed)
	})
}

func TestReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		reset := func() Reset {
			t.Helper()
			r, err := w.Reset(ctx, account)
			w.want(err, nil)
			return r
		}
		_, err := w.Reset(ctx, account)
		w.want(err, fault.PasswordEmpty)
		w.want(w.DeclineReset(ctx, account), fault.ResetRequestMissing)
		w.set("forgotten")
		w.want(w.DeclineReset(ctx, account), fault.ResetRequestMissing)
		due := w.now.Add(7 * 24 * time.Hour).Unix()
		if r := reset(); r != (Reset{Until: due}) || !strings.Contains(w.told[len(w.told)-1], "seven days") {
			t.Errorf("reset %+v, told %q", r, w.told)
		}
		w.want(w.DeclineReset(ctx, account), nil)
		if r := reset(); r != (Reset{Failed: true, Until: w.now.Add(24 * time.Hour).Unix()}) {
			t.Errorf("reset %+v", r)
		}
		w.now = w.now.Add(24*time.Hour + time.Second)
		due = reset().Until
		w.now = w.now.Add(7*24*time.Hour - time.Second)
		if r := reset(); r != (Reset{Until: due}) || w.state().Reset != due {
			t.Errorf("reset %+v", r)
		}
		w.now = w.now.Add(time.Second)
		if r := reset(); !r.Done || w.state().Set {
			t.Errorf("reset %+v", r)
		}
	})
}

func TestChallengeRoom(t *testing.T) {
	var l challenges
	now := time.Unix(1, 0)
	var ids []int64
	for i := range challengesEach + 1 {
		c := challenge{key: 1, secret: []byte{1}, expires: now.Add(time.Duration(i+1) * time.Second)}
		ids = append(ids, l.add(c, now))
	}
	if _, err := l.take(ids[0], 0, 1, now); !errors.Is(err, fault.SRPIDInvalid) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if _, err := l.take(ids[1], 0, 1, now); err != nil {
		t.Errorf("the next is gone: %v", err)
	}
	for key := range int64(challengesMost + 10) {
		l.add(challenge{key: key, secret: []byte{1}, expires: now.Add(time.Hour)}, now)
	}
	if l.count > challengesMost || l.count < len(l.devices) {
		t.Errorf("%d challenges of %d devices wait", l.count, len(l.devices))
	}
}
