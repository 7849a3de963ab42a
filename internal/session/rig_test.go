package session

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/wire"
)

// rig is a hub behind real sockets, with keys in memory and two methods that do what their text
// says: sendMessage, which is ordered, and resolveUsername, which is not.
type rig struct {
	t      testing.TB
	hub    *Hub
	server *wire.Server
	addr   string
	stop   func()
	keys   *memKeys
	ahead  atomic.Int64 // nanoseconds that the server's clock is ahead

	mu    sync.Mutex
	began []string
	gates map[string]chan struct{}
	seen  chan string // methods that began
}

// memKeys is session.Keys in memory.
type memKeys struct {
	mu     sync.Mutex
	keys   map[int64]Key
	noted  []rpc.Caller
	onLoad func()
}

func (k *memKeys) AuthKey(_ context.Context, id int64) (Key, error) {
	k.mu.Lock()
	key, ok := k.keys[id]
	onLoad := k.onLoad
	k.mu.Unlock()
	if onLoad != nil {
		onLoad()
	}
	if !ok {
		return Key{}, ErrNoKey
	}
	return key, nil
}

func (k *memKeys) DestroyKey(_ context.Context, id int64) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.keys[id]
	delete(k.keys, id)
	return ok, nil
}

func (k *memKeys) Seen(_ context.Context, c rpc.Caller) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.noted = append(k.noted, c)
	return nil
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, keys: &memKeys{keys: map[int64]Key{}}, gates: map[string]chan struct{}{}, seen: make(chan string, 4096)}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

// start runs a hub, as a new process would, on the same keys.
func (r *rig) start() {
	r.t.Helper()
	r.hub = r.newHub()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.server = &wire.Server{Handler: r.hub.ServeConn, Limits: wire.Limits{PreAuthConns: 1 << 20}}
	ctx, cancel := context.WithCancel(context.Background())
	served, kept := make(chan struct{}), make(chan struct{})
	hub := r.hub
	go func() { defer close(served); _ = r.server.Serve(ctx, l) }()
	go func() { defer close(kept); hub.Run(ctx, 5*time.Second) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-kept; <-served })
}

func (r *rig) newHub() *Hub {
	discard := slog.New(slog.DiscardHandler)
	table, err := rpc.NewTable([]*rpc.Method{
		rpc.Handle(func(ctx context.Context, _ *rpc.Caller, q *tg.MessagesSendMessageRequest) (bin.Encoder, error) {
			return r.act(ctx, q.Message)
		}, rpc.For(rpc.Anyone), rpc.As(rpc.Send)),
		rpc.Handle(func(ctx context.Context, _ *rpc.Caller, q *tg.ContactsResolveUsernameRequest) (bin.Encoder, error) {
			return r.act(ctx, q.Username)
		}, rpc.For(rpc.Anyone)),
		rpc.Handle(func(_ context.Context, c *rpc.Caller, _ *tg.HelpGetConfigRequest) (bin.Encoder, error) {
			return text(c.App.DeviceModel), nil
		}, rpc.For(rpc.Anyone)),
		rpc.Handle(func(_ context.Context, c *rpc.Caller, _ *tg.UpdatesGetStateRequest) (bin.Encoder, error) {
			return text("state"), nil
		}),
	}, nil, nil, discard)
	if err != nil {
		r.t.Fatal(err)
	}
	return NewHub(Config{Keys: r.keys, Methods: table, Now: r.now, Log: discard})
}

// text is an answer.
type text string

func (s text) Encode(b *bin.Buffer) error { b.PutString(string(s)); return nil }

// act notes a call, and waits, fails or answers much, as its text begins.
func (r *rig) act(ctx context.Context, what string) (bin.Encoder, error) {
	r.mu.Lock()
	r.began = append(r.began, what)
	gate := r.gates[what]
	if gate == nil && strings.HasPrefix(what, "wait") {
		gate = make(chan struct{})
		r.gates[what] = gate
	}
	r.mu.Unlock()
	select {
	case r.seen <- what:
	default: // nobody looks
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	switch {
	case strings.HasPrefix(what, "fail"):
		return nil, fault.PeerIDInvalid
	case strings.HasPrefix(what, "big"):
		return text(strings.Repeat("x", 1<<20)), nil
	}
	return text(what), nil
}

// awaitBegin waits until the next call begins, which must be this one.
func (r *rig) awaitBegin(want string) {
	r.t.Helper()
	select {
	case got := <-r.seen:
		if got != want {
			r.t.Fatalf("%q began, want %q", got, want)
		}
	case <-time.After(patience):
		r.t.Fatalf("%q did not begin", want)
	}
}

// release lets a waiting call go on.
func (r *rig) release(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.gates[what])
}

// calls is how often a call ran.
func (r *rig) calls(what string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.began {
		if b == what {
			n++
		}
	}
	return n
}

// newKey puts a key into the store.
func (r *rig) newKey(k Key) rawconn.Key {
	var value [256]byte
	_, _ = cipher.Random.Read(value[:])
	k.Key = cipher.NewKey(value)
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	r.keys.keys[k.Key.ID()] = k
	return rawconn.NewKey(value)
}

// patience is how long a test waits for what must happen.
const patience = 4 * time.Second

// peer is a client that chooses every byte.
type peer struct {
	*rawconn.Conn
	r   *rig
	nc  *recorder
	got []arrival // read and not looked at
}

// arrival is a message from the server, out of its container.
type arrival struct {
	id    int64
	seq   int32
	body  []byte
	outer rawconn.Message
}

func (m arrival) kind() uint32 { return binary.LittleEndian.Uint32(m.body) }

// recorder keeps what is written.
type recorder struct {
	net.Conn
	mu      sync.Mutex
	written [][]byte
}

func (c *recorder) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.written = append(c.written, append([]byte(nil), p...))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// last is the frame that was written last.
func (c *recorder) last() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written[len(c.written)-1]
}

var sessionIDs atomic.Int64

// dial connects a client with a new session that knows the salt.
func (r *rig) dial(key rawconn.Key) *peer {
	r.t.Helper()
	p := r.redial(key, sessionIDs.Add(1))
	r.keys.mu.Lock()
	loaded := r.keys.keys[key.ID()]
	r.keys.mu.Unlock()
	p.Salt = (&authKey{key: loaded.Key}).saltsAt(r.hub.salts, r.now()).current
	return p
}

// redial connects a client with a session id, over plain intermediate so that frames may be replayed.
func (r *rig) redial(key rawconn.Key, session int64) *peer {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{r: r, nc: &recorder{Conn: nc}}
	link, err := rawconn.NewLink(p.nc, rawconn.Transport{Plain: true}, 2, rawconn.Rand)
	if err != nil {
		r.t.Fatal(err)
	}
	p.Conn = &rawconn.Conn{Link: link, Key: key, SessionID: session}
	r.t.Cleanup(func() { _ = nc.Close() })
	return p
}

// again connects the same session once more, as a client does that lost its link.
func (p *peer) again() *peer {
	p.r.t.Helper()
	q := p.r.redial(p.Key, p.SessionID)
	q.Numbers, q.Salt = p.Numbers, p.Salt
	return q
}

func encode(e bin.Encoder) []byte {
	var b bin.Buffer
	if err := e.Encode(&b); err != nil {
		panic(err)
	}
	return b.Buf
}

// sending is a call of the ordered method, looking one of the other.
func sending(what string) []byte {
	return encode(&tg.MessagesSendMessageRequest{Peer: &tg.InputPeerSelf{}, Message: what})
}

func looking(what string) []byte { return encode(&tg.ContactsResolveUsernameRequest{Username: what}) }

// ask sends a query.
func (p *peer) ask(body []byte) int64 {
	p.r.t.Helper()
	id, err := p.Query(p.r.now(), body)
	if err != nil {
		p.r.t.Fatal(err)
	}
	return id
}

// tell sends a service message.
func (p *peer) tell(e bin.Encoder) int64 {
	p.r.t.Helper()
	id := p.ID(p.r.now())
	p.put(id, p.Seq(false), encode(e))
	return id
}

func (p *peer) put(id int64, seq int32, body []byte) {
	p.r.t.Helper()
	if err := p.Send(id, seq, body); err != nil {
		p.r.t.Fatal(err)
	}
}

// read returns the next message, or the error that ended the connection.
func (p *peer) read() (arrival, error) {
	for len(p.got) == 0 {
		_ = p.nc.SetReadDeadline(time.Now().Add(patience))
		m, err := p.Recv()
		if err != nil {
			return arrival{}, err
		}
		m.Body = append([]byte(nil), m.Body...)
		p.got = flatten(m)
	}
	m := p.got[0]
	p.got = p.got[1:]
	return m, nil
}

func flatten(m rawconn.Message) (out []arrival) {
	le := binary.LittleEndian
	if le.Uint32(m.Body) != mt.MsgContainerTypeID {
		return []arrival{{m.ID, m.Seq, m.Body, m}}
	}
	for b := m.Body[8:]; len(b) > 0; {
		n := le.Uint32(b[12:])
		out = append(out, arrival{int64(le.Uint64(b)), int32(le.Uint32(b[8:])), b[16 : 16+n], m})
		b = b[16+n:]
	}
	return out
}

// await skips messages until one of a kind that fits.
func (p *peer) await(kind uint32, fits func(arrival) bool) arrival {
	p.r.t.Helper()
	for {
		m, err := p.read()
		if err != nil {
			p.r.t.Fatalf("no message %#x: %v", kind, err)
		}
		if m.kind() == kind && (fits == nil || fits(m)) {
			return m
		}
	}
}

// answer waits for the rpc_result of a query and returns what is in it.
func (p *peer) answer(query int64) arrival {
	p.r.t.Helper()
	m := p.await(mt.RPCResultTypeID, func(m arrival) bool {
		return int64(binary.LittleEndian.Uint64(m.body[4:])) == query
	})
	m.body = m.body[12:]
	return m
}

// ok waits for the answer of a query, which must be its text.
func (p *peer) ok(query int64, want string) arrival {
	p.r.t.Helper()
	m := p.answer(query)
	b := &bin.Buffer{Buf: m.body}
	if got, err := b.String(); err != nil || got != want {
		p.r.t.Fatalf("answer %q (%v), want %q", m.body, err, want)
	}
	return m
}

// fails waits for the answer of a query, which must be this error.
func (p *peer) fails(query int64, want string) {
	p.r.t.Helper()
	m := p.answer(query)
	var e mt.RPCError
	if err := e.Decode(&bin.Buffer{Buf: m.body}); err != nil || e.ErrorMessage != want {
		p.r.t.Fatalf("answer %x (%v), want %s", m.body, err, want)
	}
}

// code waits for a bad_msg_notification or bad_server_salt about a message.
func (p *peer) code(about int64) int {
	p.r.t.Helper()
	for {
		m, err := p.read()
		if err != nil {
			p.r.t.Fatal("no notice:", err)
		}
		b := &bin.Buffer{Buf: m.body}
		var bad mt.BadMsgNotification
		var salt mt.BadServerSalt
		switch {
		case bad.Decode(b) == nil && bad.BadMsgID == about:
			return bad.ErrorCode
		case m.kind() == mt.BadServerSaltTypeID && salt.Decode(&bin.Buffer{Buf: m.body}) == nil && salt.BadMsgID == about:
			p.Salt = salt.NewServerSalt
			return salt.ErrorCode
		}
	}
}

// quiet pings and returns all messages that came before the pong.
func (p *peer) quiet() (before []arrival) {
	p.r.t.Helper()
	id := p.tell(&mt.PingRequest{PingID: 7})
	for {
		m, err := p.read()
		if err != nil {
			p.r.t.Fatal("no pong:", err)
		}
		var pong mt.Pong
		if pong.Decode(&bin.Buffer{Buf: m.body}) == nil && pong.MsgID == id {
			return before
		}
		before = append(before, m)
	}
}

// ended waits for the end of the connection and returns its transport error, 0 if there is none.
func (p *peer) ended() int32 {
	p.r.t.Helper()
	for {
		_, err := p.read()
		var t *rawconn.TransportError
		var n net.Error
		switch {
		case err == nil:
		case errors.As(err, &t):
			return t.Code
		case errors.As(err, &n) && n.Timeout():
			p.r.t.Error("the connection stays open")
			return 0
		case errors.Is(err, io.EOF), err != nil:
			return 0
		}
	}
}

// boxed is an object that is encoded already.
type boxed []byte

func (o boxed) Encode(b *bin.Buffer) error { b.Put(o); return nil }

// part is one message of a container.
type part struct {
	id   int64
	seq  int32
	body []byte
}

// container encodes messages of a container.
func container(parts ...part) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, mt.MsgContainerTypeID)
	b = le.AppendUint32(b, uint32(len(parts)))
	for _, p := range parts {
		b = le.AppendUint64(b, uint64(p.id))
		b = le.AppendUint32(b, uint32(p.seq))
		b = le.AppendUint32(b, uint32(len(p.body)))
		b = append(b, p.body...)
	}
	return b
}
