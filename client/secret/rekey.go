package secret

import (
	"time"

	"github.com/gotd/td/tg/e2e"
)

// A key is renewed after so many frames, either way, or so much time.
//
// See https://core.telegram.org/api/end-to-end/pfs.
const (
	keyFrames = 100
	keyAge    = 7 * 24 * time.Hour
)

// renewKey asks for a new key when the one in use is worn, unless an exchange is
// running or the key before is still held.
func (r *run) renewKey() error {
	worn := r.Used > keyFrames || r.Seen.Sub(r.Keyed) > keyAge
	if !worn || r.Exchange != exchangeNone || r.Other != nil {
		return nil
	}
	secret, public, err := r.group().draw(r.env.Rand, nil)
	if err != nil {
		return err
	}
	if r.ExchangeID, err = r.number(); err != nil {
		return err
	}
	r.Exchange, r.Secret = exchangeRequested, secret
	return r.sendAction(&e2e.DecryptedMessageActionRequestKey{
		ExchangeID: r.ExchangeID, GA: public,
	})
}

// acceptKey answers requestKey. When both have asked, the larger exchange_id wins;
// of two equal ones neither does.
func (r *run) acceptKey(a *e2e.DecryptedMessageActionRequestKey) error {
	if r.Exchange == exchangeRequested {
		if r.ExchangeID > a.ExchangeID {
			return nil
		}
		r.Exchange, r.Secret = exchangeNone, nil
		if r.ExchangeID == a.ExchangeID {
			return nil
		}
	}
	if r.Exchange != exchangeNone || r.Other != nil {
		return &refusal{Refused, "requestKey during an exchange of keys"}
	}
	secret, public, err := r.group().draw(r.env.Rand, nil)
	if err != nil {
		return err
	}
	if r.Other, err = r.group().agree(secret, a.GA); err != nil {
		return &refusal{Refused, err.Error()}
	}
	r.Exchange, r.ExchangeID = exchangeAccepted, a.ExchangeID
	return r.sendAction(&e2e.DecryptedMessageActionAcceptKey{
		ExchangeID: a.ExchangeID, GB: public, KeyFingerprint: r.Other.id,
	})
}

// commitKey answers acceptKey, still under the old key, and switches to the new.
func (r *run) commitKey(a *e2e.DecryptedMessageActionAcceptKey) error {
	if r.Exchange != exchangeRequested || r.ExchangeID != a.ExchangeID {
		return &refusal{Refused, "unexpected acceptKey"}
	}
	key, err := r.group().agree(r.Secret, a.GB)
	if err != nil {
		return &refusal{Refused, err.Error()}
	}
	if key.id != a.KeyFingerprint {
		return &refusal{Refused, "acceptKey with another key fingerprint"}
	}
	if err := r.sendAction(&e2e.DecryptedMessageActionCommitKey{
		ExchangeID: a.ExchangeID, KeyFingerprint: key.id,
	}); err != nil {
		return err
	}
	r.Other = key
	r.switchKey()
	return nil
}

// keyCommitted switches to the new key when commitKey comes.
func (r *run) keyCommitted(a *e2e.DecryptedMessageActionCommitKey) error {
	if r.Exchange != exchangeAccepted || r.ExchangeID != a.ExchangeID || r.Other.id != a.KeyFingerprint {
		return &refusal{Refused, "unexpected commitKey"}
	}
	r.switchKey()
	return nil
}

// switchKey makes the other key the one in use. The old one stays until the peer,
// under the new one, acknowledges all that we sent before: then it has switched
// too, all its older frames have come, and none of ours can need to be rewritten.
// (A first frame under the new key is not enough: it can be an older one that was
// rewritten after the switch, with more under the old key behind it.)
func (r *run) switchKey() {
	r.Key, r.Other, r.Forget, r.Switch = r.Other, r.Key, true, r.Out
	r.Exchange, r.Secret = exchangeNone, nil
	r.Used, r.Keyed = 0, r.Seen
}

// keyAborted ends an exchange that the peer gave up; that of another exchange is
// none of ours.
func (r *run) keyAborted(a *e2e.DecryptedMessageActionAbortKey) error {
	if r.ExchangeID != a.ExchangeID || r.Exchange == exchangeNone {
		return nil
	}
	if r.Exchange != exchangeRequested {
		return &refusal{Refused, "unexpected abortKey"}
	}
	r.Exchange, r.Secret = exchangeNone, nil
	return nil
}
