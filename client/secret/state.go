package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"
	"time"

	"github.com/gotd/td/crypto"
)

// stateVersion is raised whenever an older program could misread the state.
const stateVersion = 1

var errState = errors.New("stored state of a secret chat is not valid")

// Role tells who asked for the chat; it is x in key derivation and seq_no parity.
type Role uint8

// The two roles.
const (
	Originator Role = iota // asked for the chat
	Acceptor               // accepted it
)

// peer returns the other role.
func (r Role) peer() Role { return 1 - r }

// Phase is how far a chat has come.
type Phase uint8

// The phases of a chat.
const (
	Requested Phase = iota // waits for the peer's share
	Accepted               // has a key, waits for the server to say that the chat is open
	Ready                  // messages flow
	Closed                 // over; its keys are gone
)

// exchange is the state of a key exchange within a running chat.
type exchange uint8

const (
	exchangeNone      exchange = iota
	exchangeRequested          // we sent requestKey
	exchangeAccepted           // we sent acceptKey; Other is the new key
)

// state is everything a chat remembers. Raw numbers count frames from zero.
type state struct {
	Version int
	Role    Role
	Phase   Phase
	G       int
	P       *big.Int
	Picture Picture

	Key    *chatKey  `json:",omitempty"`
	Other  *chatKey  `json:",omitempty"` // the key before, or the one that comes
	Forget bool      // Other is the key before, and goes once nobody needs it
	Switch int32     // frames we sent before Key was taken into use
	Secret *exponent `json:",omitempty"` // of the exchange under way

	Exchange   exchange
	ExchangeID int64
	Used       int       // frames since the key is in use
	Keyed      time.Time // when the key was taken into use

	In, Out   int32 // frames received in order, frames sent
	PeerHas   int32 // frames that the peer has received
	PeerLayer int   // layer of the last frame in order
	Layer     int   // highest layer the peer has named
	Told      int   // layer we told the peer
	Asked     int32 // first raw number after those we asked to resend

	TTL    int // default of new messages, seconds
	Stored []stored
	Queue  []queued
	Timers []timer
	Seen   time.Time // latest time that is known
}

// stored is a frame that the peer has not acknowledged.
type stored struct {
	Frame
	In         int32 // raw number received when it was made
	Rewritable bool  // becomes its own deletion when it is deleted
	Sent       bool
}

// queued is an authentic frame that came before its turn.
type queued struct {
	Seq     int32 // raw number
	Key     int64 // fingerprint of the key it came under
	Payload []byte
	Date    int32
	File    []byte `json:",omitempty"`
}

// clone returns a copy whose slices may be changed in length and by element.
func (s *state) clone() state {
	c := *s
	c.Stored, c.Queue, c.Timers = slices.Clone(s.Stored), slices.Clone(s.Queue), slices.Clone(s.Timers)
	return c
}

func (s *state) group() Group { return Group{g: s.G, p: s.P} }

// Chat is one secret chat. It prints without its secrets.
type Chat struct{ s state }

// State returns the whole chat as JSON, keys included: it belongs into a store
// that is encrypted at rest.
func (c *Chat) State() ([]byte, error) {
	b, err := json.Marshal(&c.s)
	if err != nil {
		return nil, fmt.Errorf("encode secret chat: %w", err)
	}
	return b, nil
}

// Load returns the chat of a stored state. It accepts nothing but what
// [Chat.State] has written, byte for byte.
func Load(b []byte) (*Chat, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("decode secret chat: %w", err)
	}
	c := &Chat{s: s}
	again, err := c.State()
	if err != nil || !bytes.Equal(again, b) || !s.valid() {
		return nil, errState
	}
	return c, nil
}

// valid reports whether the parts of the state fit together.
func (s *state) valid() bool {
	switch {
	case s.Version != stateVersion, s.Role > Acceptor, s.Phase > Closed, s.Exchange > exchangeAccepted:
		return false
	case s.In < 0, s.PeerHas < 0, s.Switch < 0, s.Switch > s.Out, s.Out < s.PeerHas, s.Out > maxRaw, s.In > maxRaw, s.TTL < 0:
		return false
	case s.Phase == Closed:
		return s.Key == nil && s.Other == nil && s.Secret == nil && s.Stored == nil && s.Queue == nil
	case s.P == nil, s.P.BitLen() != 8*keySize, crypto.CheckGP(s.G, s.P) != nil:
		return false
	case s.Secret == nil && (s.Phase != Ready || s.Exchange == exchangeRequested):
		return false
	case s.Key == nil && s.Phase != Requested, s.Other == nil && (s.Forget || s.Exchange == exchangeAccepted):
		return false
	}
	return s.validFrames()
}

func (s *state) validFrames() bool {
	next := s.PeerHas
	for _, f := range s.Stored {
		if f.Seq < next || f.Seq >= s.Out || f.In < 0 || f.In > s.In {
			return false
		}
		next = f.Seq + 1
	}
	next = s.In
	for _, q := range s.Queue {
		if m, err := decode(q.Payload); q.Seq <= next || err != nil || raw(m.OutSeqNo) != q.Seq {
			return false
		}
		next = q.Seq
	}
	return true
}

// Format prints a chat without its secrets.
func (c *Chat) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, c.String()) }

// String names role, phase and numbers.
func (c *Chat) String() string {
	s := &c.s
	return fmt.Sprintf("secret chat(role %d, phase %d, in %d, out %d, peer has %d, layer %d)",
		s.Role, s.Phase, s.In, s.Out, s.PeerHas, s.layer())
}

// LogValue keeps the keys out of logs.
func (c *Chat) LogValue() slog.Value { return slog.StringValue(c.String()) }
