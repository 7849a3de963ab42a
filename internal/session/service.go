package session

import (
	"encoding/binary"
	"fmt"
	"slices"
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
func (s *Session) serviceLocked(in *batch, id uint32, e envelope) (handled bool, err error) {
	switch id {
	case mt.MsgsAckTypeID:
		return true, s.acknowledgedLocked(e)
	case mt.PingRequestTypeID, mt.PingDelayDisconnectRequestTypeID:
		return true, s.ping(in, id, e)
	case mt.MsgsStateReqTypeID:
		return true, s.stateLocked(in, e)
	case mt.MsgResendReqTypeID:
		return true, s.resendLocked(in, e)
	case mt.RPCDropAnswerRequestTypeID:
		return true, s.dropLocked(e)
	case mt.GetFutureSaltsRequestTypeID:
		return true, s.futureSalts(in, e)
	case mt.DestroySessionRequestTypeID:
		return true, s.destroyLocked(e)
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

// read decodes a service message, which must be all there is.
func read(e envelope, v bin.Decoder) error {
	b := &bin.Buffer{Buf: e.body}
	if err := v.Decode(b); err != nil {
		return fmt.Errorf("%w: %w", errClose, err)
	}
	if b.Len() != 0 {
		return fmt.Errorf("%w: bytes behind a service message", errClose)
	}
	return nil
}

// readIDs decodes a service message that lists msg_ids.
func readIDs(e envelope, v bin.Decoder, ids *[]int64) error {
	if err := read(e, v); err != nil {
		return err
	}
	if len(*ids) > maxIDs {
		return fmt.Errorf("%w: %d message ids", errClose, len(*ids))
	}
	return nil
}

// named returns a function that tells whether an answer is among those with these msg_ids.
func named(ids []int64) func(*answer) bool {
	slices.Sort(ids)
	return func(a *answer) bool {
		_, found := slices.BinarySearch(ids, a.id)
		return found && a.id != 0
	}
}

// acknowledgedLocked forgets what the client has. The seq_no is not looked at: mtcute counts its
// acknowledgements as content-related.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#acknowledgment-of-receipt
func (s *Session) acknowledgedLocked(e envelope) error {
	var m mt.MsgsAck
	if err := readIDs(e, &m, &m.MsgIDs); err != nil || len(m.MsgIDs) == 0 {
		return err
	}
	arrived := named(m.MsgIDs)
	s.out.acknowledged(m.MsgIDs[len(m.MsgIDs)-1])
	s.answers = slices.DeleteFunc(s.answers, func(a *answer) bool {
		gone := arrived(a)
		if gone {
			s.storedLocked(-len(a.body) - answerCost)
		}
		return gone
	})
	if len(s.answers) == 0 {
		s.answers = nil
	}
	return nil
}

// ping answers a ping, and notes when the client wants to be given up.
//
// https://core.telegram.org/mtproto/service_messages#deferred-connection-closure--ping
func (s *Session) ping(in *batch, id uint32, e envelope) error {
	pong := mt.Pong{MsgID: e.id}
	if id == mt.PingRequestTypeID {
		var m mt.PingRequest
		if err := read(e, &m); err != nil {
			return err
		}
		pong.PingID = m.PingID
	} else {
		var m mt.PingDelayDisconnectRequest
		if err := read(e, &m); err != nil {
			return err
		}
		pong.PingID = m.PingID
		delay := min(max(m.DisconnectDelay, 1), int(silence/time.Second))
		in.conn.deadline.Store(s.hub.Now().Unix() + int64(delay))
	}
	s.reply(in, &pong)
	return nil
}

// States of messages in msgs_state_info.
const (
	stateUnknown     = 1 // so old that nothing is known
	stateNotReceived = 2
	stateReceived    = 4
	stateRunning     = stateReceived | 32
	stateAnswered    = stateReceived | 64
)

// stateLocked says what became of messages of the client, and sends answers again that were sent.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#informational-message-regarding-status-of-messages
func (s *Session) stateLocked(in *batch, e envelope) error {
	var m mt.MsgsStateReq
	if err := readIDs(e, &m, &m.MsgIDs); err != nil {
		return err
	}
	info := make([]byte, len(m.MsgIDs))
	var again []int64
	for i, id := range m.MsgIDs {
		info[i] = s.stateOf(id)
		if info[i] == stateAnswered {
			again = append(again, s.answerToLocked(id).id)
		}
	}
	s.reply(in, &mt.MsgsStateInfo{ReqMsgID: e.id, Info: info})
	sent := named(again)
	in.again(s.againLocked(func(a *answer) bool {
		_, there := in.repeated[a]
		return !there && sent(a)
	}))
	return nil
}

func (s *Session) stateOf(id int64) byte {
	switch {
	case s.answerToLocked(id) != nil:
		return stateAnswered
	case s.queryOf(id) != nil:
		return stateRunning
	case id <= s.evicted || id < s.seen.floor:
		return stateUnknown
	case s.seen.has(id):
		return stateReceived
	default:
		return stateNotReceived
	}
}

// resendLocked sends answers again that the client says it lacks; a lost push costs a look into
// the store.
//
// https://core.telegram.org/mtproto/service_messages_about_messages#explicit-request-to-re-send-messages
func (s *Session) resendLocked(in *batch, e envelope) error {
	var m mt.MsgResendReq
	if err := readIDs(e, &m, &m.MsgIDs); err != nil {
		return err
	}
	known := s.againLocked(named(m.MsgIDs))
	in.again(known)
	if len(known) < len(slices.Compact(m.MsgIDs)) && s.updates {
		in.replies = append(in.replies, message{body: updatesTooLong, content: true, push: true})
	}
	return nil
}

// dropLocked forgets an answer the client does not want any more.
//
// https://core.telegram.org/mtproto/service_messages#cancellation-of-an-rpc-query
func (s *Session) dropLocked(e envelope) error {
	var m mt.RPCDropAnswerRequest
	if err := read(e, &m); err != nil {
		return err
	}
	var result bin.Encoder = &mt.RPCAnswerUnknown{}
	if q := s.queryOf(m.ReqMsgID); q != nil {
		q.dropped = true
		result = &mt.RPCAnswerDroppedRunning{}
	} else if a := s.answerToLocked(m.ReqMsgID); a != nil {
		result = &mt.RPCAnswerDropped{MsgID: a.id, SeqNo: int(a.seq), Bytes: len(a.body)}
		at := slices.Index(s.answers, a)
		s.forgetAnswerLocked(at)
		s.out.drop(a)
	}
	b := resultTo(e.id)
	if err := result.Encode(b); err != nil {
		return err
	}
	s.answerLocked(e.id, b.Buf, false)
	return nil
}

// futureSalts tells the salts to come.
func (s *Session) futureSalts(in *batch, e envelope) error {
	var m mt.GetFutureSaltsRequest
	if err := read(e, &m); err != nil {
		return err
	}
	if m.Num < 1 {
		return fmt.Errorf("%w: %d salts", errClose, m.Num)
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
	s.reply(in, &answer)
	return nil
}

// destroyLocked forgets another session of the same key; the own one is not to be had.
//
// https://core.telegram.org/mtproto/service_messages#request-to-destroy-session
func (s *Session) destroyLocked(e envelope) error {
	var m mt.DestroySessionRequest
	if err := read(e, &m); err != nil {
		return err
	}
	if !s.hub.enter() {
		return nil
	}
	s.hub.workers.run(taskFunc(func() {
		defer s.hub.running.Done()
		s.hub.mu.RLock()
		other := s.key.session(m.SessionID)
		s.hub.mu.RUnlock()
		var answer bin.Encoder = &mt.DestroySessionNone{SessionID: m.SessionID}
		if other != nil && other != s && other.destroy() {
			answer = &mt.DestroySessionOk{SessionID: m.SessionID}
		}
		s.mu.Lock()
		s.queueLocked(message{body: s.encode(answer)})
		s.writeUnlock()
	}))
	return nil
}

// destroyKeyLocked forgets the session's own key, at the client's wish, when it has logged out.
func (s *Session) destroyKeyLocked() {
	if !s.hub.enter() {
		return
	}
	s.hub.workers.run(taskFunc(func() {
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
		if result == destroyAuthKeyOkID {
			s.hub.drop(s.key, s)
		}
		s.mu.Lock()
		// Bare, not as rpc_result: TDLib expects it so.
		s.queueLocked(message{body: binary.LittleEndian.AppendUint32(nil, result)})
		s.writeUnlock()
	}))
}
