package login_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/login/logintest"
	"github.com/chappe-im/chappe/internal/store"
)

func TestNewLogin(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		account, number := w.SignUp(1, "Ann")
		w.Events()
		w.SignIn(2, number)
		told := strings.Join(w.Told(account), "\n")
		if !strings.Contains(told, "Device 2") || !strings.Contains(told, "10.0.2.0") || strings.Contains(told, "10.0.2.1") {
			t.Errorf("told %q", told)
		}
		events := w.Events()
		if len(events) != 1 || events[0].Account != account || events[0].Origin != 20 {
			t.Fatalf("events %+v", events)
		}
		body, ok := events[0].Body.(event.NewAuthorization)
		if !ok || !body.Unconfirmed || body.Device != "Device 2, 1.0" {
			t.Errorf("event %+v", events[0].Body)
		}
		w.Pass(7 * 24 * time.Hour)
		if list, _, err := w.Login.List(t.Context(), w.Client(1)); err != nil || list[1].Unconfirmed {
			t.Errorf("list %+v, %v", list, err) // nobody objected for a week
		}
		w.Want(w.Login.Change(t.Context(), w.Client(1), 12345, login.Settings{Confirmed: true}), fault.HashInvalid)
		no := true
		w.Must(w.Login.Change(t.Context(), w.Client(1), body.Hash, login.Settings{Confirmed: true, NoCalls: &no}))
		list, own, err := w.Login.List(t.Context(), w.Client(2))
		w.Must(err)
		if len(list) != 2 || own != 2 || list[0].Key != 2 || list[0].Unconfirmed || !list[0].NoCalls {
			t.Errorf("list %+v", list)
		}
	})
}

// TestConfirm holds that a login nobody approved approves neither itself nor another.
func TestConfirm(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx, yes := t.Context(), login.Settings{Confirmed: true}
		_, number := w.SignUp(1, "Ann")
		w.SignIn(2, number)
		w.SignIn(3, number)
		hashes := map[int64]int64{}
		list, _, err := w.Login.List(ctx, w.Client(2))
		w.Must(err)
		for _, d := range list {
			hashes[d.Key] = d.Hash
		}
		w.Events()
		w.Want(w.Login.Change(ctx, w.Client(2), 0, yes), fault.HashInvalid)
		w.Want(w.Login.Change(ctx, w.Client(2), hashes[2], yes), fault.HashInvalid)
		w.Want(w.Login.Change(ctx, w.Client(2), hashes[3], yes), fault.FreshResetAuthorisationForbidden)
		if list, _, err = w.Login.List(ctx, w.Client(2)); err != nil || !list[0].Unconfirmed {
			t.Errorf("list %+v, %v", list, err)
		}
		no := true
		w.Must(w.Login.Change(ctx, w.Client(2), 0, login.Settings{NoCalls: &no}))
		if events := w.Events(); len(events) != 0 {
			t.Errorf("events %+v", events)
		}
		w.Must(w.Login.Change(ctx, w.Client(1), hashes[2], yes))
		w.Must(w.Login.Change(ctx, w.Client(2), hashes[3], yes)) // it may now
		events := w.Events()
		if len(events) != 2 || events[0].Origin != 10 || events[0].Body != (event.NewAuthorization{Hash: hashes[2]}) {
			t.Errorf("events %+v", events)
		}
	})
}

func TestReset(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		account, number := w.SignUp(1, "Ann")
		w.Pass(time.Hour)
		w.SignIn(2, number)
		list, _, err := w.Login.List(ctx, w.Client(2))
		w.Must(err)
		older := list[1].Hash
		w.Want(w.Login.Reset(ctx, w.Client(2), 0), fault.HashInvalid)
		w.Want(w.Login.Reset(ctx, w.Client(2), list[0].Hash), fault.HashInvalid) // its own
		w.Want(w.Login.Reset(ctx, w.Client(2), older), fault.FreshResetAuthorisationForbidden)
		w.Want(w.Login.ResetOthers(ctx, w.Client(2)), fault.FreshResetAuthorisationForbidden)

		w.Must(w.Login.Reset(ctx, w.Client(1), list[0].Hash)) // an older one ends a younger one
		if w.SignedIn(2) != 0 || w.SignedIn(1) != account {
			t.Errorf("signed in: %d, %d", w.SignedIn(2), w.SignedIn(1))
		}
		_, _, err = w.Login.List(ctx, login.Client{Key: 2, Account: account})
		w.Want(err, fault.AuthKeyUnregistered)

		w.SignIn(3, number)
		w.Pass(24*time.Hour + time.Second)
		w.Must(w.Login.ResetOthers(ctx, w.Client(3)))
		if w.SignedIn(1) != 0 || w.SignedIn(3) != account {
			t.Errorf("signed in: %d, %d", w.SignedIn(1), w.SignedIn(3))
		}
	})
}

func TestSignOut(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		var ended []int64
		w.Login.OnSignOut(func(_ *store.Tx, d store.Device) error {
			ended = append(ended, d.Key)
			return nil
		})
		account, _ := w.SignUp(1, "Ann")
		export, err := w.Login.Export(ctx, w.Client(1))
		w.Must(err)
		w.Want(w.Login.Import(ctx, w.Client(2), account+1, export), fault.AuthBytesInvalid)
		w.Want(w.Login.Import(ctx, w.Client(2), account, []byte("guess")), fault.AuthBytesInvalid)
		w.Must(w.Login.Import(ctx, w.Client(2), account, export))
		w.Want(w.Login.Import(ctx, w.Client(3), account, export), fault.AuthBytesInvalid) // once
		if list, own, err := w.Login.List(ctx, w.Client(2)); err != nil || len(list) != 1 || own != 1 {
			t.Errorf("list %+v, own %d, %v", list, own, err)
		}
		export, err = w.Login.Export(ctx, w.Client(2))
		w.Must(err)
		w.Pass(time.Minute)
		w.Want(w.Login.Import(ctx, w.Client(3), account, export), fault.AuthBytesInvalid) // late

		w.Must(w.Login.SignOut(ctx, w.Client(1)))
		if w.SignedIn(1) != 0 || w.SignedIn(2) != 0 || len(ended) != 2 {
			t.Errorf("signed in: %d, %d; ended %v", w.SignedIn(1), w.SignedIn(2), ended)
		}
		w.Must(w.Login.SignOut(ctx, w.Client(1))) // again
		_, err = w.Login.Export(ctx, login.Client{Key: 1, Account: account})
		w.Want(err, fault.AuthKeyUnregistered)
	})
}

// TestSwitch holds that a device that signs in to another account leaves the first.
func TestSwitch(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ann, _ := w.SignUp(1, "Ann")
		bob, number := w.SignUp(2, "Bob")
		if w.SignIn(1, number); w.SignedIn(1) != bob {
			t.Errorf("signed in to %d", w.SignedIn(1))
		}
		err := w.DB.Read(t.Context(), func(tx *store.Tx) error {
			if devices, err := tx.DevicesOf(ann); err != nil || len(devices) != 0 {
				t.Errorf("devices %+v, %v", devices, err)
			}
			return nil
		})
		w.Must(err)
	})
}

func TestLoginToken(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		account, _ := w.SignUp(1, "Ann")
		show := func(key int64) ([]byte, int64) {
			t.Helper()
			token, id, err := w.Login.ShowToken(ctx, w.Client(key), nil)
			w.Must(err)
			return token.Bytes, id
		}
		old, _ := show(2)
		token, id := show(2)
		if id != 0 || len(token) != 32 {
			t.Fatalf("token %x, account %d", token, id)
		}
		accept := func(token []byte) error {
			_, err := w.Login.AcceptToken(ctx, w.Client(1), token)
			return err
		}
		w.Want(accept([]byte("guess")), fault.AuthTokenInvalid)
		w.Want(accept(old), fault.AuthTokenInvalid)
		_, err := w.Login.TakeToken(ctx, w.Client(2), token)
		w.Want(err, fault.AuthTokenExpired) // nobody accepted it
		_, err = w.Login.TakeToken(ctx, w.Client(3), token)
		w.Want(err, fault.AuthTokenInvalid) // somebody else's
		w.Pass(30 * time.Second)
		w.Want(accept(token), fault.AuthTokenExpired)

		token, _ = show(2)
		w.Events()
		d, err := w.Login.AcceptToken(ctx, w.Client(1), token)
		w.Must(err)
		w.Want(accept(token), fault.AuthTokenAlreadyAccepted)
		if d.Key != 2 || d.Hash == 0 || d.DeviceModel != "Device 2" {
			t.Errorf("accepted %+v", d)
		}
		if events := w.Events(); len(events) != 1 || events[0].Body != (event.LoginTokenAccepted{Key: 2}) {
			t.Errorf("events %+v", events)
		}
		if _, id := show(2); id != account || w.SignedIn(2) != account {
			t.Errorf("signed in to %d, %d", id, w.SignedIn(2))
		}
		list, _, err := w.Login.List(ctx, w.Client(2))
		w.Must(err)
		if len(list) != 2 || list[0].Hash != d.Hash {
			t.Errorf("list %+v, accepted as %d", list, d.Hash)
		}
		if _, id := show(2); id != account { // it is signed in already
			t.Errorf("account %d", id)
		}
	})
}

// TestTokenPassword holds that an accepted token does not spare the password.
func TestTokenPassword(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		account, _ := w.SignUp(1, "Ann")
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error {
			return tx.SavePassword(store.Password{Account: account, Sealed: []byte("never opened here")})
		}))
		token, _, err := w.Login.ShowToken(ctx, w.Client(2), nil)
		w.Must(err)
		_, err = w.Login.AcceptToken(ctx, w.Client(1), token.Bytes)
		w.Must(err)
		if _, id, err := w.Login.ShowToken(ctx, w.Client(2), []int64{account}); err != nil || id != 0 {
			t.Errorf("signed in an account that the client has: %d, %v", id, err)
		}
		token, _, err = w.Login.ShowToken(ctx, w.Client(2), nil)
		w.Must(err)
		_, err = w.Login.AcceptToken(ctx, w.Client(1), token.Bytes)
		w.Must(err)
		_, _, err = w.Login.ShowToken(ctx, w.Client(2), nil)
		w.Want(err, fault.SessionPasswordNeeded)
		if w.SignedIn(2) != 0 {
			t.Errorf("signed in to %d", w.SignedIn(2))
		}
		w.Want(w.Login.Finish(ctx, w.Client(2), account+1), fault.AuthKeyUnregistered)
		w.Want(w.Login.Finish(ctx, w.Client(3), account), fault.AuthKeyUnregistered)
		w.Must(w.Login.Finish(ctx, w.Client(2), account))
		if w.SignedIn(2) != account {
			t.Errorf("signed in to %d", w.SignedIn(2))
		}
	})
}

// TestTokenOwing holds that a device that owes a password stays the login it was when it shows a
// token: its owner can still end it, and its week goes on.
func TestTokenOwing(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		account, number := w.SignUp(1, "Ann")
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error {
			return tx.SavePassword(store.Password{Account: account, Sealed: []byte("never opened here")})
		}))
		hash, code := w.SendCode(2, number)
		_, err := w.Login.SignIn(ctx, w.Client(2), number, hash, code)
		w.Want(err, fault.SessionPasswordNeeded)
		device := func() (d store.Device) {
			w.Must(w.DB.Read(ctx, func(tx *store.Tx) (err error) {
				d, err = tx.Device(2)
				return err
			}))
			return d
		}
		before := device()
		before.Deletion = w.Now().Add(7 * 24 * time.Hour).Unix()
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.SaveDevice(before) }))
		w.Pass(time.Hour)
		_, _, err = w.Login.ShowToken(ctx, w.Client(2), nil)
		w.Must(err)
		after := device()
		if before.Active = after.Active; after != before || after.Pending != account {
			t.Errorf("was %+v, is %+v", before, after)
		}
	})
}

func TestSeen(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		w.SignUp(1, "Ann")
		w.Pass(time.Hour)
		c := w.Client(1)
		c.Layer, c.DeviceModel, c.LangCode = 152, "Äpple\x00\n\xff "+strings.Repeat("x", 100), "de"
		w.Login.NoIP = true
		w.Must(w.Login.Seen(t.Context(), c))
		w.Must(w.Login.Seen(t.Context(), w.Client(2))) // nobody's
		list, _, err := w.Login.List(t.Context(), w.Client(1))
		w.Must(err)
		d := list[0]
		if d.Layer != 152 || d.Active != w.Now().Unix() || d.Created == d.Active || d.LangCode != "de" || d.IP != "" ||
			d.DeviceModel != "Äpple  "+strings.Repeat("x", 57) {
			t.Errorf("device %+v", d)
		}
	})
}

func TestBind(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx, now := t.Context(), w.Now().Unix()
		account, _ := w.SignUp(1, "Ann")
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error {
			for id, expires := range map[int64]int64{1: 0, 2: 0, 10: now + 100, 11: now + 100} {
				if err := tx.SaveAuthKey(id, []byte{}, now, expires); err != nil {
					return err
				}
			}
			return nil
		}))
		w.Want(w.Login.Bind(ctx, 10, 3, now+100), fault.EncryptedMessageInvalid) // no such key
		w.Want(w.Login.Bind(ctx, 10, 11, now+100), fault.EncryptedMessageInvalid)
		w.Want(w.Login.Bind(ctx, 2, 1, now+100), fault.TempAuthKeyEmpty)
		w.Want(w.Login.Bind(ctx, 10, 1, now), fault.ExpiresAtInvalid)
		w.Must(w.Login.Bind(ctx, 10, 1, now+100))
		w.Must(w.Login.Bind(ctx, 10, 1, now+100)) // again
		if w.SignedIn(10) != account {
			t.Errorf("bound to %d", w.SignedIn(10))
		}
		w.Want(w.Login.Bind(ctx, 10, 2, now+100), fault.TempAuthKeyAlreadyBound)
		w.Must(w.Login.Bind(ctx, 11, 1, now+100))

		w.Must(w.Login.DropTemporary(ctx, login.Client{}, 10, nil)) // unbound: it has none
		w.Must(w.Login.DropTemporary(ctx, w.Client(1), 10, nil))
		if w.SignedIn(10) != account || w.SignedIn(11) != -1 {
			t.Errorf("keys: %d, %d", w.SignedIn(10), w.SignedIn(11))
		}
		w.Must(w.DB.Read(ctx, func(tx *store.Tx) error {
			for id, want := range map[int64]error{1: nil, 2: nil, 10: nil, 11: store.ErrNoRows} {
				_, err := tx.AuthKey(id)
				w.Want(err, want)
			}
			return nil
		}))
	})
}

func TestSweep(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		sweep := func() error { return errors.Join(w.Login.Sweep(ctx), w.Login.SweepIdle(ctx)) }
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.SaveAuthKey(99, []byte{}, w.Now().Unix(), 0) }))
		_, number := w.SignUp(1, "Ann")
		w.Pass(179 * 24 * time.Hour)
		account := w.SignIn(2, number)
		w.Must(sweep())
		if w.SignedIn(1) != account {
			t.Error("signed out too early")
		}
		w.Must(w.DB.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.AuthKey(99)
			w.Want(err, store.ErrNoRows) // nobody ever signed in on it
			return nil
		}))
		w.Pass(25 * time.Hour)
		w.Must(sweep())
		if w.SignedIn(1) != 0 || w.SignedIn(2) != account {
			t.Errorf("signed in: %d, %d", w.SignedIn(1), w.SignedIn(2))
		}
		list, _, err := w.Login.List(ctx, w.Client(2))
		w.Must(err)
		if list[0].IP == "" {
			t.Error("the address was forgotten too early")
		}
		w.Pass(7 * 24 * time.Hour)
		w.Must(sweep())
		list, _, err = w.Login.List(ctx, w.Client(2))
		w.Must(err)
		if list[0].IP != "" {
			t.Error("the address was kept")
		}
	})
}
