package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/backup"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const people = 1000

// awkward values that a dump could spoil.
var awkward = []string{"", "tab\tand\nline", `quo"te \n`, "né 🗼", "$1", "it's", "\u2028", "\x7f"}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// openFull opens a store with accounts in it and a data folder with files.
func openFull(t *testing.T, place storetest.Target) *store.DB {
	t.Helper()
	db := place.Open(t, store.Options{})
	err := db.Write(t.Context(), nil, func(tx *store.Tx) error {
		for id := range people {
			_, err := tx.Exec("INSERT INTO accounts (id, pts, about) VALUES ($1, 10, $2)", id, awkward[id%len(awkward)]+strings.Repeat("x", 1500))
			if err != nil {
				return err
			}
			_, err = tx.Exec("INSERT INTO auth_keys (id, sealed) VALUES ($1, $2)", -id, []byte{0, byte(id), '\t', '\n', 255})
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec("INSERT INTO devices (key, account, qts) VALUES (1, 1, 7)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"master.key": "secret\n", "media/ab/cd": "picture", "media/empty": "", "other": "not in the backup"} {
		path := filepath.Join(place.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func create(t *testing.T, db *store.DB, dir string, recipients ...age.Recipient) []byte {
	t.Helper()
	var archive bytes.Buffer
	if err := backup.Create(t.Context(), db, dir, []string{"master.key", "media"}, &archive, recipients...); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// content is what the tables of openFull have, but for the counters.
func content(t *testing.T, db *store.DB) (all [][]any) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		for _, query := range []string{
			"SELECT id, about, first_name, created, deleted FROM accounts ORDER BY id",
			"SELECT id, sealed, created, expires, perm FROM auth_keys ORDER BY id",
		} {
			rows, err := tx.Query(query)
			if err != nil {
				return err
			}
			for rows.Next() {
				values := make([]any, 5)
				if err := rows.Scan(&values[0], &values[1], &values[2], &values[3], &values[4]); err != nil {
					return err
				}
				all = append(all, values)
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func number(t *testing.T, db *store.DB, query string) (n int64) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) error { return tx.Row(query).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCreateFails(t *testing.T) {
	place := storetest.SQLite(t)
	db := openFull(t, place)
	try := func(ctx context.Context, files []string, recipients ...age.Recipient) error {
		return backup.Create(ctx, db, place.Dir, files, io.Discard, recipients...)
	}
	recipient := newIdentity(t).Recipient()
	if err := try(t.Context(), nil); err == nil {
		t.Error("a backup for nobody")
	}
	for _, name := range []string{"missing", "../x", "/etc/passwd", ""} {
		if err := try(t.Context(), []string{name}, recipient); err == nil {
			t.Errorf("file %q", name)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(place.Dir, "media", "link")); err != nil {
		t.Fatal(err)
	}
	if err := try(t.Context(), []string{"media"}, recipient); err == nil {
		t.Error("a link was followed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := try(ctx, nil, recipient); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		source := target()
		identity := newIdentity(t)
		archive := create(t, openFull(t, source), source.Dir, identity.Recipient())
		full := target()
		try := func(place storetest.Target, archive []byte, identity age.Identity) error {
			return backup.Restore(t.Context(), bytes.NewReader(archive), place.DSN, place.Dir, identity)
		}
		if err := try(source, archive, identity); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("full folder: %v", err)
		}
		if _, err := os.Stat(filepath.Join(source.Dir, "master.key")); err != nil {
			t.Errorf("the full folder was emptied: %v", err)
		}
		if full.DSN != "sqlite" {
			full.Open(t, store.Options{})
			if err := try(full, archive, identity); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("full database: %v", err)
			}
		}
		if err := try(target(), archive, newIdentity(t)); err == nil {
			t.Error("restored with another key")
		}
	})
}

func TestRestoreRefusesDamage(t *testing.T) {
	source := storetest.SQLite(t)
	identity := newIdentity(t)
	archive := create(t, openFull(t, source), source.Dir, identity.Recipient())
	try := func(name string, archive []byte) {
		place := storetest.SQLite(t)
		if err := backup.Restore(t.Context(), bytes.NewReader(archive), place.DSN, place.Dir, identity); err == nil {
			t.Errorf("%s: restored", name)
		}
		if entries, err := os.ReadDir(place.Dir); err != nil || len(entries) > 0 {
			t.Errorf("%s: left %v, %v", name, entries, err)
		}
	}
	for _, part := range []int{0, 1, 2, 50, 90, 99} {
		try("cut", archive[:len(archive)*part/100])
		bad := bytes.Clone(archive)
		bad[len(archive)*part/100] ^= 1
		try("flipped", bad)
	}
	try("cut by a byte", archive[:len(archive)-1])
	try("longer by a byte", append(bytes.Clone(archive), 0))
}

func TestRestore(t *testing.T) {
	makers := map[string]func(testing.TB) storetest.Target{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}
	for from, source := range makers {
		for to, target := range makers {
			t.Run(from+" to "+to, func(t *testing.T) {
				testRestore(t, source(t), target(t))
			})
		}
	}
}

func testRestore(t *testing.T, source, target storetest.Target) {
	identity := newIdentity(t)
	before := openFull(t, source)
	archive := create(t, before, source.Dir, identity.Recipient())
	for _, secret := range []string{"secret", "picture", "accounts"} {
		if bytes.Contains(archive, []byte(secret)) {
			t.Errorf("%q is readable in the backup", secret)
		}
	}
	if err := os.Remove(target.Dir); err != nil {
		t.Fatal(err)
	}
	if err := backup.Restore(t.Context(), bytes.NewReader(archive), target.DSN, target.Dir, identity); err != nil {
		t.Fatal(err)
	}
	after := target.Open(t, store.Options{})
	if got, want := content(t, after), content(t, before); !reflect.DeepEqual(got, want) {
		t.Errorf("the rows differ: %d and %d of them", len(got), len(want))
	}
	if pts := number(t, after, "SELECT MIN(pts) FROM accounts WHERE id < 1000"); pts != 1_000_010 {
		t.Errorf("pts %d", pts)
	}
	if qts := number(t, after, "SELECT MIN(qts) FROM devices"); qts != 1_000_007 {
		t.Errorf("qts %d", qts)
	}
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(target.Dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path, "chappe.db") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(target.Dir, path))
		files[path] = string(text)
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		return err
	})
	want := map[string]string{"master.key": "secret\n", "media/ab/cd": "picture", "media/empty": ""}
	if err != nil || !reflect.DeepEqual(files, want) {
		t.Errorf("files %q, %v", files, err)
	}
}

// Every write moves one from a counter to another. A backup made meanwhile has
// the same sum.
func TestBackupWhileWriting(t *testing.T) {
	storetest.EachTarget(t, func(t *testing.T, target func() storetest.Target) {
		source, identity := target(), newIdentity(t)
		db := openFull(t, source)
		const sum = "SELECT CAST(SUM(pts) AS BIGINT) FROM accounts"
		want := number(t, db, sum)
		stop := make(chan struct{})
		var group sync.WaitGroup
		for caller := range int64(4) {
			group.Go(func() {
				for i := int64(0); ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					a, b := (i+caller)%people, (i*7+caller)%people
					err := db.Write(context.Background(), []int64{a, b}, func(tx *store.Tx) error {
						_, err := tx.Exec("UPDATE accounts SET pts = pts - 1 WHERE id = $1", a)
						_, err2 := tx.Exec("UPDATE accounts SET pts = pts + 1 WHERE id = $1", b)
						return errors.Join(err, err2)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		archives := [][]byte{create(t, db, source.Dir, identity.Recipient()), create(t, db, source.Dir, identity.Recipient())}
		close(stop)
		group.Wait()
		for _, archive := range archives {
			place := target()
			if err := backup.Restore(t.Context(), bytes.NewReader(archive), place.DSN, place.Dir, identity); err != nil {
				t.Fatal(err)
			}
			restored := place.Open(t, store.Options{})
			accounts := number(t, restored, "SELECT COUNT(*) FROM accounts")
			if got := number(t, restored, sum) - accounts*1_000_000; got != want {
				t.Errorf("sum %d, want %d", got, want)
			}
		}
	})
}

func TestPassphrase(t *testing.T) {
	source, target := storetest.SQLite(t), storetest.SQLite(t)
	recipient, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(10)
	archive := create(t, openFull(t, source), source.Dir, recipient)
	for _, phrase := range []string{"wrong horse", "correct horse"} {
		identity, err := age.NewScryptIdentity(phrase)
		if err != nil {
			t.Fatal(err)
		}
		err = backup.Restore(t.Context(), bytes.NewReader(archive), target.DSN, target.Dir, identity)
		if (err == nil) != (phrase == "correct horse") {
			t.Errorf("%s: %v", phrase, err)
		}
	}
}
