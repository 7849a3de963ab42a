package handshake

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

// Transport errors, sent to the client as a 4-byte frame before the connection is
// closed (core.telegram.org/mtproto/mtproto-transports#transport-errors).
const (
	CodeNotFound int32 = -404 // the exchange is unknown, expired, or its message does not fit
	CodeFlood    int32 = -429 // too many exchanges, from this address or at all
	CodeWrongDC  int32 = -444 // no such DC
)

// Suggested limits. An exchange costs about 1.5 ms of CPU, so the global one is a
// quarter of a core at most.
const (
	DefaultPerSecond = 150
	DefaultPerIP     = 2
)

// TransportError tells the caller to send its code and close the connection.
type TransportError struct{ Code int32 }

func (e *TransportError) Error() string { return fmt.Sprintf("handshake: refused with %d", e.Code) }

var (
	// ErrClose tells the caller to close the connection without a word.
	ErrClose = errors.New("handshake: not a handshake")
	// ErrCollision is returned by Config.Save when the id of the key is taken.
	ErrCollision = errors.New("handshake: key id is taken")
)

// Config says how a Server works. Key and Save are required.
type Config struct {
	// Key is the server's RSA key, 2048 bits, e = 65537.
	Key *rsa.PrivateKey
	// Save stores a new key durably before the client hears of it. ErrCollision
	// makes the client try again, any other error makes the exchange fail; Save logs
	// its own errors.
	Save func(context.Context, Result) error
	// Rand is the source of nonces and exponents, safe for use by many goroutines;
	// crypto/rand.Reader if nil.
	Rand io.Reader
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Workers is how many exchanges compute at once; half the processors if 0.
	Workers int
	// PerSecond limits the exchanges started in a second; 0 is no limit.
	PerSecond int
	// PerIP limits those of one IPv4 address or IPv6 /56, with ten times as many at
	// once allowed, since a client makes many keys when it starts; 0 is no limit.
	PerIP int
}

// Result is a finished exchange.
type Result struct {
	Key       [256]byte // g^ab, big-endian, padded on the left
	Salt      int64     // the first server salt as the client derives it
	ExpiresIn int32     // lifetime of a temporary key in seconds, 0 if permanent
	DC        int32     // as the client named it: negative for media, +10000 for test
}

// Server answers key exchanges.
type Server struct {
	cfg         Config
	key         *privateKey
	fingerprint uint64
	group       *group
	pool        pool
	limits      *limits

	stock     chan pair // exponents with g_a, computed while the pool was idle
	refilling atomic.Bool
}

// New returns a Server. It refuses keys that some clients would not accept.
func New(cfg Config) (*Server, error) {
	if cfg.Key == nil || cfg.Save == nil {
		return nil, errors.New("handshake: Key and Save are required")
	}
	key, err := newPrivateKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	if cfg.Rand == nil {
		cfg.Rand = systemRand
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Workers <= 0 {
		cfg.Workers = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Server{
		cfg:         cfg,
		key:         key,
		fingerprint: Fingerprint(&cfg.Key.PublicKey),
		group:       newGroup(),
		pool:        newPool(cfg.Workers),
		limits:      newLimits(cfg.PerSecond, cfg.PerIP),
		stock:       make(chan pair, 16*cfg.Workers),
	}, nil
}

// takePair returns an exponent with its g_a, prepared if there is one.
func (s *Server) takePair() (pair, error) {
	select {
	case p := <-s.stock:
		return p, nil
	default:
		return s.group.newPair(s.cfg.Rand)
	}
}

// refill fills the stock in the background for as long as the pool has nothing
// better to do. At most one goroutine does that, and it ends by itself.
func (s *Server) refill() {
	if len(s.stock) == cap(s.stock) || !s.refilling.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.refilling.Store(false)
		for len(s.stock) < cap(s.stock) && s.pool.tryEnter() {
			p, err := s.group.newPair(s.cfg.Rand)
			s.pool.leave()
			if err != nil {
				return
			}
			s.stock <- p
		}
	}()
}
