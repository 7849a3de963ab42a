package session

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/chappe-im/chappe/internal/cipher"
)

// Limits of what a session may have waiting.
const (
	maxQueued      = 2048    // messages, beyond which pushes are dropped
	maxQueuedBytes = 4 << 20 // likewise
	maxUnacked     = 512     // pushes sent and not acknowledged that are remembered
	maxContainer   = 1000    // messages in one container; the protocol allows 1020
	maxPacket      = 512 << 10
)

// message is something to be sent. Its body is shared and not changed.
type message struct {
	body    []byte
	content bool    // wants an acknowledgement
	push    bool    // may be dropped
	answer  *answer // what is kept until acknowledged, nil for others
	id      int64   // if it was sent before
	seq     int32
}

// outbox is the queue of a session and what it remembers of messages that left.
type outbox struct {
	queue   []message
	bytes   int
	lastID  int64 // msg_id of the last message
	seq     int32 // content-related messages sent
	unacked []int64
	writing bool
}

func (o *outbox) add(m message) {
	o.queue = append(o.queue, m)
	o.bytes += len(m.body)
}

// full tells whether the reader is too slow for another push of n bytes.
func (o *outbox) full(n int) bool {
	return len(o.queue) >= maxQueued || o.bytes+n > maxQueuedBytes
}

// dropPushes empties the queue but for answers and service messages; it returns how many went.
func (o *outbox) dropPushes() int {
	before := len(o.queue)
	o.queue = slices.DeleteFunc(o.queue, func(m message) bool {
		if m.push {
			o.bytes -= len(m.body)
		}
		return m.push
	})
	return before - len(o.queue)
}

// forget drops all that waits and what was sent without acknowledgement; it tells whether a push
// was among it.
func (o *outbox) forget() (lost bool) {
	lost = len(o.unacked) > 0 || slices.ContainsFunc(o.queue, func(m message) bool { return m.push })
	o.queue, o.bytes, o.unacked = nil, 0, nil
	return lost
}

// acknowledged notes that a push arrived.
func (o *outbox) acknowledged(id int64) {
	if at, found := slices.BinarySearch(o.unacked, id); found {
		if o.unacked = slices.Delete(o.unacked, at, at+1); len(o.unacked) == 0 {
			o.unacked = nil
		}
	}
}

// nextID returns a message id above all before: the time in units of 2^-32 s, with the two low bits
// saying that it is an answer (1) or a push (3).
//
// https://core.telegram.org/mtproto/description#message-identifier-msg-id
func (o *outbox) nextID(nanos int64, kind int64) int64 {
	id := (nanos/1e9)<<32 | ((nanos%1e9)<<32/1e9)&^3
	if id <= o.lastID {
		id = (o.lastID + 4) &^ 3
	}
	o.lastID = id | kind
	return o.lastID
}

// number gives a message its id and seq_no, unless it has them.
func (o *outbox) number(m *message, nanos int64) {
	if m.id != 0 {
		return
	}
	kind := int64(3)
	if !m.push {
		kind = 1
	}
	m.id = o.nextID(nanos, kind)
	m.seq = o.seq * 2
	if m.content {
		m.seq++
		o.seq++
	}
	if m.answer != nil {
		m.answer.id, m.answer.seq = m.id, m.seq
	}
	if m.push {
		if len(o.unacked) == maxUnacked {
			o.unacked = slices.Delete(o.unacked, 0, maxUnacked/2)
		}
		o.unacked = append(o.unacked, m.id)
	}
}

// take removes as many messages as fit in one packet.
func (o *outbox) take(into []message) []message {
	size, n := 0, 0
	for n < len(o.queue) && n < maxContainer {
		size += len(o.queue[n].body) + messageHeader
		if n > 0 && size > maxPacket {
			break
		}
		n++
	}
	into = append(into[:0], o.queue[:n]...)
	for _, m := range into {
		o.bytes -= len(m.body)
	}
	clear(o.queue[:n])
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	return into
}

// kickLocked has the queue written, unless somebody is at it.
func (s *Session) kickLocked() {
	if s.out.writing || s.conn == nil || len(s.out.queue) == 0 {
		return
	}
	s.out.writing = true
	s.hub.workers.run(s.write)
}

// writeUnlock ends the critical section, and writes what waits on this goroutine unless somebody is
// at it.
func (s *Session) writeUnlock() {
	mine := !s.out.writing && s.conn != nil && len(s.out.queue) > 0
	if mine {
		s.out.writing = true
	}
	s.mu.Unlock()
	if mine {
		s.write()
	}
}

const (
	packetHeader  = 8 + 8 + 8 + 4 + 4 // salt, session_id, msg_id, seq_no, length
	messageHeader = 8 + 4 + 4         // msg_id, seq_no, length
	containerID   = 0x73f1f8dc
)

// scratch is what one write needs, kept for the next.
type scratch struct {
	plain, packet []byte
	batch         []message
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// write sends what waits, until nothing does.
func (s *Session) write() {
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	for {
		s.mu.Lock()
		c := s.conn
		if c == nil || len(s.out.queue) == 0 {
			s.out.writing = false
			s.mu.Unlock()
			return
		}
		b.batch = s.out.take(b.batch)
		now := s.hub.Now()
		for i := range b.batch {
			s.out.number(&b.batch[i], now.UnixNano())
		}
		outer, seq := b.batch[0].id, b.batch[0].seq
		if len(b.batch) > 1 {
			outer, seq = s.out.nextID(now.UnixNano(), 1), s.out.seq*2
		}
		s.mu.Unlock()

		b.plain = appendPacket(b.plain[:0], s.key.saltsAt(s.hub.salts, now).current, s.id, outer, seq, b.batch)
		b.packet = cipher.Seal(b.packet[:0], &s.key.key, cipher.ToClient, b.plain, cipher.Random)
		err := c.wire.WriteFrames(b.packet)
		if s.hub.Observe != nil {
			s.hub.Observe.Sent(len(b.batch), len(b.packet))
		}
		clear(b.batch)
		if err != nil {
			c.wire.Close()
		}
		if cap(b.plain) > maxPacket {
			b.plain, b.packet = nil, nil
		}
	}
}

// appendPacket lays out one message, or a container of several.
func appendPacket(b []byte, salt, session, id int64, seq int32, batch []message) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(salt))
	b = le.AppendUint64(b, uint64(session))
	b = le.AppendUint64(b, uint64(id))
	b = le.AppendUint32(b, uint32(seq))
	if len(batch) == 1 {
		b = le.AppendUint32(b, uint32(len(batch[0].body)))
		return append(b, batch[0].body...)
	}
	length := 8
	for _, m := range batch {
		length += messageHeader + len(m.body)
	}
	b = le.AppendUint32(b, uint32(length))
	b = le.AppendUint32(b, containerID)
	b = le.AppendUint32(b, uint32(len(batch)))
	for _, m := range batch {
		b = le.AppendUint64(b, uint64(m.id))
		b = le.AppendUint32(b, uint32(m.seq))
		b = le.AppendUint32(b, uint32(len(m.body)))
		b = append(b, m.body...)
	}
	return b
}
