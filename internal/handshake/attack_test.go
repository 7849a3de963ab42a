package handshake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/crypto"
	"github.com/gotd/td/mt"
)

// TestA1ReplayedExchange records a whole exchange and sends it again, on the same
// connection and on another.
func TestA1ReplayedExchange(t *testing.T) {
	v := &vault{}
	s := newServer(t, v, nil)
	c := newClient(s)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	ask := c.request(c.inner())
	if err := c.ask(ask); err != nil {
		t.Fatal(err)
	}
	answer := c.seal(c.answer(c.public(1), 0))
	if err := c.send(clone(answer), new(mt.DhGenOk)); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*Exchange{"same connection": c.x, "another": new(Exchange)} {
		c.x = x
		wantCode(t, name+", req_DH_params", c.ask(ask), CodeNotFound)
		wantCode(t, name+", set_client_DH_params", c.send(answer, new(mt.DhGenOk)), CodeNotFound)
		if err := c.start(); err != nil { // the same nonce again: new server_nonce, so nothing fits
			t.Fatal(err)
		}
		wantCode(t, name+" begun anew", c.ask(ask), CodeNotFound)
	}
	if len(v.saved) != 1 {
		t.Errorf("%d keys saved, want 1", len(v.saved))
	}
}

// TestA2OutOfOrder leaves steps out, repeats them and swaps them.
func TestA2OutOfOrder(t *testing.T) {
	s := newServer(t, &vault{}, nil)
	c := newClient(s)
	c.res.ServerPublicKeyFingerprints = []int64{int64(s.fingerprint)}
	wantCode(t, "req_DH_params first", c.ask(c.request(c.inner())), CodeNotFound)
	wantCode(t, "set_client_DH_params first", c.send(c.sealRaw(make([]byte, 304)), new(mt.DhGenOk)), CodeNotFound)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "set_client_DH_params second", c.send(c.sealRaw(make([]byte, 304)), new(mt.DhGenOk)), CodeNotFound)
	wantCode(t, "req_DH_params after that", c.ask(c.request(c.inner())), CodeNotFound)

	c = offered(t, s)
	wantCode(t, "req_DH_params twice", c.ask(c.request(c.inner())), CodeNotFound)
	wantCode(t, "set_client_DH_params after that", c.finish(0), CodeNotFound)
}

// TestA6NonceSwap changes every nonce, factor and hash at every step. Every lie has
// the same outcome, and none leaves an exchange behind that could go on.
func TestA6NonceSwap(t *testing.T) {
	v := &vault{}
	s := newServer(t, v, nil)
	asks := map[string]func(*client) *mt.ReqDHParamsRequest{}
	outer := func(name string, change func(*mt.ReqDHParamsRequest)) {
		asks[name] = func(c *client) *mt.ReqDHParamsRequest {
			req := c.request(c.inner())
			change(req)
			return req
		}
	}
	inner := func(name string, change func(*mt.PQInnerDataDC)) {
		asks["inner "+name] = func(c *client) *mt.ReqDHParamsRequest {
			data := c.inner()
			change(data)
			return c.request(data)
		}
	}
	outer("nonce", func(r *mt.ReqDHParamsRequest) { r.Nonce[0] ^= 1 })
	outer("server_nonce", func(r *mt.ReqDHParamsRequest) { r.ServerNonce[15] ^= 1 })
	outer("p", func(r *mt.ReqDHParamsRequest) { r.P = flipped(r.P, 3) })
	outer("q", func(r *mt.ReqDHParamsRequest) { r.Q = flipped(r.Q, 3) })
	outer("p and q swapped", func(r *mt.ReqDHParamsRequest) { r.P, r.Q = r.Q, r.P })
	outer("p of nine bytes", func(r *mt.ReqDHParamsRequest) { r.P = append(make([]byte, 5), r.P...) })
	outer("no p", func(r *mt.ReqDHParamsRequest) { r.P = nil })
	outer("fingerprint", func(r *mt.ReqDHParamsRequest) { r.PublicKeyFingerprint ^= 1 })
	outer("first byte", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = flipped(r.EncryptedData, 0) })
	outer("last byte", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = flipped(r.EncryptedData, 255) })
	outer("255 bytes", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = r.EncryptedData[:255] })
	outer("257 bytes", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = append(r.EncryptedData, 0) })
	outer("no ciphertext", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = nil })
	outer("above the modulus", func(r *mt.ReqDHParamsRequest) { r.EncryptedData = bytes.Repeat([]byte{255}, 256) })
	inner("nonce", func(d *mt.PQInnerDataDC) { d.Nonce[3] ^= 1 })
	inner("server_nonce", func(d *mt.PQInnerDataDC) { d.ServerNonce[3] ^= 1 })
	inner("pq", func(d *mt.PQInnerDataDC) { d.Pq = flipped(d.Pq, 7) })
	inner("p", func(d *mt.PQInnerDataDC) { d.P = flipped(d.P, 0) })
	inner("q", func(d *mt.PQInnerDataDC) { d.Q = flipped(d.Q, 0) })
	inner("p and q swapped", func(d *mt.PQInnerDataDC) { d.P, d.Q = d.Q, d.P })
	for _, expires := range []int{0, -1, maxExpiresIn + 1} {
		asks[fmt.Sprintf("lives %d s", expires)] = func(c *client) *mt.ReqDHParamsRequest {
			return c.request(c.temporary(2, expires))
		}
	}
	asks["an object that is none"] = func(c *client) *mt.ReqDHParamsRequest { return c.request(&c.nonce) }
	asks["data without a DC"] = func(c *client) *mt.ReqDHParamsRequest {
		d := c.inner()
		return c.request(&mt.PQInnerData{
			Pq: d.Pq, P: d.P, Q: d.Q, Nonce: d.Nonce, ServerNonce: d.ServerNonce, NewNonce: d.NewNonce,
		})
	}
	for name, lie := range asks {
		c := newClient(s)
		if err := c.start(); err != nil {
			t.Fatal(err)
		}
		wantCode(t, name, c.ask(lie(c)), CodeNotFound)
		a := c.x.take(c.nonce, c.res.ServerNonce, time.Now())
		if a != nil && name != "nonce" && name != "server_nonce" {
			t.Errorf("%s: the exchange may go on", name)
		}
	}
	testAnswerSwap(t, s)
	if len(v.saved) != 0 {
		t.Errorf("%d keys saved", len(v.saved))
	}
}

// testAnswerSwap is the last step of TestA6NonceSwap.
func testAnswerSwap(t *testing.T, s *Server) {
	plain := func(c *client, change func(*mt.ClientDHInnerData)) *mt.SetClientDHParamsRequest {
		data := c.answer(c.public(77), 0)
		change(data)
		return c.seal(data)
	}
	whole := func(c *client, change func(*mt.SetClientDHParamsRequest)) *mt.SetClientDHParamsRequest {
		req := c.seal(c.answer(c.public(77), 0))
		change(req)
		return req
	}
	type request = mt.SetClientDHParamsRequest
	for name, lie := range map[string]func(*client) *request{
		"nonce":        func(c *client) *request { return whole(c, func(r *request) { r.Nonce[0] ^= 1 }) },
		"server_nonce": func(c *client) *request { return whole(c, func(r *request) { r.ServerNonce[0] ^= 1 }) },
		"first byte": func(c *client) *request {
			return whole(c, func(r *request) { r.EncryptedData[0] ^= 1 })
		},
		"last byte": func(c *client) *request {
			return whole(c, func(r *request) { r.EncryptedData[len(r.EncryptedData)-20] ^= 1 })
		},
		"cut": func(c *client) *request {
			return whole(c, func(r *request) { r.EncryptedData = r.EncryptedData[:len(r.EncryptedData)-1] })
		},
		"one block more": func(c *client) *request {
			return whole(c, func(r *request) { r.EncryptedData = append(r.EncryptedData, make([]byte, 16)...) })
		},
		"one block": func(c *client) *request {
			return whole(c, func(r *request) { r.EncryptedData = r.EncryptedData[:16] })
		},
		"nothing": func(c *client) *request { return whole(c, func(r *request) { r.EncryptedData = nil }) },
		"other new_nonce": func(c *client) *request {
			c.newNonce[0] ^= 1
			return c.seal(c.answer(c.public(77), 0))
		},
		"inner nonce": func(c *client) *request {
			return plain(c, func(d *mt.ClientDHInnerData) { d.Nonce[0] ^= 1 })
		},
		"inner server_nonce": func(c *client) *request {
			return plain(c, func(d *mt.ClientDHInnerData) { d.ServerNonce[0] ^= 1 })
		},
		"retry that was not asked for": func(c *client) *request {
			return plain(c, func(d *mt.ClientDHInnerData) { d.RetryID = 1 })
		},
		"other object": func(c *client) *request { return c.seal(c.inner()) },
		"bytes after the object": func(c *client) *request {
			var b bin.Buffer
			_ = c.answer(c.public(77), 0).Encode(&b)
			return c.sealRaw(append(b.Buf, 0, 0, 0, 0))
		},
	} {
		c := offered(t, s)
		wantCode(t, name, c.send(lie(c), new(mt.DhGenOk)), CodeNotFound)
	}
}

// TestA6WrongDC is the one lie with an answer of its own: the client learns nothing
// it did not encrypt itself.
func TestA6WrongDC(t *testing.T) {
	s := newServer(t, &vault{}, nil)
	for _, dc := range []int{0, 1000, -1000, 10000, 11000, -1 << 31, 1<<31 - 1} {
		c := newClient(s)
		if err := c.start(); err != nil {
			t.Fatal(err)
		}
		wantCode(t, fmt.Sprint(dc), c.ask(c.request(c.temporary(dc, 60))), CodeWrongDC)
	}
}

// TestA8DegenerateDH offers values of g_b whose key anyone could guess, and holds
// ours and a foreign client's checks against the same values and groups.
func TestA8DegenerateDH(t *testing.T) {
	v := &vault{}
	s := newServer(t, v, nil)
	prime := new(big.Int).SetBytes(s.group.prime)
	add := func(n *big.Int, d int64) []byte { return new(big.Int).Add(n, big.NewInt(d)).Bytes() }
	for name, public := range map[string][]byte{
		"empty": nil, "0": {0}, "1": {1}, "2": {2}, "g": {generator},
		"p-1": add(prime, -1), "p-2": add(prime, -2), "p": add(prime, 0), "p+1": add(prime, 1),
		"below the range": add(s.group.low, -1), "above the range": add(s.group.high, 1),
		"2^2048-1":  bytes.Repeat([]byte{255}, 256),
		"257 bytes": append([]byte{1}, s.group.prime...), "512 bytes": bytes.Repeat([]byte{7}, 512),
	} {
		c := offered(t, s)
		wantCode(t, name, c.send(c.seal(c.answer(public, 0)), new(mt.DhGenOk)), CodeNotFound)
		bad := new(big.Int).SetBytes(public)
		good := new(big.Int).SetBytes(c.offer.GA)
		if crypto.CheckDHParams(prime, big.NewInt(generator), bad, good) == nil {
			t.Errorf("%s: gotd accepts it as g_a", name)
		}
	}
	if len(v.saved) != 0 {
		t.Errorf("%d keys saved", len(v.saved))
	}
	var groups struct {
		Tables struct {
			Groups map[string]struct{ P hexBytes }
		}
		Cases []struct {
			Name  string
			Input struct {
				P hexBytes
				G int
			}
			Verdict string
		}
	}
	readVectors(t, "dh.json", &groups)
	ours := false
	for _, g := range groups.Cases {
		if len(g.Input.P) == 0 {
			continue
		}
		mine := g.Input.G == generator && bytes.Equal(g.Input.P, s.group.prime)
		ours = ours || mine && g.Verdict == "accept"
		if g.Verdict == "accept" && !mine {
			continue // half a second each, and of no use to us
		}
		if err := crypto.CheckDH(g.Input.G, new(big.Int).SetBytes(g.Input.P)); (err == nil) != mine {
			t.Errorf("%s: gotd says %v", g.Name, err)
		}
	}
	if !ours {
		t.Error("no vector vouches for our group")
	}
}

// TestExpired is an exchange that takes a minute.
func TestExpired(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := newServer(t, &vault{}, func(c *Config) { c.Now = func() time.Time { return now } })
	c := newClient(s)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lifetime)
	wantCode(t, "req_DH_params", c.ask(c.request(c.inner())), CodeNotFound)
	if c.x.attempts != nil {
		t.Error("the exchange is still held")
	}
	c = offered(t, s)
	now = now.Add(lifetime)
	wantCode(t, "set_client_DH_params", c.finish(0), CodeNotFound)
	c = offered(t, s)
	now = now.Add(lifetime - 1)
	if err := c.finish(0); err != nil {
		t.Error(err)
	}
}

// TestNoHandshake sends what is not an unencrypted message of the exchange.
func TestNoHandshake(t *testing.T) {
	s := newServer(t, &vault{}, nil)
	good := packet(&mt.ReqPqRequest{})
	resized := func(n uint32) []byte {
		b := bytes.Clone(good)
		b[16], b[17], b[18], b[19] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
		return b
	}
	for name, p := range map[string][]byte{
		"nothing": nil, "cut": good[:len(good)-1], "head only": good[:headSize], "no data": make([]byte, headSize),
		"encrypted": flipped(good, 0), "longer than it is": resized(24), "negative": resized(1 << 31),
		"odd": resized(19), "trailing": append(resized(20), make([]byte, 16)...), "too much": append(bytes.Clone(good), make([]byte, maxPacket)...),
		"too many bytes after the object": append(resized(20+256), make([]byte, 256)...), "ping": packet(&mt.PingRequest{PingID: 1}),
	} {
		if reply, err := s.Handle(context.Background(), home, new(Exchange), p); !errors.Is(err, ErrClose) || reply != nil {
			t.Errorf("%s: %x, %v", name, reply, err)
		}
	}
	hidden := append(resized(20+12+240), make([]byte, 12+240)...) // as TDLib hides the size
	if reply, err := s.Handle(context.Background(), home, new(Exchange), hidden); err != nil || reply == nil {
		t.Errorf("padded data: %x, %v", reply, err)
	}
	ack := packet(&mt.MsgsAck{MsgIDs: []int64{1}})
	if reply, err := s.Handle(context.Background(), home, new(Exchange), ack); reply != nil || err != nil {
		t.Errorf("msgs_ack: %x, %v", reply, err)
	}
}
