package rawconn

import "time"

// Conn is a link with the state of one session, for programs that choose every
// byte themselves. It must not be used from several goroutines at once.
type Conn struct {
	*Link
	Numbers
	Key             Key
	SessionID, Salt int64
}

// Send seals a body under any msg_id and seq_no and sends it.
func (c *Conn) Send(msgID int64, seq int32, body []byte) error {
	return c.WriteMessage(&c.Key, Message{
		Salt: c.Salt, SessionID: c.SessionID, ID: msgID, Seq: seq, Body: body,
	})
}

// Query sends a body under the next msg_id, which it returns, and an odd seq_no.
func (c *Conn) Query(now time.Time, body []byte) (int64, error) {
	id := c.ID(now)
	return id, c.Send(id, c.Seq(true), body)
}

// Recv returns the next message, of whatever session; its body is valid until the
// next call.
func (c *Conn) Recv() (Message, error) { return c.ReadMessage(&c.Key) }
