package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/gotd/td/session"
	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/dcs"
	"github.com/gotd/td/telegram/updates"
	"github.com/gotd/td/tg"
)

// driver is one device. Its session, update state and access hashes are files in dir.
type driver struct {
	dir     string
	client  *telegram.Client
	api     *tg.Client
	manager *updates.Manager
	stop    context.CancelFunc
	done    chan error

	phone, codeHash string
	scanned         chan struct{} // a QR token was accepted

	mu     sync.Mutex
	state  *updates.State
	hashes map[int64]int64 // access hashes of users met

	following atomic.Bool // the updates manager runs
}

// open connects and, when the device is signed in, goes on with its updates.
func (d *driver) open(ctx context.Context, r request) (result, error) {
	key, err := publicKey(r.Key)
	if err != nil {
		return nil, err
	}
	d.dir = r.Dir
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	if err := d.load(); err != nil {
		return nil, err
	}
	// The configuration tells the server's own address; the runner wants its proxy used.
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, r.Address)
	}
	options := telegram.Options{
		DC:             2,
		DCList:         dcs.List{Options: []tg.DCOption{{ID: 2, IPAddress: "127.0.0.1", Port: 1}}},
		PublicKeys:     []telegram.PublicKey{{RSA: key}},
		Resolver:       dcs.Plain(dcs.PlainOptions{Dial: dial}),
		SessionStorage: &session.FileStorage{Path: filepath.Join(d.dir, "session.json")},
	}
	d.follow(&options, r.PFS)
	d.client = telegram.NewClient(1, "interop", options)
	d.api = d.client.API()
	ctx, d.stop = context.WithCancel(ctx)
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	status, err := d.client.Auth().Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	if !status.Authorized {
		return result{"state": "phone"}, nil
	}
	return d.ready(ctx)
}

// connect runs the client beside the operations and returns when it is connected.
func (d *driver) connect(ctx context.Context) error {
	d.done = make(chan error, 1)
	connected := make(chan struct{})
	go func() {
		err := d.client.Run(ctx, func(ctx context.Context) error {
			close(connected)
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "client ended:", err)
		}
		d.done <- err
		close(d.done)
	}()
	select {
	case <-connected:
		return nil
	case err := <-d.done:
		return fmt.Errorf("connect: %w", err)
	}
}

// ready starts the updates of a signed-in device.
func (d *driver) ready(ctx context.Context) (result, error) {
	self, err := d.client.Self(ctx)
	if err != nil {
		return nil, fmt.Errorf("self: %w", err)
	}
	if err := d.startUpdates(ctx, self.ID); err != nil {
		return nil, fmt.Errorf("updates: %w", err)
	}
	return result{"state": "ready"}, nil
}

func (d *driver) close() {
	if d.stop == nil {
		return
	}
	d.stop()
	d.stop = nil
	<-d.done
	if err := d.save(); err != nil {
		fmt.Fprintln(os.Stderr, "save:", err)
	}
}

type saved struct {
	State  *updates.State
	Hashes map[int64]int64
}

func (d *driver) load() error {
	data, err := os.ReadFile(filepath.Join(d.dir, "updates.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	d.state, d.hashes = s.State, s.Hashes
	return nil
}

func (d *driver) save() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	data, err := json.Marshal(saved{d.state, d.hashes})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "updates.json"), data, 0o600)
}

func publicKey(path string) (*rsa.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s has no PEM block", path)
	}
	return x509.ParsePKCS1PublicKey(block.Bytes)
}
