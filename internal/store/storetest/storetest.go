// Package storetest runs a test on every database the store supports.
//
// PostgreSQL is started by the package itself: one cluster for each test
// binary, in a temporary folder, reachable through a socket in that folder
// only, with a database of its own for each test. It needs the programs initdb
// and postgres and nothing that is set up or running. The cluster is stopped
// and deleted when the test binary ends, even if it is killed.
package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
)

// Target is where a store can be opened: what store.Open wants.
type Target struct {
	DSN string
	Dir string // the data folder, empty
}

// Open opens the store and closes it at the end of the test.
func (target Target) Open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), target.DSN, target.Dir, o)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() { db.Close() }) // closed already, in some tests
	return db
}

// Each runs the test on SQLite and on PostgreSQL. Every call of open opens the
// same database, which is new and empty but for its tables.
func Each(t *testing.T, test func(t *testing.T, open func() *store.DB)) {
	EachTarget(t, func(t *testing.T, target func() Target) {
		one := target()
		test(t, func() *store.DB { return one.Open(t, store.Options{}) })
	})
}

// EachTarget is Each for tests that need the place itself or several of them:
// every call of target makes a new one, without tables.
func EachTarget(t *testing.T, test func(t *testing.T, target func() Target)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func() Target { return SQLite(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		requirePostgres(t)
		test(t, func() Target { return Postgres(t) })
	})
}

// SQLite is a new place for an SQLite file.
func SQLite(t testing.TB) Target {
	return Target{DSN: "sqlite", Dir: t.TempDir()}
}

// Postgres is a new PostgreSQL database and an empty data folder. Without
// PostgreSQL on this machine the test is skipped, and with CI=true it fails.
func Postgres(t testing.TB) Target {
	t.Helper()
	cluster := requirePostgres(t)
	dsn, err := cluster.newDatabase(t.Context())
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	return Target{DSN: dsn, Dir: t.TempDir()}
}

func requirePostgres(t testing.TB) *cluster {
	t.Helper()
	bin := findPostgres()
	if bin == "" {
		const missing = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	cluster, err := startOnce(bin)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return cluster
}

// findPostgres returns the folder with the newest PostgreSQL's programs, or "".
func findPostgres() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is right
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	best, newest := "", 0
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		version := 0 // unknown, in a folder of PATH
		fmt.Sscanf(dir, "/usr/lib/postgresql/%d/bin", &version)
		if best == "" || version > newest {
			best, newest = dir, version
		}
	}
	return best
}
