package mtproto

import (
	"crypto/aes"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gotd/ige"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// makeKey serves a key exchange by gotd on the script's connection and has the
// script speak that key from then on.
func (s *script) makeKey(tagged bool) {
	g := gotdConn{Conn: s.conn}
	if tagged {
		if err := g.ReadHeader(s.conn); err != nil {
			s.t.Error(err)
		}
	}
	r, err := exchange.NewExchanger(g, 2).Server(exchange.PrivateKey{RSA: serverKey()}).Run(s.t.Context())
	if err != nil {
		s.t.Error(err)
	}
	s.key = rawconn.NewKey([256]byte(r.Key.Value))
}

// openBinding decrypts the message that binds a temporary key.
func openBinding(t *testing.T, perm AuthKey, sealed []byte) (msgID int64, inner crypto.BindAuthKeyInner) {
	t.Helper()
	if id := int64(binary.LittleEndian.Uint64(sealed)); id != perm.ID() {
		t.Errorf("binding under key %x", id)
	}
	key, iv := crypto.KeysV1(crypto.Key(perm.Value()), bin.Int128(sealed[8:24]))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, len(sealed)-24)
	ige.DecryptBlocks(block, iv[:], plain, sealed[24:])
	n := binary.LittleEndian.Uint32(plain[28:])
	if err := decodeAll(plain[32:32+n], &inner); err != nil {
		t.Fatal(err)
	}
	return int64(binary.LittleEndian.Uint64(plain[16:])), inner
}

// takeBinding checks auth.bindTempAuthKey and returns its msg_id.
func (s *script) takeBinding(perm AuthKey) int64 {
	s.t.Helper()
	q := s.query()
	if !q.inits { // as other clients do, so that the server knows the layer
		s.t.Error("the binding does not carry initConnection")
	}
	var bind tg.AuthBindTempAuthKeyRequest
	if err := decodeAll(q.body, &bind); err != nil {
		s.t.Fatal(err)
	}
	id, inner := openBinding(s.t, perm, bind.EncryptedMessage)
	if id != q.id || inner.TempAuthKeyID != s.key.ID() || inner.PermAuthKeyID != perm.ID() ||
		inner.TempSessionID != s.session || inner.Nonce != bind.Nonce || inner.ExpiresAt != bind.ExpiresAt {
		s.t.Errorf("binding %+v of message %d", inner, id)
	}
	return q.id
}

func peekID(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// dialPFS dials with temporary keys while serve plays the server.
func dialPFS(t *testing.T, s *script, serve func()) (*Conn, error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.accept()
		serve()
	}()
	c, err := Dial(t.Context(), Options{
		Dial: s.dial, Transport: rawconn.Transport{Plain: true}, TempKeys: true, Ping: -1,
		PublicKeys: []*rsa.PublicKey{&serverKey().PublicKey},
	})
	<-done
	return c, err
}

func TestTempKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		var perm AuthKey
		c, err := dialPFS(t, s, func() {
			s.makeKey(true)
			perm = s.key
			s.makeKey(false)
			first := s.takeBinding(perm)
			s.push(&mt.BadServerSalt{BadMsgID: first, ErrorCode: 48, NewServerSalt: 7})
			s.answer(s.takeBinding(perm), yes) // made anew for its new number
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Key() != perm {
			t.Error("the permanent key differs")
		}
		done := ask(c, 1)
		qs := s.queries()
		if peekID(qs[0].body) == mt.GetFutureSaltsRequestTypeID && len(qs) == 1 {
			qs = s.queries() // the request for salts went alone
		}
		q := qs[len(qs)-1]
		if number(t, q) != 1 || !q.inits {
			t.Errorf("query %+v", q)
		}
		temp, session := s.key, s.session
		_ = s.conn.Close()
		s.accept() // the key lives on
		if again := s.queries(); again[0].id != q.id || s.session != session {
			t.Error("the session did not survive a cut")
		}
		s.writeFrame(binary.LittleEndian.AppendUint32(nil, 0xfffffe6c)) // -404: the temporary key is gone
		s.accept()
		s.makeKey(true)
		s.answer(s.takeBinding(perm), yes)
		if s.key == temp || s.session == session {
			t.Error("key or session was kept")
		}
		s.answer(s.query().id, yes)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTempKeyIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		var perm AuthKey
		c, err := dialPFS(t, s, func() {
			s.makeKey(true)
			perm = s.key
			s.makeKey(false)
			s.answer(s.takeBinding(perm), yes)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<20)) }(s.conn) // an acknowledgement
		time.Sleep(tempKeyLife)
		_ = s.conn.Close()
		s.accept()
		s.makeKey(true)
		s.answer(s.takeBinding(perm), yes)
	})
}

func TestTempKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		_, err := dialPFS(t, s, func() {
			s.makeKey(true)
			perm := s.key
			s.makeKey(false)
			s.answer(s.takeBinding(perm), &mt.RPCError{ErrorCode: 400, ErrorMessage: "ENCRYPTED_MESSAGE_INVALID"})
		})
		if err == nil {
			t.Fatal("dialed with a key that was not bound")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		var perm AuthKey
		c, err := dialPFS(t, s, func() {
			s.makeKey(true)
			perm = s.key
			s.makeKey(false)
			s.answer(s.takeBinding(perm), yes)
		})
		if err != nil {
			t.Fatal(err)
		}
		s.writeFrame(binary.LittleEndian.AppendUint32(nil, 0xfffffe6c))
		s.accept()
		s.makeKey(true)
		s.answer(s.takeBinding(perm), &mt.RPCError{ErrorCode: 400, ErrorMessage: "ENCRYPTED_MESSAGE_INVALID"})
		<-c.Done()
		if !errors.Is(c.Err(), ErrKeyUnknown) {
			t.Errorf("error %v, want ErrKeyUnknown", c.Err())
		}
	})
}
