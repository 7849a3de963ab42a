package session_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/client/mtproto/rawconn"
	"github.com/chappe-im/chappe/internal/app/apptest"
	"github.com/chappe-im/chappe/internal/config"
)

// tap dials for a client and keeps what it writes.
type tap struct {
	addr string
	mu   sync.Mutex
	sent [][]byte // frames, without their lengths
}

type tapped struct {
	net.Conn
	t *tap
}

func (t *tap) dial(ctx context.Context) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", t.addr)
	return tapped{nc, t}, err
}

// Write keeps one frame: the client writes each in one go.
func (c tapped) Write(p []byte) (int, error) {
	c.t.mu.Lock()
	frame := p
	if binary.LittleEndian.Uint32(frame) == 0xeeeeeeee {
		frame = frame[4:]
	}
	c.t.sent = append(c.t.sent, append([]byte(nil), frame[4:]...))
	c.t.mu.Unlock()
	return c.Conn.Write(p)
}

func (t *tap) frames() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([][]byte(nil), t.sent...)
}

// replay sends frames over a connection of its own and returns what comes back, or the error that
// ended it.
func replay(t *testing.T, addr string, key rawconn.Key, frame []byte) (rawconn.Message, error) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(apptest.Wait))
	link, err := rawconn.NewLink(nc, rawconn.Transport{Plain: true}, 2, rawconn.Rand)
	if err != nil {
		t.Fatal(err)
	}
	if err := link.WriteFrame(frame); err != nil {
		t.Fatal(err)
	}
	return link.ReadMessage(&key)
}

// TestA1Replay records all that a client of a whole server sends, and plays it back while the client
// is there, and after a restart: nobody hears anything twice.
func TestA1Replay(t *testing.T) {
	s := apptest.Start(t, nil)
	wire := &tap{addr: s.Addr}
	alice := s.SignUpOn(s.Dial(func(o *mtproto.Options) {
		o.Dial, o.Transport = wire.dial, rawconn.Transport{Plain: true}
	}), "Alice")
	bob := s.SignUp("Bob")
	toBob := apptest.Befriend(t, alice, bob)
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Wait)
	defer cancel()
	if _, err := bob.API.UpdatesGetState(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := alice.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: toBob, Message: "once", RandomID: 1})
	if err != nil {
		t.Fatal(err)
	}
	apptest.Await[*tg.UpdateNewMessage](bob, nil)
	key := alice.Key()
	all := func(check func(rawconn.Message, error)) {
		t.Helper()
		for _, frame := range wire.frames() {
			if binary.LittleEndian.Uint64(frame) == uint64(key.ID()) {
				check(replay(t, s.Addr, key, frame))
			}
		}
	}
	all(func(m rawconn.Message, err error) {
		if err != nil {
			t.Error("a replay is answered by", err)
		}
	})
	if _, err := alice.API.UpdatesGetState(ctx); err != nil {
		t.Error("the client did not outlive the replay:", err)
	}
	s.Restart()
	all(func(m rawconn.Message, err error) {
		if err != nil || binary.LittleEndian.Uint32(m.Body) != mt.BadServerSaltTypeID {
			t.Errorf("after a restart: %x %v", m.Body, err)
		}
	})
	bob.Reconnect()
	d, err := bob.API.UpdatesGetDifference(ctx, &tg.UpdatesGetDifferenceRequest{Pts: 1, Date: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := d.(*tg.UpdatesDifference); !ok || len(d.NewMessages) != 1 {
		t.Errorf("bob has %v", d)
	}
}

// TestTemporaryKeys holds M11: a temporary key that is not bound can do nothing but be bound, not to
// somebody else's key (A14), and one that its device dropped is over.
func TestTemporaryKeys(t *testing.T) {
	s := apptest.Start(t, nil)
	temporary := func(o *mtproto.Options) { o.TempKeys = true }
	alice := s.SignUpOn(s.Dial(temporary), "Alice")
	thief := newThief(t, s)
	for _, q := range []bin.Encoder{
		&tg.HelpGetConfigRequest{}, &tg.UpdatesGetStateRequest{}, &tg.AuthSendCodeRequest{PhoneNumber: "1", Settings: tg.CodeSettings{}},
		&tg.InvokeWithLayerRequest{Layer: 227, Query: &tg.HelpGetConfigRequest{}},
	} {
		if e := thief.ask(q); e.ErrorCode != 401 || e.ErrorMessage != "AUTH_KEY_PERM_EMPTY" {
			t.Errorf("%T under an unbound key: %+v", q, e)
		}
	}
	for _, sealed := range [][]byte{nil, make([]byte, 104), make([]byte, 1000)} {
		e := thief.ask(&tg.AuthBindTempAuthKeyRequest{PermAuthKeyID: alice.Key().ID(), ExpiresAt: int(time.Now().Unix()) + 60, EncryptedMessage: sealed})
		if e.ErrorMessage != "ENCRYPTED_MESSAGE_INVALID" {
			t.Errorf("bound to another's key: %+v", e)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Wait)
	defer cancel()
	second := s.Dial(func(o *mtproto.Options) { temporary(o); o.Key = alice.Key() })
	if _, err := second.API.UpdatesGetState(ctx); err != nil {
		t.Error("another temporary key of the device:", err)
	}
	if ok, err := second.API.AuthDropTempAuthKeys(ctx, nil); err != nil || !ok {
		t.Error(ok, err)
	}
	for _, c := range []*apptest.Client{second, alice} { // alice makes a new one
		if _, err := c.API.UpdatesGetState(ctx); err != nil {
			t.Error("after the others were dropped:", err)
		}
	}
}

// thief has a temporary key that is bound to nothing.
type thief struct {
	rawconn.Conn
	t *testing.T
}

func newThief(t *testing.T, s *apptest.Server) *thief {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(apptest.Wait))
	link, err := rawconn.NewLink(nc, rawconn.Transport{}, 2, rawconn.Rand)
	if err != nil {
		t.Fatal(err)
	}
	made, err := mtproto.Exchange(t.Context(), link, mtproto.ExchangeOptions{
		PublicKeys: []*rsa.PublicKey{s.Key}, DC: 2, ExpiresIn: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &thief{rawconn.Conn{Link: link, Key: made.Key, SessionID: 1, Salt: made.Salt}, t}
}

// ask sends a query and returns its error.
func (c *thief) ask(q bin.Encoder) (e mt.RPCError) {
	c.t.Helper()
	var body bin.Buffer
	if err := q.Encode(&body); err != nil {
		c.t.Fatal(err)
	}
	id, err := c.Query(time.Now(), body.Buf)
	for err == nil {
		var m rawconn.Message
		if m, err = c.Recv(); err != nil {
			break
		}
		var salt mt.BadServerSalt
		if salt.Decode(&bin.Buffer{Buf: m.Body}) == nil {
			c.Salt = salt.NewServerSalt
			id, err = c.Query(time.Now(), body.Buf)
			continue
		}
		head := binary.LittleEndian.AppendUint32(nil, mt.RPCResultTypeID)
		head = binary.LittleEndian.AppendUint64(head, uint64(id))
		if _, result, found := bytes.Cut(m.Body, head); found && e.Decode(&bin.Buffer{Buf: result}) == nil {
			return e
		}
	}
	c.t.Fatal(err)
	return e
}

// TestRevoked signs a device out from another one: its next query hears of it, and pushes stop.
func TestRevoked(t *testing.T) {
	s := apptest.Start(t, nil)
	alice := s.SignUp("Alice")
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Wait)
	defer cancel()
	if _, err := alice.API.AuthLogOut(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.API.UpdatesGetState(ctx); !tgerr.Is(err, "AUTH_KEY_UNREGISTERED") {
		t.Errorf("after logging out: %v", err)
	}
}

// TestFlood holds M16 through a whole server: who calls without end is told to wait, others are not.
func TestFlood(t *testing.T) {
	s := apptest.Start(t, func(c *config.Config) { c.NoLimits = false })
	alice, bob := s.SignUp("Alice"), s.SignUp("Bob")
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Wait)
	defer cancel()
	for n := 0; ; n++ {
		err := raw(ctx, alice, &tg.ContactsSearchRequest{Q: "nobody", Limit: 1})
		if wait, ok := tgerr.AsFloodWait(err); ok {
			if wait < time.Second || n < 10 {
				t.Errorf("%v after %d calls", wait, n)
			}
			break
		}
		if n > 200 {
			t.Fatal("no limit")
		}
	}
	if _, err := bob.API.UpdatesGetState(ctx); err != nil {
		t.Error(err)
	}
}

// raw calls a method without looking at its answer.
func raw(ctx context.Context, c *apptest.Client, q bin.Encoder) error {
	err := c.Invoke(ctx, q, anything{})
	var rpc *tgerr.Error
	if errors.As(err, &rpc) {
		return err
	}
	return nil
}

type anything struct{}

func (anything) Decode(b *bin.Buffer) error { b.Skip(b.Len()); return nil }
