package mtproto

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/mt"

	"github.com/chappe-im/chappe/client/mtproto/rawconn"
)

var (
	// ErrClosed is the answer to queries on a closed Conn.
	ErrClosed = errors.New("connection is closed")
	// ErrKeyUnknown means that the server does not know the permanent key (any
	// more): the session is logged out for good.
	ErrKeyUnknown = errors.New("authorization key is unknown to the server")
)

// BadMsgError is a query that the server refused again and again without running it.
//
// See https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message.
type BadMsgError struct{ Code int }

func (e *BadMsgError) Error() string { return fmt.Sprintf("query refused: bad_msg %d", e.Code) }

// Conn is a session with a server. Its methods may be called from several
// goroutines.
type Conn struct {
	o      Options
	dialer rawconn.Dialer
	prefix []byte // invokeWithLayer(initConnection(
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	link *rawconn.Link // nil: not connected
	err  error         // why the Conn ended

	perm, key *rawconn.Key // nil: not made; key is the temporary one with TempKeys
	expires   time.Time    // of the temporary key, server's time
	session   int64
	created   int64 // unique_id of the server's last new_session_created
	salt      int64
	salts     []mt.FutureSalt
	askedSalt time.Time
	numbers   rawconn.Numbers
	clock     clock
	seen      seen

	bound   bool // any query may be sent
	inited  bool // the server knows the layer
	heard   bool // something came since the last ping
	alive   bool // something came on this link
	pinged  bool
	pingID  int64 // of the last ping without a pong, else 0
	missed  bool  // a message was dropped for its time since the last pong
	writing bool  // somebody is draining the queue
	queue   []*call
	pending map[int64]*call // sent, unanswered, by msg_id
	sent    [sentRing]int64 // msg_ids of containers and service messages
	sentPos int
	acks    []int64
	ackDue  bool
	ackWait *time.Timer // nil: not waiting
	ping    *time.Timer
	buf     []byte // of whoever is writing
}

// Dial connects and, if need be, makes an authorization key (twice, with
// TempKeys). It does not wait for an answer to a query: with a saved key, an error
// of that key shows at the first query. ctx bounds Dial alone.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	o.setDefaults()
	prefix, err := o.wrapper()
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.Background())
	c := &Conn{
		o: o, prefix: prefix,
		dialer: rawconn.Dialer{Addr: o.Addr, Dial: o.Dial, Transport: o.Transport, DC: o.DC, Rand: o.Rand},
		cancel: cancel,
		done:   make(chan struct{}),
		clock:  clock{now: o.Now},
	}
	if !o.Key.IsZero() {
		c.perm = &o.Key
	}
	link, err := c.connect(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("dial: %w", err)
	}
	if o.Ping > 0 {
		c.mu.Lock()
		c.ping = time.AfterFunc(o.Ping, c.probe)
		c.mu.Unlock()
	}
	go c.run(run, link)
	return c, nil
}

// Key returns the permanent authorization key, to be stored.
func (c *Conn) Key() AuthKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.perm
}

// Close ends the Conn; queries without an answer fail with [ErrClosed]. It waits
// for the reader and must not be called by it (OnUpdate, OnNewSession).
func (c *Conn) Close() error {
	c.end(ErrClosed)
	<-c.done
	return nil
}

// Done is closed when the Conn has ended: closed, or for a reason that trying
// again cannot mend, which Err tells.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the Conn ended, nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// end fails everything that waits. The first reason stays.
func (c *Conn) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = why
	c.cancel()
	c.drop(c.link)
	if c.ping != nil {
		c.ping.Stop()
	}
	if c.ackWait != nil {
		c.ackWait.Stop()
	}
	for _, q := range c.queue {
		q.finish(nil, why)
	}
	for _, q := range c.pending {
		q.finish(nil, why)
	}
	c.queue, c.pending = nil, nil
}

// drop closes a link if it is the current one. The caller holds c.mu.
func (c *Conn) drop(l *rawconn.Link) {
	if l != nil && l == c.link {
		_ = l.Close()
		c.link = nil
	}
}

// call is a query, or a service message, which nobody waits for. Its fields below
// the line are guarded by Conn.mu until done is closed.
type call struct {
	body    []byte
	service bool
	content bool                           // asks for an acknowledgement
	bind    func(id int64) ([]byte, error) // makes the body of auth.bindTempAuthKey
	after   *call                          // to run before this one
	done    chan struct{}                  // nil for service messages

	id        int64 // 0: needs a new one
	seq       int32
	container int64 // msg_id of the container it went in, else 0
	wrapped   bool  // it went in initConnection
	afterID   int64 // the msg_id of after that was told to the server
	refused   int   // how often
	over      bool
	result    []byte
	err       error
}

func (q *call) finish(result []byte, err error) {
	if q.over {
		return
	}
	q.over, q.result, q.err, q.after = true, result, err, nil
	if q.done != nil {
		close(q.done)
	}
}

// Invoke sends a query and decodes its answer into output. Errors of the API are
// *tgerr.Error. A query whose ctx ends may have run. It implements tg.Invoker.
func (c *Conn) Invoke(ctx context.Context, input bin.Encoder, output bin.Decoder) error {
	return c.do(ctx, nil, input, output)
}

// Chain is a sequence of queries that the server runs in the order in which they
// were begun, however they travel (invokeAfterMsg). It implements tg.Invoker.
//
// See https://core.telegram.org/api/invoking#waiting-for-other-queries.
type Chain struct {
	c    *Conn
	last *call // guarded by Conn.mu
}

// Chain returns a new chain.
func (c *Conn) Chain() *Chain { return &Chain{c: c} }

// Invoke is [Conn.Invoke] for the next query of the chain.
func (h *Chain) Invoke(ctx context.Context, input bin.Encoder, output bin.Decoder) error {
	return h.c.do(ctx, h, input, output)
}

func (c *Conn) do(ctx context.Context, chain *Chain, input bin.Encoder, output bin.Decoder) error {
	body, err := encodeAll(input)
	if err != nil {
		return fmt.Errorf("encode query: %w", err)
	}
	q := &call{body: body, content: true, done: make(chan struct{})}
	if err := c.enqueue(q, chain); err != nil {
		return err
	}
	c.flush()
	select {
	case <-q.done:
	case <-ctx.Done():
		c.mu.Lock()
		q.finish(nil, ctx.Err())
		delete(c.pending, q.id)
		c.mu.Unlock()
	}
	if q.err != nil {
		return q.err
	}
	if err := decodeAll(q.result, output); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

func (c *Conn) enqueue(q *call, chain *Chain) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if chain != nil {
		if chain.last != nil && !chain.last.over {
			q.after = chain.last
		}
		chain.last = q
	}
	c.queue = append(c.queue, q)
	return nil
}

func encodeAll(v bin.Encoder) ([]byte, error) {
	var b bin.Buffer
	err := v.Encode(&b)
	return b.Buf, err
}

// randomID draws a number that is not 0.
func randomID(rnd io.Reader) (int64, error) {
	for {
		var b [8]byte
		if _, err := io.ReadFull(rnd, b[:]); err != nil {
			return 0, fmt.Errorf("draw random number: %w", err)
		}
		if id := int64(binary.LittleEndian.Uint64(b[:])); id != 0 {
			return id, nil
		}
	}
}
