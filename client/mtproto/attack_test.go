package mtproto

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// victim is a Conn that counts updates, with a script that knows its session and
// has answered a query, so the layer is settled.
func victim(t *testing.T) (c *Conn, s *script, updates func() int) {
	t.Helper()
	n := 0
	c, s = start(t, Options{Ping: -1, OnUpdate: func([]byte) { n++ }})
	done := ask(c, 1)
	s.answer(s.query().id, yes)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return c, s, func() int { synctest.Wait(); return n }
}

// cut reports whether the client has hung up.
func (s *script) cut() bool {
	synctest.Wait()
	if err := s.conn.SetReadDeadline(time.Now()); err != nil {
		return true
	}
	_, err := s.conn.Read(make([]byte, 1))
	_ = s.conn.SetReadDeadline(time.Time{})
	return err == io.EOF
}

func TestA1Replay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, updates := victim(t)
		packet := s.seal(s.nextID(3), 1, encode(t, &tg.UpdatesTooLong{}))
		inner := container{{s.nextID(3), 3, encode(t, &tg.UpdatesTooLong{})}, {s.nextID(3), 5, encode(t, &tg.UpdatesTooLong{})}}
		several := s.seal(s.nextID(3), 6, encode(t, inner))
		for range 3 {
			s.writeFrame(packet)
			s.writeFrame(several)
		}
		if n := updates(); n != 3 {
			t.Errorf("%d updates of 3 messages on one connection", n)
		}
		_ = s.conn.Close()
		s.accept()
		s.writeFrame(packet)
		s.writeFrame(several)
		s.push(container{{inner[0].id, 3, inner[0].body}}) // the server itself repeats one
		if n := updates(); n != 3 {
			t.Errorf("%d updates of 3 messages on two connections", n)
		}
		go func() { _, _ = io.Copy(io.Discard, s.conn) }() // acknowledgements
		time.Sleep(maxAge + time.Second)
		s.writeFrame(s.seal(rawconn.MessageID(time.Now().Add(-maxAge-time.Second))|3, 7, encode(t, &tg.UpdatesTooLong{})))
		s.writeFrame(s.seal(rawconn.MessageID(time.Now().Add(maxAhead+2*time.Second))|3, 7, encode(t, &tg.UpdatesTooLong{})))
		if n := updates(); n != 3 {
			t.Errorf("%d updates: a message from outside the bounds of time was taken", n)
		}
		c.mu.Lock()
		c.session++ // as a new process would
		c.mu.Unlock()
		s.send(s.nextID(3), 9, encode(t, &tg.UpdatesTooLong{}))
		if n := updates(); n != 3 {
			t.Errorf("%d updates: a message of another session was taken", n)
		}
	})
}

func TestA2ReorderAndDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []byte
		c, s := start(t, Options{Ping: -1, OnUpdate: func(b []byte) { order = append(order, b[4]) }})
		s.session = c.session
		first := s.seal(s.nextID(3), 1, []byte{1, 2, 3, 4, 'a', 0, 0, 0})
		second := s.seal(s.nextID(3), 3, []byte{1, 2, 3, 4, 'b', 0, 0, 0})
		s.writeFrame(second)
		s.writeFrame(first) // late, not lost
		s.writeFrame(second)
		if synctest.Wait(); string(order) != "ba" {
			t.Errorf("updates %q", order)
		}
	})
}

func TestA3Reflection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, updates := victim(t)
		done := ask(c, 2)
		frame := s.frame()
		s.writeFrame(frame)
		if !s.cut() {
			t.Error("the client goes on after its own packet")
		}
		s.accept()
		s.answer(s.query().id, yes)
		if err := <-done; err != nil {
			t.Error(err)
		}
		// A body of the client in an envelope of the server: the parity tells.
		s.send(s.nextID(1)-1, 1, encode(t, &tg.UpdatesTooLong{}))
		s.send(s.nextID(1)+1, 1, encode(t, &tg.UpdatesTooLong{}))
		s.push(container{{s.nextID(1) - 1, 1, encode(t, &tg.UpdatesTooLong{})}})
		if n := updates(); n != 0 {
			t.Errorf("%d updates under msg_ids of a client", n)
		}
	})
}

// TestA7PaddingAndSubstitution sends packets with the right key and the wrong shape.
func TestA7PaddingAndSubstitution(t *testing.T) {
	plain := func(s *script, length int32, padding int) []byte {
		body := encode(s.t, &tg.UpdatesTooLong{})
		var p []byte
		le := binary.LittleEndian
		p = le.AppendUint64(p, 1)
		p = le.AppendUint64(p, uint64(s.session))
		p = le.AppendUint64(p, uint64(s.nextID(3)))
		p = le.AppendUint32(p, 1)
		p = le.AppendUint32(p, uint32(length))
		return rawconn.SealPlaintext(nil, &s.key, rawconn.Server, append(append(p, body...), make([]byte, padding)...))
	}
	for name, forge := range map[string]func(*script) []byte{
		"no room for padding": func(s *script) []byte { return plain(s, 20, 12) },
		"padding of 1036":     func(s *script) []byte { return plain(s, 4, 1036+16) },
		"negative length":     func(s *script) []byte { return plain(s, -4, 12) },
		"length beyond end":   func(s *script) []byte { return plain(s, 1<<30, 12) },
		"unaligned length":    func(s *script) []byte { return plain(s, 3, 12) },
		"msg_key changed":     func(s *script) []byte { p := plain(s, 4, 12); p[8] ^= 1; return p },
		"last block changed":  func(s *script) []byte { p := plain(s, 4, 12); p[len(p)-1] ^= 1; return p },
		"another key":         func(s *script) []byte { p := plain(s, 4, 12); p[0] ^= 1; return p },
		"too short":           func(s *script) []byte { return plain(s, 4, 12)[:40] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, updates := victim(t)
				s.writeFrame(forge(s))
				if n := updates(); n != 0 || !s.cut() {
					t.Errorf("%d updates, connection cut: %v", n, s.cut())
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, s, updates := victim(t)
		s.writeFrame(plain(s, 4, 12)) // the same, well-formed
		if updates() != 1 {
			t.Error("a good packet was not taken")
		}
		// Packets without a key have no place in a session (M12).
		s.writeFrame(append(make([]byte, 16), 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8))
		s.writeFrame(plain(s, 4, 12))
		if updates() != 2 {
			t.Error("an unencrypted packet broke the session")
		}
	})
}

// TestA11Bombs sends objects that are larger inside than outside.
func TestA11Bombs(t *testing.T) {
	big := make([]byte, maxUnpacked+4)
	update := encode(t, &tg.UpdatesTooLong{})
	for name, body := range map[string][]byte{
		"gzip of 10 MiB and a word": gzipped(t, big),
		"gzip in gzip":              gzipped(t, gzipped(t, update)),
		"container in gzip":         gzipped(t, encode(t, container{{1, 1, update}})),
		"container in container":    encode(t, container{{1, 1, encode(t, container{{1, 1, update}})}}),
		"container of 1025":         encode(t, make(container, 1025)),
		"count without messages":    {0xdc, 0xf8, 0xf1, 0x73, 0, 4, 0, 0},
		"negative count":            {0xdc, 0xf8, 0xf1, 0x73, 0xff, 0xff, 0xff, 0xff},
		"message beyond end":        append(encode(t, container{{1, 1, update}})[:20], 8, 0, 0, 0, 1, 2, 3, 4),
		"bytes after the container": append(encode(t, container{{1, 1, update}}), 1, 2, 3, 4),
		"inner id above outer":      encode(t, container{{1<<62 + 1, 1, update}}),
		"vector of 2^31-1":          {0x52, 0xfb, 0x69, 0xda, 0x15, 0xc4, 0xb5, 0x1c, 0xff, 0xff, 0xff, 0x7f},
		"8193 ids":                  encode(t, &mt.MsgsStateReq{MsgIDs: make([]int64, maxIDs+1)}),
		"empty":                     {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, updates := victim(t)
				s.send(s.nextID(3), 0, body)
				if n := updates(); n != 0 {
					t.Errorf("%d updates", n)
				}
				done := ask(c, 2) // the session lives on
				s.answer(s.query().id, yes)
				if err := <-done; err != nil {
					t.Error(err)
				}
				done = ask(c, 3) // so it does when the answer is a bomb
				s.answer(s.query().id, rawObject(body))
				if err := <-done; err == nil {
					t.Error("a bomb was taken as an answer")
				}
			})
		})
	}
}

// TestA13ForgedSaltAndTime sends notices about messages that were never sent.
func TestA13ForgedSaltAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, _ := victim(t)
		done := ask(c, 2)
		q := s.query()
		before := q.outer.Salt
		at := rawconn.MessageID(time.Now().Add(time.Hour)) | 1
		for _, id := range []int64{0, 4, q.id + 400, q.id - 4, s.nextID(1)} {
			s.push(&mt.BadServerSalt{BadMsgID: id, ErrorCode: 48, NewServerSalt: 666})
			for _, code := range []int{badIDLow, badIDHigh, 32, 64} {
				s.refuse(id, code)
			}
			s.send(at, 0, encode(t, &mt.BadMsgNotification{BadMsgID: id, ErrorCode: badIDLow}))
			s.send(at+4, 0, encode(t, &mt.BadMsgNotification{BadMsgID: id, ErrorCode: badIDHigh}))
			at += 8
		}
		if s.cut() {
			t.Fatal("the client obeyed")
		}
		third := ask(c, 3)
		q3 := s.query()
		if d := time.Since(rawconn.MessageTime(q3.id)); q3.outer.Salt != before || d > time.Second || d < -time.Second {
			t.Errorf("salt %d, clock off by %v: the client obeyed", q3.outer.Salt, d)
		}
		// A true notice moves the clock once, not when it is played back.
		s.refuse(q3.id, badIDLow)
		again := s.query()
		s.answer(q.id, yes)
		s.answer(again.id, yes)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := <-third; err != nil {
			t.Error(err)
		}
	})
}

// rawObject is an object that is encoded already.
type rawObject []byte

func (o rawObject) Encode(b *bin.Buffer) error { b.Put(o); return nil }

func TestLogsHoldNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, s := start(t, Options{Ping: -1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		done := ask(c, 0x0123456789abcdef)
		id := s.query().id
		s.push(&mt.BadServerSalt{BadMsgID: 4, NewServerSalt: 1})
		_ = s.conn.Close()
		s.accept()
		s.query()
		s.answer(id, yes)
		<-done
		if synctest.Wait(); log.Len() == 0 || bytes.Contains(log.Bytes(), []byte("cdab8967")) {
			t.Errorf("logged %q", log.String())
		}
	})
}
