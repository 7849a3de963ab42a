package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/account"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login/logintest"
	"github.com/chappe-im/chappe/internal/core/username"
	"github.com/chappe-im/chappe/internal/store"
)

func get(w *logintest.World, id int64) (a store.Account) {
	w.T.Helper()
	w.Must(w.DB.Read(w.T.Context(), func(tx *store.Tx) (err error) {
		a, err = tx.Account(id)
		return err
	}))
	return a
}

func TestUpdate(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		id, _ := w.SignUp(1, "Ann")
		text := func(s string) *string { return &s }
		update := func(p account.Profile) error { return w.Account.Update(ctx, id, 1, p) }
		w.Want(update(account.Profile{FirstName: text(" ")}), fault.FirstnameInvalid)
		w.Want(update(account.Profile{LastName: text(strings.Repeat("x", 65))}), fault.LastnameInvalid)
		w.Want(update(account.Profile{About: text(strings.Repeat("ö", 71))}), fault.AboutTooLong)
		w.Events()
		w.Must(update(account.Profile{FirstName: text("Ann")})) // as it was
		if events := w.Events(); len(events) != 0 {
			t.Errorf("events %+v", events)
		}
		w.Must(update(account.Profile{LastName: text("Lee"), About: text(" Hello\x00 ")}))
		if a := get(w, id); a.FirstName != "Ann" || a.LastName != "Lee" || a.About != "Hello" {
			t.Errorf("account %+v", a)
		}
		want := event.UserChanged{User: id, FirstName: "Ann", LastName: "Lee"}
		if events := w.Events(); len(events) != 1 || events[0].Body != want || events[0].Origin != 1 {
			t.Errorf("events %+v", events)
		}
	})
}

func TestUsername(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		ann, _ := w.SignUp(1, "Ann")
		bob, _ := w.SignUp(2, "Bob")
		set := func(id int64, name string) error { return w.Account.SetUsername(ctx, id, 0, name) }
		for _, name := range []string{"four", "1abcd", "_abcd", "abcd_", "ab__cd", "ab-cd", "äbcde", strings.Repeat("a", 33), "Apiws", "STATIC"} {
			w.Want(set(ann, name), fault.UsernameInvalid)
			w.Want(w.Account.UsernameFree(ctx, ann, name), fault.UsernameInvalid)
			w.Pass(24 * time.Hour)
		}
		w.Want(set(ann, ""), fault.UsernameNotModified)
		w.Must(w.Account.UsernameFree(ctx, ann, "Ann_Lee"))
		w.Must(set(ann, "Ann_Lee"))
		w.Want(set(ann, "Ann_Lee"), fault.UsernameNotModified)
		w.Must(set(ann, "ANN_Lee")) // the same in other capitals
		w.Want(set(bob, "ann_lee"), fault.UsernameOccupied)
		w.Want(w.Account.UsernameFree(ctx, bob, "ann_lee"), fault.UsernameOccupied)
		if a := get(w, bob); a.Username != "" {
			t.Errorf("bob has %q", a.Username)
		}
		w.Must(set(ann, "other"))
		w.Want(set(bob, "ann_lee"), fault.UsernameOccupied) // kept for a year
		w.Must(w.DB.Read(ctx, func(tx *store.Tx) error {
			_, _, err := username.Resolve(tx, "x")
			w.Want(err, fault.UsernameInvalid)
			_, _, err = username.Resolve(tx, "nobody")
			w.Want(err, fault.UsernameNotOccupied)
			o, inUse, err := username.Resolve(tx, "Ann_LEE")
			if want := (username.Owner{Kind: store.OfAccount, ID: ann}); o != want || inUse {
				t.Errorf("resolved to %+v, %v", o, inUse)
			}
			return err
		}))
		w.Pass(366 * 24 * time.Hour)
		w.Must(w.Account.UsernameFree(ctx, bob, "ann_lee"))
		w.Must(set(bob, "ann_lee"))
		w.Want(set(ann, "ann_lee"), fault.UsernameOccupied)

		for i := range 9 {
			w.Must(set(bob, fmt.Sprintf("robert%d", i)))
		}
		w.Want(set(bob, "robert10"), fault.FloodWait(0)) // ten a day
		w.Account.NoLimits = true
		w.Must(set(bob, "robert10"))
	})
}

func TestTTL(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		id, number := w.SignUp(1, "Ann")
		for _, days := range []int{-1, 0, 29, 731} {
			w.Want(w.Account.SetTTL(ctx, id, days), fault.TTLDaysInvalid)
		}
		for _, days := range []int{-1, 0, 367} {
			w.Want(w.Account.SetSessionTTL(ctx, id, days), fault.TTLDaysInvalid)
		}
		if days, sessions, err := w.Account.TTL(ctx, id); days != 548 || sessions != 180 || err != nil {
			t.Errorf("by default %d, %d, %v", days, sessions, err)
		}
		w.Must(w.Account.SetTTL(ctx, id, 30))
		w.Must(w.Account.SetSessionTTL(ctx, id, 90))
		if days, sessions, err := w.Account.TTL(ctx, id); days != 30 || sessions != 90 || err != nil {
			t.Errorf("%d, %d, %v", days, sessions, err)
		}
		w.Pass(30 * 24 * time.Hour)
		w.Must(w.Account.Sweep(ctx))
		if get(w, id).Deleted != 0 {
			t.Error("deleted too early")
		}
		w.SignIn(2, number) // which is activity
		w.Pass(24 * time.Hour)
		w.Must(w.Account.Sweep(ctx))
		if get(w, id).Deleted != 0 {
			t.Error("deleted while in use")
		}
		w.Pass(30 * 24 * time.Hour)
		w.Must(w.Account.Sweep(ctx))
		if get(w, id).Deleted == 0 || w.SignedIn(1) != 0 {
			t.Error("not deleted")
		}
		if get(w, 777000).Deleted != 0 {
			t.Error("the service account is gone")
		}
	})
}

func TestDelete(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		id, number := w.SignUp(1, "Ann")
		w.Must(w.Account.SetUsername(ctx, id, 0, "ann_lee"))
		failing := errors.New("not now")
		w.Account.OnDelete(func(*store.Tx, int64) error { return failing })
		w.Want(w.Account.Delete(ctx, id), failing)
		if a := get(w, id); a.Deleted != 0 || w.SignedIn(1) != id {
			t.Errorf("half deleted: %+v", a)
		}
		failing = nil
		w.Events()
		w.Must(w.Account.Delete(ctx, id))
		w.Must(w.Account.Delete(ctx, id)) // again
		a := get(w, id)
		if a.Deleted == 0 || a.FirstName != "" || a.Phone != "" || a.Username != "" || w.SignedIn(1) != 0 {
			t.Errorf("account %+v, signed in %d", a, w.SignedIn(1))
		}
		if events := w.Events(); len(events) != 1 || events[0].Body != (event.UserChanged{User: id}) {
			t.Errorf("events %+v", events)
		}
		hash, code := w.SendCode(1, number) // the number is free for who begins anew
		again, err := w.Login.SignIn(ctx, w.Client(1), number, hash, code)
		if again != 0 || err != nil {
			t.Fatalf("account %d, %v", again, err)
		}
		again, err = w.Login.SignUp(ctx, w.Client(1), number, hash, "Ann", "")
		w.Must(err)
		if again == id {
			t.Error("an id was given twice")
		}
	})
}

// TestForgotten is the way of who forgot the password: sign in with a code, ask for deletion, wait
// a week, sign up again.
func TestForgotten(t *testing.T) {
	logintest.Each(t, func(t *testing.T, w *logintest.World) {
		ctx := t.Context()
		id, number := w.SignUp(1, "Ann")
		w.Must(w.DB.Write(ctx, nil, func(tx *store.Tx) error {
			return tx.SavePassword(store.Password{Account: id, Sealed: []byte("never opened here")})
		}))
		ask := func(key int64) (hash string) {
			t.Helper()
			hash, code := w.SendCode(key, number)
			_, err := w.Login.SignIn(ctx, w.Client(key), number, hash, code)
			w.Want(err, fault.SessionPasswordNeeded)
			if w.SignedIn(key) != 0 {
				t.Fatalf("signed in to %d without the password", w.SignedIn(key))
			}
			return hash
		}
		ask(2)
		w.Told(id)
		w.Want(w.Account.AskDeletion(ctx, id, 2), fault.TwoFAConfirmWait(7*24*3600))
		if told := w.Told(id); len(told) != 1 || !strings.Contains(told[0], "seven days") {
			t.Errorf("told %q", told)
		}
		list, _, err := w.Login.List(ctx, w.Client(1))
		w.Must(err)
		if len(list) != 2 || list[1].Pending != id {
			t.Fatalf("list %+v", list)
		}
		hash := list[1].Hash
		if hash == 0 {
			t.Fatal("a waiting device cannot be named")
		}
		w.Pass(25 * time.Hour)
		w.Must(w.Login.Reset(ctx, w.Client(1), hash)) // the owner ends it
		w.Want(w.Account.AskDeletion(ctx, id, 2), fault.AuthKeyUnregistered)

		ask(3)
		w.Want(w.Account.AskDeletion(ctx, id, 3), fault.TwoFAConfirmWait(0))
		w.Pass(6 * 24 * time.Hour)
		ask(3) // signing in again does not begin the week anew
		w.Want(w.Account.AskDeletion(ctx, id, 3), fault.TwoFAConfirmWait(24*3600))
		w.Pass(24*time.Hour - time.Second)
		w.Must(w.Account.Sweep(ctx))
		if get(w, id).Deleted != 0 {
			t.Error("deleted too early")
		}
		code := ask(3)
		w.Pass(time.Second)
		w.Must(w.Account.AskDeletion(ctx, id, 3))
		if get(w, id).Deleted == 0 {
			t.Error("not deleted")
		}
		if _, err := w.Login.SignUp(ctx, w.Client(3), number, code, "Ann", ""); err != nil {
			t.Errorf("sign up with the code that was given: %v", err)
		}
	})
}
