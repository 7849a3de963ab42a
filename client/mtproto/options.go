// Package mtproto is a lean MTProto 2.0 client connection for programs that hold
// one session or ten thousand. A [Conn] makes its authorization key, numbers and
// encrypts queries, keeps the session alive over broken connections and hands
// updates on as bytes; the typed methods of the API come from gotd's
// tg.NewClient, whose Invoker it is.
//
// # Goroutines
//
// A Conn has one goroutine, which reads, calls Options.OnUpdate and reconnects.
// Whoever has something to send writes, unless somebody is writing already: then
// that one takes it along, in one container. The reader never writes, so a peer
// that does not read cannot block it. One mutex guards all state of a Conn; it is
// never held while reading, writing or encrypting, or during a callback.
//
// # What is sent twice
//
// After a cut, queries without an answer are sent again in the same session under
// the same msg_id, and the server answers them from its memory: they run once.
// A query that the server refused (wrong salt, clock, sequence) did not run and is
// sent under a new msg_id. When the server has lost the session, or a temporary
// key, nobody knows which queries ran, and they are sent again, as other clients
// do: what must not happen twice carries a random_id.
package mtproto

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// DefaultLayer is the API layer that gotd's types speak.
const DefaultLayer = tg.Layer

// AuthKey is an authorization key; it prints as its id only.
type AuthKey = rawconn.Key

// Device is what a session tells about itself (initConnection).
type Device struct {
	Model, System, AppVersion, SystemLang, LangPack, Lang string
}

// Options say how a Conn reaches its server and what it is.
type Options struct {
	// Addr is HOST:PORT, or a WebSocket URL such as wss://HOST/apiws.
	Addr string
	// Dial opens connections in place of TCP to Addr; optional.
	Dial func(ctx context.Context) (net.Conn, error)
	// Transport is the framing; the default is obfuscated intermediate.
	Transport rawconn.Transport
	// DC is the data centre of the server, 2 by default.
	DC int
	// PublicKeys are the server keys that are trusted in a key exchange.
	PublicKeys []*rsa.PublicKey
	// Layer is the API layer, DefaultLayer by default.
	Layer int
	// AppID is the application's number at the server, 1 by default.
	AppID int
	// Device describes this program; all fields have defaults.
	Device Device
	// Key is a permanent key from an earlier Conn; zero: a new one is made.
	Key AuthKey
	// TempKeys has packets encrypted with temporary keys bound to the permanent
	// one, so that its theft does not open old traffic.
	//
	// See https://core.telegram.org/api/pfs.
	TempKeys bool
	// OnUpdate gets every object of type Updates that the server pushes, valid
	// during the call; the next one waits for its return. It must not wait for an
	// answer on the same Conn.
	OnUpdate func(updates []byte)
	// OnNewSession is called when the server has begun a new session: updates may
	// have been lost, updates.getDifference tells. It must not wait either.
	OnNewSession func()
	// Ping is how often a connection is probed, 60 s by default; one that is
	// silent from one probe to the next is made anew. Negative: never.
	Ping time.Duration
	// Log gets what went wrong, never keys or content; default: nothing.
	Log *slog.Logger
	// Rand is the source of randomness, rawconn.Rand by default.
	Rand io.Reader
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o *Options) setDefaults() {
	orDefault(&o.DC, 2)
	orDefault(&o.Layer, DefaultLayer)
	orDefault(&o.AppID, 1)
	orDefault(&o.Device.Model, "Chappe")
	orDefault(&o.Device.System, "Go")
	orDefault(&o.Device.AppVersion, "1")
	orDefault(&o.Device.SystemLang, "en")
	orDefault(&o.Device.Lang, "en")
	orDefault(&o.Ping, time.Minute)
	if o.Rand == nil {
		o.Rand = rawconn.Rand
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnUpdate == nil {
		o.OnUpdate = func([]byte) {}
	}
	if o.OnNewSession == nil {
		o.OnNewSession = func() {}
	}
}

// nothing is a query of no bytes: what follows a wrapper.
type nothing struct{}

func (nothing) Encode(*bin.Buffer) error { return nil }
func (nothing) Decode(*bin.Buffer) error { return nil }

// wrapper returns what goes before every query until the session's first answer.
//
// See https://core.telegram.org/api/invoking#layers.
func (o *Options) wrapper() ([]byte, error) {
	d := o.Device
	var b bin.Buffer
	err := b.Encode(&tg.InvokeWithLayerRequest{Layer: o.Layer, Query: &tg.InitConnectionRequest{
		APIID: o.AppID, DeviceModel: d.Model, SystemVersion: d.System, AppVersion: d.AppVersion,
		SystemLangCode: d.SystemLang, LangPack: d.LangPack, LangCode: d.Lang, Query: nothing{},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode initConnection: %w", err)
	}
	return b.Buf, nil
}
