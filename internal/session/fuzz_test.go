package session

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/wire"
)

// sink is a socket that takes everything and says nothing after its greeting.
type sink struct {
	net.Conn // nil
	greeting []byte
	once     sync.Once
	closed   chan struct{}
}

func newSink() *sink {
	return &sink{greeting: []byte{0xee, 0xee, 0xee, 0xee}, closed: make(chan struct{})}
}

func (s *sink) Read(p []byte) (int, error) {
	if len(s.greeting) == 0 {
		<-s.closed
		return 0, net.ErrClosed
	}
	n := copy(p, s.greeting)
	s.greeting = s.greeting[n:]
	return n, nil
}

func (s *sink) Write(p []byte) (int, error)      { return len(p), nil }
func (s *sink) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *sink) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *sink) SetDeadline(time.Time) error      { return nil }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// oneConn accepts one connection.
type oneConn chan net.Conn

func (l oneConn) Accept() (net.Conn, error) {
	nc, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}
func (l oneConn) Close() error   { return nil }
func (l oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// offline returns a session with a connection whose bytes go nowhere, and no goroutine that reads.
func offline(tb testing.TB, h *Hub) (*connection, *Session) {
	tb.Helper()
	conns := make(chan *wire.Conn)
	l := make(oneConn, 1)
	l <- newSink()
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(func() { cancel(); close(l) })
	srv := &wire.Server{Handler: func(_ context.Context, w *wire.Conn) { conns <- w; <-ctx.Done() }}
	go func() { _ = srv.Serve(ctx, l) }()
	c := &connection{hub: h, wire: <-conns}
	if !h.join(c) {
		tb.Fatal("the hub is closed")
	}
	var value [256]byte
	c.key = &authKey{key: cipher.NewKey(value)}
	d := &device{key: c.key.key.ID()}
	d.account.Store(1)
	c.key.device.Store(d)
	s := h.session(c.key, 1)
	c.session = s
	s.mu.Lock()
	s.attachLocked(c)
	s.mu.Unlock()
	return c, s
}

// fuzzHub has methods that take what a client sends and answer little.
func fuzzHub(tb testing.TB, now func() time.Time) *Hub {
	tb.Helper()
	discard := slog.New(slog.DiscardHandler)
	table, err := rpc.NewTable([]*rpc.Method{
		rpc.Handle(func(context.Context, *rpc.Caller, *tg.MessagesSendMessageRequest) (bin.Encoder, error) {
			return text("sent"), nil
		}, rpc.As(rpc.Send)),
		rpc.Handle(func(context.Context, *rpc.Caller, *tg.HelpGetConfigRequest) (bin.Encoder, error) {
			return text("config"), nil
		}),
	}, nil, nil, discard)
	if err != nil {
		tb.Fatal(err)
	}
	h := NewHub(Config{Keys: &memKeys{keys: map[int64]Key{}}, Methods: table, Now: now, Log: discard})
	h.workers = newWorkers(0) // none stays when the test is over
	return h
}

// FuzzSession gives a session any authentic messages, in pieces and twice: it never panics, keeps
// within its bounds, and lives on.
func FuzzSession(f *testing.F) {
	base := time.Unix(1<<30, 0)
	id := rawconn.MessageID(base)&^3 - 1<<32
	for _, e := range []bin.Encoder{
		&mt.MsgsAck{MsgIDs: []int64{1, 2}}, &mt.PingRequest{PingID: 1}, &mt.PingDelayDisconnectRequest{DisconnectDelay: 1},
		&mt.MsgsStateReq{MsgIDs: []int64{id}}, &mt.MsgResendReq{MsgIDs: []int64{id}}, &mt.RPCDropAnswerRequest{ReqMsgID: id},
		&mt.GetFutureSaltsRequest{Num: 4}, &mt.DestroySessionRequest{SessionID: 2}, &mt.HTTPWaitRequest{},
		&tg.HelpGetConfigRequest{}, boxed(sending("x")), boxed(after(id, sending("x"))), boxed(gzipped(sending("x"))),
		boxed(afterAll([]int64{id, id + 4}, sending("x"))), boxed(initialised("m", &tg.HelpGetConfigRequest{})),
		boxed(container(part{id, 1, sending("x")}, part{id + 4, 3, after(id, sending("y"))}, part{id + 8, 2, encode(&mt.PingRequest{})})),
	} {
		f.Add(encode(e), int32(1), uint16(0))
	}
	now := base
	f.Fuzz(func(t *testing.T, data []byte, seq int32, gap uint16) {
		h := fuzzHub(t, func() time.Time { return now })
		c, s := offline(t, h)
		salt := c.key.saltsAt(h.salts, now).current
		for i, body := range [][]byte{data, data[:len(data)/2&^3], data} {
			m := cipher.Message{Salt: salt, SessionID: 1, ID: rawconn.MessageID(now)&^3 + int64(gap)*4*int64(i), Seq: seq + int32(2*i), Body: body}
			if !h.enter() {
				t.Fatal("the hub stopped")
			}
			in := batch{conn: c, session: s}
			if s.receive(&in, m) == nil && in.asked {
				s.goOn()
			}
			h.running.Done()
		}
		h.running.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		stored := 0
		for _, a := range s.answers {
			stored += len(a.body) + answerCost
		}
		if stored != s.stored || stored > maxAnswerBytes || len(s.answers) > maxAnswers {
			t.Errorf("%d answers of %d bytes, %d counted", len(s.answers), stored, s.stored)
		}
		if len(s.queries) != 0 || s.pending != 0 || s.running != 0 || s.busy {
			t.Errorf("%d queries are left, %d bytes, %d run, %v", len(s.queries), s.pending, s.running, s.busy)
		}
		if s.out.bytes > maxOwedBytes || len(s.seen.ids) > windowSize || len(s.failed) > windowSize {
			t.Errorf("%d bytes wait, %d ids", s.out.bytes, len(s.seen.ids))
		}
	})
}

// FuzzUnwrap takes the wrappers off any query.
func FuzzUnwrap(f *testing.F) {
	f.Add(initialised("m", &tg.HelpGetConfigRequest{}))
	f.Add(after(4, afterAll([]int64{4, 8}, encode(&tg.InvokeWithoutUpdatesRequest{Query: rawQuery(gzipped(sending("x")))}))))
	f.Add(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, invokeWithTakeout), 1))
	f.Fuzz(func(t *testing.T, body []byte) {
		h := fuzzHub(t, time.Now)
		s := &Session{hub: h, key: &authKey{}}
		q, in, e := &query{id: 400}, &batch{}, envelope{body: body}
		rest, fault := s.unwrapLocked(in, q, &e)
		switch {
		case fault == nil && len(rest) < 4:
			t.Errorf("nothing is left of %x, without a fault", body)
		case len(q.after) > maxWrappers*maxAfter:
			t.Errorf("%d dependencies", len(q.after))
		case in.unpacked > maxUnpacked || !e.unpacked && len(rest) > len(body):
			t.Errorf("%d bytes of %d", len(rest), len(body))
		}
		if s.app != nil && len(s.app.DeviceModel) > 64 {
			t.Errorf("a model of %d bytes", len(s.app.DeviceModel))
		}
	})
}
