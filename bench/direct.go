package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/store"
)

// direct measures durable messages between pairs: each person answers at receipt, so every pair has
// one message under way. A message is answered after its commit is synced.
func direct(ctx context.Context, o Options, r *Result) error {
	if o.Clients == 0 {
		o.Clients = 100
	}
	if err := pin(); err != nil {
		return err
	}
	var rates, p50s, p99s, raws, cpus []float64
	for range o.Runs {
		raw, err := rawRate(ctx, o)
		if err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		d, err := directOnce(ctx, o)
		if err != nil {
			return err
		}
		raws, rates, cpus = append(raws, raw), append(rates, d.rate), append(cpus, d.cpu)
		p50s, p99s = append(p50s, d.p50), append(p99s, d.p99)
	}
	yardstick := r.add("the same rows, 16 messages to a commit, by one caller", "messages/s", raws)
	r.add(fmt.Sprintf("messages of %d pairs, sent at receipt", o.Clients), "messages/s", rates)
	r.against("the same rows", yardstick)
	r.add("server CPU", "µs/message", cpus)
	r.add("from sending to receipt, p50", "ms", p50s)
	r.add("from sending to receipt, p99", "ms", p99s)
	return nil
}

type directFigures struct{ rate, p50, p99, cpu float64 }

func directOnce(ctx context.Context, o Options) (f directFigures, err error) {
	data, done, err := o.folder()
	if err != nil {
		return f, err
	}
	defer done()
	people, err := seed(ctx, o, data, 2*o.Clients)
	if err != nil {
		return f, err
	}
	server, err := launch(ctx, o, data)
	if err != nil {
		return f, err
	}
	defer server.stop()
	var game pingPong
	for i := range o.Clients {
		if err := game.join(ctx, o, server, people[2*i], people[2*i+1]); err != nil {
			return f, err
		}
	}
	defer game.end()
	return game.play(ctx, server, time.Duration(o.Seconds)*time.Second)
}

// pingPong are pairs that answer each other.
type pingPong struct {
	players []*player
	over    atomic.Bool
	failed  atomic.Pointer[error]
}

// player is one side of a pair.
type player struct {
	game   *pingPong
	api    *tg.Client
	close  func() error
	to     tg.InputPeerClass
	random int64
	other  *player
	sentAt atomic.Int64 // when the other side's message was sent, nanoseconds

	mu    sync.Mutex
	waits []time.Duration
}

func (g *pingPong) join(ctx context.Context, o Options, c *child, a, b person) error {
	pa, pb := &player{game: g}, &player{game: g}
	pa.other, pb.other = pb, pa
	for _, p := range []struct {
		side *player
		who  person
		to   person
	}{{pa, a, b}, {pb, b, a}} {
		conn, err := p.who.dial(ctx, o, c, p.side.take)
		if err != nil {
			return err
		}
		p.side.close, p.side.api = conn.Close, tg.NewClient(conn)
		found, err := p.side.api.ContactsResolvePhone(ctx, p.to.phone)
		if err != nil {
			return err
		}
		for _, u := range found.Users {
			if u, ok := u.(*tg.User); ok && u.ID == p.to.id {
				p.side.to = u.AsInputPeer()
			}
		}
		g.players = append(g.players, p.side)
	}
	return nil
}

// take answers a message that came.
func (p *player) take(b []byte) {
	if !arrived(b) {
		return
	}
	took := time.Now().UnixNano() - p.other.sentAt.Load()
	p.mu.Lock()
	p.waits = append(p.waits, time.Duration(took))
	p.mu.Unlock()
	if !p.game.over.Load() {
		go p.send()
	}
}

// arrived tells whether updates bring somebody else's message.
func arrived(b []byte) bool {
	u, err := tg.DecodeUpdates(&bin.Buffer{Buf: b})
	if err != nil {
		return false
	}
	full, ok := u.(*tg.Updates)
	if !ok || len(full.Updates) == 0 {
		return false
	}
	m, ok := full.Updates[0].(*tg.UpdateNewMessage)
	if !ok {
		return false
	}
	text, ok := m.Message.(*tg.Message)
	return ok && !text.Out
}

// text is 300 bytes, as long as people's messages are at most.
var text = func() string {
	b := make([]byte, 300)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}()

func (p *player) send() {
	p.sentAt.Store(time.Now().UnixNano())
	p.random++
	_, err := p.api.MessagesSendMessage(context.Background(), &tg.MessagesSendMessageRequest{Peer: p.to, Message: text, RandomID: p.random})
	if err != nil && !p.game.over.Load() {
		p.game.failed.CompareAndSwap(nil, &err)
	}
}

// play lets the pairs go and counts.
func (g *pingPong) play(ctx context.Context, c *child, d time.Duration) (f directFigures, err error) {
	for i := 0; i < len(g.players); i += 2 {
		go g.players[i].send()
	}
	if err := pause(ctx, d/5); err != nil { // warm up
		return f, err
	}
	g.collect()
	used, err := c.cpu()
	if err != nil {
		return f, err
	}
	began := time.Now()
	if err := pause(ctx, d); err != nil {
		return f, err
	}
	waits, took := g.collect(), time.Since(began)
	after, err := c.cpu()
	if err != nil {
		return f, err
	}
	if failed := g.failed.Load(); failed != nil {
		return f, *failed
	}
	if len(waits) == 0 {
		return f, fmt.Errorf("no message arrived")
	}
	slices.Sort(waits)
	f.rate = float64(len(waits)) / took.Seconds()
	f.p50 = float64(waits[len(waits)/2].Microseconds()) / 1000
	f.p99 = float64(waits[len(waits)*99/100].Microseconds()) / 1000
	f.cpu = (after - used) * 1e6 / float64(len(waits))
	return f, nil
}

func (g *pingPong) collect() (all []time.Duration) {
	for _, p := range g.players {
		p.mu.Lock()
		all = append(all, p.waits...)
		p.waits = nil
		p.mu.Unlock()
	}
	return all
}

func (g *pingPong) end() {
	g.over.Store(true)
	for _, p := range g.players {
		p.close()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// rawRate is the yardstick: what the store does with the same rows when nobody else is there.
func rawRate(ctx context.Context, o Options) (float64, error) {
	data, done, err := o.folder()
	if err != nil {
		return 0, err
	}
	defer done()
	people, err := seed(ctx, o, data, 2*o.Clients)
	if err != nil {
		return 0, err
	}
	db, err := store.Open(ctx, o.DB, data, store.Options{})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	sent, began := 0, time.Now()
	for time.Since(began) < time.Duration(o.Seconds)*time.Second/2 {
		err := db.Write(ctx, nil, func(tx *store.Tx) error {
			for i := range 16 {
				n := sent + i
				if err := sendRows(tx, people, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		sent += 16
	}
	return float64(sent) / time.Since(began).Seconds(), nil
}

// sendRows writes what message n writes: as between pairs that answer each other, one pair has its
// turn after the other, and sends the other way the next time.
func sendRows(tx *store.Tx, people []person, n int) error {
	pairs := len(people) / 2
	pair, back := n%pairs*2, n/pairs%2
	from, to := people[pair+back].id, people[pair+1-back].id
	random := int64(n) + 1
	if _, err := tx.Delivery(from, to, random); err != nil {
		return err
	}
	a, b, err := tx.AdvancePtsOfTwo(from, to)
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	out := store.Message{Account: from, ID: a, Peer: to, Twin: b, Sender: from, Date: now, Flags: store.MessageOut, Body: text, Random: random}
	in := store.Message{Account: to, ID: b, Peer: from, Twin: a, Sender: from, Date: now, Body: text}
	if err := tx.AddTwins(&out, &in); err != nil {
		return err
	}
	return tx.GrowTwins(from, a, to, b)
}
