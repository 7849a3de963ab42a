// Package logintest gives tests a server's accounts without its sockets: the services of login,
// password, account and email over a real store, with a clock that stands still, and everything
// they tell others written down.
package logintest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/account"
	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// World is what a test looks at.
type World struct {
	T        *testing.T
	DB       *store.DB
	Login    *login.Service
	Password *password.Service
	Account  *account.Service
	Email    *email.Service
	// Mail is the mail server; Email.Mail is nil until a test sets it to this.
	Mail *Mailbox
	// Hook is the webhook; Login.Webhook is nil until a test sets it to this.
	Hook *Hook

	mu     sync.Mutex
	now    time.Time
	events []event.Event
	told   map[int64][]string
	states map[int64]int64
}

// Each runs a test in a new World on each database.
func Each(t *testing.T, test func(t *testing.T, w *World)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) { test(t, New(t, open())) })
}

// New returns a World on a store.
func New(t *testing.T, db *store.DB) *World {
	t.Helper()
	box, err := seal.Open(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &World{
		T: t, DB: db, now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC),
		Mail: &Mailbox{}, Hook: &Hook{}, told: map[int64][]string{}, states: map[int64]int64{},
	}
	log := slog.New(slog.DiscardHandler)
	events := bus.New(func(list []event.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, list...)
	})
	w.Email = &email.Service{DB: db, Box: box, Now: w.Now}
	w.Login = login.New(login.Options{
		DB: db, Box: box, Bus: events, Devices: (*devices)(w), Tell: w.tell, Email: w.Email,
		Policy: login.Open, Now: w.Now, Log: log,
	})
	w.Password = &password.Service{DB: db, Box: box, Email: w.Email, Tell: w.tell, Now: w.Now, Log: log}
	w.Account = &account.Service{DB: db, Bus: events, Login: w.Login, Tell: w.tell, Now: w.Now, Log: log}
	return w
}

// Now is the time in this World.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *World) tell(_ context.Context, account int64, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[account] = append(w.told[account], text)
	return nil
}

// Told returns what the service account wrote to an account since the last call.
func (w *World) Told(account int64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.told[account]
	delete(w.told, account)
	return list
}

// Events returns what was announced since the last call.
func (w *World) Events() []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.events
	w.events = nil
	return list
}

// SignedIn is the account that a key was last told to be signed in to; -1 if it was forgotten.
func (w *World) SignedIn(key int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states[key]
}

type devices World

func (d *devices) set(key, account int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.states[key] = account
}

func (d *devices) SignedIn(key, account int64)              { d.set(key, account) }
func (d *devices) SignedOut(key int64)                      { d.set(key, 0) }
func (d *devices) Bound(temporary, _, account int64, _ int) { d.set(temporary, account) }
func (d *devices) Forget(key int64)                         { d.set(key, -1) }

// Client is the device with this key, signed in as it is.
func (w *World) Client(key int64) login.Client {
	return login.Client{
		Key: key, Account: w.SignedIn(key), Session: key * 10, Layer: 227, APIID: 1, DeviceModel: fmt.Sprintf("Device %d", key),
		AppVersion: "1.0", IP: netip.AddrFrom4([4]byte{10, byte(key >> 8), byte(key), 1}),
	}
}

// SignUp makes an account on a new device, and returns it with its number.
func (w *World) SignUp(key int64, first string) (account int64, number string) {
	w.T.Helper()
	h, err := w.Login.HandOut(w.T.Context(), w.Client(key).IP, "")
	w.Must(err)
	sent, err := w.Login.SendCode(w.T.Context(), w.Client(key), h.Number)
	w.Must(err)
	if account, err = w.Login.SignIn(w.T.Context(), w.Client(key), h.Number, sent.Hash, h.Code); account != 0 {
		w.T.Fatalf("a new number has account %d", account)
	}
	w.Must(err)
	account, err = w.Login.SignUp(w.T.Context(), w.Client(key), h.Number, sent.Hash, first, "")
	w.Must(err)
	return account, h.Number
}

// SendCode asks for a code for a number and returns it with its hash.
func (w *World) SendCode(key int64, number string) (hash, code string) {
	w.T.Helper()
	sent, err := w.Login.SendCode(w.T.Context(), w.Client(key), number)
	w.Must(err)
	code, err = w.Login.PendingCode(w.T.Context(), number)
	w.Must(err)
	return sent.Hash, code
}

// SignIn signs an account in on another device.
func (w *World) SignIn(key int64, number string) (account int64) {
	w.T.Helper()
	hash, code := w.SendCode(key, number)
	account, err := w.Login.SignIn(w.T.Context(), w.Client(key), number, hash, code)
	w.Must(err)
	return account
}

// Must fails the test on an error.
func (w *World) Must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Want fails the test if an error is not the wanted one.
func (w *World) Want(err, want error) {
	w.T.Helper()
	if !errors.Is(err, want) {
		w.T.Errorf("got error %v, want %v", err, want)
	}
}

// Mailbox is a mail server that keeps the last mail, or fails.
type Mailbox struct {
	To, Text string
	Err      error
}

// SendMail keeps a mail.
func (m *Mailbox) SendMail(_ context.Context, to, _, text string) error {
	m.To, m.Text = to, text
	return m.Err
}

var code = regexp.MustCompile(`\b\d{6}\b`)

// Code is the code in the last mail.
func (m *Mailbox) Code() string { return code.FindString(m.Text) }

// Hook is a webhook that keeps the last code, or fails.
type Hook struct {
	Number, Code string
	Err          error
}

// SendCode keeps a code.
func (h *Hook) SendCode(_ context.Context, number, code string) error {
	h.Number, h.Code = number, code
	return h.Err
}

// Wrong is a code that is not the given one.
func Wrong(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}
