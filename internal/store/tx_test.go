package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

func TestReadWritesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		if err := db.Read(t.Context(), addNote(1, 1, "x")); err == nil {
			t.Error("Exec in Read")
		}
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			return tx.Row("INSERT INTO notes (owner, id, text) VALUES (1, 1, 'x') RETURNING id").Scan(new(int64))
		})
		if err == nil {
			t.Error("Query in Read")
		}
		if n := countNotes(t, db); n != 0 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestReadIsConsistent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		mustWrite(t, db, addNote(1, 1, "before"))
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			for id := range int64(3) {
				var n int
				if err := tx.Row("SELECT COUNT(*) FROM notes").Scan(&n); err != nil || n != 1 {
					return fmt.Errorf("%d notes: %w", n, err)
				}
				mustWrite(t, db, addNote(2, id, "meanwhile"))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if n := countNotes(t, db); n != 4 {
			t.Errorf("%d notes", n)
		}
	})
}

func TestReadErrors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		if err := db.Read(t.Context(), func(*store.Tx) error { return errTest }); err != errTest {
			t.Errorf("got %v", err)
		}
		if err := db.Read(t.Context(), func(*store.Tx) error { panic("p") }); err == nil {
			t.Error("no error of a panic")
		}
		if err := db.Read(t.Context(), func(tx *store.Tx) error { tx.Query("SELECT nonsense"); return nil }); err == nil {
			t.Error("no error of a failed query")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.Read(ctx, func(tx *store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		countNotes(t, db)
	})
}

func TestRowsAreClosedFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := openNotes(t, open)
		mustWrite(t, db, func(tx *store.Tx) error {
			return errors.Join(addNote(1, 1, "one")(tx), addNote(1, 2, "two")(tx))
		})
		const query = "SELECT text FROM notes WHERE owner = $1 ORDER BY id"
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Query(query, 1); err != nil {
				return err
			}
			_, err := tx.Query(query, 1)
			if err == nil {
				t.Error("two results open at once")
			}
			return nil
		})
		if err == nil {
			t.Error("the misuse was not final")
		}
		var texts []string
		var late *store.Tx
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			late = tx
			rows, err := tx.Query(query, 1)
			if err != nil {
				return err
			}
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				texts = append(texts, text)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			return tx.Row(query, 2).Scan(new(string))
		})
		if err != store.ErrNoRows || len(texts) != 2 || texts[0] != "one" || texts[1] != "two" {
			t.Errorf("%q, %v", texts, err)
		}
		if _, err := late.Query(query, 1); err == nil {
			t.Error("the transaction outlived its function")
		}
	})
}

func TestTypes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		blob := "BYTEA"
		if db.Dialect() == "sqlite" {
			blob = "BLOB"
		}
		mustWrite(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec("CREATE TABLE kinds (i BIGINT, s TEXT, b " + blob + ", f DOUBLE PRECISION, t SMALLINT, PRIMARY KEY (i))")
			return err
		})
		const big = int64(-1) << 63
		mustWrite(t, db, func(tx *store.Tx) error {
			affected, err := tx.Exec("INSERT INTO kinds (s, i, f, t, b) VALUES ($2, $1, $4, $5, $3)", big, "né\n'$1'", []byte{0, 255}, 0.5, 1)
			if affected != 1 {
				t.Errorf("%d rows", affected)
			}
			return err
		})
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			var i int64
			var s string
			var b []byte
			var f float64
			var ok bool
			if err := tx.Row("SELECT i, s, b, f, t FROM kinds WHERE i = $1 AND t = 1", big).Scan(&i, &s, &b, &f, &ok); err != nil {
				return err
			}
			if i != big || s != "né\n'$1'" || string(b) != "\x00\xff" || f != 0.5 || !ok {
				t.Error(i, s, b, f, ok)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestManyStatements(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			for i := range 1200 {
				var n int
				if err := tx.Row(fmt.Sprintf("SELECT %d + $1 * 1", i), int64(1)).Scan(&n); err != nil || n != i+1 {
					return fmt.Errorf("%d, %w", n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
