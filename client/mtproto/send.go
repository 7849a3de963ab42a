package mtproto

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

const (
	// sentRing is how many msg_ids of containers and service messages are
	// remembered, to tell notices about them from forged ones.
	sentRing = 32
	// maxRefused is how often a query is sent again after a refusal.
	maxRefused = 5
	// maxPacked and maxPackedBytes bound what goes into one container, below what
	// a server takes (1,020 messages, 1 MiB).
	maxPacked      = 512
	maxPackedBytes = 256 << 10
	// maxIDs is how many msg_ids a service message may name.
	maxIDs = 8192
	// maxAcks is how many acknowledgements wait before they go out on their own.
	maxAcks = 64
	// keepBuf is the largest write buffer that an idle Conn keeps, in bytes.
	keepBuf = 4 << 10
)

// flush sends what is queued, unless somebody is doing so: then that one does.
func (c *Conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		return
	}
	c.writing = true
	defer func() { c.writing = false }()
	for c.wants() {
		link, key := c.link, c.key
		m, ok := c.pack()
		if !ok {
			return
		}
		c.mu.Unlock()
		err := link.WriteMessage(key, m)
		c.mu.Lock()
		if err != nil {
			c.drop(link) // the reader notices and connects anew
		}
	}
	if cap(c.buf) > keepBuf {
		c.buf = nil
	}
}

// wants reports whether something can be sent. The caller holds c.mu.
func (c *Conn) wants() bool {
	switch {
	case c.link == nil:
		return false
	case c.bound:
		return len(c.queue) > 0 || c.ackDue
	}
	return slices.ContainsFunc(c.queue, func(q *call) bool { return q.bind != nil && !q.over })
}

// pack takes what is queued into one message, a container if there are several.
// It reports false when nothing was left to send. The caller holds c.mu.
func (c *Conn) pack() (rawconn.Message, bool) {
	batch, size := c.take()
	if len(c.acks) > 0 && c.bound {
		ack := c.takeAcks()
		batch, size = append(batch, ack), size+len(ack.body)
	}
	if len(batch) == 0 {
		return rawconn.Message{}, false
	}
	m := rawconn.Message{Salt: c.currentSalt(), SessionID: c.session}
	b := c.buf[:0]
	if len(batch) > 1 {
		b = slices.Grow(b, 8+size+len(batch)*(16+len(c.prefix)+12))
		b = binary.LittleEndian.AppendUint32(b, mt.MsgContainerTypeID)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(batch)))
	}
	for _, q := range batch {
		b = c.appendCall(b, q, len(batch) > 1)
	}
	if c.buf = b; len(batch) == 1 {
		m.ID, m.Seq, m.Body = batch[0].id, batch[0].seq, b
		return m, true
	}
	m.ID, m.Seq, m.Body = c.numbers.ID(c.clock.time()), c.numbers.Seq(false), b
	c.remember(m.ID)
	for _, q := range batch {
		q.container = m.ID
	}
	return m, true
}

// take removes the next calls from the queue, in order, and numbers them. A call
// whose predecessor has no number yet stays behind it.
func (c *Conn) take() (batch []*call, size int) {
	left := c.queue[:0]
	for _, q := range c.queue {
		if q.after != nil && q.after.over {
			q.after = nil
		}
		full := len(batch) == maxPacked || size > 0 && size+len(q.body) > maxPackedBytes
		switch {
		case q.over:
			continue
		case full, !c.bound && q.bind == nil, q.after != nil && q.after.id == 0:
			left = append(left, q)
			continue
		}
		if !c.number(q) {
			continue
		}
		batch, size = append(batch, q), size+len(q.body)
	}
	clear(c.queue[len(left):])
	c.queue = left
	return batch, size
}

// number gives a call its msg_id and seq_no, which it keeps when it is sent again
// after a cut. It reports false if the call could not be made.
func (c *Conn) number(q *call) bool {
	q.container = 0
	if q.id != 0 {
		return true
	}
	q.id, q.seq = c.numbers.ID(c.clock.time()), c.numbers.Seq(q.content)
	if q.service {
		c.remember(q.id)
		return true
	}
	if q.bind != nil {
		body, err := q.bind(q.id)
		if err != nil {
			q.finish(nil, err)
			return false
		}
		q.body = body
	}
	if c.pending == nil {
		c.pending = make(map[int64]*call)
	}
	c.pending[q.id] = q
	return true
}

// appendCall appends a call, in its wrappers, bare or as a message of a container.
func (c *Conn) appendCall(b []byte, q *call, inContainer bool) []byte {
	le := binary.LittleEndian
	if inContainer {
		b = le.AppendUint64(b, uint64(q.id))
		b = le.AppendUint32(b, uint32(q.seq))
		b = le.AppendUint32(b, 0)
	}
	start := len(b)
	if !q.service {
		if q.wrapped = !c.inited; q.wrapped {
			b = append(b, c.prefix...)
		}
		if q.afterID = 0; q.after != nil {
			q.afterID = q.after.id
			b = le.AppendUint32(b, tg.InvokeAfterMsgRequestTypeID)
			b = le.AppendUint64(b, uint64(q.afterID))
		}
	}
	b = append(b, q.body...)
	if inContainer {
		le.PutUint32(b[start-4:], uint32(len(b)-start))
	}
	return b
}

// takeAcks makes a message of the acknowledgements that wait.
func (c *Conn) takeAcks() *call {
	n := min(len(c.acks), maxIDs)
	q := service(&mt.MsgsAck{MsgIDs: c.acks[:n]}, false)
	c.acks = append(c.acks[:0], c.acks[n:]...)
	if c.ackDue = len(c.acks) > 0; c.ackWait != nil {
		c.ackWait.Stop()
		c.ackWait = nil
	}
	c.number(q)
	return q
}

// service makes a service message.
func service(m bin.Encoder, content bool) *call {
	var b bin.Buffer
	if err := b.Encode(m); err != nil {
		panic(err) // service messages have no field that could be missing
	}
	return &call{body: b.Buf, service: true, content: content}
}

// remember notes the msg_id of a message that is no query.
func (c *Conn) remember(id int64) {
	c.sent[c.sentPos] = id
	c.sentPos = (c.sentPos + 1) % sentRing
}

// redo queues a call that the server refused, under a new number. The caller
// holds c.mu.
func (c *Conn) redo(q *call, code int) {
	delete(c.pending, q.id)
	if q.refused++; q.refused > maxRefused {
		q.finish(nil, &BadMsgError{Code: code})
		return
	}
	q.id, q.container = 0, 0
	c.queue = append(c.queue, q)
}

// sentCalls returns the unanswered calls that fit, in the order of their numbers.
// The caller holds c.mu.
func (c *Conn) sentCalls(fits func(*call) bool) (calls []*call) {
	for _, q := range c.pending {
		if fits(q) {
			calls = append(calls, q)
		}
	}
	slices.SortFunc(calls, func(a, b *call) int { return cmp.Compare(a.id, b.id) })
	return calls
}

// requeue puts all calls without an answer back to the head of the queue, in
// order; in a new session they get new numbers. Service messages are for the
// connection they were made on and forgotten. The caller holds c.mu.
func (c *Conn) requeue(newSession bool) {
	sent := c.sentCalls(func(*call) bool { return true })
	for _, q := range c.queue {
		if !q.service && c.pending[q.id] != q {
			sent = append(sent, q)
		}
	}
	c.queue = slices.DeleteFunc(sent, func(q *call) bool { return q.over })
	if newSession {
		clear(c.pending)
		for _, q := range c.queue {
			q.id = 0
		}
	}
}
