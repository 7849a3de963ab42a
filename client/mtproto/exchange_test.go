package mtproto

import (
	"context"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gotd/ige"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/proto"
	"github.com/gotd/td/proto/codec"

	"github.com/chappe-im/chappe/client/internal/dh"
	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

var serverKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// gotdConn is gotd's transport over a pipe.
type gotdConn struct {
	net.Conn
	codec.Intermediate
}

func (c gotdConn) Send(_ context.Context, b *bin.Buffer) error { return c.Write(c.Conn, b) }
func (c gotdConn) Recv(_ context.Context, b *bin.Buffer) error { return c.Read(c.Conn, b) }
func (c gotdConn) Write(conn net.Conn, b *bin.Buffer) error    { return c.Intermediate.Write(conn, b) }
func (c gotdConn) Read(conn net.Conn, b *bin.Buffer) error     { return c.Intermediate.Read(conn, b) }

func plainLink(t *testing.T) (*rawconn.Link, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	l, err := rawconn.NewLink(client, rawconn.Transport{Plain: true}, 2, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return l, server
}

func TestExchangeWithGotd(t *testing.T) {
	for name, life := range map[string]time.Duration{"permanent": 0, "temporary": time.Hour} {
		t.Run(name, func(t *testing.T) {
			link, conn := plainLink(t)
			made := make(chan exchange.ServerExchangeResult, 1)
			go func() {
				defer close(made)
				g := gotdConn{Conn: conn}
				if err := g.ReadHeader(conn); err != nil {
					t.Error(err)
					return
				}
				r, err := exchange.NewExchanger(g, 2).Server(exchange.PrivateKey{RSA: serverKey()}).Run(t.Context())
				if err != nil {
					t.Error(err)
				}
				made <- r
			}()
			r, err := Exchange(t.Context(), link, ExchangeOptions{
				PublicKeys: []*rsa.PublicKey{&serverKey().PublicKey}, DC: 2, ExpiresIn: life,
			})
			if err != nil {
				t.Fatal(err)
			}
			s := <-made
			if r.Key.Value() != [256]byte(s.Key.Value) || r.Salt != s.ServerSalt {
				t.Error("the sides hold different keys")
			}
			if d := time.Since(r.ServerTime); d < -time.Second || d > time.Minute {
				t.Errorf("server time is off by %v", d)
			}
		})
	}
}

// liar is a server side of the exchange that can lie at every step.
type liar struct {
	t    *testing.T
	conn gotdConn

	pq          []byte
	fingerprint int64
	resPQ       func(*mt.ResPQ)
	inner       func(*mt.ServerDHInnerData)
	wrap        func([]byte) []byte // the encrypted answer before encryption
	params      func(bin.Encoder) bin.Encoder
	last        func(*mt.DhGenOk) bin.Encoder
	frame       func([]byte) []byte
	retries     int

	newNonce bin.Int256
	retryIDs []int64
	gbs      [][]byte
}

func (l *liar) reply(v bin.Encoder) {
	var b bin.Buffer
	msg := proto.UnencryptedMessage{MessageID: rawconn.MessageID(time.Now())&^3 + 1, MessageData: encode(l.t, v)}
	if err := b.Encode(msg); err != nil {
		l.t.Error(err)
	}
	if l.frame != nil {
		b.Buf = l.frame(b.Buf)
	}
	_ = l.conn.Send(context.Background(), &b) // the client may have hung up
}

func (l *liar) ask(v bin.Decoder) bool {
	var b bin.Buffer
	var msg proto.UnencryptedMessage
	if l.conn.Recv(context.Background(), &b) != nil {
		return false
	}
	if err := msg.Decode(&b); err != nil {
		l.t.Error(err)
		return false
	}
	if err := decodeAll(msg.MessageData, v); err != nil {
		l.t.Error(err)
		return false
	}
	return true
}

func (l *liar) serve() {
	var req mt.ReqPqMultiRequest
	if l.conn.ReadHeader(l.conn.Conn) != nil || !l.ask(&req) {
		return
	}
	res := &mt.ResPQ{Nonce: req.Nonce, ServerNonce: bin.Int128{1, 2, 3}, Pq: l.pq, ServerPublicKeyFingerprints: []int64{l.fingerprint}}
	if l.resPQ(res); !l.answerPQ(res) {
		return
	}
	key, iv := crypto.TempAESKeys(l.newNonce.BigInt(), res.ServerNonce.BigInt())
	a := big.NewInt(0xabcdef123456789)
	a.Exp(a, big.NewInt(10), nil)
	inner := &mt.ServerDHInnerData{
		Nonce: req.Nonce, ServerNonce: res.ServerNonce, G: 3, DhPrime: dh.KnownPrime.Bytes(),
		GA: new(big.Int).Exp(big.NewInt(3), a, dh.KnownPrime).Bytes(), ServerTime: int(time.Now().Unix()),
	}
	l.inner(inner)
	data, err := crypto.DataWithHash(encode(l.t, inner), rand.Reader)
	if err != nil {
		l.t.Error(err)
	}
	data = l.wrap(data)
	block, _ := aes.NewCipher(key)
	sealed := make([]byte, len(data)&^15)
	ige.EncryptBlocks(block, iv, sealed, data[:len(sealed)])
	sealed = append(sealed, data[len(sealed):]...)
	l.reply(l.params(&mt.ServerDHParamsOk{Nonce: req.Nonce, ServerNonce: res.ServerNonce, EncryptedAnswer: sealed}))
	for l.finish(req.Nonce, res.ServerNonce, key, iv, a) {
	}
}

func (l *liar) answerPQ(res *mt.ResPQ) bool {
	l.reply(res)
	var dh mt.ReqDHParamsRequest
	if !l.ask(&dh) {
		return false
	}
	plain, err := crypto.DecodeRSAPad(dh.EncryptedData, serverKey())
	if err != nil {
		l.t.Error(err)
		return false
	}
	in, err := mt.DecodePQInnerData(&bin.Buffer{Buf: plain})
	if err != nil {
		l.t.Error(err)
		return false
	}
	l.newNonce = in.GetNewNonce()
	return true
}

func (l *liar) finish(nonce, serverNonce bin.Int128, key, iv []byte, a *big.Int) (again bool) {
	var set mt.SetClientDHParamsRequest
	if !l.ask(&set) {
		return false
	}
	plain, err := crypto.DecryptExchangeAnswer(set.EncryptedData, key, iv)
	if err != nil {
		l.t.Error(err)
		return false
	}
	var client mt.ClientDHInnerData
	if err := decodeAll(plain, &client); err != nil {
		l.t.Error(err)
		return false
	}
	l.retryIDs, l.gbs = append(l.retryIDs, client.RetryID), append(l.gbs, client.GB)
	var k [256]byte
	new(big.Int).Exp(new(big.Int).SetBytes(client.GB), a, dh.KnownPrime).FillBytes(k[:])
	if l.retries > 0 {
		l.retries--
		l.reply(&mt.DhGenRetry{Nonce: nonce, ServerNonce: serverNonce, NewNonceHash2: newNonceHash(l.newNonce, 2, k)})
		return true
	}
	l.reply(l.last(&mt.DhGenOk{Nonce: nonce, ServerNonce: serverNonce, NewNonceHash1: newNonceHash(l.newNonce, 1, k)}))
	return false
}

// lie runs an exchange with a server that lies as told.
func lie(t *testing.T, how func(*liar)) (*liar, ExchangeResult, error) {
	t.Helper()
	link, conn := plainLink(t)
	l := &liar{
		t: t, conn: gotdConn{Conn: conn}, pq: big.NewInt(0x17ED48941A08F981).Bytes(),
		fingerprint: crypto.RSAFingerprint(&serverKey().PublicKey),
		resPQ:       func(*mt.ResPQ) {}, inner: func(*mt.ServerDHInnerData) {},
		wrap:   func(b []byte) []byte { return b },
		params: func(v bin.Encoder) bin.Encoder { return v },
		last:   func(v *mt.DhGenOk) bin.Encoder { return v },
	}
	how(l)
	done := make(chan struct{})
	go func() { defer close(done); l.serve() }()
	r, err := Exchange(t.Context(), link, ExchangeOptions{PublicKeys: []*rsa.PublicKey{&serverKey().PublicKey}, DC: 2})
	_ = link.Close()
	<-done
	return l, r, err
}

func flip(b []byte) { b[0] ^= 1 }

// TestExchangeRefuses has the server lie at each step.
func TestExchangeRefuses(t *testing.T) {
	other := bin.Int128{9}
	for name, how := range map[string]func(*liar){
		"nonce of resPQ":         func(l *liar) { l.resPQ = func(r *mt.ResPQ) { r.Nonce = other } },
		"fingerprint":            func(l *liar) { l.fingerprint++ },
		"pq is prime":            func(l *liar) { l.pq = big.NewInt(2147483647).Bytes() },
		"pq is a square":         func(l *liar) { l.pq = new(big.Int).SetUint64(1000003 * 1000003).Bytes() },
		"pq has three factors":   func(l *liar) { l.pq = big.NewInt(1009 * 1013 * 1019).Bytes() },
		"pq is empty":            func(l *liar) { l.pq = nil },
		"pq is long":             func(l *liar) { l.pq = make([]byte, 9) },
		"nonce of params":        func(l *liar) { l.params = editParams(func(p *mt.ServerDHParamsOk) { p.Nonce = other }) },
		"server nonce of params": func(l *liar) { l.params = editParams(func(p *mt.ServerDHParamsOk) { p.ServerNonce = other }) },
		"params fail": func(l *liar) {
			l.params = func(v bin.Encoder) bin.Encoder {
				p := v.(*mt.ServerDHParamsOk)
				return &mt.ServerDHParamsFail{Nonce: p.Nonce, ServerNonce: p.ServerNonce}
			}
		},
		"hash of the answer":    func(l *liar) { l.wrap = func(b []byte) []byte { flip(b); return b } },
		"answer is not aligned": func(l *liar) { l.wrap = func(b []byte) []byte { return append(b, 0) } },
		"padding of 16":         func(l *liar) { l.wrap = func(b []byte) []byte { return append(b, make([]byte, 16)...) } },
		"empty answer":          func(l *liar) { l.wrap = func([]byte) []byte { return nil } },
		"inner nonce":           func(l *liar) { l.inner = func(d *mt.ServerDHInnerData) { d.Nonce = other } },
		"inner server nonce":    func(l *liar) { l.inner = func(d *mt.ServerDHInnerData) { d.ServerNonce = other } },
		"nonce of dh_gen":       func(l *liar) { l.last = editLast(func(g *mt.DhGenOk) { g.Nonce = other }) },
		"server nonce of dh_gen": func(l *liar) {
			l.last = editLast(func(g *mt.DhGenOk) { g.ServerNonce = other })
		},
		"new_nonce_hash1": func(l *liar) { l.last = editLast(func(g *mt.DhGenOk) { g.NewNonceHash1[5] ^= 1 }) },
		"forged retry": func(l *liar) {
			l.last = func(g *mt.DhGenOk) bin.Encoder {
				return &mt.DhGenRetry{Nonce: g.Nonce, ServerNonce: g.ServerNonce, NewNonceHash2: g.NewNonceHash1}
			}
		},
		"forged fail": func(l *liar) {
			l.last = func(g *mt.DhGenOk) bin.Encoder {
				return &mt.DhGenFail{Nonce: g.Nonce, ServerNonce: g.ServerNonce, NewNonceHash3: g.NewNonceHash1}
			}
		},
		"endless retries":   func(l *liar) { l.retries = 100 },
		"parity of msg_id":  func(l *liar) { l.frame = func(b []byte) []byte { b[8] &^= 3; return b } },
		"a key":             func(l *liar) { l.frame = func(b []byte) []byte { b[0] = 1; return b } },
		"length beyond end": func(l *liar) { l.frame = func(b []byte) []byte { b[16] += 4; return b } },
		"long tail":         func(l *liar) { l.frame = func(b []byte) []byte { return append(b, make([]byte, 16)...) } },
		"trailing bytes": func(l *liar) {
			l.frame = func(b []byte) []byte { b[16] += 4; return append(b, make([]byte, 4)...) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := lie(t, how); !errors.Is(err, ErrExchange) {
				t.Fatalf("error %v, want ErrExchange", err)
			}
		})
	}
}

func editParams(f func(*mt.ServerDHParamsOk)) func(bin.Encoder) bin.Encoder {
	return func(v bin.Encoder) bin.Encoder { f(v.(*mt.ServerDHParamsOk)); return v }
}

func editLast(f func(*mt.DhGenOk)) func(*mt.DhGenOk) bin.Encoder {
	return func(v *mt.DhGenOk) bin.Encoder { f(v); return v }
}

// TestA8DegenerateDH has the server choose values that make the key guessable.
func TestA8DegenerateDH(t *testing.T) {
	edge := new(big.Int).Lsh(big.NewInt(1), 2048-64)
	pMinus := func(n int64) []byte { return new(big.Int).Sub(dh.KnownPrime, big.NewInt(n)).Bytes() }
	for name, f := range map[string]func(*mt.ServerDHInnerData){
		"g_a is 0":       func(d *mt.ServerDHInnerData) { d.GA = nil },
		"g_a is 1":       func(d *mt.ServerDHInnerData) { d.GA = []byte{1} },
		"g_a is p-1":     func(d *mt.ServerDHInnerData) { d.GA = pMinus(1) },
		"g_a is p":       func(d *mt.ServerDHInnerData) { d.GA = pMinus(0) },
		"g_a is too low": func(d *mt.ServerDHInnerData) { d.GA = new(big.Int).Sub(edge, big.NewInt(1)).Bytes() },
		"g_a is too high": func(d *mt.ServerDHInnerData) {
			d.GA = new(big.Int).Sub(dh.KnownPrime, new(big.Int).Sub(edge, big.NewInt(1))).Bytes()
		},
		"g_a is 257 bytes":   func(d *mt.ServerDHInnerData) { d.GA = append([]byte{0}, d.GA...) },
		"g is 1":             func(d *mt.ServerDHInnerData) { d.G = 1 },
		"g is no residue":    func(d *mt.ServerDHInnerData) { d.G = 2 },
		"g is 8":             func(d *mt.ServerDHInnerData) { d.G = 8 },
		"p is no safe prime": func(d *mt.ServerDHInnerData) { d.DhPrime = pMinus(2) },
		"p is short":         func(d *mt.ServerDHInnerData) { d.DhPrime = d.DhPrime[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := lie(t, func(l *liar) { l.inner = f }); !errors.Is(err, ErrExchange) {
				t.Fatalf("error %v, want ErrExchange", err)
			}
		})
	}
}

func TestExchangeRetry(t *testing.T) {
	l, r, err := lie(t, func(l *liar) { l.retries = 2 })
	if err != nil {
		t.Fatal(err)
	}
	if len(l.retryIDs) != 3 || l.retryIDs[0] != 0 || l.retryIDs[1] == 0 || l.retryIDs[1] == l.retryIDs[2] {
		t.Errorf("retry ids %v", l.retryIDs)
	}
	if string(l.gbs[0]) == string(l.gbs[1]) || r.Key.IsZero() {
		t.Error("the key was not changed")
	}
}

func TestExchangeEndsWithContext(t *testing.T) {
	link, _ := plainLink(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Exchange(ctx, link, ExchangeOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
}

func TestExchangeTransportError(t *testing.T) {
	_, _, err := lie(t, func(l *liar) { l.frame = func([]byte) []byte { return []byte{0x6c, 0xfe, 0xff, 0xff} } })
	if transportCode(err) != -404 {
		t.Fatalf("error %v, want -404", err)
	}
}

func FuzzFactor(f *testing.F) {
	f.Add(uint64(0x17ED48941A08F981))
	f.Add(uint64(1000003 * 1000003))
	f.Fuzz(func(t *testing.T, pq uint64) {
		p, q, err := factor(pq)
		if err == nil && (p*q != pq || p >= q || !prime(p) || !prime(q)) {
			t.Errorf("factor(%d) = %d, %d", pq, p, q)
		}
	})
}

func BenchmarkFactor(b *testing.B) {
	for b.Loop() {
		if _, _, err := factor(0x17ED48941A08F981); err != nil {
			b.Fatal(err)
		}
	}
}
