package session

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/cipher"
)

// Limits of what a session may have waiting.
const (
	maxQueued      = 2048     // messages, beyond which pushes are dropped
	maxQueuedBytes = 4 << 20  // likewise
	maxOwed        = 8192     // messages, beyond which a client that does not read is cut off
	maxOwedBytes   = 16 << 20 // likewise
	maxContainer   = 1000     // messages in one container; the protocol allows 1020
	maxPacket      = 512 << 10
	// resendAge is how many seconds an answer goes again under its msg_id; clients refuse ids that
	// are older than 300.
	resendAge = 240
)

// message is something to be sent. Its body is shared and not changed.
type message struct {
	body    []byte
	answer  *answer // what is kept until acknowledged, nil for others
	id      int64   // when numbered
	seq     int32
	content bool // wants an acknowledgement
	push    bool // may be dropped
}

// outbox is the queue of a session and what it remembers of messages that left.
type outbox struct {
	queue  []message
	bytes  int
	lastID int64    // msg_id of the last message
	pushed int64    // msg_id of the last push, 0 if it was acknowledged
	seq    int32    // content-related messages sent
	writer *scratch // that is at it, nil if nobody is
}

func (o *outbox) add(m message) {
	o.queue = append(o.queue, m)
	o.bytes += len(m.body)
	if m.answer != nil {
		m.answer.queued = true
	}
}

// full tells whether the reader is too slow for another push of n bytes.
func (o *outbox) full(n int) bool {
	return len(o.queue) >= maxQueued || o.bytes+n > maxQueuedBytes
}

// remove takes messages out of the queue; it returns how many went.
func (o *outbox) remove(which func(message) bool) int {
	before := len(o.queue)
	o.queue = slices.DeleteFunc(o.queue, func(m message) bool {
		gone := which(m)
		if gone {
			o.bytes -= len(m.body)
		}
		return gone
	})
	return before - len(o.queue)
}

// dropPushes empties the queue but for answers and service messages; it returns how many went.
func (o *outbox) dropPushes() int { return o.remove(func(m message) bool { return m.push }) }

// drop takes an answer out of the queue.
func (o *outbox) drop(a *answer) { o.remove(func(m message) bool { return m.answer == a }) }

// forget drops all that waits and what was sent without acknowledgement; it tells whether a push
// was among it.
func (o *outbox) forget() (lost bool) {
	lost = o.pushed != 0
	for _, m := range o.queue {
		lost = lost || m.push
		if m.answer != nil {
			m.answer.queued = false
		}
	}
	o.queue, o.bytes, o.pushed = nil, 0, 0
	return lost
}

// acknowledged notes that a message arrived, and so all that were sent before it over the same
// connection.
func (o *outbox) acknowledged(id int64) {
	if id >= o.pushed && id <= o.lastID {
		o.pushed = 0
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

// header is the beginning of a packet.
type header struct {
	id     int64
	seq    int32
	packed bool // in a container
}

// number gives messages their ids and numbers, and says how they travel together. What goes again
// goes in a container, so that no two packets begin with the same header.
func (o *outbox) number(batch []message, now time.Time) (h header) {
	nanos := now.UnixNano()
	for i := range batch {
		again := o.numberOne(&batch[i], nanos)
		h.packed = h.packed || again
	}
	if h.packed = h.packed || len(batch) > 1; h.packed {
		h.id, h.seq = o.nextID(nanos, 1), o.seq*2
	} else {
		h.id, h.seq = batch[0].id, batch[0].seq
	}
	return h
}

// numberOne gives a message its id and seq_no. An answer that goes again keeps those it had, so that
// a client that has it knows it.
func (o *outbox) numberOne(m *message, nanos int64) (again bool) {
	if a := m.answer; a != nil && a.id != 0 && nanos/1e9-a.id>>32 < resendAge {
		m.id, m.seq = a.id, a.seq
		return true
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
		o.pushed = m.id
	}
	return false
}

// fit is how many of the first messages travel in one packet.
func fit(messages []message) (n int) {
	size := 0
	for n < len(messages) && n < maxContainer {
		size += len(messages[n].body) + messageHeader
		if n > 0 && size > maxPacket {
			break
		}
		n++
	}
	return n
}

// take removes as many messages as fit in one packet.
func (o *outbox) take(into []message) []message {
	n := fit(o.queue)
	into = append(into[:0], o.queue[:n]...)
	for _, m := range into {
		o.bytes -= len(m.body)
		if m.answer != nil {
			m.answer.queued = false
		}
	}
	clear(o.queue[:n])
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	return into
}

// queueLocked queues a message for the client if it is there. A client that asks for much and reads
// nothing is cut off; what was answered waits for it to come back.
func (s *Session) queueLocked(m message) {
	switch {
	case s.conn == nil:
		s.missed = s.missed || m.push
	case len(s.out.queue) >= maxOwed || s.out.bytes+len(m.body) > maxOwedBytes, s.greedyLocked(m):
		s.missed = s.missed || m.push
		s.conn.wire.Close()
	default:
		s.out.add(m)
	}
}

// greedyLocked tells whether m is one more answer for a client that lets them pile up where there is
// no room for it.
func (s *Session) greedyLocked(m message) bool {
	return m.answer != nil && len(s.out.queue) > 0 && s.out.bytes+len(m.body) > fewOwedBytes && s.scarceLocked()
}

// waitingLocked tells whether something waits that nobody is writing to the present connection.
func (s *Session) waitingLocked() bool {
	return s.conn != nil && len(s.out.queue) > 0 && (s.out.writer == nil || s.out.writer.conn != s.conn)
}

// writerLocked makes a writer to the present connection the session's. One that is stuck in a dead
// connection ends when it comes out.
func (s *Session) writerLocked() *scratch {
	b := scratches.Get().(*scratch)
	b.session, b.conn, s.out.writer = s, s.conn, b
	return b
}

// kickLocked has the queue written, unless somebody is at it.
func (s *Session) kickLocked() {
	if s.waitingLocked() && s.hub.enter() {
		s.hub.workers.run(s.writerLocked())
	}
}

// do is the task of kickLocked.
func (b *scratch) do() {
	h := b.session.hub
	b.write()
	h.running.Done()
}

// writeUnlock ends the critical section, and writes what waits on this goroutine unless somebody is
// at it.
func (s *Session) writeUnlock() {
	var b *scratch
	if s.waitingLocked() {
		b = s.writerLocked()
	}
	s.mu.Unlock()
	if b != nil {
		b.write()
	}
}

const (
	packetHeader  = 8 + 8 + 8 + 4 + 4 // salt, session_id, msg_id, seq_no, length
	messageHeader = 8 + 4 + 4         // msg_id, seq_no, length
	containerID   = 0x73f1f8dc
)

// scratch is what one write needs, kept for the next.
type scratch struct {
	session       *Session    // whose writer it is, nil for none
	conn          *connection // that it writes to
	plain, packet []byte
	batch         []message
}

// The largest memory of a scratch that is kept: messages, bytes.
const (
	keptBatch  = 1024
	keptPacket = 64 << 10
)

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// write sends what waits, until nothing does or the session has another connection or writer. It
// gives b away.
func (b *scratch) write() {
	s, c := b.session, b.conn
	defer scratches.Put(b)
	for {
		s.mu.Lock()
		if s.out.writer != b || s.conn != c || len(s.out.queue) == 0 {
			if s.out.writer == b {
				s.out.writer = nil
			}
			b.session, b.conn = nil, nil
			s.mu.Unlock()
			return
		}
		b.batch = s.out.take(b.batch)
		h := s.out.number(b.batch, s.hub.Now())
		s.mu.Unlock()
		b.send(s, c, h, b.batch)
		clear(b.batch)
		if cap(b.batch) > keptBatch {
			b.batch = nil
		}
	}
}

// send writes messages to any connection of the session's client.
func (s *Session) send(c *connection, messages []message) {
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	for len(messages) > 0 {
		n := fit(messages)
		s.mu.Lock()
		h := s.out.number(messages[:n], s.hub.Now())
		s.mu.Unlock()
		b.send(s, c, h, messages[:n])
		messages = messages[n:]
	}
}

// send writes one packet of messages that are numbered.
func (b *scratch) send(s *Session, c *connection, h header, batch []message) {
	b.seal(s, s.key.saltsAt(s.hub.salts, s.hub.Now()).current, h, batch)
	if err := c.wire.WriteFrames(b.packet); err != nil {
		c.wire.Close()
	}
	if s.hub.Observe != nil {
		s.hub.Observe.Sent(len(batch), len(b.packet))
	}
	if cap(b.plain) > keptPacket {
		b.plain, b.packet = nil, nil
	}
}

func (b *scratch) seal(s *Session, salt int64, h header, batch []message) {
	b.plain = appendPacket(b.plain[:0], salt, s.id, h, batch)
	b.packet = cipher.Seal(b.packet[:0], &s.key.key, cipher.ToClient, b.plain, cipher.Random)
}

// appendPacket lays out one message, or a container.
func appendPacket(b []byte, salt, session int64, h header, batch []message) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(salt))
	b = le.AppendUint64(b, uint64(session))
	b = le.AppendUint64(b, uint64(h.id))
	b = le.AppendUint32(b, uint32(h.seq))
	if !h.packed {
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
