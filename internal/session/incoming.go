package session

import (
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
	maxUnpacked    = 10 << 20
	maxInContainer = 1024
)

// batch is what one frame brought.
type batch struct {
	frame   *wire.Frame
	kept    bool // a query keeps the frame and releases it
	session *Session
	queries []*query
}

// envelope is one message of a packet.
type envelope struct {
	id       int64
	seq      int32
	body     []byte
	inside   bool // of a container
	unpacked bool // from gzip_packed
}

// receive checks the outer message of a packet and deals with what is in it. An error means that
// the client broke the protocol.
func (s *Session) receive(c *connection, in *batch, m cipher.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.kickLocked()
	now := s.hub.Now()
	if code := checkTime(m.ID, now); code != 0 {
		s.refuseLocked(m.ID, m.Seq, code)
		return nil
	}
	if p := s.key.saltsAt(s.hub.salts, now); m.Salt != p.current && m.Salt != p.previous {
		s.sendLocked(&mt.BadServerSalt{
			BadMsgID: m.ID, BadMsgSeqno: int(m.Seq), ErrorCode: badServerSalt, NewServerSalt: p.current,
		})
		return nil
	}
	return s.acceptLocked(c, in, envelope{id: m.ID, seq: m.Seq, body: m.Body}, now)
}

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
func (s *Session) acceptLocked(c *connection, in *batch, e envelope, now time.Time) error {
	switch s.seen.see(e.id, (now.Unix()-secondsBehind)<<32) {
	case tooOld:
		s.refuseLocked(e.id, e.seq, badIDForgotten)
		return nil
	case repeated:
		s.repeatLocked(e.id)
		return nil
	}
	b := &bin.Buffer{Buf: e.body}
	id, err := b.PeekID()
	if err != nil {
		return errClose
	}
	if id == mt.GzipPackedTypeID {
		if e.body, err = unpack(e.body, maxUnpacked); err != nil {
			return fmt.Errorf("%w: %w", errClose, err)
		}
		e.unpacked = true
		if id, err = (&bin.Buffer{Buf: e.body}).PeekID(); err != nil || id == mt.GzipPackedTypeID {
			return errClose
		}
	}
	if id == mt.MsgContainerTypeID {
		return s.containerLocked(c, in, e, now)
	}
	handled, err := s.serviceLocked(c, id, e)
	if handled || err != nil {
		return err
	}
	if code := s.checkSequenceLocked(e); code != 0 {
		s.refuseLocked(e.id, e.seq, code)
		return nil
	}
	s.queryLocked(in, e)
	return nil
}

// containerLocked opens a container: every message in it is checked before the first is dealt with.
//
// https://core.telegram.org/mtproto/service_messages#containers
func (s *Session) containerLocked(c *connection, in *batch, e envelope, now time.Time) error {
	if e.inside {
		s.refuseLocked(e.id, e.seq, badContainer)
		return nil
	}
	if e.seq&1 != 0 {
		s.refuseLocked(e.id, e.seq, badSeqNotEven)
		return nil
	}
	b := &bin.Buffer{Buf: e.body[4:]}
	n, err := b.Int()
	if err != nil || n < 0 || n > maxInContainer {
		s.refuseLocked(e.id, e.seq, badContainer)
		return nil
	}
	messages := make([]envelope, 0, min(n, b.Len()/messageHeader))
	for range n {
		m, ok := nextInner(b, e)
		if !ok {
			s.refuseLocked(e.id, e.seq, badContainer)
			return nil
		}
		messages = append(messages, m)
	}
	if b.Len() != 0 {
		s.refuseLocked(e.id, e.seq, badContainer)
		return nil
	}
	for _, m := range messages {
		if err := s.acceptLocked(c, in, m, now); err != nil {
			return err
		}
	}
	return nil
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

func (s *Session) refuseLocked(id int64, seq int32, code int) {
	s.sendLocked(&mt.BadMsgNotification{BadMsgID: id, BadMsgSeqno: int(seq), ErrorCode: code})
}

// sendLocked queues a service message.
func (s *Session) sendLocked(e bin.Encoder) {
	var b bin.Buffer
	if err := e.Encode(&b); err != nil {
		s.hub.Log.Error("service message not encoded", "err", err)
		return
	}
	s.out.add(message{body: b.Buf})
}

// greet tells a client that its session is new here, so that it asks for what it may have missed.
//
// https://core.telegram.org/mtproto/service_messages#new-session-creation-notification
func (s *Session) greet(first int64) {
	var unique bin.Buffer
	s.mu.Lock()
	defer s.mu.Unlock()
	salt := s.key.saltsAt(s.hub.salts, s.hub.Now()).current
	m := mt.NewSessionCreated{FirstMsgID: first, UniqueID: salt ^ s.id ^ first, ServerSalt: salt}
	if err := m.Encode(&unique); err != nil {
		s.hub.Log.Error("service message not encoded", "err", err)
		return
	}
	s.out.add(message{body: unique.Buf, content: true})
}

// repeatLocked deals with a message that came before: an answer that waits goes again, a query that
// runs is acknowledged, everything else was dealt with.
func (s *Session) repeatLocked(id int64) {
	if a := s.answers[id]; a != nil {
		s.out.add(message{body: a.body, answer: a, id: a.id, seq: a.seq})
		return
	}
	s.sendLocked(&mt.MsgsAck{MsgIDs: []int64{id}})
}
