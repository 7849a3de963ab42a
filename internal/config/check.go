package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check refuses settings that contradict each other or cannot be meant. It touches no file and
// no network. The error says which option to change.
func (c Config) Check() error {
	if c.Data == "" {
		return errors.New("--data is empty: name a folder")
	}
	if err := checkAddress("--listen", c.Listen); err != nil {
		return err
	}
	if c.NoLimits && !c.Loopback() {
		return fmt.Errorf("--no-limits is for load tests on a loopback address, not on %s", c.Listen)
	}
	if c.Admin != "off" {
		if err := checkAddress("--admin", c.Admin); err != nil {
			return err
		}
		if !Loopback(c.Admin) {
			return fmt.Errorf("--admin %s: only a loopback address may show profiles", c.Admin)
		}
	}
	if c.DB != "sqlite" && !hasScheme(c.DB, "postgres", "postgresql") {
		return errors.New("--db: want 'sqlite' or postgres://USER@HOST/NAME")
	}
	if c.URL != "" && !isBare(c.URL) {
		return fmt.Errorf("--url %s: want http:// or https:// and a host, nothing behind it", c.URL)
	}
	if c.CodeWebhook != "" && !hasScheme(c.CodeWebhook, "http", "https") {
		return errors.New("--code-webhook: want http:// or https://")
	}
	return errors.Join(c.TLS.check(), c.SMTP.check(), c.Limits.check())
}

func (t TLS) check() error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return errors.New("--tls-cert and --tls-key belong together: set both or none")
	case t.Cert != "" && len(t.ACMEHosts) > 0:
		return errors.New("--tls-cert and --tls-acme-hosts exclude each other: choose one")
	case t.ACMEEmail != "" && len(t.ACMEHosts) == 0:
		return errors.New("--tls-acme-email is of no use without --tls-acme-hosts")
	}
	for _, host := range t.ACMEHosts {
		if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") ||
			strings.ContainsAny(host, "*:/ ") {
			return fmt.Errorf("--tls-acme-hosts %s: want a full host name", host)
		}
	}
	return nil
}

func (s SMTP) check() error {
	switch {
	case s.Host == "" && (s.User != "" || s.PasswordFile != "" || s.From != ""):
		return errors.New("--smtp-user, -password-file and -from are of no use without --smtp-host")
	case s.Host == "":
		return nil
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("--smtp-port %d: want 1 to 65535", s.Port)
	case (s.User == "") != (s.PasswordFile == ""):
		return errors.New("--smtp-user and --smtp-password-file belong together: set both or none")
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		return errors.New("--smtp-from: want an address such as 'Chappe <chappe@example.org>'")
	}
	return nil
}

func (l Limits) check() error {
	switch {
	case l.HandshakeWorkers < 0:
		return errors.New("--limits-handshake-workers: want 0 or more")
	case l.Handshakes < 1:
		return errors.New("--limits-handshakes: want 1 or more")
	case l.Unauthenticated < 1:
		return errors.New("--limits-unauthenticated: want 1 or more")
	case l.Drain < 0:
		return errors.New("--limits-drain: want a time such as 10s")
	}
	_, err := l.ExemptNetworks()
	return err
}

// ExemptNetworks are the networks of Exempt; an address alone stands for itself.
func (l Limits) ExemptNetworks() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range l.Exempt {
		network, err := netip.ParsePrefix(text)
		if ip, errIP := netip.ParseAddr(text); errIP == nil {
			network, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("--limits-exempt %s: want a network such as 10.0.0.0/24", text)
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

// Loopback says whether the public address can be reached from this machine only.
func (c Config) Loopback() bool { return Loopback(c.Listen) }

// SignupPolicy is who may make an account: "open", "invite" or "closed".
func (c Config) SignupPolicy() string {
	switch {
	case c.Signup != "":
		return c.Signup
	case c.Loopback():
		return "open"
	}
	return "invite"
}

// UsesTLS says whether the public port answers to TLS.
func (c Config) UsesTLS() bool { return c.TLS.Cert != "" || len(c.TLS.ACMEHosts) > 0 }

// PublicURL is the address of the server for people, without a slash at its end. Bound is the
// address the server really listens on, which matters when the port was 0.
func (c Config) PublicURL(bound net.Addr) string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	if len(c.TLS.ACMEHosts) > 0 {
		return "https://" + c.TLS.ACMEHosts[0]
	}
	scheme, host := "http", bound.String()
	if c.UsesTLS() {
		scheme = "https"
	}
	if at, err := netip.ParseAddrPort(host); err == nil && at.Addr().IsUnspecified() {
		host = net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
	}
	return scheme + "://" + host
}

// Loopback says whether HOST:PORT can be reached from this machine only. A host name other than
// localhost can't be known to be, so the answer is no.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %s: want HOST:PORT", flag, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s %s: want a port number, not %q", flag, address, port)
	}
	return nil
}

func hasScheme(text string, schemes ...string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}

func isBare(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}
