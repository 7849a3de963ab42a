package mtproto

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gotd/td/mt"
	"github.com/gotd/td/tgerr"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

const (
	maxContainer = 1024
	maxUnpacked  = 10 << 20 // of one gzip_packed, in bytes
)

// errMalformed is an authentic message that breaks the rules; it is dropped.
var errMalformed = errors.New("malformed message")

// inner is one message, alone or of a container.
type inner struct {
	id   int64
	seq  int32
	body []byte
}

// receive handles one decrypted packet. Broken ones are dropped as a whole.
func (c *Conn) receive(m rawconn.Message) {
	messages, err := split(m)
	if err == nil && m.ID&1 == 0 {
		err = fmt.Errorf("%w: msg_id of a client", errMalformed)
	}
	if err != nil {
		c.o.Log.Warn("packet dropped", "err", err)
		return
	}
	messages = c.admit(m, messages)
	for _, in := range messages {
		if err := c.handle(in.id, in.body, false); err != nil {
			c.o.Log.Warn("message dropped", "err", err)
		}
	}
	c.mu.Lock()
	wants := c.wants() && !c.writing
	c.mu.Unlock()
	if wants {
		go c.flush()
	}
}

// split takes a container apart, checking all of it first.
//
// See https://core.telegram.org/mtproto/service_messages#simple-container.
func split(m rawconn.Message) ([]inner, error) {
	le, b := binary.LittleEndian, m.Body
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: empty", errMalformed)
	}
	if le.Uint32(b) != mt.MsgContainerTypeID {
		return []inner{{m.ID, m.Seq, b}}, nil
	}
	if len(b) < 8 || le.Uint32(b[4:]) > maxContainer {
		return nil, fmt.Errorf("%w: container size", errMalformed)
	}
	messages := make([]inner, 0, min(int(le.Uint32(b[4:])), len(b)/20))
	n := int(le.Uint32(b[4:]))
	for b = b[8:]; n > 0; n-- {
		if len(b) < 20 {
			return nil, fmt.Errorf("%w: container cut short", errMalformed)
		}
		in := inner{id: int64(le.Uint64(b)), seq: int32(le.Uint32(b[8:]))}
		size := int(int32(le.Uint32(b[12:])))
		if b = b[16:]; size < 4 || size%4 != 0 || size > len(b) {
			return nil, fmt.Errorf("%w: message length", errMalformed)
		}
		in.body, b = b[:size], b[size:]
		if in.id >= m.ID || in.id&1 == 0 || le.Uint32(in.body) == mt.MsgContainerTypeID {
			return nil, fmt.Errorf("%w: message in a container", errMalformed)
		}
		messages = append(messages, in)
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: container: %w", errMalformed, errTrailing)
	}
	return messages, nil
}

// admit checks session, time and repetition and returns the messages to handle.
// It acknowledges those that ask for it, repeated ones as well.
//
// See https://core.telegram.org/mtproto/security_guidelines#mtproto-encrypted-messages.
func (c *Conn) admit(m rawconn.Message, messages []inner) []inner {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.SessionID != c.session {
		return nil
	}
	c.heard, c.alive = true, true
	at := rawconn.MessageTime(m.ID)
	if c.clock.server.IsZero() {
		c.clock.set(at) // authentic, and of a session that is new: fresh
	}
	if !c.clock.accepts(at) {
		found := c.notices(messages)
		if len(found) < len(messages) {
			c.askTime()
		}
		return found
	}
	if len(messages) != 1 || messages[0].id != m.ID {
		if c.seen.has(m.ID) {
			return nil
		}
		c.seen.add(m.ID)
	}
	fresh := messages[:0]
	for _, in := range messages {
		if in.seq&1 == 1 {
			c.ack(in.id)
		}
		if c.seen.has(in.id) {
			continue
		}
		c.seen.add(in.id)
		fresh = append(fresh, in)
	}
	return fresh
}

// notices returns the messages that tell of a wrong clock, which alone may come
// from outside its bounds.
func (c *Conn) notices(messages []inner) []inner {
	var found []inner
	for _, in := range messages {
		var bad mt.BadMsgNotification
		var pong mt.Pong
		tells := decodeAll(in.body, &bad) == nil && (bad.ErrorCode == badIDLow || bad.ErrorCode == badIDHigh) ||
			decodeAll(in.body, &pong) == nil && pong.PingID == c.pingID
		if tells && !c.seen.has(in.id) {
			c.seen.add(in.id)
			found = append(found, in)
		}
	}
	return found
}

// handle acts on one message. body is valid during the call.
func (c *Conn) handle(id int64, body []byte, unpacked bool) error {
	if len(body) < 4 {
		return errMalformed
	}
	switch binary.LittleEndian.Uint32(body) {
	case mt.RPCResultTypeID:
		return c.onResult(body)
	case mt.GzipPackedTypeID:
		if unpacked {
			return fmt.Errorf("%w: nested gzip_packed", errMalformed)
		}
		plain, err := unzip(body)
		if err != nil {
			return err
		}
		return c.handle(id, plain, true)
	case mt.MsgContainerTypeID:
		return fmt.Errorf("%w: nested container", errMalformed)
	case mt.NewSessionCreatedTypeID:
		return c.onNewSession(body)
	case mt.BadServerSaltTypeID:
		return c.onBadSalt(body)
	case mt.BadMsgNotificationTypeID:
		return c.onBadMsg(id, body)
	case mt.FutureSaltsTypeID:
		return c.onFutureSalts(body)
	case mt.MsgDetailedInfoTypeID, mt.MsgNewDetailedInfoTypeID:
		return c.onDetailedInfo(body)
	case mt.MsgsStateReqTypeID:
		return c.onStateReq(id, body)
	case mt.MsgResendReqTypeID:
		return c.onResendReq(body)
	case mt.PongTypeID:
		return c.onPong(id, body)
	case mt.MsgsAckTypeID, // queries are kept until answered, not until acknowledged
		mt.MsgsStateInfoTypeID, mt.MsgsAllInfoTypeID, mt.RPCErrorTypeID,
		mt.DestroySessionOkTypeID, mt.DestroySessionNoneTypeID: // answers to nothing we ask
		return nil
	}
	c.o.OnUpdate(body)
	return nil
}

// onResult ends the call that an rpc_result answers, if there is one.
//
// See https://core.telegram.org/mtproto/service_messages#response-to-an-rpc-query.
func (c *Conn) onResult(body []byte) error {
	if len(body) < 12 {
		return fmt.Errorf("%w: rpc_result", errMalformed)
	}
	id, object := int64(binary.LittleEndian.Uint64(body[4:])), body[12:]
	if len(object) < 4 {
		return c.onAnswer(id, nil, fmt.Errorf("%w: rpc_result", errMalformed))
	}
	if binary.LittleEndian.Uint32(object) == mt.GzipPackedTypeID {
		plain, err := unzip(object)
		if err == nil && len(plain) < 4 {
			err = errMalformed
		}
		if err != nil {
			return c.onAnswer(id, nil, fmt.Errorf("unpack answer: %w", err))
		}
		return c.onAnswer(id, plain, nil)
	}
	return c.onAnswer(id, bytes.Clone(object), nil)
}

// onAnswer ends a call with its result, which it keeps, or sends it again.
func (c *Conn) onAnswer(id int64, object []byte, err error) error {
	var e mt.RPCError
	if err == nil && binary.LittleEndian.Uint32(object) == mt.RPCErrorTypeID {
		if err = decodeAll(object, &e); err == nil {
			err = tgerr.New(e.ErrorCode, e.ErrorMessage)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.pending[id]
	if q == nil {
		return nil
	}
	again := false
	switch e.ErrorMessage {
	case "MSG_WAIT_FAILED": // what it was to follow moved, failed or is forgotten
		again = q.afterID != 0
	case "CONNECTION_NOT_INITED", "CONNECTION_LAYER_INVALID":
		again, c.inited = !q.wrapped, false
	}
	if again && q.refused < maxRefused {
		c.redo(q, 0)
		return nil
	}
	if err == nil && q.bind == nil {
		c.inited = true
	}
	delete(c.pending, id)
	q.finish(object, err)
	return nil
}

var gzipReaders sync.Pool

// unzip opens one gzip_packed.
//
// See https://core.telegram.org/mtproto/service_messages#packed-object.
func unzip(body []byte) ([]byte, error) {
	var packed mt.GzipPacked
	if err := decodeAll(body, &packed); err != nil {
		return nil, fmt.Errorf("decode gzip_packed: %w", err)
	}
	z, _ := gzipReaders.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer gzipReaders.Put(z)
	if err := z.Reset(bytes.NewReader(packed.PackedData)); err != nil {
		return nil, fmt.Errorf("open gzip_packed: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("read gzip_packed: %w", err)
	}
	if len(plain) > maxUnpacked {
		return nil, fmt.Errorf("%w: gzip_packed is too big", errMalformed)
	}
	return plain, nil
}
