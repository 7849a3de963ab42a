package interop

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// services is the user who brings login codes.
const services = 777000

// pair is two people who know each other, each with a client that stays open over the scenarios.
type pair struct {
	server  *server
	column  [2]client
	alice   *account
	bob     *account
	devices []*device
	texts   int
}

type account struct {
	client  client
	name    string
	number  string
	id      int64
	device  *device
	devices int
}

// begin signs both up and has them find each other by username.
func (p *pair) begin(t *testing.T) {
	p.alice = p.signUp(t, p.column[0], "Alice")
	p.bob = p.signUp(t, p.column[1], "Bob")
	p.meet(t, p.alice, p.bob)
	p.meet(t, p.bob, p.alice)
}

func (p *pair) signUp(t *testing.T, c client, name string) *account {
	t.Helper()
	number, code := p.server.join(t)
	a := &account{client: c, name: name, number: number}
	a.device = p.newDevice(t, a, false)
	a.device.expect(t, "code", "sendCode", args{"phone": number})
	a.device.expect(t, "signUp", "signIn", args{"code": code})
	a.device.expect(t, "ready", "signUp", args{"name": name})
	a.id = me(t, a.device)
	return a
}

func me(t *testing.T, d *device) int64 {
	t.Helper()
	var r struct{ ID int64 }
	d.do(t, "me", nil, &r)
	return r.ID
}

// meet gives b a username and has a look it up.
func (p *pair) meet(t *testing.T, a, b *account) {
	t.Helper()
	username := fmt.Sprintf("%s_%d", strings.ToLower(b.name), b.id)
	b.device.do(t, "setUsername", args{"username": username}, nil)
	var r struct{ Peer int64 }
	a.device.do(t, "resolve", args{"username": username}, &r)
	if r.Peer != b.id {
		t.Fatalf("%s resolves to %d, want %d", username, r.Peer, b.id)
	}
}

func (p *pair) newDevice(t *testing.T, a *account, pfs bool) *device {
	t.Helper()
	a.devices++
	name := fmt.Sprintf("%s %s %d", a.client.name, a.name, a.devices)
	d := newDevice(t, p.server, name, filepath.Join(title(p.column), name), pfs)
	p.devices = append(p.devices, d)
	d.start(t, p.server, a.client)
	if d.state != "phone" {
		t.Fatalf("%s: a new device starts with %q", d.name, d.state)
	}
	return d
}

var codePattern = regexp.MustCompile(`\b\d{5,6}\b`)

// askCode has a new device ask for a code, and reads it where the account is signed in already.
func (a *account) askCode(t *testing.T, d *device) string {
	t.Helper()
	from := a.device.mark()
	d.expect(t, "code", "sendCode", args{"phone": a.number})
	e := a.device.await(t, from, "the login code", func(e event) bool {
		return e.Event == "message" && e.Peer == services && codePattern.MatchString(e.Text)
	})
	return codePattern.FindString(e.Text)
}

// secondDevice signs one more device in.
func (p *pair) secondDevice(t *testing.T, a *account, pfs bool) *device {
	t.Helper()
	d := p.newDevice(t, a, pfs)
	d.expect(t, "ready", "signIn", args{"code": a.askCode(t, d)})
	if id := me(t, d); id != a.id {
		t.Fatalf("%s is user %d, want %d", d.name, id, a.id)
	}
	return d
}

// text is one that no message had before.
func (p *pair) text(what string) string {
	p.texts++
	return fmt.Sprintf("%s %d of %s", what, p.texts, title(p.column))
}

// both runs a step in each direction.
func (p *pair) both(step func(from, to *account)) {
	step(p.alice, p.bob)
	step(p.bob, p.alice)
}

// send sends and returns the message as both sides have it.
func (p *pair) send(t *testing.T, from, to *account, what string, more args) (sent int, got event) {
	t.Helper()
	text, mark := p.text(what), to.device.mark()
	a := args{"peer": to.id, "text": text}
	for k, v := range more {
		a[k] = v
	}
	var r struct{ ID int }
	from.device.do(t, "send", a, &r)
	got = to.device.await(t, mark, fmt.Sprintf("message %q", text), message(text))
	if got.Peer != from.id || got.Out {
		t.Fatalf("%s: %q came from %d (out %v), want %d", to.device.name, text, got.Peer, got.Out, from.id)
	}
	return r.ID, got
}

func message(text string) func(event) bool {
	return func(e event) bool { return e.Event == "message" && e.Text == text }
}

// side is one end of a chat.
type side struct {
	device *device
	peer   int64
}

func sides(a, b *account) []side { return []side{{a.device, b.id}, {b.device, a.id}} }

// counts is how often each text is in a device's chat with somebody.
func counts(t *testing.T, d *device, peer int64) map[string]int {
	t.Helper()
	var r struct{ Messages []event }
	d.do(t, "history", args{"peer": peer, "limit": 100}, &r)
	found := map[string]int{}
	for _, m := range r.Messages {
		found[m.Text]++
	}
	return found
}

// once checks that each text is in the history one time.
func once(t *testing.T, d *device, peer int64, texts ...string) {
	t.Helper()
	found := counts(t, d, peer)
	for _, text := range texts {
		if found[text] != 1 {
			t.Errorf("%s has %q %d times in its history", d.name, text, found[text])
		}
	}
}

// report tells the outcome of a scenario, and what the programs said when it failed.
func (p *pair) report(t *testing.T, outcome func(string)) {
	if !t.Failed() {
		outcome("ok")
		return
	}
	outcome("FAILED")
	for _, d := range p.devices {
		t.Logf("--- %s\n%s", d.name, d.log)
	}
	t.Logf("--- server\n%s", p.server.log)
}

func (p *pair) end() {
	for _, d := range p.devices {
		d.discard()
	}
}
