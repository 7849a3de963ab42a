package secret

import (
	"cmp"
	"errors"
	"slices"

	"github.com/gotd/td/tg/e2e"
)

// enqueue keeps a message until what is missing before it has come. A request to
// resend in it is obeyed at once, for the peer may be waiting as we are.
func (r *run) enqueue(m *received) error {
	seq := raw(m.OutSeqNo)
	i, found := slices.BinarySearchFunc(r.Queue, seq, func(q queued, seq int32) int { return cmp.Compare(q.Seq, seq) })
	if found {
		return r.obey(m)
	}
	if len(r.Queue) >= maxQueue && seq >= r.Asked {
		return &refusal{Dropped, "too many messages wait"}
	}
	r.Queue = slices.Insert(r.Queue, i, queued{
		Seq: seq, Key: m.key, Payload: m.payload, Date: m.in.Date, File: m.in.File,
	})
	return r.obey(m)
}

// obey sends again what a message asks for.
//
// See https://core.telegram.org/api/end-to-end/seq_no#handling-of-gaps.
func (r *run) obey(m *received) error {
	_, action := upgrade(m.Message)
	a, ok := action.(*e2e.DecryptedMessageActionResend)
	if !ok {
		return nil
	}
	first, last := uint32(raw(a.StartSeqNo)), uint32(raw(a.EndSeqNo)) // compared without sign, as TDLib does
	if first+maxResend < last {
		return &refusal{Refused, "resend of too many messages"}
	}
	for n := first; n <= last; n++ {
		i, found := slices.BinarySearchFunc(r.Stored, n, func(f stored, n uint32) int { return cmp.Compare(uint32(f.Seq), n) })
		if !found {
			return &refusal{Refused, "resend of an acknowledged or unsent message"}
		}
		r.Stored[i].Sent = false
		r.res.Resent = append(r.res.Resent, r.Stored[i].Frame)
	}
	return nil
}

// drain applies what has waited for its turn and asks for what is missing.
func (r *run) drain() error {
	for len(r.Queue) > 0 && r.Queue[0].Seq <= r.In {
		q := r.Queue[0]
		r.Queue = r.Queue[1:]
		m, err := decode(q.Payload)
		if err != nil {
			return err // it was decoded before it was queued
		}
		err = r.take(&received{m, Incoming{Date: q.Date, File: q.File}, q.Payload, q.Key})
		var no *refusal
		switch {
		case !errors.As(err, &no):
			if err != nil {
				return err
			}
		case no.verdict == Refused:
			r.close(err) // the frame of this call keeps its own verdict
			return nil
		}
	}
	if len(r.Queue) == 0 || r.Asked > r.In {
		return nil
	}
	last := min(r.Queue[0].Seq-1, r.In+maxResend)
	r.Asked = last + 1
	x := int(r.Role)
	return r.sendAction(&e2e.DecryptedMessageActionResend{StartSeqNo: 2*int(r.In) + x, EndSeqNo: 2*int(last) + x})
}

// take checks and applies a message that has waited.
func (r *run) take(m *received) error {
	if err := r.check(m); err != nil {
		return err
	}
	return r.apply(m)
}
