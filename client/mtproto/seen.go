package mtproto

import "time"

// seenSize is how many msg_ids of the server are remembered.
const seenSize = 2048

// seen is the sorted set of the last msg_ids that came from the server: a ring
// whose memory grows with use. The zero value is empty.
//
// See https://core.telegram.org/mtproto/security_guidelines#checking-msg-id.
type seen struct {
	ids  []int64 // a ring once it is full
	head int     // index of the lowest id
}

func (s *seen) at(i int) *int64 { return &s.ids[(s.head+i)%len(s.ids)] }

// has reports whether id is in the set or, when the set is full, below all of it.
func (s *seen) has(id int64) bool {
	if len(s.ids) == seenSize && id < *s.at(0) {
		return true
	}
	i := s.above(id)
	return i > 0 && *s.at(i - 1) == id
}

// above returns how many ids are not above id; ids mostly come in order.
func (s *seen) above(id int64) int {
	n := len(s.ids)
	if n == 0 || id >= *s.at(n - 1) {
		return n
	}
	lo, hi := 0, n
	for lo < hi {
		if mid := (lo + hi) / 2; *s.at(mid) <= id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// add puts id into the set, in place of the lowest one when it is full. It must
// not be in the set.
func (s *seen) add(id int64) {
	if len(s.ids) < seenSize {
		s.ids = append(s.ids, id)
	} else {
		*s.at(0) = id
		s.head = (s.head + 1) % seenSize
	}
	for i := len(s.ids) - 1; i > 0 && *s.at(i - 1) > id; i-- {
		*s.at(i), *s.at(i - 1) = *s.at(i - 1), *s.at(i)
	}
}

// state is what msgs_state_info says of id.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#informational-message-regarding-status-of-messages.
func (s *seen) state(id int64) byte {
	n := len(s.ids)
	switch {
	case n == 0 || id > *s.at(n - 1):
		return 3 // not received, above all that were
	case id < *s.at(0):
		return 1 // too old to know
	case s.has(id):
		return 4 // received
	}
	return 2 // not received
}

// Bounds of a server's msg_id around the server's time.
const (
	maxAge   = 300 * time.Second
	maxAhead = 30 * time.Second
)

// clock tells the server's time. It runs on from one reading of the server's
// clock, by the local clock's monotonic part.
type clock struct {
	now           func() time.Time
	local, server time.Time // the same moment; zero: not known
}

func (k *clock) time() time.Time {
	if k.server.IsZero() {
		return k.now()
	}
	return k.server.Add(k.now().Sub(k.local))
}

func (k *clock) set(server time.Time) { k.local, k.server = k.now(), server }

// accepts reports whether a moment lies within the bounds for msg_ids.
func (k *clock) accepts(t time.Time) bool {
	age := k.time().Sub(t)
	return -maxAhead <= age && age <= maxAge
}
