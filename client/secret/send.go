package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gotd/td/tg/e2e"
)

// randomBytes is how much randomness goes before each message, in bytes; 15 is
// the least.
const randomBytes = 31

var (
	errRandomID = errors.New("message has no random_id")
	errAction   = errors.New("action is not for callers")
	errFull     = errors.New("secret chat has used up its numbers")
)

// Outgoing is a message to send. Its TTL is up to the caller, usually [Chat.TTL].
type Outgoing struct {
	Message *e2e.DecryptedMessage
	// File, opaque, comes back with the frame; the caller's InputEncryptedFile.
	File []byte
}

// Send makes the frame of a message. A random_id that still waits for the peer's
// acknowledgement gives its frame again, so that a caller may repeat itself. A
// file larger than the peer's layer can say is refused.
func (c *Chat) Send(env Env, o Outgoing) (Result, error) {
	return c.step(env, func(r *run) error {
		id := o.Message.RandomID
		if id == 0 {
			return errRandomID
		}
		if i := r.find(id); i >= 0 {
			r.res.Send = append(r.res.Send, r.Stored[i].Frame)
			return nil
		}
		m, err := fit(*o.Message, r.layer())
		if err != nil {
			return err
		}
		if err := r.send(m, Frame{RandomID: id, Silent: m.Silent, File: o.File}); err != nil {
			return err
		}
		r.addTimer(m, true, 0)
		return nil
	})
}

// Act sends an action: setMessageTTL, deleteMessages, screenshotMessages,
// flushHistory or typing. A message deleted before the peer has acknowledged it is
// turned into its own deletion, so that it is never delivered. For readMessages
// see [Chat.Open].
func (c *Chat) Act(env Env, action e2e.DecryptedMessageActionClass) (Result, error) {
	return c.step(env, func(r *run) error {
		switch action.(type) {
		case *e2e.DecryptedMessageActionSetMessageTTL, *e2e.DecryptedMessageActionDeleteMessages,
			*e2e.DecryptedMessageActionScreenshotMessages, *e2e.DecryptedMessageActionFlushHistory,
			*e2e.DecryptedMessageActionTyping:
		default:
			return errAction
		}
		if err := r.sendAction(action); err != nil {
			return err
		}
		return r.share(action)
	})
}

// share does what an action does on both sides, whoever sent it.
func (r *run) share(action e2e.DecryptedMessageActionClass) error {
	switch a := action.(type) {
	case *e2e.DecryptedMessageActionSetMessageTTL:
		r.TTL = max(a.TTLSeconds, 0)
	case *e2e.DecryptedMessageActionDeleteMessages:
		ids := setOf(a.RandomIDs)
		return r.forget(func(id int64) bool { return ids[id] })
	case *e2e.DecryptedMessageActionFlushHistory:
		return r.forget(func(int64) bool { return true })
	}
	return nil
}

func setOf(ids []int64) map[int64]bool {
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// forget drops the timers of messages and rewrites those the peer may not have.
func (r *run) forget(which func(randomID int64) bool) error {
	r.Timers = slices.DeleteFunc(r.Timers, func(t timer) bool { return which(t.ID) })
	for i, f := range r.Stored {
		if !f.Rewritable || !which(f.RandomID) {
			continue
		}
		if err := r.rewrite(i); err != nil {
			return err
		}
	}
	return nil
}

// find returns the index of a stored frame, or -1.
func (s *state) find(randomID int64) int {
	return slices.IndexFunc(s.Stored, func(f stored) bool { return f.RandomID == randomID })
}

// rewrite turns a stored message into its own deletion, under the same numbers,
// random_id and key. Under a newer key the peer could take it for the
// sign that it may forget the old one, which the frames behind it still need.
//
// See https://core.telegram.org/api/end-to-end/seq_no#deleting-unacknowledged-messages.
func (r *run) rewrite(i int) error {
	f, key := r.Stored[i], r.Key
	if id := int64(binary.LittleEndian.Uint64(f.Data)); r.Other != nil && r.Other.id == id {
		key = r.Other
	}
	data, err := r.seal(key, f.Seq, f.In, &e2e.DecryptedMessageService{
		RandomID: f.RandomID,
		Action:   &e2e.DecryptedMessageActionDeleteMessages{RandomIDs: []int64{f.RandomID}},
	})
	if err != nil {
		return err
	}
	r.Stored[i] = stored{
		Frame: Frame{Seq: f.Seq, RandomID: f.RandomID, Data: data, Service: true, Silent: true},
		In:    f.In, Sent: f.Sent,
	}
	return nil
}

// sendAction sends an action under a fresh random_id.
func (r *run) sendAction(action e2e.DecryptedMessageActionClass) error {
	id, err := r.number()
	if err != nil {
		return err
	}
	return r.send(&e2e.DecryptedMessageService{RandomID: id, Action: action}, Frame{RandomID: id, Service: true})
}

// number draws a random_id or exchange_id, never zero.
func (r *run) number() (int64, error) {
	for {
		var b [8]byte
		if _, err := io.ReadFull(r.env.Rand, b[:]); err != nil {
			return 0, fmt.Errorf("draw random number: %w", err)
		}
		if n := int64(binary.LittleEndian.Uint64(b[:])); n != 0 {
			return n, nil
		}
	}
}

// send seals a message under the next number and stores its frame.
func (r *run) send(m e2e.DecryptedMessageClass, f Frame) error {
	if r.Phase != Ready {
		return errNotReady
	}
	if r.Out >= maxRaw {
		return errFull
	}
	data, err := r.seal(r.Key, r.Out, r.In, m)
	if err != nil {
		return err
	}
	f.Seq, f.Data = r.Out, data
	r.Stored = append(r.Stored, stored{Frame: f, In: r.In, Rewritable: !f.Service})
	r.res.Send = append(r.res.Send, f)
	r.Out++
	r.Used++
	return nil
}

// seal returns the frame of a message under this key and these raw numbers.
//
// See https://core.telegram.org/api/end-to-end/seq_no#processing-out-seq-no.
func (r *run) seal(key *chatKey, out, in int32, m e2e.DecryptedMessageClass) ([]byte, error) {
	random := make([]byte, randomBytes)
	if _, err := io.ReadFull(r.env.Rand, random); err != nil {
		return nil, fmt.Errorf("draw random bytes: %w", err)
	}
	x := int(r.Role)
	payload, err := encode(&e2e.DecryptedMessageLayer{
		RandomBytes: random, Layer: r.layer(), InSeqNo: 2*int(in) + x, OutSeqNo: 2*int(out) + 1 - x, Message: m,
	})
	if err != nil {
		return nil, err
	}
	return key.seal(r.Role, payload, r.env.Rand)
}

// Pending returns the frames that [Chat.Sent] has not confirmed, in their order:
// what is to be sent after a restart.
func (c *Chat) Pending() []Frame {
	var list []Frame
	for _, f := range c.s.Stored {
		if !f.Sent {
			list = append(list, f.Frame)
		}
	}
	return list
}

// Sent notes that the server has taken a frame, with the date of its answer. A
// file that is not nil replaces the frame's: the uploaded file under the name by
// which it can be sent again.
func (c *Chat) Sent(randomID int64, date int32, file []byte) {
	r := &run{state: c.s.clone()}
	if i := r.find(randomID); i >= 0 {
		f := &r.Stored[i]
		f.Sent = true
		if file != nil && f.File != nil {
			f.File = file
		}
	}
	for i := range r.Timers {
		if t := &r.Timers[i]; t.Mine && t.ID == randomID {
			t.Date = date
		}
	}
	c.s = r.state
}
