package login

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

// Devices is told, after the commit, what becomes of keys. It holds the state of connected sessions.
type Devices interface {
	// SignedIn says that an account is signed in on a permanent key.
	SignedIn(key, account int64)
	// SignedOut says that nobody is any more.
	SignedOut(key int64)
	// Bound says that a temporary key stands for a permanent one, with its account and layer.
	Bound(temporary, permanent, account int64, layer int)
	// Forget says that a key is gone.
	Forget(key int64)
}

// Policy says who may have a number.
type Policy string

// The policies of the option signup.
const (
	Open   Policy = "open"
	Invite Policy = "invite"
	Closed Policy = "closed"
)

// Options are what a Service stands on.
type Options struct {
	DB      *store.DB
	Box     *seal.Box
	Bus     *bus.Bus
	Devices Devices
	// Tell sends an account a message from the service account.
	Tell func(ctx context.Context, account int64, text string) error
	// Email holds the addresses that login codes may go to, Webhook (nil for none) delivers others.
	Email   *email.Service
	Webhook Sender
	Policy  Policy
	// NoLimits lifts all limits but the tries of a code. NoIP keeps no addresses.
	NoLimits, NoIP bool
	Now            func() time.Time
	Log            *slog.Logger
}

// Service signs people in and out. It is safe for concurrent use.
type Service struct {
	Options
	signOut []func(tx *store.Tx, d store.Device) error
}

// New returns a Service.
func New(o Options) *Service { return &Service{Options: o} }

// OnSignOut adds what else happens in the transaction that signs a device out or ends its login:
// what belongs to the device goes. Call it before the server starts.
func (s *Service) OnSignOut(fn func(tx *store.Tx, d store.Device) error) {
	s.signOut = append(s.signOut, fn)
}

// Client is the device that asks, as far as it is known.
type Client struct {
	// Key is its permanent authorization key, Account who is signed in on it (0 nobody).
	Key, Account int64
	// Session is the MTProto session it asks in, which learns by the answer.
	Session      int64
	Layer, APIID int
	// What initConnection said.
	DeviceModel, SystemVersion, AppVersion string
	SystemLang, LangPack, LangCode         string
	IP                                     netip.Addr
}

// Device is the client's row as of now.
func (s *Service) Device(c Client) store.Device {
	d := store.Device{
		Key: c.Key, Account: c.Account, Layer: c.Layer, APIID: c.APIID,
		DeviceModel: clean(c.DeviceModel), SystemVersion: clean(c.SystemVersion), AppVersion: clean(c.AppVersion),
		SystemLang: clean(c.SystemLang), LangPack: clean(c.LangPack), LangCode: clean(c.LangCode),
		Created: s.Now().Unix(), Active: s.Now().Unix(),
	}
	if network := truncate(c.IP); network.IsValid() && !s.NoIP {
		d.IP = network.Addr().String()
	}
	return d
}

// Seen notes what a device says of itself, and that it was heard of.
func (s *Service) Seen(ctx context.Context, c Client) error {
	return s.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.TouchDevice(s.Device(c)) })
}

// clean makes a client's word for itself fit for the database and for lists: valid, one line, at
// most 64 characters.
func clean(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), func(r rune) bool { return r < ' ' }), " ")
	if utf8.RuneCountInString(text) > 64 {
		text = string([]rune(text)[:64])
	}
	return text
}

// truncate is the network of an address: what limits count and lists show.
func truncate(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 24
	if ip.Is6() {
		bits = 56
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// write runs fn with the service account locked, beside the given ones.
func (s *Service) write(ctx context.Context, fn func(tx *store.Tx) error, owners ...int64) error {
	return s.DB.Write(ctx, append(owners, peer.System), fn)
}

// found turns "there is no such row" into false.
func found(err error) (bool, error) {
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
