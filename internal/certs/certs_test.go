package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// write makes a self-signed certificate of a name and writes it as cert.pem and key.pem.
func write(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Now().AddDate(200, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func files(dir string) Source {
	return Source{
		Cert: filepath.Join(dir, "cert.pem"),
		Key:  filepath.Join(dir, "key.pem"),
		Log:  slog.New(slog.DiscardHandler),
	}
}

// served returns the name that a handshake through the settings shows.
func served(t *testing.T, c *tls.Config, alpn ...string) (name, protocol string, err error) {
	t.Helper()
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	go func() {
		s := tls.Server(server, c)
		_ = s.Handshake() // the client reports it
		_ = s.Close()
	}()
	conn := tls.Client(client, &tls.Config{
		ServerName: "a.example.org", InsecureSkipVerify: true, NextProtos: alpn,
	})
	if err := conn.Handshake(); err != nil {
		return "", "", err
	}
	state := conn.ConnectionState()
	return state.PeerCertificates[0].Subject.CommonName, state.NegotiatedProtocol, nil
}

func TestFilesMustBeAPair(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	write(t, a, "a.example.org")
	write(t, b, "b.example.org")
	s := files(a)
	s.Key = files(b).Key
	if _, err := s.Config(); err == nil {
		t.Error("a key of another certificate passed")
	}
	if _, err := files(t.TempDir()).Config(); err == nil {
		t.Error("absent files passed")
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, "a.example.org")
		c, err := files(dir).Config()
		if err != nil {
			t.Fatal(err)
		}
		expect := func(want string) {
			t.Helper()
			time.Sleep(2 * recheck) // the bubble's clock
			if name, _, err := served(t, c); err != nil || name != want {
				t.Errorf("served %q, %v, want %s", name, err, want)
			}
		}
		expect("a.example.org")
		put(t, filepath.Join(dir, "key.pem"), []byte("half a file"))
		expect("a.example.org")
		if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
			t.Fatal(err)
		}
		expect("a.example.org")
		write(t, dir, "other.example.org")
		expect("other.example.org")
	})
}

func TestOnlyHTTP1(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.example.org")
	c, err := files(dir).Config()
	if err != nil {
		t.Fatal(err)
	}
	if _, protocol, err := served(t, c, "h2", "http/1.1"); err != nil || protocol != "http/1.1" {
		t.Errorf("spoke %q, %v", protocol, err)
	}
	if _, protocol, err := served(t, c); err != nil || protocol != "" {
		t.Errorf("without ALPN: spoke %q, %v", protocol, err)
	}
}

func TestACMERefusesOtherHosts(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "data", "acme")
	c, err := Source{Hosts: []string{"chat.example.org"}, Cache: cache}.Config()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(cache)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cache: %v, %v", info, err)
	}
	if !slices.Contains(c.NextProtos, "acme-tls/1") {
		t.Error("the authority can't prove the name")
	}
	_, err = c.GetCertificate(&tls.ClientHelloInfo{ServerName: "evil.example.org"})
	if err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("another host: %v", err)
	}
}

func TestNoSource(t *testing.T) {
	if c, err := (Source{}).Config(); c != nil || err != nil {
		t.Errorf("got %v, %v", c, err)
	}
}
