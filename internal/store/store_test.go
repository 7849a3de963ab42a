package store_test

import (
	"errors"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

var errTest = errors.New("test error")

// openNotes opens a store with a table of the test's own.
func openNotes(t testing.TB, open func() *store.DB) *store.DB {
	t.Helper()
	db := open()
	mustWrite(t, db, func(tx *store.Tx) error {
		_, err := tx.Exec(`CREATE TABLE notes (owner BIGINT NOT NULL, id BIGINT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (owner, id))`)
		return err
	})
	return db
}

func mustWrite(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), nil, fn); err != nil {
		t.Fatal(err)
	}
}

func addNote(owner, id int64, text string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO notes (owner, id, text) VALUES ($1, $2, $3)", owner, id, text)
		return err
	}
}

func countNotes(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		return tx.Row("SELECT COUNT(*) FROM notes").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFailedWriteUndoesItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		err := db.Write(t.Context(), nil, func(tx *store.Tx) error {
			if err := addNote(1, 1, "gone")(tx); err != nil {
				return err
			}
			return errTest
		})
		if err != errTest {
			t.Errorf("got %v", err)
		}
		if n := countNotes(t, db); n != 0 {
			t.Errorf("%d notes", n)
		}
		mustWrite(t, db, addNote(1, 1, "kept"))
		db.Close()
		if n := countNotes(t, open()); n != 1 {
			t.Errorf("%d notes after reopening", n)
		}
	})
}
