package handshake

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/internal/cipher"
)

const (
	headSize   = 8 + 8 + 4 // auth_key_id, message_id, length
	maxPacket  = 4096
	maxPadding = 15  // what a padded transport may leave at the end
	maxTail    = 255 // random bytes that TDLib adds to the data and counts, to hide its size

	// maxExpiresIn bounds the life of a temporary key; clients ask for a day.
	maxExpiresIn = 30 * 24 * 3600
)

// tlObject is a message of the exchange.
type tlObject interface {
	Encode(*bin.Buffer) error
	Decode(*bin.Buffer) error
}

// Handle answers one unencrypted packet (auth_key_id 0 ‖ message_id ‖ length ‖ data)
// with the packet to send back, nil if there is nothing to say. The message_id is
// not looked at: TDLib sends 0 and 1. ip is for the limits alone. The error is a
// *TransportError or ErrClose; either ends the connection.
func (s *Server) Handle(ctx context.Context, ip netip.Addr, x *Exchange, packet []byte) ([]byte, error) {
	data, ok := unwrap(packet)
	if !ok {
		return nil, ErrClose
	}
	b := &bin.Buffer{Buf: data}
	id, err := b.PeekID()
	if err != nil {
		return nil, ErrClose
	}
	var answer tlObject
	switch id {
	case mt.ReqPqRequestTypeID:
		var req mt.ReqPqRequest
		if err = decode(b, &req, maxTail); err == nil {
			answer, err = s.reqPQ(x, req.Nonce)
		}
	case mt.ReqPqMultiRequestTypeID:
		var req mt.ReqPqMultiRequest
		if err = decode(b, &req, maxTail); err == nil {
			answer, err = s.reqPQ(x, req.Nonce)
		}
	case mt.ReqDHParamsRequestTypeID:
		var req mt.ReqDHParamsRequest
		if err = decode(b, &req, maxTail); err == nil {
			answer, err = s.reqDHParams(ctx, ip, x, &req)
		}
	case mt.SetClientDHParamsRequestTypeID:
		var req mt.SetClientDHParamsRequest
		if err = decode(b, &req, maxTail); err == nil {
			answer, err = s.setClientDHParams(ctx, x, &req)
		}
	case mt.MsgsAckTypeID:
		return nil, nil // the Android client acknowledges answers that it had already
	default:
		return nil, ErrClose
	}
	if err != nil {
		return nil, transportError(err)
	}
	return wrap(s.cfg.Now(), answer)
}

// transportError lets out what the caller may see. Anything unforeseen, such as a
// source of randomness that ended, closes the connection.
func transportError(err error) error {
	var refused *TransportError
	if errors.As(err, &refused) {
		return refused
	}
	return ErrClose
}

// unwrap returns the data of an unencrypted message.
func unwrap(packet []byte) ([]byte, bool) {
	if len(packet) < headSize || len(packet) > maxPacket || binary.LittleEndian.Uint64(packet) != 0 {
		return nil, false
	}
	data := packet[headSize:]
	length := binary.LittleEndian.Uint32(packet[16:])
	if length%4 != 0 || int64(length) > int64(len(data)) || len(data)-int(length) > maxPadding {
		return nil, false
	}
	return data[:length], true
}

// wrap makes an unencrypted message of an answer. Its message_id is that of an
// answer, 1 modulo 4 (core.telegram.org/mtproto/description, "Message Identifier").
func wrap(now time.Time, answer tlObject) ([]byte, error) {
	b := &bin.Buffer{Buf: make([]byte, headSize, headSize+768)}
	if err := answer.Encode(b); err != nil {
		return nil, ErrClose
	}
	id := now.Unix()<<32 | int64(now.Nanosecond())<<32/int64(time.Second)
	binary.LittleEndian.PutUint64(b.Buf[8:], uint64(id)&^3|1)
	binary.LittleEndian.PutUint32(b.Buf[16:], uint32(len(b.Buf)-headSize))
	return b.Buf, nil
}

// decode reads one object and no more than tail bytes after it.
func decode(b *bin.Buffer, v tlObject, tail int) error {
	if err := v.Decode(b); err != nil {
		return err
	}
	if b.Len() > tail {
		return errors.New("bytes after the object")
	}
	return nil
}

var errNotFound = &TransportError{CodeNotFound}

// reqPQ begins an exchange: req_pq#60469778, req_pq_multi#be7e8ef1 → resPQ.
func (s *Server) reqPQ(x *Exchange, nonce bin.Int128) (tlObject, error) {
	a := &attempt{nonce: nonce, until: s.cfg.Now().Add(lifetime)}
	if _, err := io.ReadFull(s.cfg.Rand, a.serverNonce[:]); err != nil {
		return nil, fmt.Errorf("draw server_nonce: %w", err)
	}
	var err error
	if a.p, a.q, err = newPQ(s.cfg.Rand); err != nil {
		return nil, err
	}
	x.add(a)
	return &mt.ResPQ{
		Nonce:                       nonce,
		ServerNonce:                 a.serverNonce,
		Pq:                          binary.BigEndian.AppendUint64(nil, a.pq()),
		ServerPublicKeyFingerprints: []int64{int64(s.fingerprint)},
	}, nil
}

func (a *attempt) pq() uint64 { return uint64(a.p) * uint64(a.q) }

// factored reports whether p and q are those of the attempt.
func (a *attempt) factored(p, q []byte) bool {
	return number(p) == uint64(a.p) && number(q) == uint64(a.q)
}

// reqDHParams proves that the server has the private key and offers g_a:
// req_DH_params#d712e4be → server_DH_params_ok.
func (s *Server) reqDHParams(ctx context.Context, ip netip.Addr, x *Exchange, req *mt.ReqDHParamsRequest) (tlObject, error) {
	now := s.cfg.Now()
	a := x.take(req.Nonce, req.ServerNonce, now)
	if a == nil || a.dh != nil || !a.factored(req.P, req.Q) || uint64(req.PublicKeyFingerprint) != s.fingerprint {
		return nil, errNotFound
	}
	if !s.limits.allow(ip, now) {
		return nil, &TransportError{CodeFlood}
	}
	var offer pair
	err := s.pool.do(ctx, func() (err error) {
		data, ok := s.key.open(req.EncryptedData)
		if !ok {
			return errNotFound
		}
		if a.dh, err = a.parseInner(data[:]); err != nil {
			return err
		}
		offer, err = s.takePair()
		return err
	})
	s.refill()
	if err != nil {
		return nil, err
	}
	a.dh.exponent = offer.exponent
	answer, err := a.sealAnswer(s.cfg.Rand, &mt.ServerDHInnerData{
		Nonce:       a.nonce,
		ServerNonce: a.serverNonce,
		G:           generator,
		DhPrime:     s.group.prime,
		GA:          offer.public[:],
		ServerTime:  int(now.Unix()),
	})
	if err != nil {
		return nil, err
	}
	x.add(a)
	return &mt.ServerDHParamsOk{Nonce: a.nonce, ServerNonce: a.serverNonce, EncryptedAnswer: answer}, nil
}

// parseInner reads what the client encrypted for the server's key:
// p_q_inner_data_dc#a9f55f95 or p_q_inner_data_temp_dc#56fddf88, then padding. The
// older constructors name no DC; no client that pads with RSA_PAD sends them.
func (a *attempt) parseInner(data []byte) (*dhState, error) {
	b := &bin.Buffer{Buf: data}
	inner, err := mt.DecodePQInnerData(b)
	if err != nil {
		return nil, errNotFound
	}
	var dc, expires int
	switch v := inner.(type) {
	case *mt.PQInnerDataDC:
		dc = v.DC
	case *mt.PQInnerDataTempDC:
		dc, expires = v.DC, v.ExpiresIn
		if expires <= 0 || expires > maxExpiresIn {
			return nil, errNotFound
		}
	default:
		return nil, errNotFound
	}
	if inner.GetNonce() != a.nonce || inner.GetServerNonce() != a.serverNonce ||
		number(inner.GetPq()) != a.pq() || !a.factored(inner.GetP(), inner.GetQ()) {
		return nil, errNotFound
	}
	if !validDC(dc) {
		return nil, &TransportError{CodeWrongDC}
	}
	return &dhState{newNonce: inner.GetNewNonce(), dc: int32(dc), expiresIn: int32(expires)}, nil
}

// validDC accepts the ids 1 to 999, negated for media, 10000 more for test servers
// (core.telegram.org/mtproto/mtproto-transports#transport-obfuscation).
func validDC(dc int) bool {
	if dc == math.MinInt32 {
		return false
	}
	dc = max(dc, -dc)
	if dc > 10000 {
		dc -= 10000
	}
	return dc >= 1 && dc <= 999
}

// sealAnswer encrypts server_DH_inner_data: SHA1(answer) ‖ answer ‖ padding.
func (a *attempt) sealAnswer(rand io.Reader, inner tlObject) ([]byte, error) {
	b := &bin.Buffer{Buf: make([]byte, 20, 640)}
	if err := inner.Encode(b); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	sum := sha(b.Buf[20:])
	copy(b.Buf, sum[:])
	n := len(b.Buf)
	b.Buf = append(b.Buf, make([]byte, -n&15)...)
	if _, err := io.ReadFull(rand, b.Buf[n:]); err != nil {
		return nil, fmt.Errorf("draw padding: %w", err)
	}
	key, iv := temporaryKey(&a.dh.newNonce, &a.serverNonce)
	cipher.EncryptIGE(&key, &iv, b.Buf)
	return b.Buf, nil
}

// openInner decrypts and authenticates client_DH_inner_data#6643b654. All sixteen
// lengths of padding are tried, so nothing is parsed before the hash fits.
func (a *attempt) openInner(encrypted []byte) (*mt.ClientDHInnerData, bool) {
	if len(encrypted) < 20+16 || len(encrypted)%16 != 0 {
		return nil, false
	}
	key, iv := temporaryKey(&a.dh.newNonce, &a.serverNonce)
	cipher.DecryptIGE(&key, &iv, encrypted)
	length := 0
	for padding := range 16 {
		sum := sha(encrypted[20 : len(encrypted)-padding])
		same := subtle.ConstantTimeCompare(sum[:], encrypted[:20])
		length = subtle.ConstantTimeSelect(same, len(encrypted)-padding, length)
	}
	if length == 0 {
		return nil, false
	}
	inner := new(mt.ClientDHInnerData)
	if err := decode(&bin.Buffer{Buf: encrypted[20:length]}, inner, 0); err != nil {
		return nil, false
	}
	return inner, inner.Nonce == a.nonce && inner.ServerNonce == a.serverNonce && inner.RetryID == a.dh.retryID
}

// setClientDHParams computes and saves the key: set_client_DH_params#f5045f1f →
// dh_gen_ok, dh_gen_retry or dh_gen_fail.
func (s *Server) setClientDHParams(ctx context.Context, x *Exchange, req *mt.SetClientDHParamsRequest) (tlObject, error) {
	a := x.take(req.Nonce, req.ServerNonce, s.cfg.Now())
	if a == nil || a.dh == nil {
		return nil, errNotFound
	}
	inner, ok := a.openInner(req.EncryptedData)
	if !ok {
		return nil, errNotFound
	}
	result := Result{Salt: a.salt(), ExpiresIn: a.dh.expiresIn, DC: a.dh.dc}
	if err := s.pool.do(ctx, func() error {
		if result.Key, ok = s.group.shared(inner.GB, a.dh.exponent[:]); !ok {
			return errNotFound
		}
		return nil
	}); err != nil {
		return nil, err
	}
	err := ErrCollision // an id of 0 would read as "not encrypted"
	if cipher.KeyID(&result.Key) != 0 {
		err = s.cfg.Save(ctx, result)
	}
	aux := auxHash(&result.Key)
	hash := func(number byte) bin.Int128 { return nonceHash(&a.dh.newNonce, number, aux) }
	switch {
	case err == nil:
		return &mt.DhGenOk{Nonce: a.nonce, ServerNonce: a.serverNonce, NewNonceHash1: hash(1)}, nil
	case errors.Is(err, ErrCollision) && a.dh.retries < maxRetries:
		a.dh.retries++
		a.dh.retryID = int64(binary.LittleEndian.Uint64(aux[:]))
		x.add(a)
		return &mt.DhGenRetry{Nonce: a.nonce, ServerNonce: a.serverNonce, NewNonceHash2: hash(2)}, nil
	default:
		return &mt.DhGenFail{Nonce: a.nonce, ServerNonce: a.serverNonce, NewNonceHash3: hash(3)}, nil
	}
}

// salt is the first server salt, new_nonce XOR server_nonce, 8 bytes of each.
func (a *attempt) salt() int64 {
	return int64(binary.LittleEndian.Uint64(a.dh.newNonce[:]) ^ binary.LittleEndian.Uint64(a.serverNonce[:]))
}
