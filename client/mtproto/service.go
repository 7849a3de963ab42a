package mtproto

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// Codes of bad_msg_notification.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message.
const (
	badIDLow     = 16
	badIDHigh    = 17
	badIDTooOld  = 20
	badContainer = 64
)

const (
	wantSalts   = 32
	maxSalts    = 64
	saltsPause  = time.Minute // between two requests for salts
	ackDelay    = 5 * time.Second
	pingTimeout = 15 // seconds that ping_delay_disconnect adds to the ping period
)

// refers returns the unanswered calls that a notice about a msg_id is about and
// reports whether we sent it at all. The caller holds c.mu.
func (c *Conn) refers(id int64) (calls []*call, ours bool) {
	if q := c.pending[id]; q != nil {
		return []*call{q}, true
	}
	if id == 0 || !slices.Contains(c.sent[:], id) {
		return nil, false
	}
	return c.sentCalls(func(q *call) bool { return q.container == id }), true
}

// onBadSalt takes the new salt and sends what was refused again.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message.
func (c *Conn) onBadSalt(body []byte) error {
	var n mt.BadServerSalt
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, ours := c.refers(n.BadMsgID)
	if !ours {
		return fmt.Errorf("%w: bad_server_salt about a message that was not sent", errMalformed)
	}
	c.salt, c.salts = n.NewServerSalt, nil
	for _, q := range calls {
		c.redo(q, n.ErrorCode)
	}
	if now := c.clock.time(); now.Sub(c.askedSalt) > saltsPause {
		c.askedSalt = now
		c.queue = append(c.queue, service(&mt.GetFutureSaltsRequest{Num: wantSalts}, false))
	}
	return nil
}

// onBadMsg mends what the server complains about: the clock, or the session.
func (c *Conn) onBadMsg(id int64, body []byte) error {
	var n mt.BadMsgNotification
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, ours := c.refers(n.BadMsgID)
	if !ours {
		return fmt.Errorf("%w: bad_msg_notification about a message that was not sent", errMalformed)
	}
	switch n.ErrorCode {
	case badIDLow, badIDTooOld:
		c.mendClock(rawconn.MessageTime(id))
	case badIDHigh:
		c.mendClock(rawconn.MessageTime(id))
		c.restart()
	case badContainer: // ours are never wrong: nothing to mend
	default:
		c.restart()
	}
	for _, q := range calls {
		c.redo(q, n.ErrorCode)
	}
	return nil
}

// mendClock takes the server's time from a message that is known to be fresh. If
// messages were dropped for their time before, the server is made to send them
// again, as it does after a cut. The caller holds c.mu.
func (c *Conn) mendClock(server time.Time) {
	c.clock.set(server)
	if c.missed {
		c.drop(c.link)
	}
}

// askTime pings the server, for the pong tells its time beyond doubt. The caller
// holds c.mu.
func (c *Conn) askTime() {
	if c.missed && c.pingID != 0 {
		return
	}
	id, err := randomID(c.o.Rand)
	if err != nil {
		return // the next probe asks again
	}
	c.missed, c.pingID = true, id
	c.queue = append(c.queue, service(&mt.PingRequest{PingID: id}, false))
}

// onPong compares clocks: a pong to the last ping is fresh.
//
// See https://core.telegram.org/mtproto/service_messages#ping-messages-pingpong.
func (c *Conn) onPong(id int64, body []byte) error {
	var n mt.Pong
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.PingID != c.pingID || n.PingID == 0 {
		return nil
	}
	c.pingID = 0
	if at := rawconn.MessageTime(id); !c.clock.accepts(at) {
		c.mendClock(at)
	}
	c.missed = false
	return nil
}

// restart has the next connection begin a new session: numbers that went too high
// cannot come down in the old one. The caller holds c.mu.
func (c *Conn) restart() {
	c.session = 0
	if c.o.TempKeys { // it was bound in the old session
		c.expires = time.Time{}
	}
	c.drop(c.link)
}

// onNewSession takes note that the server knows nothing of what it was sent before.
//
// See https://core.telegram.org/mtproto/service_messages#new-session-creation-notification.
func (c *Conn) onNewSession(body []byte) error {
	var n mt.NewSessionCreated
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	c.mu.Lock()
	if n.UniqueID == c.created {
		c.mu.Unlock()
		return nil
	}
	c.created, c.salt, c.salts, c.inited = n.UniqueID, n.ServerSalt, nil, false
	for _, q := range c.sentCalls(func(q *call) bool { return max(q.id, q.container) < n.FirstMsgID }) {
		c.redo(q, 0)
	}
	c.mu.Unlock()
	c.o.OnNewSession()
	return nil
}

// onFutureSalts keeps the salts that were asked for.
//
// See https://core.telegram.org/mtproto/service_messages#request-for-several-future-salts.
func (c *Conn) onFutureSalts(body []byte) error {
	var n mt.FutureSalts
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	if len(n.Salts) < 1 || len(n.Salts) > maxSalts {
		return fmt.Errorf("%w: number of salts", errMalformed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.sent[:], n.ReqMsgID) {
		return fmt.Errorf("%w: salts that were not asked for", errMalformed)
	}
	slices.SortFunc(n.Salts, func(a, b mt.FutureSalt) int { return cmp.Compare(a.ValidSince, b.ValidSince) })
	c.salts = n.Salts
	return nil
}

// currentSalt moves on to the salt that is valid now. The caller holds c.mu.
func (c *Conn) currentSalt() int64 {
	for len(c.salts) > 0 && int64(c.salts[0].ValidSince) <= c.clock.time().Unix() {
		c.salt, c.salts = c.salts[0].Salt, c.salts[1:]
	}
	return c.salt
}

// onDetailedInfo asks for an answer that the server did not send again, or
// acknowledges it once more.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#extended-voluntary-communication-of-status-of-one-message.
func (c *Conn) onDetailedInfo(body []byte) error {
	var n mt.MsgDetailedInfoBox
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	answer := n.MsgDetailedInfo.GetAnswerMsgID()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen.has(answer) {
		c.ack(answer)
		return nil
	}
	c.queue = append(c.queue, service(&mt.MsgResendReq{MsgIDs: []int64{answer}}, true))
	return nil
}

// onStateReq tells which of the server's messages have come.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#request-for-message-status-information.
func (c *Conn) onStateReq(id int64, body []byte) error {
	var n mt.MsgsStateReq
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	if len(n.MsgIDs) > maxIDs {
		return fmt.Errorf("%w: msgs_state_req is too long", errMalformed)
	}
	info := make([]byte, len(n.MsgIDs))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, id := range n.MsgIDs {
		info[i] = c.seen.state(id)
	}
	c.queue = append(c.queue, service(&mt.MsgsStateInfo{ReqMsgID: id, Info: info}, false))
	return nil
}

// onResendReq sends queries again under their old numbers.
func (c *Conn) onResendReq(body []byte) error {
	var n mt.MsgResendReq
	if err := decodeAll(body, &n); err != nil {
		return err
	}
	if len(n.MsgIDs) > maxIDs {
		return fmt.Errorf("%w: msg_resend_req is too long", errMalformed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range n.MsgIDs {
		if q := c.pending[id]; q != nil && !slices.Contains(c.queue, q) {
			c.queue = append(c.queue, q)
		}
	}
	return nil
}

// ack notes that a message came; the note travels with the next query, or alone
// after ackDelay. The caller holds c.mu.
func (c *Conn) ack(id int64) {
	c.acks = append(c.acks, id)
	switch {
	case len(c.acks) >= maxAcks:
		c.ackDue = true
	case c.ackWait == nil:
		c.ackWait = time.AfterFunc(ackDelay, func() {
			c.mu.Lock()
			c.ackDue = len(c.acks) > 0
			c.mu.Unlock()
			c.flush()
		})
	}
}

// probe pings the server, which then drops the connection itself if we are gone;
// a connection on which nothing came since the last probe is given up.
//
// See https://core.telegram.org/mtproto/service_messages#deferred-connection-closure-ping.
func (c *Conn) probe() {
	id, err := randomID(c.o.Rand)
	c.mu.Lock()
	switch {
	case c.err != nil:
		c.mu.Unlock()
		return
	case err != nil, c.link == nil, !c.bound:
	case c.pinged && !c.heard, c.o.TempKeys && c.expiring():
		c.drop(c.link)
	default:
		delay := int(c.o.Ping/time.Second) + pingTimeout
		c.queue = append(c.queue, service(&mt.PingDelayDisconnectRequest{PingID: id, DisconnectDelay: delay}, false))
		c.pinged, c.heard, c.pingID = true, false, id
	}
	c.ping.Reset(c.o.Ping)
	c.mu.Unlock()
	c.flush()
}
