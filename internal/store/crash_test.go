package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const (
	crashDir     = "CHAPPE_TEST_CRASH_DIR"
	crashCallers = 8
)

// A process that writes as fast as it can is killed again and again. What it
// had acknowledged is there, whole, and the file is sound.
func TestKilledWhileWriting(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	place := storetest.SQLite(t)
	openNotes(t, func() *store.DB { return place.Open(t, store.Options{}) }).Close()
	acknowledged := map[string]bool{}
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		for _, line := range killAfter(t, place.Dir, rand.IntN(2000)) {
			acknowledged[line] = true
		}
		checkSound(t, filepath.Join(place.Dir, "chappe.db"))
		db := place.Open(t, store.Options{})
		for line, whole := range readPairs(t, db) {
			if !whole {
				t.Errorf("round %d: half of write %s is there", round, line)
			}
			delete(acknowledged, line)
		}
		db.Close()
		if len(acknowledged) > 0 {
			t.Fatalf("round %d: %d acknowledged writes are lost", round, len(acknowledged))
		}
	}
}

// writeUntilKilled prints each write after its acknowledgement.
func writeUntilKilled(t *testing.T, dir string) {
	db := storetest.Target{DSN: "sqlite", Dir: dir}.Open(t, store.Options{})
	var group sync.WaitGroup
	for range crashCallers {
		group.Go(func() {
			for {
				id := rand.Int64()
				err := db.Write(context.Background(), nil, func(tx *store.Tx) error {
					return errors.Join(addNote(1, id, "one half")(tx), addNote(2, id, "the other")(tx))
				})
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Printf("%d\n", id)
			}
		})
	}
	group.Wait()
}

// killAfter runs the writer, kills it after so many acknowledgements and
// returns all it gave.
func killAfter(t *testing.T, dir string, writes int) (lines []string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(output)
	for scanner.Scan() {
		if lines = append(lines, scanner.Text()); len(lines) == writes+1 {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer was not killed: %v", err)
	}
	return lines
}

func checkSound(t *testing.T, path string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var verdict string
	if err := pool.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity check: %s, %v", verdict, err)
	}
}

// readPairs tells for each write whether both its rows are there.
func readPairs(t *testing.T, db *store.DB) map[string]bool {
	t.Helper()
	pairs := map[string]bool{}
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query("SELECT id, COUNT(*) FROM notes GROUP BY id")
		if err != nil {
			return err
		}
		for rows.Next() {
			var id string
			var n int
			if err := rows.Scan(&id, &n); err != nil {
				return err
			}
			pairs[id] = n == 2
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}
