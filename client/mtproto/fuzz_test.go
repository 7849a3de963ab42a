package mtproto

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

// offline is a Conn in the middle of its session without a link: what it would
// send stays in its queue.
func offline() *Conn {
	o := Options{}
	o.setDefaults()
	c := &Conn{o: o, session: 1, clock: clock{now: time.Now}, bound: true, cancel: func() {}}
	c.clock.set(time.Now())
	c.queue = []*call{{body: make([]byte, 8), content: true, done: make(chan struct{})}}
	c.pack()
	return c
}

// FuzzReceive gives a session any authentic message.
func FuzzReceive(f *testing.F) {
	salts := &mt.FutureSalts{Salts: make([]mt.FutureSalt, 2)}
	for _, v := range []bin.Encoder{
		&mt.NewSessionCreated{UniqueID: 1}, &mt.BadServerSalt{}, &mt.BadMsgNotification{ErrorCode: 17}, salts,
		&mt.MsgDetailedInfo{}, &mt.MsgNewDetailedInfo{}, &mt.MsgsStateReq{MsgIDs: []int64{1}},
		&mt.MsgResendReq{MsgIDs: []int64{1}}, &mt.Pong{}, &mt.MsgsAck{MsgIDs: []int64{1}}, &mt.GzipPacked{PackedData: []byte{1}},
		&result{4, []byte{1, 2, 3, 4}}, container{{1, 1, []byte{1, 2, 3, 4}}}, &tg.UpdatesTooLong{},
	} {
		b, err := encodeAll(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := offline()
		var sent int64
		for id := range c.pending {
			sent = id
		}
		var numbers rawconn.Numbers
		for range 2 { // the second time the session is in another state
			c.receive(rawconn.Message{SessionID: 1, ID: numbers.ID(time.Now()) + 3, Seq: 1, Body: slices.Clone(body)})
		}
		// A notice about what was really sent gets further.
		if len(body) >= 12 {
			named := slices.Clone(body)
			var id bin.Buffer
			id.PutLong(sent)
			copy(named[4:], id.Buf)
			c.receive(rawconn.Message{SessionID: 1, ID: numbers.ID(time.Now()) + 3, Seq: 1, Body: named})
		}
		if c.ackWait != nil {
			c.ackWait.Stop()
		}
		for len(c.queue) > 0 {
			if _, ok := c.pack(); !ok {
				t.Fatal("the queue does not drain")
			}
		}
	})
}

// TestSeen compares the ring with a plain set.
func TestSeen(t *testing.T) {
	var s seen
	var all []int64
	for range 3 * seenSize {
		id := int64(len(all))*8 + rand.Int64N(80)
		sorted := slices.Sorted(slices.Values(all))
		if len(sorted) > seenSize {
			sorted = sorted[len(sorted)-seenSize:]
		}
		known := slices.Contains(sorted, id) || len(sorted) == seenSize && id < sorted[0]
		if s.has(id) != known {
			t.Fatalf("has(%d) is %v", id, !known)
		}
		if !known {
			s.add(id)
			all = append(sorted, id)
		}
	}
	if len(s.ids) != seenSize {
		t.Errorf("%d ids are remembered", len(s.ids))
	}
}
