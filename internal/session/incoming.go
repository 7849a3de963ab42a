package session

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/internal/cipher"
	"github.com/chappe-im/chappe/internal/wire"
)

// Codes of bad_msg_notification.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message
const (
	badIDTooLow    = 16
	badIDTooHigh   = 17
	badIDBits      = 18
	badIDForgotten = 20
	badSeqTooLow   = 32
	badSeqTooHigh  = 33
	badSeqNotEven  = 34
	badSeqNotOdd   = 35
	badServerSalt  = 48
	badContainer   = 64
	secondsBehind  = 300
	secondsAhead   = 30
	maxIDs         = 8192 // in an acknowledgement, state or resend request
	maxInContainer = 1024
	// maxUnpacked is what the packed messages of one packet may grow to, in bytes. It is less than
	// the protocol's 10 MiB, because TL objects are several times as large decoded as encoded, and a
	// packet shall not take more than 32 MiB.
	maxUnpacked = 2 << 20
)

// batch is what one frame brought.
type batch struct {
	conn     *connection
	frame    *wire.Frame
	session  *Session
	kept     bool // a query keeps the frame and releases it
	taken    bool // the outer message was accepted
	fresh    bool // there is a message in it that was not seen before
	asked    bool // there is a query in it
	unpacked int  // bytes that came out of packed messages
	replies  []message
	repeated map[*answer]struct{} // answers in replies
}

// envelope is one message of a packet.
type envelope struct {
	id       int64
	seq      int32
	body     []byte
	inside   bool // of a container
	unpacked bool // from gzip_packed
}

// receive checks the outer message of a packet and deals with what is in it. What there is to say
// about it goes back the way it came, be that the session's connection or another one. An error
// means that the client broke the protocol.
func (s *Session) receive(in *batch, m cipher.Message) error {
	now := s.hub.Now()
	s.mu.Lock()
	err := s.openLocked(in, m, now)
	replies := in.replies
	if s.conn == in.conn {
		for _, m := range replies {
			s.queueLocked(m)
		}
		replies = nil
	}
	s.kickLocked()
	s.mu.Unlock()
	if err == nil {
		s.send(in.conn, replies)
	}
	return err
}

func (s *Session) openLocked(in *batch, m cipher.Message, now time.Time) error {
	p := s.key.saltsAt(s.hub.salts, now)
	if code := checkTime(m.ID, now); code != 0 {
		s.refuse(in, m.ID, m.Seq, code)
		return nil
	}
	if !p.accepts(m.Salt) {
		s.reply(in, &mt.BadServerSalt{
			BadMsgID: m.ID, BadMsgSeqno: int(m.Seq), ErrorCode: badServerSalt, NewServerSalt: p.current,
		})
		return nil
	}
	return s.acceptLocked(in, envelope{id: m.ID, seq: m.Seq, body: m.Body}, now)
}

// oldestID is the least msg_id that is accepted now.
func oldestID(now time.Time) int64 { return (now.Unix() - secondsBehind) << 32 }

// checkTime refuses ids that no client makes now; 0 means that id is good.
func checkTime(id int64, now time.Time) int {
	at := id >> 32
	switch {
	case id&3 != 0:
		return badIDBits
	case at < now.Unix()-secondsBehind:
		return badIDTooLow
	case at > now.Unix()+secondsAhead:
		return badIDTooHigh
	}
	return 0
}

// acceptLocked deals with one message whose id may have been seen before.
func (s *Session) acceptLocked(in *batch, e envelope, now time.Time) error {
	switch s.seen.see(e.id, oldestID(now)) {
	case tooOld:
		s.refuse(in, e.id, e.seq, badIDForgotten)
		return nil
	case repeated:
		s.repeatLocked(in, e)
		in.taken = true
		return nil
	}
	in.fresh = true
	s.attachLocked(in.conn)
	id, err := openEnvelope(&e, in)
	if err != nil {
		return err
	}
	if id == mt.MsgContainerTypeID {
		return s.containerLocked(in, e, now)
	}
	s.greetLocked(e.id)
	handled, err := s.serviceLocked(in, id, e)
	if handled || err != nil {
		in.taken = err == nil
		return err
	}
	if code := s.checkSequenceLocked(e); code != 0 {
		s.failed = insert(s.failed, e.id)
		s.refuse(in, e.id, e.seq, code)
		return nil
	}
	in.taken = true
	s.queryLocked(in, e)
	return nil
}

// openEnvelope unpacks a message if it is packed, and returns its constructor.
func openEnvelope(e *envelope, in *batch) (uint32, error) {
	if len(e.body) < 4 {
		return 0, errClose
	}
	id := binary.LittleEndian.Uint32(e.body)
	if id != mt.GzipPackedTypeID {
		return id, nil
	}
	if e.unpacked {
		return 0, fmt.Errorf("%w: packed more than once", errClose)
	}
	var err error
	if e.body, err = in.unpack(e.body); err != nil {
		return 0, fmt.Errorf("%w: %w", errClose, err)
	}
	e.unpacked = true
	return openEnvelope(e, in)
}

// unpack opens gzip_packed within the limit of one packet.
func (in *batch) unpack(body []byte) ([]byte, error) {
	out, err := unpack(body, maxUnpacked-in.unpacked)
	in.unpacked += len(out)
	return out, err
}

// containerLocked opens a container: every message in it is checked before the first is dealt with.
//
// https://core.telegram.org/mtproto/service_messages#containers
func (s *Session) containerLocked(in *batch, e envelope, now time.Time) error {
	if e.seq&1 != 0 && !e.inside {
		s.refuse(in, e.id, e.seq, badSeqNotEven)
		return nil
	}
	messages, ok := inContainer(e)
	if !ok {
		s.refuse(in, e.id, e.seq, badContainer)
		return nil
	}
	first := e.id
	for _, m := range messages {
		first = min(first, m.id)
	}
	s.greetLocked(first)
	in.taken = true
	for _, m := range messages {
		if err := s.acceptLocked(in, m, now); err != nil {
			return err
		}
	}
	return nil
}

// inContainer reads the messages of a container; false if anything is wrong with it.
func inContainer(e envelope) ([]envelope, bool) {
	b := &bin.Buffer{Buf: e.body[4:]}
	n, err := b.Int()
	if err != nil || e.inside || n < 0 || n > maxInContainer || n > b.Len()/messageHeader {
		return nil, false
	}
	messages := make([]envelope, 0, n)
	for range n {
		m, ok := nextInner(b, e)
		if !ok {
			return nil, false
		}
		messages = append(messages, m)
	}
	return messages, b.Len() == 0
}

// nextInner reads one message of a container and holds it against the rules of its id.
func nextInner(b *bin.Buffer, outer envelope) (envelope, bool) {
	id, err1 := b.Long()
	seq, err2 := b.Int32()
	length, err3 := b.Int()
	if err1 != nil || err2 != nil || err3 != nil || length < 4 || length%4 != 0 || length > b.Len() {
		return envelope{}, false
	}
	body := b.Buf[:length]
	b.Skip(length)
	return envelope{id: id, seq: seq, body: body, inside: true, unpacked: outer.unpacked}, id < outer.id && id&3 == 0
}

// checkSequenceLocked holds the seq_no of a query against those before: odd, and rising with msg_id.
func (s *Session) checkSequenceLocked(e envelope) int {
	switch {
	case e.seq&1 == 0:
		return badSeqNotOdd
	case e.id > s.lastID:
		if s.lastID != 0 && e.seq <= s.lastSeq {
			return badSeqTooLow
		}
		s.lastID, s.lastSeq = e.id, e.seq
	case e.seq >= s.lastSeq:
		return badSeqTooHigh
	}
	return 0
}

func (s *Session) refuse(in *batch, id int64, seq int32, code int) {
	s.reply(in, &mt.BadMsgNotification{BadMsgID: id, BadMsgSeqno: int(seq), ErrorCode: code})
}

// reply says something about a packet.
func (s *Session) reply(in *batch, e bin.Encoder) {
	if body := s.encode(e); body != nil {
		in.replies = append(in.replies, message{body: body})
	}
}

func (s *Session) encode(e bin.Encoder) []byte {
	var b bin.Buffer
	if err := e.Encode(&b); err != nil {
		s.hub.Log.Error("service message not encoded", "err", err)
		return nil
	}
	return b.Buf
}

// greetLocked tells a client once that its session is new here, so that it asks for what it may have
// missed. first is the lowest msg_id of its first packet: what has a lower one did not arrive.
//
// https://core.telegram.org/mtproto/service_messages#new-session-creation-notification
func (s *Session) greetLocked(first int64) {
	if s.greeted {
		return
	}
	s.greeted = true
	salt := s.key.saltsAt(s.hub.salts, s.hub.Now()).current
	created := &mt.NewSessionCreated{FirstMsgID: first, UniqueID: salt ^ s.id ^ first, ServerSalt: salt}
	if body := s.encode(created); body != nil {
		s.queueLocked(message{body: body, content: true})
	}
}

// again adds answers to the replies, each once.
func (in *batch) again(answers []message) {
	for _, m := range answers {
		if _, there := in.repeated[m.answer]; there {
			continue
		}
		if in.repeated == nil {
			in.repeated = make(map[*answer]struct{}, len(answers))
		}
		in.repeated[m.answer] = struct{}{}
		in.replies = append(in.replies, m)
	}
}

// repeatLocked deals with a message that came before: an answer that waits goes again, now or, while
// the query runs, when it has ended; a query whose answer is gone is refused, lest its client waits
// forever. Everything else was dealt with.
//
// https://core.telegram.org/mtproto/service_messages_about_messages
func (s *Session) repeatLocked(in *batch, e envelope) {
	if s.conn == nil {
		s.attachLocked(in.conn)
	}
	a, q := s.answerToLocked(e.id), s.queryOf(e.id)
	switch {
	case a != nil:
		if !a.queued || s.conn != in.conn {
			in.again([]message{{body: a.body, content: true, answer: a}})
		}
	case q == nil && e.id <= s.evicted:
		s.refuse(in, e.id, e.seq, badIDForgotten)
	default:
		if q != nil && s.conn != in.conn {
			q.elsewhere = in.conn
		}
		s.reply(in, &mt.MsgsAck{MsgIDs: []int64{e.id}})
	}
}
