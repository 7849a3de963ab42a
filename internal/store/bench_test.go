package store_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// The statements of one private message between two of 200 people: both
// counters, both copies, both dialogs and the sender's mark against sending
// twice. 300 bytes of text, 10,000 messages are there already.
const (
	benchPeople = 200
	benchRows   = 10_000
	nextPts     = "UPDATE bench_accounts SET pts = pts + 1 WHERE id = $1 RETURNING pts"
	addMessage  = "INSERT INTO bench_messages (owner, id, peer, sender, date, body) VALUES ($1, $2, $3, $4, $5, $6)"
	addDialog   = `INSERT INTO bench_dialogs (owner, peer, top, unread) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, peer) DO UPDATE SET top = excluded.top, unread = bench_dialogs.unread + excluded.unread`
	addRandom = "INSERT INTO bench_sent (owner, random_id, id) VALUES ($1, $2, $3)"
)

var (
	benchText   = []byte(strings.Repeat("Lorem ipsum ", 25))
	benchSchema = []string{
		"CREATE TABLE bench_accounts (id BIGINT PRIMARY KEY, pts BIGINT NOT NULL)",
		"CREATE TABLE bench_messages (owner BIGINT, id BIGINT, peer BIGINT NOT NULL, sender BIGINT NOT NULL, date BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (owner, id))",
		"CREATE TABLE bench_dialogs (owner BIGINT, peer BIGINT, top BIGINT NOT NULL, unread BIGINT NOT NULL, PRIMARY KEY (owner, peer))",
		"CREATE TABLE bench_sent (owner BIGINT, random_id BIGINT, id BIGINT NOT NULL, PRIMARY KEY (owner, random_id))",
	}
)

func openBench(b *testing.B, target storetest.Target) *store.DB {
	db := target.Open(b, store.Options{})
	mustWrite(b, db, func(tx *store.Tx) error {
		for _, statement := range benchSchema {
			if db.Dialect() == "sqlite" {
				statement = strings.ReplaceAll(statement, "BIGINT", "INTEGER")
			}
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		for id := range int64(benchPeople) {
			if _, err := tx.Exec("INSERT INTO bench_accounts (id, pts) VALUES ($1, 1)", id); err != nil {
				return err
			}
			if _, err := tx.Exec("INSERT INTO accounts (id) VALUES ($1)", id); err != nil {
				return err
			}
		}
		return nil
	})
	for range benchRows / 100 {
		mustWrite(b, db, func(tx *store.Tx) error {
			for range 100 {
				if err := sendBench(tx, rand.Int64N(benchPeople/2)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return db
}

func sendBench(tx *store.Tx, a int64) error {
	z := a + benchPeople/2
	var idA, idZ int64
	if err := tx.Row(nextPts, a).Scan(&idA); err != nil {
		return err
	}
	if err := tx.Row(nextPts, z).Scan(&idZ); err != nil {
		return err
	}
	if _, err := tx.Exec(addMessage, a, idA, z, a, 1700000000, benchText); err != nil {
		return err
	}
	if _, err := tx.Exec(addMessage, z, idZ, a, a, 1700000000, benchText); err != nil {
		return err
	}
	if _, err := tx.Exec(addDialog, a, z, idA, 0); err != nil {
		return err
	}
	if _, err := tx.Exec(addDialog, z, a, idZ, 1); err != nil {
		return err
	}
	_, err := tx.Exec(addRandom, a, rand.Int64(), idA)
	return err
}

// BenchmarkRaw is the yardstick: the same statements on one connection of
// database/sql, prepared, 16 messages to a commit.
func BenchmarkRaw(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		target := storetest.SQLite(b)
		openBench(b, target).Close()
		pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4000)", "cache_size(-16384)"}}
		benchRaw(b, "sqlite", "file:"+filepath.Join(target.Dir, "chappe.db")+"?"+pragmas.Encode())
	})
	b.Run("postgres", func(b *testing.B) {
		target := storetest.Postgres(b)
		openBench(b, target).Close()
		benchRaw(b, "pgx", target.DSN)
	})
}

func benchRaw(b *testing.B, driver, dsn string) {
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	c, err := pool.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	prepare := func(query string) *sql.Stmt {
		statement, err := c.PrepareContext(ctx, query)
		if err != nil {
			b.Fatal(err)
		}
		return statement
	}
	exec := func(statement *sql.Stmt, args ...any) {
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			b.Fatal(err)
		}
	}
	begin, commit := prepare("BEGIN"), prepare("COMMIT")
	pts, message, dialog, random := prepare(nextPts), prepare(addMessage), prepare(addDialog), prepare(addRandom)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%16 == 0 {
			exec(begin)
		}
		a := rand.Int64N(benchPeople / 2)
		z := a + benchPeople/2
		var idA, idZ int64
		if err := pts.QueryRowContext(ctx, a).Scan(&idA); err != nil {
			b.Fatal(err)
		}
		if err := pts.QueryRowContext(ctx, z).Scan(&idZ); err != nil {
			b.Fatal(err)
		}
		exec(message, a, idA, z, a, 1700000000, benchText)
		exec(message, z, idZ, a, a, 1700000000, benchText)
		exec(dialog, a, z, idA, 0)
		exec(dialog, z, a, idZ, 1)
		exec(random, a, rand.Int64(), idA)
		if i%16 == 15 || i == b.N-1 {
			exec(commit)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkWrite sends the same through DB.Write from 100 callers, each of
// which waits for its answer before the next.
func BenchmarkWrite(b *testing.B) {
	run := func(b *testing.B, target storetest.Target) {
		db := openBench(b, target)
		ctx := context.Background()
		var next atomic.Int64
		var group sync.WaitGroup
		waits := make([]time.Duration, b.N)
		b.ReportAllocs()
		b.ResetTimer()
		for caller := range int64(100) {
			group.Go(func() {
				for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
					start := time.Now()
					err := db.Write(ctx, []int64{caller, caller + benchPeople/2}, func(tx *store.Tx) error { return sendBench(tx, caller) })
					if err != nil {
						b.Error(err)
						return
					}
					waits[i-1] = time.Since(start)
				}
			})
		}
		group.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		slices.Sort(waits)
		b.ReportMetric(float64(waits[b.N*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(waits[b.N-1].Microseconds())/1000, "max-ms")
	}
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { run(b, storetest.Postgres(b)) })
}

// BenchmarkRead reads one row by its key.
func BenchmarkRead(b *testing.B) {
	run := func(b *testing.B, target storetest.Target) {
		db := openBench(b, target)
		b.ReportAllocs()
		b.RunParallel(func(loop *testing.PB) {
			for loop.Next() {
				var body []byte
				err := db.Read(context.Background(), func(tx *store.Tx) error {
					return tx.Row("SELECT body FROM bench_messages WHERE owner = $1 AND id > $2 ORDER BY id LIMIT 1", 3, 3).Scan(&body)
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { run(b, storetest.Postgres(b)) })
}
