package secret

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/gotd/td/tg/e2e"
)

const (
	// maxResend is how many frames one request may ask for beyond its first; TDLib
	// closes the chat on more.
	maxResend = 1000
	// maxQueue is how many frames may wait for a gap to be filled, not counting
	// those that were asked for. What comes beyond is dropped: the peer keeps it
	// and sends it again when asked.
	maxQueue = 4096
)

var (
	errOld = &refusal{Dropped, "old out_seq_no"}
	errGap = &refusal{Queued, "gap"}
)

// Incoming is a frame as the server delivers it, in encryptedMessage or
// encryptedMessageService.
type Incoming struct {
	Data []byte
	Date int32  // of the server, Unix seconds
	File []byte // opaque, comes back with the event; the caller's EncryptedFile
}

// received is an authentic message and the key it came under.
type received struct {
	*e2e.DecryptedMessageLayer
	in      Incoming
	payload []byte
	key     int64
}

// Receive takes a frame.
//
// See https://core.telegram.org/api/end-to-end#decryption-and-processing-of-incoming-messages.
func (c *Chat) Receive(env Env, in Incoming) (Result, error) {
	return c.step(env, func(r *run) error {
		m, err := r.unseal(in)
		if err != nil {
			return err
		}
		r.Layer = max(r.Layer, m.Layer)
		err = r.check(m)
		gap := errors.Is(err, errGap)
		if err != nil && !gap {
			return err
		}
		if r.Phase == Accepted {
			r.open() // the peer could not write if the server had not opened the chat
		}
		if gap {
			if err := r.enqueue(m); err != nil {
				return err
			}
			r.res.Verdict, r.res.Reason = Queued, errGap
		} else {
			if err := r.obey(m); err != nil {
				return err
			}
			if err := r.apply(m); err != nil {
				return err
			}
		}
		return r.drain()
	})
}

// unseal opens a frame under the key it names.
func (r *run) unseal(in Incoming) (*received, error) {
	if r.Phase == Closed {
		return nil, errClosed
	}
	if r.Key == nil {
		return nil, &refusal{Dropped, "chat has no key yet"}
	}
	if len(in.Data) < 8 {
		return nil, &refusal{Refused, "frame too short"}
	}
	key := r.Key
	switch id := int64(binary.LittleEndian.Uint64(in.Data)); {
	case id == r.Key.id:
	case r.Other != nil && id == r.Other.id:
		key = r.Other
	default:
		return nil, &refusal{Dropped, "unknown key fingerprint"}
	}
	payload, err := key.open(r.Role.peer(), in.Data)
	if err != nil {
		return nil, &refusal{Refused, err.Error()}
	}
	m, err := decode(payload)
	if err != nil {
		return nil, &refusal{Refused, err.Error()}
	}
	return &received{m, in, payload, key.id}, nil
}

// check holds a message to its numbers.
//
// See https://core.telegram.org/api/end-to-end/seq_no#processing-in-and-out-seq-no.
func (r *run) check(m *received) error {
	x := int(r.Role)
	switch in, out := raw(m.InSeqNo), raw(m.OutSeqNo); {
	case m.InSeqNo < 0:
		return &refusal{Refused, "negative in_seq_no"}
	case m.InSeqNo%2 != 1-x || m.OutSeqNo%2 != x:
		return &refusal{Refused, "wrong parity"}
	case out < r.In:
		return errOld
	case out > r.In:
		return errGap
	case in < r.PeerHas:
		return &refusal{Refused, "in_seq_no falls"}
	case in > r.Out:
		return &refusal{Refused, "in_seq_no above what was sent"}
	case m.Layer < r.PeerLayer:
		return &refusal{Refused, "layer falls"}
	case r.In >= maxRaw:
		return &refusal{Refused, errFull.Error()}
	}
	return nil
}

// apply takes the next message in order.
func (r *run) apply(m *received) error {
	r.In++
	r.Used++
	r.PeerLayer = m.Layer
	r.PeerHas = raw(m.InSeqNo)
	r.Stored = slices.DeleteFunc(r.Stored, func(f stored) bool { return f.Seq < r.PeerHas })
	if r.Forget && m.key == r.Key.id && r.PeerHas >= r.Switch {
		r.Other, r.Forget = nil, false
	}
	msg, action := upgrade(m.Message)
	if msg != nil {
		r.addTimer(msg, false, m.in.Date)
	} else if err := r.act(action); err != nil {
		return err
	}
	r.res.Events = append(r.res.Events, Event{
		RandomID: m.Message.GetRandomID(), Date: m.in.Date, Message: msg, Action: action, File: m.in.File,
	})
	return nil
}

// act does what an action of the peer asks for.
func (r *run) act(action e2e.DecryptedMessageActionClass) error {
	switch a := action.(type) {
	case *e2e.DecryptedMessageActionNotifyLayer:
		r.Layer = max(r.Layer, a.Layer)
	case *e2e.DecryptedMessageActionReadMessages:
		ids := setOf(a.RandomIDs)
		r.start(func(t *timer) bool { return t.Mine && ids[t.ID] }, r.Seen)
	case *e2e.DecryptedMessageActionRequestKey:
		return r.acceptKey(a)
	case *e2e.DecryptedMessageActionAcceptKey:
		return r.commitKey(a)
	case *e2e.DecryptedMessageActionCommitKey:
		return r.keyCommitted(a)
	case *e2e.DecryptedMessageActionAbortKey:
		return r.keyAborted(a)
	}
	return r.share(action)
}
