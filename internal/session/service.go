package session

import (
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
)

// Constructors that package mt lacks.
//
// https://core.telegram.org/mtproto/service_messages#destroying-an-auth-key, as TDLib has them
const (
	destroyAuthKeyID     = 0xd1435160
	destroyAuthKeyOkID   = 0xf660e1d4
	destroyAuthKeyNoneID = 0x0a9f2259
	destroyAuthKeyFailID = 0xea109b13
)

// serviceLocked deals with a service message; handled is false if the message is a query of the
// API. An error means that the client broke the protocol.
func (s *Session) serviceLocked(c *connection, id uint32, e envelope) (handled bool, err error) {
	b := &bin.Buffer{Buf: e.body}
	switch id {
	case mt.MsgsAckTypeID:
		return true, s.acknowledgedLocked(b)
	case mt.PingRequestTypeID, mt.PingDelayDisconnectRequestTypeID:
		return true, s.pingLocked(c, id, b, e)
	case mt.MsgsStateReqTypeID:
		return true, s.stateLocked(b, e)
	case mt.MsgResendReqTypeID:
		return true, s.resendLocked(b)
	case mt.RPCDropAnswerRequestTypeID:
		return true, s.dropLocked(b, e)
	case mt.GetFutureSaltsRequestTypeID:
		return true, s.futureSaltsLocked(b, e)
	case mt.DestroySessionRequestTypeID:
		return true, s.destroyLocked(b)
	case destroyAuthKeyID:
		s.destroyKeyLocked()
		return true, nil
	case mt.HTTPWaitRequestTypeID, mt.MsgsAllInfoTypeID, mt.MsgsStateInfoTypeID, mt.MsgDetailedInfoTypeID,
		mt.MsgNewDetailedInfoTypeID, mt.PongTypeID, mt.BadMsgNotificationTypeID:
		return true, nil // nothing of it concerns a server without HTTP transport
	case mt.MsgCopyTypeID, mt.RPCResultTypeID, mt.ReqPqRequestTypeID, mt.ReqPqMultiRequestTypeID,
		mt.ReqDHParamsRequestTypeID, mt.SetClientDHParamsRequestTypeID:
		return true, errClose // never inside a session
	}
	return false, nil
}

// acknowledgedLocked forgets what the client has. The seq_no is not looked at: mtcute counts its
// acknowledgements as content-related.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#acknowledgment-of-receipt
func (s *Session) acknowledgedLocked(b *bin.Buffer) error {
	var m mt.MsgsAck
	if err := m.Decode(b); err != nil || len(m.MsgIDs) > maxIDs {
		return errClose
	}
	for _, id := range m.MsgIDs {
		s.out.acknowledged(id)
	}
	if len(s.answers) == 0 {
		return nil
	}
	arrived := make(map[int64]struct{}, len(m.MsgIDs))
	for _, id := range m.MsgIDs {
		arrived[id] = struct{}{}
	}
	for query, a := range s.answers {
		if _, ok := arrived[a.id]; ok {
			s.forgetAnswerLocked(query)
		}
	}
	return nil
}

// pingLocked answers a ping, and notes when the client wants to be given up.
//
// https://core.telegram.org/mtproto/service_messages#deferred-connection-closure--ping
func (s *Session) pingLocked(c *connection, id uint32, b *bin.Buffer, e envelope) error {
	pong := mt.Pong{MsgID: e.id}
	if id == mt.PingRequestTypeID {
		var m mt.PingRequest
		if err := m.Decode(b); err != nil {
			return errClose
		}
		pong.PingID = m.PingID
	} else {
		var m mt.PingDelayDisconnectRequest
		if err := m.Decode(b); err != nil {
			return errClose
		}
		pong.PingID = m.PingID
		delay := min(max(m.DisconnectDelay, 1), int(silence/time.Second))
		c.deadline.Store(s.hub.Now().Unix() + int64(delay))
	}
	s.sendLocked(&pong)
	return nil
}

// stateLocked says what became of messages of the client: 1 nothing known, 2 not received, 4
// received; 4+128 if the answer is ready.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#informational-message-regarding-status-of-messages
func (s *Session) stateLocked(b *bin.Buffer, e envelope) error {
	var m mt.MsgsStateReq
	if err := m.Decode(b); err != nil || len(m.MsgIDs) > maxIDs {
		return errClose
	}
	info := make([]byte, len(m.MsgIDs))
	for i, id := range m.MsgIDs {
		switch {
		case s.answers[id] != nil:
			info[i] = 4 | 64
		case s.queries[id] != nil:
			info[i] = 4 | 32
		case s.seen.has(id):
			info[i] = 4
		case id < s.seen.floor:
			info[i] = 1
		default:
			info[i] = 2
		}
	}
	s.sendLocked(&mt.MsgsStateInfo{ReqMsgID: e.id, Info: info})
	for _, id := range m.MsgIDs {
		if a := s.answers[id]; a != nil && a.id != 0 {
			s.out.add(message{body: a.body, answer: a, id: a.id, seq: a.seq})
		}
	}
	return nil
}

// resendLocked sends answers again that the client says it lacks; a lost push costs a look into the
// store.
func (s *Session) resendLocked(b *bin.Buffer) error {
	var m mt.MsgResendReq
	if err := m.Decode(b); err != nil || len(m.MsgIDs) > maxIDs {
		return errClose
	}
	wanted := make(map[int64]bool, len(m.MsgIDs))
	for _, id := range m.MsgIDs {
		wanted[id] = true
	}
	for _, a := range s.answers {
		if wanted[a.id] {
			s.out.add(message{body: a.body, answer: a, id: a.id, seq: a.seq})
			delete(wanted, a.id)
		}
	}
	if len(wanted) > 0 && s.updates {
		s.out.add(message{body: updatesTooLong, content: true})
	}
	return nil
}

// dropLocked forgets an answer the client does not want any more.
//
// https://core.telegram.org/mtproto/service_messages#cancellation-of-an-rpc-query
func (s *Session) dropLocked(b *bin.Buffer, e envelope) error {
	var m mt.RPCDropAnswerRequest
	if err := m.Decode(b); err != nil {
		return errClose
	}
	var result bin.Encoder = &mt.RPCAnswerUnknown{}
	if a := s.answers[m.ReqMsgID]; a != nil {
		result = &mt.RPCAnswerDropped{MsgID: a.id, SeqNo: int(a.seq), Bytes: len(a.body)}
		s.forgetAnswerLocked(m.ReqMsgID)
	} else if q := s.queries[m.ReqMsgID]; q != nil {
		q.dropped = true
		result = &mt.RPCAnswerDroppedRunning{}
	}
	var encoded bin.Buffer
	if err := result.Encode(&encoded); err != nil {
		return err
	}
	s.answerLocked(e.id, encoded.Buf)
	return nil
}

// futureSaltsLocked tells the salts to come.
func (s *Session) futureSaltsLocked(b *bin.Buffer, e envelope) error {
	var m mt.GetFutureSaltsRequest
	if err := m.Decode(b); err != nil || m.Num < 1 {
		return errClose
	}
	now := s.hub.Now()
	answer := mt.FutureSalts{ReqMsgID: e.id, Now: int(now.Unix())}
	first, seconds := saltPeriodOf(now), int64(saltPeriod/time.Second)
	for i := range int64(min(m.Num, 64)) {
		answer.Salts = append(answer.Salts, mt.FutureSalt{
			ValidSince: int((first + i) * seconds),
			ValidUntil: int((first + i + 2) * seconds),
			Salt:       s.hub.salts.at(s.key.key.ID(), first+i),
		})
	}
	s.sendLocked(&answer)
	return nil
}

// destroyLocked forgets another session of the same key.
//
// https://core.telegram.org/mtproto/service_messages#request-to-destroy-session
func (s *Session) destroyLocked(b *bin.Buffer) error {
	var m mt.DestroySessionRequest
	if err := m.Decode(b); err != nil {
		return errClose
	}
	if m.SessionID == s.id {
		return nil // the protocol does not allow it
	}
	name := sessionName{s.key.key.ID(), m.SessionID}
	s.hub.workers.run(func() {
		var answer bin.Encoder = &mt.DestroySessionNone{SessionID: m.SessionID}
		if s.hub.end(name) {
			answer = &mt.DestroySessionOk{SessionID: m.SessionID}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sendLocked(answer)
		s.kickLocked()
	})
	return nil
}

// destroyKeyLocked forgets the session's own key, at the client's wish, when it has logged out.
func (s *Session) destroyKeyLocked() {
	s.hub.running.Add(1)
	s.hub.workers.run(func() {
		defer s.hub.running.Done()
		id := s.key.key.ID()
		result := uint32(destroyAuthKeyOkID)
		switch had, err := s.hub.Keys.DestroyKey(s.hub.ctx, id); {
		case err != nil:
			s.hub.Log.Error("authorization key not destroyed", "err", err)
			result = destroyAuthKeyFailID
		case !had:
			result = destroyAuthKeyNoneID
		}
		var b bin.Buffer
		b.PutID(result)
		s.mu.Lock()
		s.out.add(message{body: b.Buf}) // bare, not as rpc_result: TDLib expects it so
		s.kickLocked()
		s.mu.Unlock()
	})
}
