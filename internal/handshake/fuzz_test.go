package handshake

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
)

// FuzzHandle gives the server packets (stage 0), what a client encrypts for its key
// (1), and what it encrypts under new_nonce (2).
func FuzzHandle(f *testing.F) {
	s := newServer(f, &vault{}, nil)
	seed := newClient(s)
	if err := seed.start(); err != nil {
		f.Fatal(err)
	}
	var b bin.Buffer
	_ = seed.inner().Encode(&b)
	f.Add(byte(1), b.Copy())
	ask := seed.request(seed.inner())
	f.Add(byte(0), packet(ask))
	f.Add(byte(0), packet(&mt.ReqPqRequest{}))
	f.Add(byte(0), packet(&mt.MsgsAck{}))
	if err := seed.ask(ask); err != nil {
		f.Fatal(err)
	}
	b.Reset()
	_ = seed.answer(nil, 0).Encode(&b)
	f.Add(byte(2), b.Copy())
	f.Add(byte(0), packet(seed.seal(seed.answer(nil, 0))))

	f.Fuzz(func(t *testing.T, stage byte, data []byte) {
		c := newClient(s)
		c.x.add(&attempt{p: 1 << 30, q: 1<<31 - 1, until: time.Now().Add(lifetime)})
		a := c.x.attempts[0]
		switch stage % 3 {
		case 0:
			c.x.attempts = append(c.x.attempts, &attempt{until: a.until, dh: new(dhState)})
			_, err := s.Handle(context.Background(), home, c.x, data)
			var refused *TransportError
			if err != nil && !errors.Is(err, ErrClose) && !errors.As(err, &refused) {
				t.Error(err)
			}
		case 1:
			var padded [paddedSize]byte
			copy(padded[:], data)
			_, _ = a.parseInner(padded[:])
		case 2:
			a.dh = &dhState{newNonce: [32]byte(bytes.Repeat([]byte{1}, 32))}
			c.newNonce = a.dh.newNonce
			_ = c.send(c.sealRaw(data), new(mt.DhGenOk))
		}
	})
}
