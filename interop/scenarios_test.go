package interop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// scenario is one row of the table. The first makes the two accounts the others use.
type scenario struct {
	name string
	fits func([2]client) bool // nil: every column
	run  func(*testing.T, *pair)
}

// alone is true for columns with one client on both sides. What concerns a client and the server
// only is tried there.
func alone(c [2]client) bool { return c[0].name == c[1].name }

var scenarios = []scenario{
	{"sign up", nil, func(t *testing.T, p *pair) { p.begin(t) }},
	{"send both ways", nil, sendBothWays},
	{"edit", nil, edit},
	{"reply with quote", nil, replyWithQuote},
	{"forward", nil, forward},
	{"delete for both", nil, deleteForBoth},
	{"read marks", nil, readMarks},
	{"typing", nil, typing},
	{"second device", alone, secondDevice},
	{"QR login", alone, qrLogin},
	{"2FA", alone, twoFactor},
	{"log out", alone, logOut},
	{"PFS", func(c [2]client) bool { return alone(c) && c[0].pfs }, pfs},
	{"offline catch-up", func(c [2]client) bool { return c[0].name != gotd152.name }, offlineCatchUp},
	{"cut and reconnect", nil, cutAndReconnect},
	{"kill -9 of the server", nil, killServer},
}

func sendBothWays(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		mark := to.device.mark()
		_, got := p.send(t, from, to, "hello", nil)
		once(t, from.device, to.id, got.Text)
		once(t, to.device, from.id, got.Text)
		if n := to.device.count(mark, message(got.Text)); n != 1 {
			t.Errorf("%s was told %q %d times", to.device.name, got.Text, n)
		}
	})
}

func edit(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		sent, got := p.send(t, from, to, "with a mistake", nil)
		mark, text := to.device.mark(), p.text("mended")
		from.device.do(t, "edit", args{"peer": to.id, "message": sent, "text": text}, nil)
		to.device.await(t, mark, "the edited message", func(e event) bool {
			return e.Event == "edited" && e.ID == got.ID && e.Text == text
		})
		once(t, from.device, to.id, text)
		once(t, to.device, from.id, text)
	})
}

func replyWithQuote(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		asked, got := p.send(t, from, to, "tea or coffee?", nil)
		more := args{"replyTo": got.ID}
		quote := ""
		if from.client.quotes && to.client.quotes {
			quote = "coffee"
			more["quote"], more["position"] = quote, strings.Index(got.Text, quote)
		}
		_, reply := p.send(t, to, from, "this one", more)
		if reply.ReplyTo != asked || reply.Quote != quote {
			t.Errorf("%s: reply to %d quoting %q, want %d and %q", from.device.name, reply.ReplyTo, reply.Quote, asked, quote)
		}
	})
}

func forward(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		_, got := p.send(t, from, to, "worth repeating", nil)
		mark := from.device.mark()
		to.device.do(t, "forward", args{"from": from.id, "message": got.ID, "peer": from.id}, nil)
		from.device.await(t, mark, "the forwarded message", func(e event) bool {
			return message(got.Text)(e) && e.Forwarded && !e.Out
		})
	})
}

func deleteForBoth(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		sent, got := p.send(t, from, to, "better unsaid", nil)
		mark := to.device.mark()
		from.device.do(t, "delete", args{"peer": to.id, "message": sent}, nil)
		to.device.await(t, mark, "the deletion", func(e event) bool {
			return e.Event == "deleted" && slices.Contains(e.IDs, got.ID)
		})
		for _, side := range sides(from, to) {
			if counts(t, side.device, side.peer)[got.Text] != 0 {
				t.Errorf("%s still has the deleted message", side.device.name)
			}
		}
	})
}

func readMarks(t *testing.T, p *pair) {
	p.both(func(from, to *account) {
		sent, got := p.send(t, from, to, "seen?", nil)
		mark := from.device.mark()
		to.device.do(t, "read", args{"peer": from.id, "message": got.ID}, nil)
		from.device.await(t, mark, "the read mark", func(e event) bool {
			return e.Event == "read" && e.Peer == to.id && e.ID >= sent
		})
	})
}

func typing(t *testing.T, p *pair) {
	// TDLib tells only people who are online that it is typing.
	p.both(func(from, _ *account) { from.device.do(t, "online", nil, nil) })
	p.both(func(from, to *account) {
		// A message makes sure that the news of being online has come.
		p.send(t, from, to, "about to type", nil)
		mark := to.device.mark()
		from.device.do(t, "typing", args{"peer": to.id}, nil)
		to.device.await(t, mark, "typing", func(e event) bool { return e.Event == "typing" && e.Peer == from.id })
	})
}

func secondDevice(t *testing.T, p *pair) {
	second := p.secondDevice(t, p.alice, false)
	mark := second.mark()
	_, got := p.send(t, p.bob, p.alice, "to every device", nil)
	second.await(t, mark, "a message to both devices", message(got.Text))
	_, own := p.send(t, p.alice, p.bob, "from the first device", nil)
	e := second.await(t, mark, "one's own message", message(own.Text))
	if !e.Out || e.Peer != p.bob.id {
		t.Errorf("%s: own message has out %v and peer %d, want true and %d", second.name, e.Out, e.Peer, p.bob.id)
	}
	second.stop(t)
}

func qrLogin(t *testing.T, p *pair) {
	d := p.newDevice(t, p.alice, false)
	var r struct{ Token string }
	d.do(t, "showQR", nil, &r)
	p.alice.device.do(t, "acceptQR", args{"token": r.Token}, nil)
	d.expect(t, "ready", "finishQR", nil)
	if id := me(t, d); id != p.alice.id {
		t.Errorf("%s is user %d, want %d", d.name, id, p.alice.id)
	}
	mark := d.mark()
	_, got := p.send(t, p.bob, p.alice, "after the scan", nil)
	d.await(t, mark, "a message", message(got.Text))
	d.stop(t)
}

func twoFactor(t *testing.T, p *pair) {
	carol := p.signUp(t, p.column[0], "Carol")
	carol.device.do(t, "setPassword", args{"password": "correct horse"}, nil)
	d := p.newDevice(t, carol, false)
	d.expect(t, "password", "signIn", args{"code": carol.askCode(t, d)})
	err := d.try("password", args{"password": "battery staple"}, nil)
	if err == nil || !strings.Contains(err.Error(), "PASSWORD_HASH_INVALID") {
		t.Fatalf("a wrong password: %v, want PASSWORD_HASH_INVALID", err)
	}
	d.expect(t, "ready", "password", args{"password": "correct horse"})
	if id := me(t, d); id != carol.id {
		t.Errorf("%s is user %d, want %d", d.name, id, carol.id)
	}
	d.stop(t)
	carol.device.stop(t)
}

func logOut(t *testing.T, p *pair) {
	d := p.secondDevice(t, p.alice, false)
	d.do(t, "logOut", nil, nil)
	d.stop(t)
	d.start(t, p.server, p.alice.client)
	if d.state != "phone" {
		t.Errorf("%s is %q after logging out", d.name, d.state)
	}
	d.stop(t)
	p.send(t, p.bob, p.alice, "still there?", nil)
}

func pfs(t *testing.T, p *pair) {
	d := p.secondDevice(t, p.alice, true)
	for range 2 {
		mark := d.mark()
		_, got := p.send(t, p.bob, p.alice, "over a temporary key", nil)
		d.await(t, mark, "a message", message(got.Text))
		d.stop(t)
		d.start(t, p.server, p.alice.client)
		if d.state != "ready" {
			t.Fatalf("%s is %q after a restart", d.name, d.state)
		}
	}
	d.stop(t)
}

func offlineCatchUp(t *testing.T, p *pair) {
	to, from := p.alice, p.bob
	to.device.stop(t)
	var texts []string
	for range 3 {
		texts = append(texts, p.text("while you were away"))
		from.device.do(t, "send", args{"peer": to.id, "text": texts[len(texts)-1]}, nil)
	}
	mark := to.device.mark()
	to.device.start(t, p.server, to.client)
	if to.device.state != "ready" {
		t.Fatalf("%s is %q after a restart", to.device.name, to.device.state)
	}
	for _, text := range texts {
		to.device.await(t, mark, fmt.Sprintf("%q", text), message(text))
	}
	p.send(t, to, from, "back again", nil)
	once(t, to.device, from.id, texts...)
	for _, text := range texts {
		if n := to.device.count(mark, message(text)); n != 1 {
			t.Errorf("%s was told %q %d times", to.device.name, text, n)
		}
	}
}

func cutAndReconnect(t *testing.T, p *pair) {
	var texts []string
	for range 3 {
		p.both(func(from, to *account) {
			p.alice.device.proxy.cut()
			p.bob.device.proxy.cut()
			_, got := p.send(t, from, to, "after the cut", nil)
			texts = append(texts, got.Text)
		})
	}
	once(t, p.alice.device, p.bob.id, texts...)
	once(t, p.bob.device, p.alice.id, texts...)
}

// killServer kills the server in the middle of a stream of messages. What was acknowledged must
// be there once, and nothing twice.
func killServer(t *testing.T, p *pair) {
	// After these TDLib has what it asks for when a chat is new, and learns of messages by updates.
	p.both(func(from, to *account) { p.send(t, from, to, "before the crash", nil) })
	p.both(func(from, to *account) {
		var sends sync.WaitGroup
		var texts, acknowledged []string
		var mu sync.Mutex
		for i := range 10 {
			text := p.text("through the crash")
			texts = append(texts, text)
			sends.Go(func() {
				err := from.device.try("send", args{"peer": to.id, "text": text}, nil)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					acknowledged = append(acknowledged, text)
				} else if errors.Is(err, errTimeout) {
					t.Error(err)
				}
			})
			if i == 5 {
				p.server.kill()
				p.server.start(t)
			}
		}
		sends.Wait()
		_, last := p.send(t, from, to, "alive", nil)
		p.send(t, to, from, "alive too", nil)
		for _, side := range sides(from, to) {
			once(t, side.device, side.peer, append(acknowledged, last.Text)...)
			for text, n := range counts(t, side.device, side.peer) {
				if slices.Contains(texts, text) && n > 1 {
					t.Errorf("%s has %q %d times", side.device.name, text, n)
				}
			}
		}
	})
}
