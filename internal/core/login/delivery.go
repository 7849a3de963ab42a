package login

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

// Way is how a login code goes to its owner.
type Way int

// Ways, in the order in which they are tried.
const (
	// InApp is a message in the account's other sessions.
	InApp Way = iota + 1
	// ByEmail is a mail to the address that the owner set for logins.
	ByEmail
	// ByWebhook is whatever the operator's service makes of it, say an SMS.
	ByWebhook
	// ByConsole is a line of the server's log and 'chappe code'.
	ByConsole
	// OnPage is the page that handed the number out.
	OnPage
)

// Sender delivers a login code to a number.
type Sender interface {
	SendCode(ctx context.Context, number, code string) error
}

// parcel is a code on its way.
type parcel struct {
	row     store.LoginCode
	code    string
	account int64
	address string
	ways    []Way // that are left, the first is next
}

// ways finds how codes can reach the owner of an account. The console stands in where nothing else
// is set up.
func (s *Service) ways(tx *store.Tx, account int64) (ways []Way, address string, err error) {
	devices, err := tx.DevicesOf(account)
	if err != nil {
		return nil, "", err
	}
	if len(devices) > 0 {
		ways = append(ways, InApp)
	}
	if s.Email.Mail != nil {
		if address, err = s.Email.Address(tx, account, email.ForLogin, true); err != nil {
			return nil, "", err
		}
		if address != "" {
			ways = append(ways, ByEmail)
		}
	}
	switch {
	case s.Webhook != nil:
		ways = append(ways, ByWebhook)
	case address == "":
		ways = append(ways, ByConsole)
	}
	return ways, address, nil
}

// after returns the ways that come after the one used last.
func after(ways []Way, last Way) []Way {
	if i := slices.IndexFunc(ways, func(w Way) bool { return w > last }); i >= 0 && last != OnPage {
		return ways[i:]
	}
	return nil
}

// deliver sends a code by the first way that works. The row has been written for the first way of
// all.
func (s *Service) deliver(ctx context.Context, p parcel) (Sent, error) {
	for i, way := range p.ways {
		if err := s.send(ctx, way, p); err != nil {
			s.Log.Warn("a login code could not be delivered", "way", int(way), "err", err)
			continue
		}
		if i > 0 {
			p.row.Way = int(way)
			if err := s.write(ctx, func(tx *store.Tx) error { return s.setWay(tx, p.row) }); err != nil {
				return Sent{}, err
			}
		}
		sent := Sent{Hash: p.row.Hash, Way: way, Digits: codeDigits}
		if rest := p.ways[i+1:]; len(rest) > 0 {
			sent.Next = rest[0]
		}
		if way == ByEmail {
			sent.Email = email.Mask(p.address)
		}
		return sent, nil
	}
	return Sent{}, fault.SMSCodeCreateFailed
}

// setWay notes how a code went after all, if it is still alive.
func (s *Service) setWay(tx *store.Tx, row store.LoginCode) error {
	live, ok, err := s.liveCode(tx, row.Phone, row.Hash)
	if err != nil || !ok {
		return err
	}
	live.Way = row.Way
	return tx.SaveLoginCode(live)
}

func (s *Service) send(ctx context.Context, way Way, p parcel) error {
	switch way {
	case InApp:
		return s.Tell(ctx, p.account, "Login code: "+p.code+". Give it to nobody, whoever asks.\n\n"+
			"It signs a new device in to your account. If you are not signing in anywhere, you need do nothing.")
	case ByEmail:
		return s.Email.Mail.SendMail(ctx, p.address, "Login code: "+p.code,
			"Your login code is "+p.code+". It is good for five minutes.\n\n"+
				"Give it to nobody. If you are not signing in anywhere, you need do nothing.\n")
	case ByWebhook:
		return s.Webhook.SendCode(ctx, "+"+p.row.Phone, p.code)
	case ByConsole:
		s.Log.Info("login code for the operator to pass on", "number", "+"+p.row.Phone, "code", p.code)
		return nil
	}
	return nil // the page has it
}

// Webhook posts codes as JSON, {"number": "+…", "code": "…"}, to a service of the operator's, which
// answers with any status of 200 to 299.
type Webhook struct {
	address string
	client  *http.Client
}

// NewWebhook returns a Webhook for an http or https address.
func NewWebhook(address string) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the webhook for codes is not an http or https address")
	}
	refuse := func(*http.Request, []*http.Request) error { return errors.New("redirected") }
	return &Webhook{address, &http.Client{Timeout: 10 * time.Second, CheckRedirect: refuse}}, nil
}

// SendCode posts one code.
func (w *Webhook) SendCode(ctx context.Context, number, code string) error {
	body, err := json.Marshal(map[string]string{"number": number, "code": code})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's address is no good")
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(request)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a password
		}
		return fmt.Errorf("post to the webhook: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.CopyN(io.Discard, answer.Body, 1<<16); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the webhook's answer: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %s", answer.Status)
	}
	return nil
}
