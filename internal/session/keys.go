package session

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/rpc"
)

// ErrNoKey says that an authorization key is unknown, expired or destroyed.
var ErrNoKey = errors.New("no such authorization key")

// Keys is where authorization keys are kept.
type Keys interface {
	// AuthKey returns the key with this id, or ErrNoKey.
	AuthKey(ctx context.Context, id int64) (Key, error)
	// DestroyKey forgets a key for good; it reports whether there was one.
	DestroyKey(ctx context.Context, id int64) (bool, error)
	// Seen notes what a device said about itself and from where; a session says so once, again at
	// most every minute if it says something else, and every hour while its client is there.
	Seen(ctx context.Context, c rpc.Caller) error
}

// Key is a stored authorization key.
type Key struct {
	Key cipher.Key
	// Expires is when a temporary key ends, in Unix seconds; 0 for a permanent one.
	Expires int64
	// Permanent is the permanent key a temporary one is bound to, 0 if unbound.
	Permanent int64
	// Account is signed in on the device, 0 if none.
	Account int64
	// Layer is what the device spoke last, 0 if unknown.
	Layer int
}

// authKey is a key in use on this node.
type authKey struct {
	key     cipher.Key
	expires int64
	device  atomic.Pointer[device] // nil for a temporary key that is not bound
	salts   atomic.Pointer[saltPair]
	dead    atomic.Bool  // destroyed
	conns   atomic.Int32 // connections that brought a new message
	stored  atomic.Int64 // bytes of answers in sessions

	// Under Hub.mu.
	users    int32 // connections that hold the key, and sessions
	sessions []*Session
}

// usable tells that a key was neither destroyed nor, if temporary, has ended.
func (k *authKey) usable(now time.Time) bool {
	return !k.dead.Load() && (k.expires == 0 || now.Unix() < k.expires)
}

// account is signed in on the key's device, 0 if none.
func (k *authKey) account() int64 {
	if d := k.device.Load(); d != nil {
		return d.account.Load()
	}
	return 0
}

// maxSessions is how many sessions the key may have.
func (k *authKey) maxSessions() int {
	if k.account() == 0 {
		return fewSessions
	}
	return maxSessions
}

// temporary tells whether the key must be bound to a permanent one.
func (k *authKey) temporary() bool { return k.expires != 0 }

// session returns a session of the key, nil if there is none. Keys have few. Hub.mu is held.
func (k *authKey) session(id int64) *Session {
	for _, s := range k.sessions {
		if s.id == id {
			return s
		}
	}
	return nil
}

// device is what shares a permanent key: all sessions under it and under the temporary keys bound
// to it.
type device struct {
	key     int64
	account atomic.Int64
	layer   atomic.Int32
	app     atomic.Pointer[rpc.App] // what it said about itself last, nil if nothing yet
	keys    []*authKey              // in use, under Hub.mu
}
