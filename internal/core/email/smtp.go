package email

import (
	"context"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTP sends mail through a server: with TLS from the start on port 465, else by STARTTLS, which
// the server must offer.
type SMTP struct {
	Host           string
	Port           int
	User, Password string
	// From is the sender, as in "Chappe <chappe@example.org>".
	From string
}

// SendMail sends one mail, within 15 seconds.
func (s SMTP) SendMail(ctx context.Context, to, subject, text string) error {
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(15 * time.Second), mail.WithTLSPolicy(mail.TLSMandatory)}
	if s.Port == 465 {
		options = append(options, mail.WithSSL())
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
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
	m.SetHeader("Auto-Submitted", "auto-generated")
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}
