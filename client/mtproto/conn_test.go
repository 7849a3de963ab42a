package mtproto

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

var yes = &tg.BoolTrue{}

func TestInvokeErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		done := ask(c, 1)
		s.answer(s.query().id, &mt.RPCError{ErrorCode: 420, ErrorMessage: "FLOOD_WAIT_7"})
		if err := <-done; !tgerr.Is(err, "FLOOD_WAIT") {
			t.Errorf("error %v, want FLOOD_WAIT", err)
		}
		done = ask(c, 2)
		s.send(s.nextID(1), 1, append(encode(t, &result{s.query().id, encode(t, yes)}), 0, 0, 0, 0))
		if err := <-done; !errors.Is(err, errTrailing) {
			t.Errorf("error %v, want trailing bytes", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _, _ = io.Copy(io.Discard, s.conn) }()
		if err := c.Invoke(ctx, &mt.PingRequest{}, &tg.BoolBox{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want deadline", err)
		}
		done = ask(c, 3)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want closed", err)
		}
		if err := <-ask(c, 4); !errors.Is(err, ErrClosed) || !errors.Is(c.Err(), ErrClosed) {
			t.Errorf("error %v, want closed", err)
		}
	})
}

func TestTransportErrorsEnd(t *testing.T) {
	for code, want := range map[int32]error{-404: ErrKeyUnknown, -444: nil} {
		synctest.Test(t, func(t *testing.T) {
			c, s := start(t, Options{Ping: -1})
			done := ask(c, 1)
			s.query()
			s.writeFrame(binary.LittleEndian.AppendUint32(nil, uint32(code)))
			err := <-done
			if transportCode(err) != code || want != nil && !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
			<-c.Done()
		})
	}
}

func TestFloodSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := start(t, Options{Ping: -1})
		begin := time.Now()
		for range 12 {
			s.writeFrame(binary.LittleEndian.AppendUint32(nil, uint32(0x100000000-429)))
			s.accept()
		}
		if d := time.Since(begin); d < time.Minute {
			t.Errorf("12 connections within %v", d)
		}
	})
}

func TestInitConnectionUntilFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		one, two := ask(c, 1), (chan error)(nil)
		first := s.query()
		two = ask(c, 2)
		second := s.query()
		if !first.inits || !second.inits || first.seq != 1 || second.seq != 3 {
			t.Error("queries before the first answer must carry initConnection")
		}
		s.answer(first.id, yes)
		s.answer(second.id, yes)
		if err := errors.Join(<-one, <-two); err != nil {
			t.Fatal(err)
		}
		three := ask(c, 3)
		q := s.query()
		if q.inits || number(t, q) != 3 {
			t.Error("later queries must not carry initConnection")
		}
		s.answer(q.id, &mt.RPCError{ErrorCode: 400, ErrorMessage: "CONNECTION_NOT_INITED"})
		again := s.query()
		if !again.inits || again.id == q.id {
			t.Error("the query was not repeated with initConnection")
		}
		s.answer(again.id, yes)
		if err := <-three; err != nil {
			t.Error(err)
		}
	})
}

// TestQueueTravelsTogether has queries that were begun while another was being
// written travel in one container.
func TestQueueTravelsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		var done []chan error
		for n := range int64(4) {
			done = append(done, ask(c, n)) // the first one blocks the pipe
		}
		first, rest := s.query(), s.queries()
		if len(rest) != 3 || number(t, rest[0]) != 1 || number(t, rest[2]) != 3 {
			t.Fatalf("%d queries in the container", len(rest))
		}
		for _, g := range append(rest, first) {
			s.answer(g.id, yes)
		}
		for _, d := range done {
			if err := <-d; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAnswersInContainerAndGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var updates [][]byte
		c, s := start(t, Options{Ping: -1, OnUpdate: func(b []byte) { updates = append(updates, bytes.Clone(b)) }})
		one, two := ask(c, 1), ask(c, 2)
		a, b := s.query(), s.query()
		update := encode(t, &tg.UpdatesTooLong{})
		inner := container{
			{s.nextID(1), 1, encode(t, &result{a.id, gzipped(t, encode(t, yes))})},
			{s.nextID(1), 3, gzipped(t, encode(t, &result{b.id, encode(t, yes)}))},
			{s.nextID(3), 5, update},
		}
		s.push(inner)
		if err := errors.Join(<-one, <-two); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(updates) != 1 || !bytes.Equal(updates[0], update) {
			t.Errorf("updates %x", updates)
		}
	})
}

// TestReconnectRepeats cuts the connection with queries under way: they come again
// under the same numbers, in order, in the same session.
func TestReconnectRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		zero := ask(c, 0)
		s.answer(s.query().id, yes)
		if err := <-zero; err != nil {
			t.Fatal(err)
		}
		one := ask(c, 1)
		first := s.query()
		two := ask(c, 2)
		second := s.query()
		session := s.session
		_ = s.conn.Close()
		three := ask(c, 3)
		s.accept()
		again := s.queries()
		if len(again) != 3 || again[0].id != first.id || again[1].id != second.id || s.session != session {
			t.Fatalf("%+v came after the cut", again)
		}
		if again[0].seq != first.seq || again[1].seq != second.seq || !again[0].inits || !again[2].inits {
			t.Error("numbers changed, or the layer is missing")
		}
		for _, g := range again {
			s.answer(g.id, yes)
		}
		if err := errors.Join(<-one, <-two, <-three); err != nil {
			t.Error(err)
		}
	})
}

func TestBadSaltRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		one, two, three := ask(c, 1), ask(c, 2), ask(c, 3)
		q, both := s.query(), s.queries()
		s.push(&mt.BadServerSalt{BadMsgID: q.id, ErrorCode: 48, NewServerSalt: 77})
		again := s.queries() // with a request for salts
		if again[0].outer.Salt != 77 || again[0].id <= q.id || len(again) != 2 {
			t.Fatalf("%+v came after the notice", again)
		}
		s.push(&mt.BadServerSalt{BadMsgID: both[0].outer.ID, ErrorCode: 48, NewServerSalt: 78})
		rest := s.queries()
		if len(rest) != 2 || number(t, rest[0]) != 2 || number(t, rest[1]) != 3 || rest[0].outer.Salt != 78 {
			t.Fatalf("%+v came after the notice about the container", rest)
		}
		for _, g := range append(rest, again[0]) {
			s.answer(g.id, yes)
		}
		if err := errors.Join(<-one, <-two, <-three); err != nil {
			t.Error(err)
		}
	})
}

func TestFutureSalts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		one := ask(c, 1)
		s.push(&mt.BadServerSalt{BadMsgID: s.query().id, ErrorCode: 48, NewServerSalt: 77})
		again := s.queries()
		now := int(time.Now().Unix())
		forged := &mt.FutureSalts{ReqMsgID: again[1].id + 4, Now: now, Salts: []mt.FutureSalt{{ValidSince: now, ValidUntil: now + 9, Salt: 66}}}
		s.push(forged)
		s.push(&mt.FutureSalts{ReqMsgID: again[1].id, Now: now, Salts: make([]mt.FutureSalt, 65)})
		s.push(&mt.FutureSalts{ReqMsgID: again[1].id, Now: now, Salts: []mt.FutureSalt{
			{ValidSince: now + 1800, ValidUntil: now + 3600, Salt: 79}, {ValidSince: now, ValidUntil: now + 1800, Salt: 78},
		}})
		s.answer(again[0].id, yes)
		if err := <-one; err != nil {
			t.Fatal(err)
		}
		for _, want := range []int64{78, 79} {
			done := ask(c, 2)
			q := s.query()
			if q.outer.Salt != want {
				t.Errorf("salt %d, want %d", q.outer.Salt, want)
			}
			s.answer(q.id, yes)
			<-done
			go func() { _, _ = s.conn.Read(make([]byte, 1<<16)) }() // the acknowledgement that goes out meanwhile
			time.Sleep(2000 * time.Second)
		}
	})
}

// gzipped is the object packed.
func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return encode(t, &mt.GzipPacked{PackedData: z.Bytes()})
}

// TestClockIsMended has the server refuse numbers for their time.
func TestClockIsMended(t *testing.T) {
	for name, off := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := start(t, Options{Ping: -1, Now: func() time.Time { return time.Now().Add(off) }})
				c.mu.Lock()
				c.clock.set(c.o.Now()) // as if from an earlier answer
				c.mu.Unlock()
				done := ask(c, 1)
				q, session := s.query(), s.session
				if off < 0 {
					s.refuse(q.id, badIDLow)
				} else {
					s.refuse(q.id, badIDHigh)
					s.accept()
				}
				again := s.query()
				if d := time.Since(rawconn.MessageTime(again.id)); d < -time.Second || d > time.Second {
					t.Errorf("the clock is off by %v", d)
				}
				if (session != s.session) != (off > 0) {
					t.Error("a new session is for numbers that went too high")
				}
				s.answer(again.id, yes)
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestClockStandsStill has the local clock lose a minute, as in a computer that
// slept: the session finds out by a ping, and nothing is lost.
func TestClockStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept time.Duration
		updates := 0
		c, s := start(t, Options{
			Ping: -1, Now: func() time.Time { return time.Now().Add(-slept) }, OnUpdate: func([]byte) { updates++ },
		})
		done := ask(c, 1)
		s.answer(s.query().id, yes)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		slept = time.Minute
		late := s.push(&tg.UpdatesTooLong{})
		q := s.query()
		var ping mt.PingRequest
		if err := decodeAll(q.body, &ping); err != nil {
			t.Fatal(err)
		}
		s.push(&mt.Pong{MsgID: q.id, PingID: ping.PingID + 1}) // not an answer
		s.push(&mt.Pong{MsgID: q.id, PingID: ping.PingID})
		s.accept()
		s.send(late, 1, encode(t, &tg.UpdatesTooLong{})) // again, as it was not acknowledged
		if synctest.Wait(); updates != 1 {
			t.Errorf("%d updates", updates)
		}
	})
}

func TestRefusedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		done := ask(c, 1)
		for range maxRefused + 1 {
			s.refuse(s.query().id, badIDTooOld)
		}
		var bad *BadMsgError
		if err := <-done; !errors.As(err, &bad) || bad.Code != badIDTooOld {
			t.Errorf("error %v, want bad_msg 20", err)
		}
	})
}

func TestNewSessionRepeatsWhatIsOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := 0
		c, s := start(t, Options{Ping: -1, OnNewSession: func() { sessions++ }})
		one := ask(c, 1)
		first := s.query()
		two := ask(c, 2)
		second := s.query()
		created := &mt.NewSessionCreated{FirstMsgID: second.id, UniqueID: 5, ServerSalt: 99}
		s.push(created)
		again := s.query()
		if number(t, again) != 1 || again.id <= second.id || again.outer.Salt != 99 {
			t.Errorf("%+v came after the notice", again)
		}
		created.FirstMsgID = again.id + 4
		s.push(created) // the same session once more
		s.answer(again.id, yes)
		s.answer(second.id, yes)
		s.answer(first.id, yes) // nobody waits for it
		if err := errors.Join(<-one, <-two); err != nil || sessions != 1 {
			t.Errorf("%v, %d sessions", err, sessions)
		}
	})
}

// TestChain sends queries that depend on each other, of which the server refuses one.
func TestChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		h := c.Chain()
		one, two, three := ask(h, 1), ask(h, 2), ask(h, 3)
		a, rest := s.query(), s.queries()
		if a.after != 0 || rest[0].after != a.id || rest[1].after != rest[0].id {
			t.Fatal("the queries do not name their predecessors")
		}
		s.refuse(a.id, badIDLow)
		a2 := s.query()
		s.answer(rest[0].id, &mt.RPCError{ErrorCode: 400, ErrorMessage: "MSG_WAIT_FAILED"})
		b2 := s.query()
		if b2.after != a2.id || number(t, b2) != 2 {
			t.Error("the second query does not follow the first one's new number")
		}
		s.answer(a2.id, yes)
		s.answer(b2.id, yes)
		s.answer(rest[1].id, yes)
		if err := errors.Join(<-one, <-two, <-three); err != nil {
			t.Error(err)
		}
		done := ask(h, 4)
		q := s.query()
		if q.after != 0 {
			t.Error("a query waits for one that has ended")
		}
		s.answer(q.id, yes)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		s.session = c.session
		begin := time.Now()
		want := []int64{s.push(&tg.UpdatesTooLong{}), s.push(&tg.UpdatesTooLong{})}
		s.send(s.nextID(3), 0, encode(t, &mt.Pong{})) // asks for none
		got := s.read()
		var ack mt.MsgsAck
		if err := decodeAll(got[0].body, &ack); err != nil || !slices.Equal(ack.MsgIDs, want) || got[0].seq&1 != 0 {
			t.Errorf("acknowledged %v, %v, want %v", ack.MsgIDs, err, want)
		}
		if d := time.Since(begin); d != ackDelay {
			t.Errorf("acknowledged after %v", d)
		}
		begin = time.Now()
		for range maxAcks {
			s.push(&tg.UpdatesTooLong{})
		}
		if err := decodeAll(s.read()[0].body, &ack); err != nil || len(ack.MsgIDs) != maxAcks || time.Since(begin) != 0 {
			t.Errorf("%d acknowledged after %v, %v", len(ack.MsgIDs), time.Since(begin), err)
		}
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := start(t, Options{})
		begin := time.Now()
		var ping mt.PingDelayDisconnectRequest
		q := s.query()
		if err := decodeAll(q.body, &ping); err != nil || ping.DisconnectDelay != 75 || time.Since(begin) != time.Minute {
			t.Errorf("ping %+v after %v, %v", ping, time.Since(begin), err)
		}
		s.push(&mt.Pong{MsgID: q.id, PingID: ping.PingID})
		s.query()
		session := s.session
		s.accept() // silence: the connection is made anew
		if d := time.Since(begin); d < 3*time.Minute || d > 3*time.Minute+time.Second {
			t.Errorf("connected anew after %v", d)
		}
		if s.query(); s.session != session {
			t.Error("the session changed")
		}
	})
}

func TestServiceRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := start(t, Options{Ping: -1})
		done := ask(c, 1)
		q := s.query()
		known := s.push(&mt.Pong{})
		s.push(&mt.MsgsStateReq{MsgIDs: []int64{known - 1<<40, known, known + 4, known + 1<<40}})
		var info mt.MsgsStateInfo
		// The request itself has come, with a higher id than known+4.
		if err := decodeAll(s.query().body, &info); err != nil || fmt.Sprintf("%x", info.Info) != "01040403" && fmt.Sprintf("%x", info.Info) != "01040203" {
			t.Errorf("state %x, %v", info.Info, err)
		}
		s.push(&mt.MsgDetailedInfo{MsgID: q.id, AnswerMsgID: known + 1<<20, Bytes: 9})
		var resend mt.MsgResendReq
		if err := decodeAll(s.query().body, &resend); err != nil || !slices.Equal(resend.MsgIDs, []int64{known + 1<<20}) {
			t.Errorf("asked for %v, %v", resend.MsgIDs, err)
		}
		s.push(&mt.MsgNewDetailedInfo{AnswerMsgID: known, Bytes: 9}) // has come
		s.push(&mt.MsgResendReq{MsgIDs: []int64{q.id, 4}})
		if again := s.query(); again.id != q.id {
			t.Error("the query was not sent again")
		}
		s.answer(q.id, yes)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
