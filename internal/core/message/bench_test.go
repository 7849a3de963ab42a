package message_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

const pairs = 100

var benchText = strings.Repeat("Lorem ipsum ", 25)

// onBoth runs a benchmark on both databases, on the disk of the temporary folder.
func onBoth(b *testing.B, run func(b *testing.B, db *store.DB)) {
	b.Run("sqlite", func(b *testing.B) { run(b, openBench(b, storetest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) { run(b, openBench(b, storetest.Postgres(b))) })
}

func openBench(b *testing.B, target storetest.Target) *store.DB {
	b.Helper()
	db := target.Open(b, store.Options{})
	err := db.Write(b.Context(), nil, func(tx *store.Tx) error {
		for id := range int64(2 * pairs) {
			if err := tx.CreateAccount(store.Account{ID: id + 1, Phone: fmt.Sprint(id)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkSend sends texts of 300 bytes: a hundred people at once to a hundred others, each of whom
// sends the next when the last is stored and synced. BenchmarkStatements is its yardstick.
func BenchmarkSend(b *testing.B) { onBoth(b, benchSend) }

func benchSend(b *testing.B, db *store.DB) {
	s := &message.Service{DB: db, Bus: bus.New(func([]event.Event) {}), Now: time.Now}
	ctx := context.Background()
	waits := make([]time.Duration, b.N)
	var next atomic.Int64
	var group sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for from := int64(1); from <= pairs; from++ {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				start := time.Now()
				d := message.Draft{From: from, To: peer.User(from + pairs), Random: i, Text: benchText}
				if _, err := s.Send(ctx, d); err != nil {
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
}

// BenchmarkStatements runs the four statements of a message and nothing else, one after the other
// from one goroutine, in commits of 16.
func BenchmarkStatements(b *testing.B) { onBoth(b, benchStatements) }

func benchStatements(b *testing.B, db *store.DB) {
	now := time.Now().Unix()
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += 16 {
		err := db.Write(context.Background(), nil, func(tx *store.Tx) error {
			for i := done; i < min(done+16, b.N); i++ {
				from := int64(i%pairs) + 1
				if err := statements(tx, from, from+pairs, int64(i)+1, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func statements(tx *store.Tx, from, to, random, now int64) error {
	if _, err := tx.Delivery(from, to, random); err != nil {
		return err
	}
	a, z, err := tx.AdvancePtsOfTwo(from, to)
	if err != nil {
		return err
	}
	out := store.Message{Account: from, ID: a, Peer: to, Twin: z, Sender: from, Date: now, Flags: store.MessageOut, Body: benchText, Random: random}
	in := store.Message{Account: to, ID: z, Peer: from, Twin: a, Sender: from, Date: now, Body: benchText}
	if err := tx.AddTwins(&out, &in); err != nil {
		return err
	}
	return tx.GrowTwins(from, a, to, z)
}
