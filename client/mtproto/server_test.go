package mtproto

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// testKey is the permanent key of most tests.
var testKey = func() AuthKey {
	var v [rawconn.KeySize]byte
	for i := range v {
		v[i] = byte(i*7 + 1)
	}
	return rawconn.NewKey(v)
}()

// script is a server that does what the test says: the other end of a plain
// intermediate connection over a pipe.
type script struct {
	t       *testing.T
	dialed  chan net.Conn
	conn    net.Conn
	key     AuthKey
	session int64
	numbers rawconn.Numbers
	scratch []byte
}

// got is one message of the client, out of its container and its wrappers.
type got struct {
	outer rawconn.Message
	id    int64
	seq   int32
	body  []byte
	inits bool  // it came in initConnection
	after int64 // from invokeAfterMsg
}

func newScript(t *testing.T) *script {
	return &script{t: t, dialed: make(chan net.Conn, 16), key: testKey}
}

func (s *script) dial(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	s.dialed <- server
	return client, nil
}

// start dials a Conn with the key that the script knows and accepts it.
func start(t *testing.T, o Options) (*Conn, *script) {
	t.Helper()
	s := newScript(t)
	o.Dial, o.Key, o.Transport = s.dial, testKey, rawconn.Transport{Plain: true}
	c, err := Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s.accept()
	return c, s
}

// accept waits for the client to connect (again).
func (s *script) accept() { s.conn = <-s.dialed }

func (s *script) frame() []byte {
	s.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		s.t.Fatal(err)
	}
	if head == [4]byte{0xee, 0xee, 0xee, 0xee} {
		if _, err := io.ReadFull(s.conn, head[:]); err != nil {
			s.t.Fatal(err)
		}
	}
	b := make([]byte, binary.LittleEndian.Uint32(head[:]))
	if _, err := io.ReadFull(s.conn, b); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// read returns the client's next messages.
func (s *script) read() []got {
	s.t.Helper()
	m, _, err := rawconn.Open(nil, &s.key, rawconn.Client, s.frame())
	if err != nil {
		s.t.Fatal(err)
	}
	s.session = m.SessionID
	if m.ID&3 != 0 {
		s.t.Fatalf("msg_id %d of a client", m.ID)
	}
	le := binary.LittleEndian
	if le.Uint32(m.Body) != mt.MsgContainerTypeID {
		return []got{s.unwrap(got{outer: m, id: m.ID, seq: m.Seq, body: m.Body})}
	}
	var all []got
	for b := m.Body[8:]; len(b) > 0; {
		n := le.Uint32(b[12:])
		g := got{outer: m, id: int64(le.Uint64(b)), seq: int32(le.Uint32(b[8:])), body: b[16 : 16+n]}
		if g.id >= m.ID {
			s.t.Fatal("a message's id is not below its container's")
		}
		all, b = append(all, s.unwrap(g)), b[16+n:]
	}
	if len(all) != int(le.Uint32(m.Body[4:])) {
		s.t.Fatal("count of a container")
	}
	return all
}

func (s *script) unwrap(g got) got {
	b := bin.Buffer{Buf: g.body}
	if id, _ := b.PeekID(); id == tg.InvokeWithLayerRequestTypeID {
		var w tg.InvokeWithLayerRequest
		w.Query = &tg.InitConnectionRequest{Query: nothing{}}
		if err := w.Decode(&b); err != nil {
			s.t.Fatal(err)
		}
		g.inits = true
	}
	if id, _ := b.PeekID(); id == tg.InvokeAfterMsgRequestTypeID {
		_, _ = b.ID()
		g.after, _ = b.Long()
	}
	g.body = b.Buf
	return g
}

// query returns the one query that comes next; acknowledgements may come along.
func (s *script) query() got {
	s.t.Helper()
	all := s.queries()
	if len(all) != 1 {
		s.t.Fatalf("%d queries, want one", len(all))
	}
	return all[0]
}

// queries returns the next packet's messages but for acknowledgements.
func (s *script) queries() []got {
	s.t.Helper()
	for {
		var qs []got
		for _, g := range s.read() {
			if binary.LittleEndian.Uint32(g.body) != mt.MsgsAckTypeID {
				qs = append(qs, g)
			}
		}
		if len(qs) > 0 {
			return qs
		}
	}
}

func (s *script) writeFrame(b []byte) {
	s.t.Helper()
	if _, err := s.conn.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
		s.t.Fatal(err)
	}
}

// nextID returns a server's msg_id: kind 1 for answers, 3 for the rest.
func (s *script) nextID(kind int64) int64 { return s.numbers.ID(time.Now()) + kind }

func (s *script) seal(id int64, seq int32, body []byte) []byte {
	s.t.Helper()
	m := rawconn.Message{Salt: 1, SessionID: s.session, ID: id, Seq: seq, Body: body}
	b, err := rawconn.Seal(nil, &s.key, rawconn.Server, m, zeros{})
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *script) send(id int64, seq int32, body []byte) {
	s.t.Helper()
	s.writeFrame(s.seal(id, seq, body))
}

// push sends an object that asks for an acknowledgement and returns its msg_id.
func (s *script) push(v bin.Encoder) int64 {
	s.t.Helper()
	id := s.nextID(3)
	s.send(id, 1, encode(s.t, v))
	return id
}

func (s *script) answer(id int64, v bin.Encoder) { s.push(&result{id, encode(s.t, v)}) }

// refuse sends bad_msg_notification.
func (s *script) refuse(id int64, code int) {
	s.send(s.nextID(1), 0, encode(s.t, &mt.BadMsgNotification{BadMsgID: id, ErrorCode: code}))
}

type result struct {
	id     int64
	object []byte
}

func (r *result) Encode(b *bin.Buffer) error {
	b.PutID(mt.RPCResultTypeID)
	b.PutLong(r.id)
	b.Put(r.object)
	return nil
}

type container []inner

func (c container) Encode(b *bin.Buffer) error {
	b.PutID(mt.MsgContainerTypeID)
	b.PutInt(len(c))
	for _, in := range c {
		b.PutLong(in.id)
		b.PutInt32(in.seq)
		b.PutInt(len(in.body))
		b.Put(in.body)
	}
	return nil
}

func encode(t *testing.T, v bin.Encoder) []byte {
	t.Helper()
	b, err := encodeAll(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// ask begins a query that carries a number to tell it from others by (a ping, asked
// as a query is)
// and returns where its error will come.
func ask(c tg.Invoker, n int64) chan error {
	done := make(chan error, 1)
	go func() {
		var pong tg.BoolBox
		done <- c.Invoke(context.Background(), &mt.PingRequest{PingID: n}, &pong)
	}()
	synctest.Wait()
	return done
}

func number(t *testing.T, g got) int64 {
	t.Helper()
	var q mt.PingRequest
	if err := decodeAll(g.body, &q); err != nil {
		t.Fatal(err)
	}
	return q.PingID
}
