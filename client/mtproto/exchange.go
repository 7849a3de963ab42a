package mtproto

import (
	"context"
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/gotd/ige"
	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// ErrExchange is a key exchange in which the server's answer does not hold.
var ErrExchange = errors.New("key exchange failed")

// maxRetries bounds how often a server may ask for another key (dh_gen_retry).
const maxRetries = 5

// ExchangeOptions say what key is wanted.
type ExchangeOptions struct {
	// PublicKeys are the server keys that are trusted.
	PublicKeys []*rsa.PublicKey
	// DC is the data centre to make the key for.
	DC int
	// ExpiresIn is the lifetime of a temporary key, in whole seconds; 0: permanent.
	ExpiresIn time.Duration
	// Rand is the source of randomness, rawconn.Rand by default.
	Rand io.Reader
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// ExchangeResult is a new authorization key.
type ExchangeResult struct {
	Key  AuthKey
	Salt int64
	// ServerTime is what the server's clock showed, in whole seconds.
	ServerTime time.Time
}

// handshake is one key exchange under way.
type handshake struct {
	ExchangeOptions
	link        *rawconn.Link
	numbers     rawconn.Numbers
	nonce       bin.Int128
	serverNonce bin.Int128
	newNonce    bin.Int256
	aesKey, iv  []byte
}

// Exchange makes an authorization key with the server at the other end of a link
// that nobody else uses meanwhile. When ctx ends, the link is closed.
//
// See https://core.telegram.org/mtproto/auth_key.
func Exchange(ctx context.Context, l *rawconn.Link, o ExchangeOptions) (ExchangeResult, error) {
	if o.Rand == nil {
		o.Rand = rawconn.Rand
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	x := &handshake{ExchangeOptions: o, link: l}
	r, err := x.run()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return ExchangeResult{}, fmt.Errorf("exchange keys: %w", err)
	}
	return r, nil
}

func (x *handshake) run() (ExchangeResult, error) {
	for _, b := range [][]byte{x.nonce[:], x.newNonce[:]} {
		if _, err := io.ReadFull(x.Rand, b); err != nil {
			return ExchangeResult{}, fmt.Errorf("draw nonce: %w", err)
		}
	}
	var res mt.ResPQ
	if err := x.ask(&mt.ReqPqMultiRequest{Nonce: x.nonce}, &res); err != nil {
		return ExchangeResult{}, err
	}
	if res.Nonce != x.nonce {
		return ExchangeResult{}, fmt.Errorf("%w: nonce of resPQ", ErrExchange)
	}
	x.serverNonce = res.ServerNonce
	req, err := x.reqDH(&res)
	if err != nil {
		return ExchangeResult{}, err
	}
	var params mt.ServerDHParamsBox
	if err := x.ask(req, &params); err != nil {
		return ExchangeResult{}, err
	}
	inner, err := x.serverParams(params.Server_DH_Params)
	if err != nil {
		return ExchangeResult{}, err
	}
	key, err := x.agree(inner)
	if err != nil {
		return ExchangeResult{}, err
	}
	return ExchangeResult{
		Key:        key,
		Salt:       crypto.ServerSalt(x.newNonce, x.serverNonce),
		ServerTime: time.Unix(int64(inner.ServerTime), 0),
	}, nil
}

// reqDH answers the proof of work and sends the new nonce under the server's RSA key.
func (x *handshake) reqDH(res *mt.ResPQ) (*mt.ReqDHParamsRequest, error) {
	i := slices.IndexFunc(x.PublicKeys, func(k *rsa.PublicKey) bool {
		return slices.Contains(res.ServerPublicKeyFingerprints, crypto.RSAFingerprint(k))
	})
	if i < 0 {
		return nil, fmt.Errorf("%w: no trusted public key of this server", ErrExchange)
	}
	if len(res.Pq) > 8 {
		return nil, fmt.Errorf("%w: %w", ErrExchange, errPQ)
	}
	p, q, err := factor(new(big.Int).SetBytes(res.Pq).Uint64())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExchange, err)
	}
	pBytes, qBytes := new(big.Int).SetUint64(p).Bytes(), new(big.Int).SetUint64(q).Bytes()
	var data bin.Buffer
	if err := data.Encode(x.innerData(res.Pq, pBytes, qBytes)); err != nil {
		return nil, fmt.Errorf("encode p_q_inner_data: %w", err)
	}
	encrypted, err := crypto.RSAPad(data.Buf, x.PublicKeys[i], x.Rand)
	if err != nil {
		return nil, fmt.Errorf("encrypt p_q_inner_data: %w", err)
	}
	return &mt.ReqDHParamsRequest{
		Nonce: x.nonce, ServerNonce: x.serverNonce, P: pBytes, Q: qBytes,
		PublicKeyFingerprint: crypto.RSAFingerprint(x.PublicKeys[i]), EncryptedData: encrypted,
	}, nil
}

func (x *handshake) innerData(pq, p, q []byte) bin.Encoder {
	if x.ExpiresIn > 0 {
		return &mt.PQInnerDataTempDC{
			Pq: pq, P: p, Q: q, Nonce: x.nonce, ServerNonce: x.serverNonce, NewNonce: x.newNonce,
			DC: x.DC, ExpiresIn: int(x.ExpiresIn / time.Second),
		}
	}
	return &mt.PQInnerDataDC{
		Pq: pq, P: p, Q: q, Nonce: x.nonce, ServerNonce: x.serverNonce, NewNonce: x.newNonce, DC: x.DC,
	}
}

// serverParams decrypts and checks the server's half of the Diffie-Hellman exchange.
func (x *handshake) serverParams(answer mt.ServerDHParamsClass) (*mt.ServerDHInnerData, error) {
	if answer.GetNonce() != x.nonce || answer.GetServerNonce() != x.serverNonce {
		return nil, fmt.Errorf("%w: nonces of server_DH_params", ErrExchange)
	}
	ok, isOK := answer.(*mt.ServerDHParamsOk)
	if !isOK {
		return nil, fmt.Errorf("%w: the server refused the parameters", ErrExchange)
	}
	x.aesKey, x.iv = crypto.TempAESKeys(x.newNonce.BigInt(), x.serverNonce.BigInt())
	data, err := x.decrypt(ok.EncryptedAnswer)
	if err != nil {
		return nil, err
	}
	inner := new(mt.ServerDHInnerData)
	if err := decodeAll(data, inner); err != nil {
		return nil, fmt.Errorf("%w: server_DH_inner_data: %w", ErrExchange, err)
	}
	if inner.Nonce != x.nonce || inner.ServerNonce != x.serverNonce {
		return nil, fmt.Errorf("%w: nonces of server_DH_inner_data", ErrExchange)
	}
	if len(inner.DhPrime) != rawconn.KeySize || len(inner.GA) > rawconn.KeySize {
		return nil, fmt.Errorf("%w: length of dh_prime or g_a", ErrExchange)
	}
	prime := new(big.Int).SetBytes(inner.DhPrime)
	if err := checkGroup(inner.G, prime); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExchange, err)
	}
	if err := checkPublic(new(big.Int).SetBytes(inner.GA), prime); err != nil {
		return nil, fmt.Errorf("%w: g_a: %w", ErrExchange, err)
	}
	return inner, nil
}

// decrypt opens the server's encrypted answer: SHA-1, data, at most 15 bytes of padding.
func (x *handshake) decrypt(answer []byte) ([]byte, error) {
	if len(answer) == 0 || len(answer)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: length of encrypted_answer", ErrExchange)
	}
	block, err := aes.NewCipher(x.aesKey)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	plain := make([]byte, len(answer))
	ige.DecryptBlocks(block, x.iv, plain, answer)
	data := crypto.GuessDataWithHash(plain)
	if data == nil {
		return nil, fmt.Errorf("%w: hash of encrypted_answer", ErrExchange)
	}
	return data, nil
}

// agree sends our half until the server accepts the key that comes of it.
func (x *handshake) agree(inner *mt.ServerDHInnerData) (AuthKey, error) {
	ga, prime := new(big.Int).SetBytes(inner.GA), new(big.Int).SetBytes(inner.DhPrime)
	var retryID int64
	for range maxRetries {
		gb, value, err := exponentiate(x.Rand, inner.G, ga, prime)
		if err != nil {
			return AuthKey{}, err
		}
		var data bin.Buffer
		if err := data.Encode(&mt.ClientDHInnerData{
			Nonce: x.nonce, ServerNonce: x.serverNonce, RetryID: retryID, GB: gb.Bytes(),
		}); err != nil {
			return AuthKey{}, fmt.Errorf("encode client_DH_inner_data: %w", err)
		}
		encrypted, err := crypto.EncryptExchangeAnswer(x.Rand, data.Buf, x.aesKey, x.iv)
		if err != nil {
			return AuthKey{}, fmt.Errorf("encrypt client_DH_inner_data: %w", err)
		}
		var answer mt.SetClientDHParamsAnswerBox
		if err := x.ask(&mt.SetClientDHParamsRequest{
			Nonce: x.nonce, ServerNonce: x.serverNonce, EncryptedData: encrypted,
		}, &answer); err != nil {
			return AuthKey{}, err
		}
		done, err := x.verdict(answer.Set_client_DH_params_answer, value)
		if err != nil {
			return AuthKey{}, err
		}
		key := rawconn.NewKey(value)
		switch {
		case done && key.ID() == 0: // 0 marks packets without a key
			return AuthKey{}, fmt.Errorf("%w: key of id 0", ErrExchange)
		case done:
			return key, nil
		}
		aux := crypto.Key(value).AuxHash()
		retryID = int64(binary.LittleEndian.Uint64(aux[:]))
	}
	return AuthKey{}, fmt.Errorf("%w: too many retries", ErrExchange)
}

// verdict reports whether the server took the key; false: it wants another one.
func (x *handshake) verdict(answer mt.SetClientDHParamsAnswerClass, key [rawconn.KeySize]byte) (bool, error) {
	if answer.GetNonce() != x.nonce || answer.GetServerNonce() != x.serverNonce {
		return false, fmt.Errorf("%w: nonces of the last answer", ErrExchange)
	}
	var hash bin.Int128
	var number byte
	switch a := answer.(type) {
	case *mt.DhGenOk:
		hash, number = a.NewNonceHash1, 1
	case *mt.DhGenRetry:
		hash, number = a.NewNonceHash2, 2
	case *mt.DhGenFail:
		hash, number = a.NewNonceHash3, 3
	}
	want := newNonceHash(x.newNonce, number, key)
	if subtle.ConstantTimeCompare(hash[:], want[:]) != 1 {
		return false, fmt.Errorf("%w: new_nonce_hash%d", ErrExchange, number)
	}
	if number == 3 {
		return false, fmt.Errorf("%w: the server gave up", ErrExchange)
	}
	return number == 1, nil
}

// newNonceHash proves that both sides have the key.
//
// See https://core.telegram.org/mtproto/auth_key#dh-key-exchange-complete.
func newNonceHash(newNonce bin.Int256, number byte, key [rawconn.KeySize]byte) bin.Int128 {
	aux := crypto.Key(key).AuxHash()
	sum := sha1.Sum(append(append(newNonce[:], number), aux[:]...))
	return bin.Int128(sum[4:20])
}

// ask sends one unencrypted message and decodes the answer.
//
// See https://core.telegram.org/mtproto/description#unencrypted-message.
func (x *handshake) ask(q bin.Encoder, a bin.Decoder) error {
	var body, b bin.Buffer
	if err := body.Encode(q); err != nil {
		return fmt.Errorf("encode query: %w", err)
	}
	b.PutLong(0)
	b.PutLong(x.numbers.ID(x.Now()))
	b.PutInt(body.Len())
	b.Put(body.Buf)
	if err := x.link.WriteFrame(b.Buf); err != nil {
		return err
	}
	frame, err := x.link.ReadFrame()
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	if len(frame) < 24 || le.Uint64(frame) != 0 || frame[8]&3 != 1 {
		return fmt.Errorf("%w: not an unencrypted answer", ErrExchange)
	}
	// A padded transport may have appended up to 15 bytes.
	rest, size := frame[20:], int(int32(le.Uint32(frame[16:])))
	if size < 4 || size > len(rest) || len(rest)-size > 15 {
		return fmt.Errorf("%w: length of an unencrypted answer", ErrExchange)
	}
	if err := decodeAll(rest[:size], a); err != nil {
		return fmt.Errorf("%w: %w", ErrExchange, err)
	}
	return nil
}

// errTrailing is data behind the end of an object.
var errTrailing = errors.New("trailing bytes")

// decodeAll decodes exactly the bytes of b.
func decodeAll(b []byte, to bin.Decoder) error {
	buf := bin.Buffer{Buf: b}
	if err := to.Decode(&buf); err != nil {
		return err
	}
	if buf.Len() != 0 {
		return errTrailing
	}
	return nil
}
