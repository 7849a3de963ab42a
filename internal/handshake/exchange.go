package handshake

import (
	"slices"
	"time"
)

const (
	lifetime    = time.Minute // of a server_nonce
	maxAttempts = 4           // exchanges under way on one connection; one more drops the oldest
	maxRetries  = 3           // of dh_gen_retry in one exchange
)

// Exchange is what one connection has under way. The zero value is ready for use,
// and holds no memory until the client asks for a key.
type Exchange struct {
	attempts []*attempt
}

// attempt is one exchange, from resPQ on.
type attempt struct {
	nonce, serverNonce [16]byte
	p, q               uint32
	until              time.Time
	dh                 *dhState // nil until req_DH_params was answered
}

// dhState is what the second half of an exchange needs.
type dhState struct {
	newNonce  [32]byte
	exponent  [32]byte
	dc        int32
	expiresIn int32
	retryID   int64 // auth_key_aux_hash of the key that collided, 0 at first
	retries   int
}

// add begins an attempt.
func (x *Exchange) add(a *attempt) {
	if len(x.attempts) == maxAttempts {
		x.attempts = slices.Delete(x.attempts, 0, 1)
	}
	x.attempts = append(x.attempts, a)
}

// take removes and returns the attempt with these nonces, nil if there is none or if
// its time is over. Whoever is content with the client's message adds it again.
func (x *Exchange) take(nonce, serverNonce [16]byte, now time.Time) *attempt {
	x.attempts = slices.DeleteFunc(x.attempts, func(a *attempt) bool { return !now.Before(a.until) })
	i := slices.IndexFunc(x.attempts, func(a *attempt) bool {
		return a.nonce == nonce && a.serverNonce == serverNonce
	})
	var a *attempt
	if i >= 0 {
		a = x.attempts[i]
		x.attempts = slices.Delete(x.attempts, i, i+1)
	}
	if len(x.attempts) == 0 {
		x.attempts = nil
	}
	return a
}
