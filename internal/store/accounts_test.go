package store_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// inTx runs a test's statements in one writing transaction.
func inTx(t *testing.T, db *store.DB, fn func(tx *store.Tx)) {
	t.Helper()
	if err := db.Write(t.Context(), nil, func(tx *store.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func TestAuthKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			_, err := tx.AuthKey(1)
			wantErr(t, err, store.ErrNoRows)
			must(t, tx.SaveAuthKey(1, []byte("one"), 10, 0))
			wantErr(t, tx.SaveAuthKey(1, []byte("two"), 10, 0), store.ErrCollision)
			must(t, tx.SaveAuthKey(2, []byte("temp"), 10, 100))
			must(t, tx.BindAuthKey(2, 1))
			must(t, tx.BindAuthKey(1, 2)) // a permanent key is bound to nothing
			one, err := tx.AuthKey(1)
			must(t, err)
			two, err := tx.AuthKey(2)
			must(t, err)
			if string(one.Sealed) != "one" || one.Perm != 0 || two.Perm != 1 || two.Expires != 100 {
				t.Errorf("got %+v, %+v", one, two)
			}
			must(t, tx.SweepAuthKeys(50, 50))
			if idle, err := tx.IdleAuthKeys(50, 10); err != nil || len(idle) != 0 { // 1 is bound to
				t.Errorf("idle keys %v, %v", idle, err)
			}
			if ids, err := tx.TempAuthKeys(1); err != nil || !slices.Equal(ids, []int64{2}) {
				t.Errorf("temporary keys %v, %v", ids, err)
			}
			must(t, tx.DeleteAuthKey(1))
			_, err = tx.AuthKey(2)
			wantErr(t, err, store.ErrNoRows)
		})
	})
}

func TestSweepAuthKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			must(t, tx.SaveAuthKey(1, []byte{}, 10, 0))
			must(t, tx.SaveAuthKey(2, []byte{}, 10, 0))
			must(t, tx.SaveAuthKey(3, []byte{}, 60, 0))
			must(t, tx.SaveAuthKey(4, []byte{}, 10, 20))
			must(t, tx.SaveDevice(store.Device{Key: 2, Account: 777000, Active: 10}))
			must(t, tx.SaveAuthKey(5, []byte{}, 10, 0))
			must(t, tx.SaveDevice(store.Device{Key: 5, Pending: 777000, Active: 10}))
			must(t, tx.SweepAuthKeys(100, 50))
			idle, err := tx.IdleAuthKeys(50, 10)
			must(t, err)
			for _, id := range append(idle, 2) { // 2 has a device
				must(t, tx.DeleteIdleAuthKey(id))
			}
			for id, want := range map[int64]error{1: store.ErrNoRows, 2: nil, 3: nil, 4: store.ErrNoRows, 5: store.ErrNoRows} {
				_, err := tx.AuthKey(id)
				wantErr(t, err, want)
			}
		})
	})
}

func TestDevices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			if account, err := tx.DeviceOf(7); account != 0 || err != nil {
				t.Errorf("got %d, %v for nobody's key", account, err)
			}
			must(t, tx.CreateAccount(store.Account{ID: 5, Phone: "1", Created: 1}))
			wantErr(t, tx.CreateAccount(store.Account{ID: 5}), store.ErrCollision)
			d := store.Device{Key: 7, Account: 5, Hash: -3, Layer: 227, DeviceModel: "ö", IP: "192.0.2.0", Active: 100, Unconfirmed: true}
			must(t, tx.SaveDevice(d))
			d.NoCalls, d.Unconfirmed = true, false
			must(t, tx.SaveDevice(d))
			if got, err := tx.Device(7); err != nil || got != d {
				t.Errorf("got %+v, %v, want %+v", got, err, d)
			}
			d.Layer, d.Active = 152, 200
			must(t, tx.TouchDevice(d))
			if got, err := tx.DevicesOf(5); err != nil || len(got) != 1 || got[0] != d {
				t.Errorf("got %+v, %v, want %+v", got, err, d)
			}
			idle, err := tx.IdleDevices(200+180*86400, 10)
			if err != nil || len(idle) != 0 {
				t.Errorf("idle: %v, %v", idle, err)
			}
			idle, err = tx.IdleDevices(201+180*86400, 10)
			if err != nil || len(idle) != 1 {
				t.Errorf("idle: %v, %v", idle, err)
			}
			must(t, tx.ForgetAddresses(200))
			must(t, tx.ForgetAddresses(201))
			must(t, tx.DeleteDevice(7))
			_, err = tx.Device(7)
			wantErr(t, err, store.ErrNoRows)
		})
	})
}

func TestAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			_, err := tx.Account(5)
			wantErr(t, err, store.ErrNoRows)
			must(t, tx.CreateAccount(store.Account{ID: 5, Phone: "1", FirstName: "A", Created: 1, Seen: 1}))
			must(t, tx.SetSeen(5, 100))
			must(t, tx.SetSeen(5, 50))
			want := store.Account{ID: 5, Phone: "1", FirstName: "B", About: "x", Username: "Bee", Created: 1, Seen: 100, Pts: 1, TTLDays: 30, SessionDays: 7}
			must(t, tx.SaveProfile(want))
			if got, err := tx.Account(5); err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			must(t, tx.SaveDevice(store.Device{Key: 1, Account: 5, Active: 200}))
			for now, most := range map[int64]int{200 + 30*86400: 0, 201 + 30*86400: 1} {
				if idle, err := tx.IdleAccounts(now, 10); err != nil || len(idle) != most {
					t.Errorf("idle at %d: %v, %v", now, idle, err)
				}
			}
			must(t, tx.ClaimNumber("1", 5))
			must(t, tx.EraseAccount(5, 300))
			if got, err := tx.Account(5); err != nil || got.Deleted != 300 || got.Phone != "" || got.FirstName != "" {
				t.Errorf("erased: %+v, %v", got, err)
			}
			_, err = tx.Number("1")
			wantErr(t, err, store.ErrNoRows)
			system, err := tx.Account(777000)
			if err != nil || system.FirstName != "Chappe" {
				t.Errorf("service account: %+v, %v", system, err)
			}
		})
	})
}

func TestNumbersAndInvites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			must(t, tx.ReserveNumber(store.Number{Phone: "1", Code: []byte("c"), Expires: 100}, 50))
			wantErr(t, tx.ReserveNumber(store.Number{Phone: "1", Code: []byte("d"), Expires: 200}, 100), store.ErrCollision)
			must(t, tx.ReserveNumber(store.Number{Phone: "1", Code: []byte("e"), Expires: 200}, 101))
			if n, err := tx.Number("1"); err != nil || string(n.Code) != "e" || n.Expires != 200 || n.Account != 0 {
				t.Errorf("number %+v, %v", n, err)
			}
			must(t, tx.ClaimNumber("1", 5))
			must(t, tx.ClaimNumber("2", 6)) // never handed out
			wantErr(t, tx.ClaimNumber("1", 6), store.ErrCollision)
			wantErr(t, tx.ReserveNumber(store.Number{Phone: "1", Code: []byte{}, Expires: 900}, 500), store.ErrCollision)

			mac := []byte("mac")
			must(t, tx.SaveInvite(store.Invite{MAC: mac, Expires: 100, Uses: 1}))
			for _, try := range []struct {
				mac  string
				now  int64
				good bool
			}{{"cam", 50, false}, {"mac", 100, false}, {"mac", 99, true}, {"mac", 99, false}} {
				left, err := tx.Invite([]byte(try.mac), try.now)
				must(t, err)
				used, err := tx.UseInvite([]byte(try.mac), try.now)
				must(t, err)
				if left != try.good || used != try.good {
					t.Errorf("%+v: left %v, used %v", try, left, used)
				}
			}
		})
	})
}

func TestLoginRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			c := store.LoginCode{Phone: "1", Hash: "h", MAC: []byte("m"), Sealed: []byte("s"), Created: 1, Expires: 100, Tries: 2, Way: 3}
			must(t, tx.SaveLoginCode(c))
			must(t, tx.SaveLoginCode(store.LoginCode{Phone: "1", Hash: "g", MAC: []byte{}, Sealed: []byte{}, Created: 2, Expires: 50}))
			latest, err := tx.LatestLoginCode("1", 60)
			if err != nil || latest.Hash != "h" || !bytes.Equal(latest.MAC, c.MAC) || latest.Tries != 2 {
				t.Errorf("latest %+v, %v", latest, err)
			}
			c.Verified = true
			must(t, tx.SaveLoginCode(c))
			_, err = tx.LatestLoginCode("1", 60)
			wantErr(t, err, store.ErrNoRows)

			must(t, tx.SaveLoginToken(store.LoginToken{Key: 1, MAC: []byte("a"), Expires: 100}))
			must(t, tx.SaveLoginToken(store.LoginToken{Key: 1, MAC: []byte("b"), Expires: 100, Account: 5}))
			_, err = tx.LoginTokenByMAC([]byte("a"))
			wantErr(t, err, store.ErrNoRows)
			if k, err := tx.LoginToken(1); err != nil || k.Account != 5 || string(k.MAC) != "b" {
				t.Errorf("token %+v, %v", k, err)
			}

			must(t, tx.SaveExport(5, []byte("x"), 9, 100))
			_, err = tx.TakeExport(6, []byte("x"), 50)
			wantErr(t, err, store.ErrNoRows)
			parent, err := tx.TakeExport(5, []byte("x"), 50)
			if err != nil || parent != 9 {
				t.Errorf("export of %d, %v", parent, err)
			}
			_, err = tx.TakeExport(5, []byte("x"), 50)
			wantErr(t, err, store.ErrNoRows)

			must(t, tx.SweepLogins(101, 0))
			_, err = tx.LoginCode("1", "h")
			wantErr(t, err, store.ErrNoRows)
			_, err = tx.LoginToken(1)
			wantErr(t, err, store.ErrNoRows)
		})
	})
}

func TestAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			start, hourly := time.Unix(1000, 0), store.Limit{Most: 3, Window: time.Hour}
			for i, want := range []time.Duration{0, 0, 0, time.Hour, time.Hour} {
				if wait, err := tx.Attempt("x", start, hourly); err != nil || (wait == 0) != (want == 0) || wait > want {
					t.Errorf("attempt %d waits %v, %v", i, wait, err)
				}
			}
			later := start.Add(40 * time.Minute)
			if wait, err := tx.Attempt("x", later, hourly); err != nil || wait.Round(time.Second) != 20*time.Minute {
				t.Errorf("waits %v, %v", wait, err)
			}
			if wait, err := tx.Attempt("x", start.Add(time.Hour+time.Second), hourly); err != nil || wait != 0 {
				t.Errorf("waits %v, %v", wait, err)
			}
		})
	})
}

func TestUsernames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			must(t, tx.TakeUsername("ann", store.OfAccount, 5, 0))
			wantErr(t, tx.TakeUsername("ann", store.OfAccount, 6, 0), store.ErrCollision)
			must(t, tx.ReleaseUsernames(store.OfAccount, 5, 100))
			wantErr(t, tx.TakeUsername("ann", store.OfAccount, 6, 100), store.ErrCollision) // held
			wantErr(t, tx.TakeUsername("ann", store.OfChannel, 5, 100), store.ErrCollision)
			must(t, tx.TakeUsername("ann", store.OfAccount, 5, 100)) // its own
			must(t, tx.ReleaseUsernames(store.OfAccount, 5, 200))
			must(t, tx.TakeUsername("ann", store.OfChannel, 6, 201))
			if u, err := tx.Username("ann"); err != nil || u.Kind != store.OfChannel || u.Owner != 6 || u.Released != 0 {
				t.Errorf("got %+v, %v", u, err)
			}
		})
	})
}

func TestPasswordsAndEmails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			if has, err := tx.HasPassword(5); has || err != nil {
				t.Errorf("has %v, %v", has, err)
			}
			must(t, tx.SavePassword(store.Password{Account: 5, Sealed: []byte("s"), Fails: 1}))
			must(t, tx.SavePassword(store.Password{Account: 5, Sealed: []byte("t"), Fails: 2, Failed: 3, Reset: 4, Changed: 5}))
			p, err := tx.Password(5)
			if err != nil || string(p.Sealed) != "t" || p.Fails != 2 || p.Failed != 3 || p.Reset != 4 || p.Changed != 5 {
				t.Errorf("got %+v, %v", p, err)
			}
			must(t, tx.DeletePassword(5))
			must(t, tx.SaveEmail(store.Email{Account: 5, Purpose: store.ForLogin, Address: []byte("a"), MAC: []byte("m"), Tries: 1}))
			_, err = tx.Email(5, store.ForLogin, true)
			wantErr(t, err, store.ErrNoRows)
			e, err := tx.Email(5, store.ForLogin, false)
			if err != nil || string(e.Address) != "a" || e.Tries != 1 {
				t.Errorf("got %+v, %v", e, err)
			}
			must(t, tx.DeleteEmail(5, store.ForLogin, false))
		})
	})
}
