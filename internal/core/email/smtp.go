package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/wneessen/go-mail"
)

// implicitTLS is the port on which mail servers begin with TLS.
const implicitTLS = 465

// SMTP sends mail through a server: with TLS from the start on port 465, else by STARTTLS, which
// the server must offer.
type SMTP struct {
	Host           string
	Port           int
	User, Password string
	// From is the sender, as in "Chappe <chappe@example.org>".
	From string
	// TLS is how to check the server's certificate, nil for the usual way.
	TLS *tls.Config
}

// SendMail sends one mail, within 15 seconds.
func (s SMTP) SendMail(ctx context.Context, to, subject, text string) error {
	m := mail.NewMsg()
	if err := m.From(s.From); err != nil {
		return fmt.Errorf("sender of mails: %w", err)
	}
	if err := m.To(to); err != nil {
		return fmt.Errorf("mail address: %w", err)
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, text)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated")

	var line net.Conn // the library leaves it open when it fails
	defer func() {
		if line != nil {
			_ = line.Close() // it may be closed already
		}
	}()
	client, err := s.client(&line)
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// client returns a client whose connection will be in line.
func (s SMTP) client(line *net.Conn) (*mail.Client, error) {
	secure := s.TLS
	if secure == nil {
		secure = &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	}
	dial, policy := (&net.Dialer{}).DialContext, mail.TLSMandatory
	if s.Port == implicitTLS {
		dial, policy = (&tls.Dialer{Config: secure}).DialContext, mail.TLSOpportunistic
	}
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(15 * time.Second), mail.WithTLSPolicy(policy), mail.WithTLSConfig(secure),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (_ net.Conn, err error) {
			*line, err = dial(ctx, network, address)
			return *line, err
		}),
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, options...)
}
