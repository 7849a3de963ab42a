package app

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/admin"
	"github.com/chappe-im/chappe/internal/api"
	accountapi "github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/api/auth"
	"github.com/chappe-im/chappe/internal/api/contacts"
	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/api/help"
	"github.com/chappe-im/chappe/internal/api/messages"
	"github.com/chappe-im/chappe/internal/api/updates"
	"github.com/chappe-im/chappe/internal/api/upload"
	"github.com/chappe-im/chappe/internal/api/users"
	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/account"
	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/core/password"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/update"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/handshake"
	"github.com/chappe-im/chappe/internal/pages"
	"github.com/chappe-im/chappe/internal/rpc"
	"github.com/chappe-im/chappe/internal/session"
	"github.com/chappe-im/chappe/internal/store"
)

const systemAccount = peer.System

// services are the rules of the server and the sessions that call them.
type services struct {
	hub      *session.Hub
	keys     *keys
	login    *login.Service
	password *password.Service
	email    *email.Service
	account  *account.Service
	users    *user.Service
	contacts *contact.Service
	files    *file.Service
	messages *message.Service
	updates  *update.Service
	pages    http.Handler
}

func newServices(s *Server) (*services, error) {
	v := &services{keys: &keys{db: s.db, box: s.box, now: time.Now, made: s.metrics.KeysMade.Inc}}
	key, err := serverKey(s.cfg.Data)
	if err != nil {
		return nil, err
	}
	if err := v.newHub(s, key); err != nil {
		return nil, err
	}
	teller := &updates.Teller{Hub: sessions{v.hub}, Log: s.log}
	b := bus.New(teller.Tell)
	v.users = user.New(s.db, b, s.box, time.Now)
	teller.Users = v.users
	v.messages = &message.Service{DB: s.db, Bus: b, NoLimits: s.cfg.NoLimits, Now: time.Now}
	v.contacts = &contact.Service{DB: s.db, Bus: b, Users: v.users, Now: time.Now}
	v.updates = &update.Service{DB: s.db}
	if err := v.newFiles(s); err != nil {
		return nil, err
	}
	if err := v.newAccounts(s, b); err != nil {
		return nil, err
	}
	v.keys.login = v.login
	if v.hub.Methods, err = v.table(s); err != nil {
		return nil, err
	}
	v.pages, err = pages.New(pages.Site{
		Login: v.login, URL: s.URL(), Addresses: []string{s.publicAddr()}, DC: 2, MinLayer: 152, MaxLayer: 228,
		Key: handshake.PublicKeyPEM(&key.PublicKey), Fingerprint: handshake.Fingerprint(&key.PublicKey),
		Healthy: s.healthy, Log: s.log,
	})
	return v, err
}

func (v *services) newHub(s *Server, key *rsa.PrivateKey) error {
	c := handshake.Config{
		Key: key, Save: v.keys.save, Workers: s.cfg.Limits.HandshakeWorkers,
		PerSecond: s.cfg.Limits.Handshakes, PerIP: handshake.DefaultPerIP,
	}
	if s.cfg.NoLimits {
		c.PerSecond, c.PerIP = 0, 0
	}
	exchanges, err := handshake.New(c)
	if err != nil {
		return err
	}
	v.hub = session.NewHub(session.Config{
		Keys: v.keys, Handshakes: exchanges, Now: time.Now, Log: s.log, Observe: observer{s.metrics, &s.frames},
	})
	return nil
}

// Folders of the data folder: files people sent, and parts of those that are not whole yet.
const (
	filesDir = "files"
	partsDir = "parts"
)

// newFiles makes what keeps files.
func (v *services) newFiles(s *Server) error {
	blobs, err := blob.NewFolder(filepath.Join(s.cfg.Data, filesDir))
	if err != nil {
		return err
	}
	v.files, err = file.New(file.Options{
		DB: s.db, Blobs: blobs, Box: s.box, Dir: filepath.Join(s.cfg.Data, partsDir),
		Reserve: file.DefaultReserve, NoLimits: s.cfg.NoLimits, Now: time.Now, Log: s.log,
	})
	return err
}

// newAccounts makes what signs people in and keeps their accounts.
func (v *services) newAccounts(s *Server, b *bus.Bus) error {
	tell := func(ctx context.Context, account int64, text string) error {
		return v.messages.Tell(ctx, account, text, nil)
	}
	v.email = &email.Service{DB: s.db, Box: s.box, NoLimits: s.cfg.NoLimits, Now: time.Now}
	mail, err := mailer(s.cfg.SMTP)
	if err != nil {
		return err
	}
	if mail != nil {
		v.email.Mail = mail
	}
	o := login.Options{
		DB: s.db, Box: s.box, Bus: b, Devices: v.hub, Tell: tell, Email: v.email,
		Policy: login.Policy(s.cfg.SignupPolicy()), NoLimits: s.cfg.NoLimits, NoIP: s.cfg.NoIP,
		Now: time.Now, Log: s.log,
	}
	if s.cfg.CodeWebhook != "" {
		hook, err := login.NewWebhook(s.cfg.CodeWebhook)
		if err != nil {
			return err
		}
		o.Webhook = hook
	}
	v.login = login.New(o)
	v.password = &password.Service{
		DB: s.db, Box: s.box, Email: v.email, Tell: tell, NoLimits: s.cfg.NoLimits, Now: time.Now, Log: s.log,
	}
	v.account = &account.Service{
		DB: s.db, Bus: b, Login: v.login, Tell: tell, NoLimits: s.cfg.NoLimits, Now: time.Now, Log: s.log,
	}
	v.account.OnDelete(message.Erase)
	v.account.OnDelete(contact.Erase)
	v.account.OnDelete(v.files.Erase)
	return nil
}

// table is the method table of the server.
func (v *services) table(s *Server) (*rpc.Table, error) {
	read := encode.Reader{Users: v.users}
	addresses, err := help.NewAddresses(s.URL())
	if err != nil {
		return nil, err
	}
	all, err := api.Methods(api.Deps{
		Account: accountapi.Deps{
			Account: v.account, Login: v.login, Password: v.password, Email: v.email,
			Self: v.self, SetOnline: v.users.SetOnline,
		},
		Auth:     auth.Deps{Login: v.login, Password: v.password, Self: v.self, Key: v.keys.key},
		Contacts: contacts.Deps{Contacts: v.contacts, Users: v.users, Read: read, Now: time.Now},
		Help:     help.Deps{URL: s.URL(), Addresses: addresses, Now: time.Now},
		Messages: messages.Deps{Messages: v.messages, Users: v.users, Read: read, Now: time.Now},
		Updates:  updates.Deps{Updates: v.updates, Users: v.users, Now: time.Now},
		Upload:   upload.Deps{Files: v.files},
		Users:    users.Deps{Users: v.users, Contacts: v.contacts, Read: read},
		Now:      time.Now,
	})
	if err != nil {
		return nil, err
	}
	var limits *rpc.Limits
	if !s.cfg.NoLimits {
		limits = rpc.NewLimits()
	}
	table, err := rpc.NewTable(all, limits, observer{s.metrics, &s.frames}.query, s.log)
	if err == nil {
		table.Busy = store.ErrBusy
	}
	return table, err
}

// self is an account as its owner sees it.
func (v *services) self(ctx context.Context, id int64) (tg.UserClass, error) {
	view, ok, err := v.users.View(ctx, id, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.UserIDInvalid
	}
	return encode.User(view), nil
}

// operations are what the operator's commands call.
func (s *Server) operations() map[string]admin.Op {
	return map[string]admin.Op{
		admin.OpCode: admin.Handle("the pending login code of a number",
			func(ctx context.Context, r admin.CodeRequest) (any, error) {
				code, err := s.services.login.PendingCode(ctx, r.Number)
				return admin.CodeReply{Code: code}, err
			}),
		admin.OpInvite: admin.Handle("a sign-up link",
			func(ctx context.Context, r admin.InviteRequest) (any, error) {
				token, err := s.services.login.NewInvite(ctx, r.Uses, time.Duration(r.Hours)*time.Hour)
				if err != nil {
					return nil, fmt.Errorf("invite: %w", err)
				}
				return admin.InviteReply{URL: s.URL() + "/join/" + token}, nil
			}),
	}
}
