// Package certs builds the TLS settings of the public port: from files, which are read again when
// they change, or from an ACME authority for a fixed list of host names.
//
// The settings offer HTTP/1.1 only, because the port tells protocols apart by their first bytes
// and speaks WebSocket, which HTTP/2 makes harder and no faster.
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Source says where certificates come from. Either the files are set, or the hosts, or nothing.
type Source struct {
	Cert, Key string   // PEM files
	Hosts     []string // names to get certificates for by ACME
	Email     string   // where the authority writes to, may be empty
	Cache     string   // folder for the account and certificates of ACME, made with mode 0700
	Log       *slog.Logger
}

// Config returns settings for a [tls.Server], nil when the source is empty. The files must be a
// valid pair now; when they become invalid later, the last valid pair stays in use.
func (s Source) Config() (*tls.Config, error) {
	switch {
	case s.Cert != "":
		p := &pair{cert: s.Cert, key: s.Key, log: s.Log}
		if err := p.load(); err != nil {
			return nil, err
		}
		return config(p.get), nil
	case len(s.Hosts) > 0:
		return s.acme()
	}
	return nil, nil
}

// acme builds the settings for certificates of an authority, Let's Encrypt's. It proves the names
// on the public port itself (TLS-ALPN-01, RFC 8737), so no second port is needed.
func (s Source) acme() (*tls.Config, error) {
	if err := os.MkdirAll(s.Cache, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for certificates: %w", err)
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(filepath.Clean(s.Cache)),
		HostPolicy: autocert.HostWhitelist(s.Hosts...),
		Email:      s.Email,
	}
	c := config(m.GetCertificate)
	c.NextProtos = append(c.NextProtos, acme.ALPNProto)
	return c, nil
}

func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: get,
	}
}

// recheck is how long a look at the files is good for.
const recheck = time.Second

// pair is a certificate and its key in files.
type pair struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex // guards what follows; held while the files are read
	now    *tls.Certificate
	state  [2]state
	looked time.Time
}

// state tells whether a file is the one that was read.
type state struct {
	modified time.Time
	size     int64
}

// get returns the certificate for a handshake, after a look whether the files have changed.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < recheck {
		return p.now, nil
	}
	p.looked = time.Now()
	if s, err := p.stat(); err == nil && s == p.state {
		return p.now, nil
	}
	if err := p.load(); err != nil {
		p.log.Error("the certificate can't be read again, the old one stays", "error", err)
	}
	return p.now, nil
}

// load reads the pair. It notes the state of the files before reading, so that a change in
// between is seen the next time.
func (p *pair) load() error {
	s, err := p.stat()
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	c, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	p.now, p.state = &c, s
	return nil
}

func (p *pair) stat() ([2]state, error) {
	c, errC := os.Stat(p.cert)
	k, errK := os.Stat(p.key)
	if err := errors.Join(errC, errK); err != nil {
		return [2]state{}, err
	}
	return [2]state{{c.ModTime(), c.Size()}, {k.ModTime(), k.Size()}}, nil
}
