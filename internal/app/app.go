// Package app puts the server together by hand and runs it: every part is made here, told of the
// others it needs, started, and stopped in the reverse order.
//
// Only commands and tests import it.
package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chappe-im/chappe/internal/admin"
	"github.com/chappe-im/chappe/internal/certs"
	"github.com/chappe-im/chappe/internal/config"
	"github.com/chappe-im/chappe/internal/metrics"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/wire"
)

// Server is a running server.
type Server struct {
	cfg     config.Config
	log     *slog.Logger
	metrics *metrics.Metrics
	frames  atomic.Int64 // received

	db       *store.DB
	box      *seal.Box
	listener net.Listener // the public address
	services *services
	wire     *wire.Server
	socket   net.Listener
	loopback net.Listener // nil when it is off
}

// Serve runs a server until ctx ends, and drains it. ready gets one line with its addresses when it
// accepts connections.
func Serve(ctx context.Context, c config.Config, ready io.Writer, log *slog.Logger) error {
	useMemory()
	s, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	fmt.Fprintln(ready, s.Line())
	return s.Run(ctx)
}

// Open makes a server and binds its addresses; Run serves them. The folder of its data is locked
// for other servers by the admin socket.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (_ *Server, err error) {
	s := &Server{cfg: c, log: log, metrics: metrics.New()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if s.socket, err = admin.ListenSocket(ctx, c.Data); err != nil {
		return nil, err
	}
	if s.box, err = seal.Open(filepath.Join(c.Data, masterKeyFile)); err != nil {
		return nil, err
	}
	if s.db, err = store.Open(ctx, c.DB, c.Data, store.Options{
		Log: log, Committed: observer{s.metrics, &s.frames}.committed,
	}); err != nil {
		return nil, err
	}
	if err := s.checkMasterKey(ctx); err != nil {
		return nil, err
	}
	// Probing each connection every 15 seconds, as Go would, keeps the radios of phones awake.
	keep := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Minute, Interval: time.Minute, Count: 3}
	s.metrics.Gauge("writes_waiting", "Writes that wait for the disk.", func() float64 { return float64(s.db.Waiting()) })
	if s.listener, err = (&net.ListenConfig{KeepAliveConfig: keep}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	if c.Admin != "off" {
		if s.loopback, err = admin.Listen(ctx, c.Admin); err != nil {
			return nil, fmt.Errorf("admin address: %w", err)
		}
	}
	if s.services, err = newServices(s); err != nil {
		return nil, err
	}
	s.metrics.Gauge("connections", "Open MTProto connections.", func() float64 { return float64(s.services.hub.Connections()) })
	s.wire, err = s.newWire()
	return s, err
}

// checkMasterKey refuses a master key that is not the one the database was made with: what is sealed
// there would be lost, and every device with it.
func (s *Server) checkMasterKey(ctx context.Context) error {
	mine := s.box.MAC("master key")
	return s.db.Write(ctx, nil, func(tx *store.Tx) error {
		first, err := tx.Mark("master key", mine[:])
		if err == nil && !bytes.Equal(first, mine[:]) {
			err = fmt.Errorf("%s is not the key this database was made with; put the right one back, or restore a backup",
				filepath.Join(s.cfg.Data, masterKeyFile))
		}
		return err
	})
}

// Addr is the bound public address.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL is the address of the server for people.
func (s *Server) URL() string { return s.cfg.PublicURL(s.listener.Addr()) }

// publicAddr is where clients connect, as host:port: what the public URL says.
func (s *Server) publicAddr() string {
	public, err := url.Parse(s.URL())
	if err != nil || public.Hostname() == "" {
		return s.Addr().String()
	}
	port := cmp.Or(public.Port(), map[string]string{"http": "80", "https": "443"}[public.Scheme])
	return net.JoinHostPort(public.Hostname(), port)
}

// Line says where the server is, for people.
func (s *Server) Line() string {
	line := fmt.Sprintf("chappe: open %s/join to begin; clients connect to %s", s.URL(), s.Addr())
	if s.loopback != nil {
		line += "; figures at http://" + s.loopback.Addr().String() + "/metrics"
	}
	return line
}

func (s *Server) newWire() (*wire.Server, error) {
	source := certs.Source{
		Cert: s.cfg.TLS.Cert, Key: s.cfg.TLS.Key, Hosts: s.cfg.TLS.ACMEHosts, Email: s.cfg.TLS.ACMEEmail,
		Cache: filepath.Join(s.cfg.Data, "acme"), Log: s.log,
	}
	tlsConfig, err := source.Config()
	if err != nil {
		return nil, err
	}
	exempt, err := s.cfg.Limits.ExemptNetworks()
	if err != nil {
		return nil, err
	}
	limits := wire.Limits{PreAuthConns: s.cfg.Limits.Unauthenticated, Exempt: exempt}
	if s.cfg.NoLimits {
		limits.PreAuthConns, limits.HTTPConns = 1<<20, 1<<20
	}
	origins, err := s.origins()
	if err != nil {
		return nil, err
	}
	return &wire.Server{
		Handler: s.services.hub.ServeConn,
		HTTP:    s.services.pages,
		TLS:     tlsConfig,
		Origins: origins,
		Limits:  limits,
		Log:     s.log,
	}, nil
}

// origins are the hosts whose pages may open a WebSocket: the server's own, under every name that a
// loopback address goes by.
func (s *Server) origins() ([]string, error) {
	public, err := url.Parse(s.URL())
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	hosts := []string{public.Host}
	if s.cfg.Loopback() {
		for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
			hosts = append(hosts, net.JoinHostPort(name, public.Port()))
		}
	}
	return hosts, nil
}

// sweeps is how often what ran out is forgotten.
const sweeps = 5 * time.Minute

// Run serves until ctx ends: then it stops accepting, lets queries in flight finish, and closes the
// store.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.wire.Serve(ctx, s.listener) })
	g.Go(func() error {
		s.services.hub.Run(ctx, s.cfg.Limits.Drain)
		return nil
	})
	g.Go(func() error { return admin.Serve(ctx, s.socket, admin.SocketHandler(s.operations(), s.log), s.log) })
	if s.loopback != nil {
		health := admin.Health(s.healthy, s.log)
		g.Go(func() error {
			return admin.Serve(ctx, s.loopback, admin.Handler(health, s.metrics.Handler()), s.log)
		})
	}
	g.Go(func() error { return s.sweep(ctx) })
	g.Go(func() error { return s.giveBack(ctx) })
	err := g.Wait()
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *Server) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweeps)
	defer tick.Stop()
	for {
		err := errors.Join(s.services.account.Sweep(ctx), s.services.users.Sweep(ctx), s.services.files.Sweep(ctx))
		if err != nil && ctx.Err() == nil {
			s.log.Error("what ran out was not forgotten", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// healthy tells whether the store answers.
func (s *Server) healthy(ctx context.Context) error {
	return s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Pts(systemAccount)
		return err
	})
}

func (s *Server) close() {
	for _, l := range []net.Listener{s.listener, s.loopback, s.socket} {
		if l != nil {
			l.Close()
		}
	}
	if s.services != nil {
		if err := s.services.files.Close(); err != nil {
			s.log.Error("the files of uploads did not close well", "err", err)
		}
	}
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			s.log.Error("the store did not close well", "err", err)
		}
	}
}
