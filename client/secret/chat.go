package secret

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gotd/td/tg/e2e"
)

// Env is what the world brings to a call. Rand must be a cryptographic source.
type Env struct {
	Now  time.Time
	Rand io.Reader
}

// Verdict tells what became of what was received.
type Verdict uint8

// The verdicts.
const (
	Taken   Verdict = iota
	Dropped         // ignored: known already, or of no concern
	Queued          // kept until what is missing before it has come
	Refused         // the chat is over
)

// Event is a message or action of the peer, in the order they were sent.
type Event struct {
	RandomID int64
	Date     int32 // of the server, Unix seconds
	// Message is nil for actions. Messages of older layers come in the newest form.
	Message *e2e.DecryptedMessage
	// Action is nil for messages. Those that only the two programs need (resend,
	// layers, keys) are reported too and ask for nothing.
	Action e2e.DecryptedMessageActionClass
	// File is what [Incoming] brought.
	File []byte
}

// Frame is one frame to send: with messages.sendEncryptedService if it is Service,
// messages.sendEncryptedFile if it has a File, else messages.sendEncrypted.
type Frame struct {
	Seq      int32 // raw number, from zero
	RandomID int64
	Data     []byte
	Service  bool   `json:",omitempty"`
	Silent   bool   `json:",omitempty"`
	File     []byte `json:",omitempty"` // opaque to this package
}

// Result is the answer to a call.
type Result struct {
	Verdict Verdict
	// Closed tells that the chat ended in this call; the caller then sends
	// messages.discardEncryption. What was taken before it ended is in Events.
	Closed bool
	Reason error // whenever the verdict is not Taken or the chat closed, for logs
	Events []Event
	Send   []Frame // in this order
	Resent []Frame // sent before, to be sent again unchanged
}

// refusal is a verdict on its way up.
type refusal struct {
	verdict Verdict
	reason  string
}

func (r *refusal) Error() string { return r.reason }

// run is one call under way: it changes a copy of the state.
type run struct {
	state
	env Env
	res Result
}

var (
	errNotReady = errors.New("secret chat is not open")
	errClosed   = &refusal{Dropped, "chat is closed"}
)

// step runs one call. If it fails, the chat stays as it was; a refusal is no
// failure but a verdict.
func (c *Chat) step(env Env, f func(*run) error) (Result, error) {
	r := &run{state: c.s.clone(), env: env}
	r.tick(env.Now)
	err := f(r)
	if err == nil {
		err = r.settle()
	}
	var no *refusal
	if errors.As(err, &no) {
		r.res.Verdict, r.res.Reason = no.verdict, err
		if no.verdict == Refused {
			r.close(err)
		}
	} else if err != nil {
		return Result{}, err
	}
	c.s = r.state
	return r.res, nil
}

// close ends the chat and forgets all but its picture and timers.
func (r *run) close(reason error) {
	r.res.Closed, r.res.Reason, r.res.Send = true, reason, nil
	r.state = state{
		Version: stateVersion, Role: r.Role, Phase: Closed, Picture: r.Picture,
		In: r.In, Out: r.Out, PeerHas: r.PeerHas, TTL: r.TTL, Timers: r.Timers, Seen: r.Seen,
	}
}

// settle does what falls due by itself: it tells our layer after setup and after
// an upgrade of this program, and renews the key.
func (r *run) settle() error {
	if r.Phase != Ready {
		return nil
	}
	if r.Told < Layer {
		r.Told = Layer
		if err := r.sendAction(&e2e.DecryptedMessageActionNotifyLayer{Layer: Layer}); err != nil {
			return err
		}
	}
	return r.renewKey()
}

// Request begins a chat; server is the random of messages.getDhConfig. The chat's
// [Chat.Share] goes into messages.requestEncryption once the state is stored.
//
// See https://core.telegram.org/api/end-to-end#sending-a-request.
func Request(env Env, g Group, server []byte) (*Chat, error) {
	secret, _, err := g.draw(env.Rand, server)
	if err != nil {
		return nil, err
	}
	return &Chat{newState(Originator, Requested, g, secret)}, nil
}

// Accept answers the request of a peer whose share is public. It fails if that is
// out of range; then the chat is to be discarded. [Chat.Share] and
// [Chat.Fingerprint] go into messages.acceptEncryption once the state is stored.
//
// See https://core.telegram.org/api/end-to-end#accepting-a-request.
func Accept(env Env, g Group, server, public []byte) (*Chat, error) {
	secret, _, err := g.draw(env.Rand, server)
	if err != nil {
		return nil, err
	}
	key, err := g.agree(secret, public)
	if err != nil {
		return nil, fmt.Errorf("accept secret chat: %w", err)
	}
	s := newState(Acceptor, Accepted, g, secret)
	s.Key, s.Picture = key, key.picture()
	return &Chat{s}, nil
}

func newState(role Role, phase Phase, g Group, secret *exponent) state {
	return state{
		Version: stateVersion, Role: role, Phase: phase, G: g.g, P: g.p, Secret: secret, Layer: minLayer,
	}
}

// Share returns our public value, g_a or g_b, 256 bytes, while the chat is being
// set up, else nil.
func (c *Chat) Share() []byte {
	if c.s.Phase > Accepted {
		return nil
	}
	return c.s.group().public(c.s.Secret)
}

// Fingerprint returns the fingerprint of the key in use, zero if there is none.
func (c *Chat) Fingerprint() int64 {
	if c.s.Key == nil {
		return 0
	}
	return c.s.Key.id
}

// Confirm opens the chat when encryptedChat comes, with its g_a_or_b and
// key_fingerprint. Both sides then have messages to send. A value out of range or
// a wrong fingerprint closes the chat; one that is not waiting drops it.
//
// See https://core.telegram.org/api/end-to-end#key-generation.
func (c *Chat) Confirm(env Env, public []byte, fingerprint int64) (Result, error) {
	return c.step(env, func(r *run) error {
		if r.Phase > Accepted {
			return &refusal{Dropped, "chat was open or closed already"}
		}
		if r.Phase == Requested {
			key, err := r.group().agree(r.Secret, public)
			if err != nil {
				return &refusal{Refused, err.Error()}
			}
			r.Key, r.Picture = key, key.picture()
		}
		if r.Key.id != fingerprint {
			return &refusal{Refused, "key fingerprint mismatch"}
		}
		r.open()
		return nil
	})
}

// open turns a chat with a key into one where messages flow.
func (r *run) open() { r.Phase, r.Secret, r.Keyed = Ready, nil, r.Seen }

// Close ends the chat from our side, or when encryptedChatDiscarded comes. Timers
// of messages that stay run on.
func (c *Chat) Close(env Env) (Result, error) {
	return c.step(env, func(r *run) error {
		if r.Phase == Closed {
			return errClosed
		}
		return &refusal{Refused, "closed by request"}
	})
}

// Tick does what time brings: a key of seven days is renewed.
func (c *Chat) Tick(env Env) (Result, error) {
	return c.step(env, func(*run) error { return nil })
}

// Role tells who asked for the chat.
func (c *Chat) Role() Role { return c.s.Role }

// Phase tells how far the chat has come.
func (c *Chat) Phase() Phase { return c.s.Phase }

// Picture returns the hash of the first key, once there is one.
func (c *Chat) Picture() Picture { return c.s.Picture }

// TTL returns the lifetime that new messages should carry, in seconds; zero is for
// ever. Either side changes it.
func (c *Chat) TTL() int { return c.s.TTL }

// Layer returns the layer in which the next message goes out; [Chat.Send] leaves
// out what it lacks.
func (c *Chat) Layer() int { return c.s.layer() }
