package handshake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/internal/cipher"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// readVectors decodes a shared file.
func readVectors(tb testing.TB, file string, into any) {
	tb.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/" + file)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// testKeys are the keys of the shared vectors, by name.
var testKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	raw, err := os.ReadFile("../../testdata/vectors/rsa_pad.json")
	if err != nil {
		panic(err)
	}
	var file struct {
		Tables struct {
			Keys map[string]struct{ N, E, D, P, Q hexBytes }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		panic(err)
	}
	keys := map[string]*rsa.PrivateKey{}
	for name, k := range file.Tables.Keys {
		number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
		keys[name] = &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())},
			D:         number(k.D),
			Primes:    []*big.Int{number(k.P), number(k.Q)},
		}
	}
	return keys
})

var home = netip.MustParseAddr("127.0.0.1")

// vault is a Config.Save that fails as it is told and then remembers.
type vault struct {
	errs  []error
	saved []Result
}

func (v *vault) save(_ context.Context, r Result) error {
	if len(v.errs) > 0 {
		err := v.errs[0]
		v.errs = v.errs[1:]
		return err
	}
	v.saved = append(v.saved, r)
	return nil
}

// newServer returns a server that saves into v, with what change makes of its config.
func newServer(tb testing.TB, v *vault, change func(*Config)) *Server {
	tb.Helper()
	cfg := Config{Key: testKeys()["high"], Save: v.save}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// client is a client that can be made to lie at every step.
type client struct {
	s *Server
	x *Exchange

	nonce    bin.Int128
	newNonce bin.Int256
	res      mt.ResPQ
	p, q     []byte
	offer    mt.ServerDHInnerData
	key      [256]byte
}

func newClient(s *Server) *client {
	c := &client{s: s, x: new(Exchange)}
	_, _ = rand.Read(c.nonce[:])
	_, _ = rand.Read(c.newNonce[:])
	return c
}

// packet wraps a message as a client does.
func packet(m tlObject) []byte {
	b := &bin.Buffer{Buf: make([]byte, headSize)}
	if err := m.Encode(b); err != nil {
		panic(err)
	}
	binary.LittleEndian.PutUint32(b.Buf[16:], uint32(len(b.Buf)-headSize))
	return b.Buf
}

// send has the server answer a message into answer.
func (c *client) send(m, answer tlObject) error {
	reply, err := c.s.Handle(context.Background(), home, c.x, packet(m))
	if err != nil {
		return err
	}
	data, ok := unwrap(reply)
	if !ok || reply[8]&3 != 1 {
		return errors.New("the answer is no unencrypted message of a server")
	}
	return decode(&bin.Buffer{Buf: data}, answer, 0)
}

// start asks for pq and looks up the factors.
func (c *client) start() error {
	if err := c.send(&mt.ReqPqMultiRequest{Nonce: c.nonce}, &c.res); err != nil {
		return err
	}
	a := c.x.attempts[len(c.x.attempts)-1]
	c.p = binary.BigEndian.AppendUint32(nil, a.p)
	c.q = binary.BigEndian.AppendUint32(nil, a.q)
	return nil
}

// inner is what a truthful client encrypts for a permanent key.
func (c *client) inner() *mt.PQInnerDataDC {
	return &mt.PQInnerDataDC{
		Pq: c.res.Pq, P: c.p, Q: c.q, Nonce: c.nonce, ServerNonce: c.res.ServerNonce,
		NewNonce: c.newNonce, DC: 2,
	}
}

// temporary is the same for a temporary key.
func (c *client) temporary(dc, expires int) *mt.PQInnerDataTempDC {
	return &mt.PQInnerDataTempDC{
		Pq: c.res.Pq, P: c.p, Q: c.q, Nonce: c.nonce, ServerNonce: c.res.ServerNonce,
		NewNonce: c.newNonce, DC: dc, ExpiresIn: expires,
	}
}

// request encrypts inner data for the server.
func (c *client) request(inner bin.Encoder) *mt.ReqDHParamsRequest {
	var b bin.Buffer
	if err := inner.Encode(&b); err != nil {
		panic(err)
	}
	sealed, err := crypto.RSAPad(b.Buf, &c.s.cfg.Key.PublicKey, rand.Reader)
	if err != nil {
		panic(err)
	}
	return &mt.ReqDHParamsRequest{
		Nonce: c.nonce, ServerNonce: c.res.ServerNonce, P: c.p, Q: c.q,
		PublicKeyFingerprint: c.res.ServerPublicKeyFingerprints[0], EncryptedData: sealed,
	}
}

// ask sends a request for g_a and opens the answer.
func (c *client) ask(req *mt.ReqDHParamsRequest) error {
	var ok mt.ServerDHParamsOk
	if err := c.send(req, &ok); err != nil {
		return err
	}
	key, iv := crypto.TempAESKeys(c.newNonce.BigInt(), c.res.ServerNonce.BigInt())
	data, err := crypto.DecryptExchangeAnswer(ok.EncryptedAnswer, key, iv)
	if err != nil {
		return err
	}
	if data == nil {
		return errors.New("the hash of the answer does not fit")
	}
	return decode(&bin.Buffer{Buf: data}, &c.offer, 0)
}

// public computes g_b for an exponent, and the key it leads to.
func (c *client) public(exponent int64) []byte {
	prime := new(big.Int).SetBytes(c.offer.DhPrime)
	b := new(big.Int).Lsh(big.NewInt(exponent), 1500)
	new(big.Int).Exp(new(big.Int).SetBytes(c.offer.GA), b, prime).FillBytes(c.key[:])
	return new(big.Int).Exp(big.NewInt(int64(c.offer.G)), b, prime).Bytes()
}

// answer is what a truthful client says of its g_b.
func (c *client) answer(public []byte, retry int64) *mt.ClientDHInnerData {
	return &mt.ClientDHInnerData{Nonce: c.nonce, ServerNonce: c.res.ServerNonce, RetryID: retry, GB: public}
}

// seal encrypts the client's half.
func (c *client) seal(inner bin.Encoder) *mt.SetClientDHParamsRequest {
	var b bin.Buffer
	if err := inner.Encode(&b); err != nil {
		panic(err)
	}
	return c.sealRaw(b.Buf)
}

func (c *client) sealRaw(inner []byte) *mt.SetClientDHParamsRequest {
	sum := sha(inner)
	data := append(sum[:], inner...)
	data = append(data, make([]byte, -len(data)&15)...)
	newNonce, serverNonce := [32]byte(c.newNonce), [16]byte(c.res.ServerNonce)
	key, iv := temporaryKey(&newNonce, &serverNonce)
	cipher.EncryptIGE(&key, &iv, data)
	return &mt.SetClientDHParamsRequest{Nonce: c.nonce, ServerNonce: c.res.ServerNonce, EncryptedData: data}
}

// offered brings a client to where it has g_a.
func offered(tb testing.TB, s *Server) *client {
	tb.Helper()
	c := newClient(s)
	if err := c.start(); err != nil {
		tb.Fatal(err)
	}
	if err := c.ask(c.request(c.inner())); err != nil {
		tb.Fatal(err)
	}
	return c
}

// finish sends the client's half and expects dh_gen_ok.
func (c *client) finish(retry int64) error {
	var ok mt.DhGenOk
	if err := c.send(c.seal(c.answer(c.public(12345), retry)), &ok); err != nil {
		return err
	}
	if ok.NewNonceHash1 != crypto.NonceHash1(c.newNonce, c.key) {
		return errors.New("new_nonce_hash1 does not fit")
	}
	return nil
}

// wantCode expects a transport error.
func wantCode(t *testing.T, what string, err error, code int32) {
	t.Helper()
	var refused *TransportError
	if !errors.As(err, &refused) || refused.Code != code {
		t.Errorf("%s: %v, want %d", what, err, code)
	}
}

func clone[T any](v *T) *T {
	c := *v
	return &c
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}
