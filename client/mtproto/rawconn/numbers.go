package rawconn

import "time"

// Numbers gives the messages of one session their identifiers and sequence numbers.
//
// See https://core.telegram.org/mtproto/description#message-identifier-msg-id.
type Numbers struct {
	last    int64
	content int32
}

// ID returns the next msg_id of a client at a server time: divisible by four and
// above all that were given before.
func (n *Numbers) ID(now time.Time) int64 {
	n.last = max(MessageID(now)&^3, n.last+4)
	return n.last
}

// Seq returns the next seq_no: odd for messages that are to be acknowledged.
func (n *Numbers) Seq(content bool) int32 {
	seq := n.content * 2
	if content {
		n.content++
		seq++
	}
	return seq
}

// MessageID returns the msg_id of a moment, unix time in units of 2^-32 seconds.
func MessageID(t time.Time) int64 {
	return t.Unix()<<32 | int64(t.Nanosecond())<<32/int64(time.Second)
}

// MessageTime returns the moment that a msg_id names.
func MessageTime(id int64) time.Time {
	return time.Unix(id>>32, (id&0xffffffff)*int64(time.Second)>>32)
}
