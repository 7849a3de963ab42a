package mtproto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/gotd/td/crypto"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

const (
	connectTimeout = 30 * time.Second
	// Pauses between attempts to connect double from firstPause to lastPause, or
	// to floodPause when the server asks for less (-429).
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
	floodPause = time.Minute
	// A temporary key is renewed tempKeyMargin before its end.
	tempKeyLife   = 24 * time.Hour
	tempKeyMargin = 10 * time.Minute
)

// Transport error codes.
const (
	codeKeyUnknown = -404
	codeFlood      = -429
	codeWrongDC    = -444
)

// run reads until the Conn ends, connecting anew after each cut.
func (c *Conn) run(ctx context.Context, link *rawconn.Link) {
	defer close(c.done)
	pause := firstPause
	for {
		err := c.read(link)
		if c.alive { // written by this goroutine only
			pause = firstPause
		}
		for link = nil; link == nil; {
			code := transportCode(err)
			if c.settle(code, err) {
				return
			}
			c.o.Log.Info("connection lost", "err", err)
			if !rest(ctx, pause) {
				return
			}
			limit := lastPause
			if code == codeFlood {
				limit = floodPause
			}
			pause = min(pause*2, limit)
			link, err = c.reconnect(ctx)
		}
	}
}

// rest waits for up to d, so that many clients don't come back at once. It
// reports false if ctx ended meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d/2)) // #nosec G404 -- no secret
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func transportCode(err error) int32 {
	var te *rawconn.TransportError
	if errors.As(err, &te) {
		return te.Code
	}
	return 0
}

// settle reports whether the Conn ends because of err.
func (c *Conn) settle(code int32, err error) bool {
	c.mu.Lock()
	var refused *tgerr.Error // by auth.bindTempAuthKey
	switch {
	case c.err != nil:
		c.mu.Unlock()
		return true
	case code == codeKeyUnknown && c.o.TempKeys:
		c.key = nil
	case code == codeKeyUnknown, errors.As(err, &refused) && refused.Code == 400:
		err = fmt.Errorf("%w: %w", ErrKeyUnknown, err)
		c.mu.Unlock()
		c.end(err)
		return true
	case code == codeWrongDC:
		c.mu.Unlock()
		c.end(err)
		return true
	}
	c.mu.Unlock()
	return false
}

// read handles what comes in until the link breaks.
func (c *Conn) read(link *rawconn.Link) error {
	for {
		m, err := link.ReadMessage(c.key) // c.key is written by this goroutine only
		if err != nil {
			_ = link.Close()
			c.mu.Lock()
			c.drop(link)
			c.mu.Unlock()
			return err
		}
		c.receive(m)
	}
}

func (c *Conn) reconnect(ctx context.Context) (*rawconn.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return c.connect(ctx)
}

// connect opens a link, makes what keys are missing and resumes the session.
func (c *Conn) connect(ctx context.Context) (*rawconn.Link, error) {
	link, err := c.dialer.Link(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	defer stop()
	if err := c.resume(ctx, link); err != nil {
		_ = link.Close()
		c.mu.Lock()
		c.drop(link)
		c.mu.Unlock()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		return nil, err
	}
	return link, nil
}

func (c *Conn) resume(ctx context.Context, link *rawconn.Link) error {
	c.mu.Lock()
	key, salt, expires := c.key, c.salt, c.expires
	c.mu.Unlock()
	if c.perm == nil {
		r, err := c.exchange(ctx, link, 0)
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.perm = &r.Key
		c.mu.Unlock()
		salt = r.Salt
	}
	fresh := false
	switch {
	case !c.o.TempKeys:
		key = c.perm
	case key == nil || c.expiring():
		r, err := c.exchange(ctx, link, tempKeyLife)
		if err != nil {
			return err
		}
		key, salt, expires, fresh = &r.Key, r.Salt, r.ServerTime.Add(tempKeyLife), true
	}
	session, err := randomID(c.o.Rand)
	if err != nil {
		return err
	}
	c.mu.Lock()
	begin := c.session == 0 || fresh
	if begin {
		c.session, c.salt, c.salts, c.created = session, salt, nil, 0
		c.numbers, c.seen, c.acks, c.ackDue = rawconn.Numbers{}, seen{}, nil, false
	}
	c.requeue(begin)
	c.key, c.expires, c.link = key, expires, link
	c.bound, c.inited, c.heard, c.pinged, c.alive = !fresh, false, false, false, false
	c.pingID, c.missed = 0, false
	c.mu.Unlock()
	if fresh {
		if err := c.bind(link); err != nil {
			return fmt.Errorf("bind temporary key: %w", err)
		}
	}
	go c.flush()
	return nil
}

// expiring reports whether the temporary key is at its end.
func (c *Conn) expiring() bool { return c.clock.time().After(c.expires.Add(-tempKeyMargin)) }

func (c *Conn) exchange(ctx context.Context, link *rawconn.Link, life time.Duration) (ExchangeResult, error) {
	r, err := Exchange(ctx, link, ExchangeOptions{
		PublicKeys: c.o.PublicKeys, DC: c.o.DC, ExpiresIn: life, Rand: c.o.Rand, Now: c.o.Now,
	})
	if err == nil {
		c.mu.Lock()
		c.clock.set(r.ServerTime)
		c.mu.Unlock()
	}
	return r, err
}

// bind ties the new temporary key to the permanent one, before anything else is
// sent with it.
//
// See https://core.telegram.org/method/auth.bindTempAuthKey.
func (c *Conn) bind(link *rawconn.Link) error {
	q := &call{content: true, done: make(chan struct{}), bind: c.bindBody}
	if err := c.enqueue(q, nil); err != nil {
		return err
	}
	defer func() {
		c.mu.Lock()
		delete(c.pending, q.id)
		q.finish(nil, ErrClosed)
		c.mu.Unlock()
	}()
	go c.flush()
	for !c.isOver(q) {
		m, err := link.ReadMessage(c.key)
		if err != nil {
			return err
		}
		c.receive(m)
	}
	if q.err != nil {
		return q.err
	}
	var ok tg.BoolBox
	if err := decodeAll(q.result, &ok); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if _, yes := ok.Bool.(*tg.BoolTrue); !yes {
		return errors.New("the server answered no")
	}
	c.mu.Lock()
	c.bound = true
	c.mu.Unlock()
	return nil
}

func (c *Conn) isOver(q *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return q.over
}

// bindBody makes auth.bindTempAuthKey, which depends on the msg_id it travels
// under. The caller holds c.mu.
func (c *Conn) bindBody(id int64) ([]byte, error) {
	nonce, err := randomID(c.o.Rand)
	if err != nil {
		return nil, err
	}
	expires := int(c.expires.Unix())
	envelope, err := sealBinding(c.o.Rand, c.perm, id, &crypto.BindAuthKeyInner{
		Nonce: nonce, TempAuthKeyID: c.key.ID(), PermAuthKeyID: c.perm.ID(),
		TempSessionID: c.session, ExpiresAt: expires,
	})
	if err != nil {
		return nil, fmt.Errorf("seal bind_auth_key_inner: %w", err)
	}
	return encodeAll(&tg.AuthBindTempAuthKeyRequest{
		PermAuthKeyID: c.perm.ID(), Nonce: nonce, ExpiresAt: expires, EncryptedMessage: envelope,
	})
}

// sealBinding seals the binding message under the permanent key, in the envelope
// of MTProto 1.0.
//
// See https://core.telegram.org/api/pfs#binding-message-contents.
func sealBinding(rnd io.Reader, perm *AuthKey, id int64, inner *crypto.BindAuthKeyInner) ([]byte, error) {
	return crypto.EncryptBindMessage(rnd, crypto.Key(perm.Value()).WithID(), id, inner)
}
