package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// schema describes all tables, columns and indexes of the database.
func schema(t *testing.T, db *store.DB) (lines []string) {
	t.Helper()
	query := "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema ORDER BY type, name"
	if db.Dialect() == "postgres" {
		query = `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '')
			FROM information_schema.columns WHERE table_schema = current_schema()
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1`
	}
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(query)
		if err != nil {
			return err
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			lines = append(lines, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestUpgradeEqualsFreshSchema(t *testing.T) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		old, fresh := target(), target()
		db := old.Open(t, store.Options{LoadSchema: 1})
		mustWrite(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec("INSERT INTO accounts (id, pts) VALUES (7, 3)")
			return err
		})
		db.Close()
		got, want := schema(t, old.Open(t, store.Options{})), schema(t, fresh.Open(t, store.Options{}))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("upgraded:\n%s\nfresh:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		try := func(place storetest.Target, o store.Options) error {
			db, err := store.Open(t.Context(), place.DSN, place.Dir, o)
			if err == nil {
				db.Close()
			}
			return err
		}
		change := func(statement string) storetest.Target {
			place := target()
			db := place.Open(t, store.Options{})
			mustWrite(t, db, func(tx *store.Tx) error { _, err := tx.Exec(statement); return err })
			db.Close()
			return place
		}
		newer := change("INSERT INTO migrations (version, name, checksum, applied) VALUES (9999, 'x', 'x', 0)")
		if err := try(newer, store.Options{}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("newer schema: %v", err)
		}
		edited := change("UPDATE migrations SET checksum = 'x' WHERE version = 1")
		if err := try(edited, store.Options{}); err == nil || !strings.Contains(err.Error(), "edited") {
			t.Errorf("edited migration: %v", err)
		}
		if err := try(edited, store.Options{LoadSchema: 1}); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("load into a full database: %v", err)
		}
		if err := try(target(), store.Options{LoadSchema: 9999}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("load a newer schema: %v", err)
		}
		lossy := target()
		if lossy.DSN != "sqlite" {
			lossy.DSN += "&synchronous_commit=off"
			if err := try(lossy, store.Options{}); err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
				t.Errorf("synchronous_commit off: %v", err)
			}
		}
	})
	for _, dsn := range []string{"", "mysql://localhost", "postgres://%", "postgres://h:secret@%/x"} {
		_, err := store.Open(t.Context(), dsn, t.TempDir(), store.Options{})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
}

func TestSeveralProcessesStartAtOnce(t *testing.T) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		place := target()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				db, err := store.Open(t.Context(), place.DSN, place.Dir, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		group.Wait()
	})
}

func TestFilesAreForTheirOwner(t *testing.T) {
	place := storetest.SQLite(t)
	mustWrite(t, place.Open(t, store.Options{}), func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO accounts (id, pts) VALUES (1, 1)")
		return err
	})
	files, err := os.ReadDir(place.Dir)
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(filepath.Join(place.Dir, file.Name())); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Name(), info.Mode(), err)
		}
	}
}
