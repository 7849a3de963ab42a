// Package apptest runs whole servers inside tests and signs people in to them through our own
// client, so that a test sees what a person's device would.
package apptest

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/internal/app"
	"github.com/chappe-im/chappe/internal/config"
)

// Wait is how long a test waits for something that must happen.
const Wait = 20 * time.Second

// Server is a server in this process.
type Server struct {
	t      testing.TB
	Config config.Config
	Addr   string
	URL    string
	Key    *rsa.PublicKey
	stop   func()
}

// Start runs a server on a free port with a data folder of its own; change may alter its settings.
// It stops when the test ends.
func Start(t testing.TB, change func(*config.Config)) *Server {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen, c.Admin, c.NoLimits = t.TempDir(), "127.0.0.1:0", "off", true
	if change != nil {
		change(&c)
	}
	s := &Server{t: t, Config: c}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

// At is a server that runs somewhere else.
func At(t testing.TB, addr string, key *rsa.PublicKey) *Server {
	return &Server{t: t, Addr: addr, URL: "http://" + addr, Key: key}
}

func (s *Server) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	running, err := app.Open(ctx, s.Config, slog.New(slog.NewTextHandler(logWriter{s.t}, nil)))
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error("server:", err)
		}
	})
	s.Addr, s.URL = running.Addr().String(), "http://"+running.Addr().String()
	if s.Key == nil {
		s.Key = publicKey(s.t, s.Config.Data)
	}
}

// Restart stops the server and runs it again on the same data and address.
func (s *Server) Restart() {
	s.t.Helper()
	s.stop()
	s.Config.Listen = s.Addr
	s.start()
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func publicKey(t testing.TB, dir string) *rsa.PublicKey {
	t.Helper()
	text, err := app.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Client is a person's device.
type Client struct {
	*mtproto.Conn
	API  *tg.Client
	Self *tg.User

	t       testing.TB
	options mtproto.Options
	mu      sync.Mutex
	updates []tg.UpdateClass
	changed chan struct{}
}

// Dial connects a device that is not signed in.
func (s *Server) Dial(change func(*mtproto.Options)) *Client {
	s.t.Helper()
	c := &Client{t: s.t, changed: make(chan struct{})}
	c.options = mtproto.Options{Addr: s.Addr, PublicKeys: []*rsa.PublicKey{s.Key}, OnUpdate: c.take}
	if change != nil {
		change(&c.options)
	}
	c.connect()
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (c *Client) connect() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	defer cancel()
	conn, err := mtproto.Dial(ctx, c.options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Conn, c.API = conn, tg.NewClient(conn)
}

// Reconnect comes back with the same key in a new session.
func (c *Client) Reconnect() {
	c.t.Helper()
	c.options.Key = c.Key()
	c.Close()
	c.connect()
}

func (c *Client) take(b []byte) {
	u, err := tg.DecodeUpdates(&bin.Buffer{Buf: b})
	if err != nil {
		c.t.Errorf("updates not understood: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch u := u.(type) {
	case *tg.Updates:
		c.updates = append(c.updates, u.Updates...)
	case *tg.UpdatesTooLong:
	default:
		c.t.Errorf("unexpected %T", u)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// Updates returns what was pushed so far.
func (c *Client) Updates() []tg.UpdateClass {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]tg.UpdateClass(nil), c.updates...)
}

// Await waits for an update of a type and returns the first that fits.
func Await[U tg.UpdateClass](c *Client, fits func(U) bool) U {
	c.t.Helper()
	deadline := time.After(Wait)
	for {
		c.mu.Lock()
		updates, changed := c.updates, c.changed
		c.mu.Unlock()
		for _, u := range updates {
			if u, ok := u.(U); ok && (fits == nil || fits(u)) {
				return u
			}
		}
		select {
		case <-changed:
		case <-deadline:
			c.t.Fatalf("no such update came; those that did: %v", updates)
		}
	}
}

// Joined is a number from /join with its first login code.
type Joined struct{ Number, Code string }

// Join gets a number.
func (s *Server) Join() Joined {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL+"/join", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var j Joined
	if err := json.NewDecoder(resp.Body).Decode(&j); err != nil || resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("join: %s, %v", resp.Status, err)
	}
	return j
}

// SignUp makes an account and returns its first device.
func (s *Server) SignUp(name string) *Client {
	s.t.Helper()
	return s.SignUpOn(s.Dial(nil), name)
}

// SignUpOn makes an account on a device.
func (s *Server) SignUpOn(c *Client, name string) *Client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	defer cancel()
	j := s.Join()
	sent, err := c.API.AuthSendCode(ctx, &tg.AuthSendCodeRequest{PhoneNumber: j.Number, APIID: 1, APIHash: "test"})
	if err != nil {
		s.t.Fatal("sendCode:", err)
	}
	hash := sent.(*tg.AuthSentCode).PhoneCodeHash
	a, err := c.API.AuthSignIn(ctx, &tg.AuthSignInRequest{PhoneNumber: j.Number, PhoneCodeHash: hash, PhoneCode: j.Code})
	if err != nil {
		s.t.Fatal("signIn:", err)
	}
	if _, ok := a.(*tg.AuthAuthorizationSignUpRequired); !ok {
		s.t.Fatalf("signIn answered %T", a)
	}
	a, err = c.API.AuthSignUp(ctx, &tg.AuthSignUpRequest{PhoneNumber: j.Number, PhoneCodeHash: hash, FirstName: name})
	if err != nil {
		s.t.Fatal("signUp:", err)
	}
	c.Self = a.(*tg.AuthAuthorization).User.(*tg.User)
	return c
}

// Befriend lets a know b by b's public name, which it makes if need be.
func Befriend(t testing.TB, a, b *Client) *tg.InputPeerUser {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	defer cancel()
	if b.Self.Username == "" {
		u, err := b.API.AccountUpdateUsername(ctx, "n"+b.Self.Phone)
		if err != nil {
			t.Fatal("updateUsername:", err)
		}
		b.Self = u.(*tg.User)
	}
	found, err := a.API.ContactsResolveUsername(ctx, &tg.ContactsResolveUsernameRequest{Username: b.Self.Username})
	if err != nil {
		t.Fatal("resolveUsername:", err)
	}
	u := found.Users[0].(*tg.User)
	return u.AsInputPeer()
}
