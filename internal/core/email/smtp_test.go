package email_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/email"
)

// postOffice is a mail server for one connection: it returns what was said after DATA.
func postOffice(t *testing.T, secure *tls.Config) (host string, port int, letter <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	letters := make(chan string, 1)
	go func() {
		defer close(letters)
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { c.Close() }()
		r := bufio.NewReader(c)
		say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
		say("220 here")
		text, data := "", false
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch command := strings.ToUpper(strings.TrimSpace(line)); {
			case data && command == ".":
				data = false
				letters <- text
				say("250 thank you")
			case data:
				text += line
			case strings.HasPrefix(command, "EHLO") && secure != nil:
				say("250-here\r\n250 STARTTLS")
			case command == "STARTTLS":
				say("220 go")
				c = tls.Server(c, secure)
				r = bufio.NewReader(c)
			case command == "DATA":
				data = true
				say("354 go")
			case command == "QUIT":
				say("221 bye")
				return
			default:
				say("250 fine")
			}
		}
	}()
	address := l.Addr().(*net.TCPAddr)
	return address.IP.String(), address.Port, letters
}

// selfSigned is a certificate for 127.0.0.1 and who trusts it.
func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

func TestSMTP(t *testing.T) {
	server, client := selfSigned(t)
	send := func(s email.SMTP) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return s.SendMail(ctx, "ann@example.org", "Your code: 123456", "Your code is 123456.\n")
	}
	host, port, letter := postOffice(t, nil)
	s := email.SMTP{Host: host, Port: port, From: "Chappe <chappe@example.org>", TLS: client}
	if err := send(s); err == nil || <-letter != "" {
		t.Error("a code went over an open line")
	}
	s.Host, s.Port, letter = postOffice(t, server)
	s.TLS = nil
	if err := send(s); err == nil || <-letter != "" {
		t.Error("a code went to a server nobody vouches for")
	}
	s.TLS, s.From = client, "nobody"
	if err := send(s); err == nil {
		t.Error("sent by nobody")
	}
	s.From = "Chappe <chappe@example.org>"
	s.Host, s.Port, letter = postOffice(t, server)
	if err := send(s); err != nil {
		t.Fatal(err)
	}
	got := <-letter
	for _, want := range []string{"To: <ann@example.org>", "Subject: Your code: 123456", "Your code is 123456.", "Auto-Submitted: auto-generated"} {
		if !strings.Contains(got, want) {
			t.Errorf("the mail lacks %q:\n%s", want, got)
		}
	}
}

func TestMask(t *testing.T) {
	for address, want := range map[string]string{
		"": "", "ann": "", "a@b.c": "*@b.c", "ab@b.c": "**@b.c", "anna@b.c": "a**a@b.c", "öäü@b.c": "ö*ü@b.c",
	} {
		if got := email.Mask(address); got != want {
			t.Errorf("%q is masked as %q, want %q", address, got, want)
		}
	}
}
