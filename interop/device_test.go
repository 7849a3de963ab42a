package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long an operation or an event may take before the scenario fails.
const patience = 20 * time.Second

// args are the arguments of one operation of the driver protocol.
type args map[string]any

// event is something a device tells unasked. Message ids are those of the device's account.
type event struct {
	Event     string
	Peer      int64
	ID        int
	IDs       []int
	Out       bool
	Text      string
	Quote     string
	ReplyTo   int
	Forwarded bool
}

// device is one client program, run as a driver process of its own behind a proxy of its own.
type device struct {
	name  string
	proxy *proxy
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *tail
	state string // what open found: "phone" or "ready"
	dir   string
	pfs   bool

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	events  []event
	changed chan struct{} // closed at the next event or when the process ends
	ended   bool
}

type answer struct {
	ID    int
	OK    json.RawMessage
	Error string
}

// newDevice makes a device that keeps its files in dir; start runs it.
func newDevice(t *testing.T, s *server, name, dir string, pfs bool) *device {
	t.Helper()
	p, err := newProxy(s.address)
	if err != nil {
		t.Fatal(err)
	}
	return &device{name: name, proxy: p, dir: filepath.Join(s.dir, dir), log: newTail(t, dir), pfs: pfs}
}

// start runs the driver; after stop it goes on where it ended.
func (d *device) start(t *testing.T, s *server, c client) {
	t.Helper()
	d.cmd = exec.Command(c.command[0], c.command[1:]...)
	d.cmd.Stderr = d.log
	stdin, err := d.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.stdin, d.waiting, d.changed, d.ended = stdin, map[int]chan answer{}, make(chan struct{}), false
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	go d.listen(stdout)
	d.state = d.ask(t, "open", args{"address": d.proxy.address, "key": s.key, "dir": d.dir, "pfs": d.pfs})
}

// stop closes the client; start goes on with its session.
func (d *device) stop(t *testing.T) {
	t.Helper()
	d.do(t, "close", nil, nil)
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%s: %v", d.name, err)
	}
}

// discard ends the process whatever state it is in.
func (d *device) discard() {
	if d.stdin != nil && d.stdin.Close() == nil {
		ended := make(chan struct{})
		go func() {
			_ = d.cmd.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = d.cmd.Process.Kill()
		}
	}
	d.proxy.close()
}

func (d *device) listen(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		d.log.note("> " + lines.Text())
		var a answer
		var e event
		if json.Unmarshal(lines.Bytes(), &a) != nil || json.Unmarshal(lines.Bytes(), &e) != nil {
			d.log.note("not a line of the protocol")
			continue
		}
		d.take(a, e)
	}
	d.mu.Lock()
	d.ended = true
	close(d.changed)
	d.mu.Unlock()
}

// take hands an answer to who waits for it, or keeps an event.
func (d *device) take(a answer, e event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Event == "" {
		if c, ok := d.waiting[a.ID]; ok {
			c <- a
			delete(d.waiting, a.ID)
		}
		return
	}
	d.events = append(d.events, e)
	close(d.changed)
	d.changed = make(chan struct{})
}

var errTimeout = errors.New("no answer in time")

// try runs one operation and returns the error the client made of it.
func (d *device) try(operation string, a args, out any) error {
	c := make(chan answer, 1)
	d.mu.Lock()
	d.next++
	request := args{"id": d.next, "do": operation}
	d.waiting[d.next] = c
	d.mu.Unlock()
	for k, v := range a {
		request[k] = v
	}
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	d.log.note("< " + string(line))
	if _, err := d.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%s %s: %w", d.name, operation, err)
	}
	select {
	case r := <-c:
		switch {
		case r.Error != "":
			return fmt.Errorf("%s %s: %s", d.name, operation, r.Error)
		case out != nil:
			return json.Unmarshal(r.OK, out)
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s %s: %w", d.name, operation, errTimeout)
	}
}

func (d *device) do(t *testing.T, operation string, a args, out any) {
	t.Helper()
	if err := d.try(operation, a, out); err != nil {
		t.Fatal(err)
	}
}

// ask runs an operation that answers with the state of the sign-in.
func (d *device) ask(t *testing.T, operation string, a args) string {
	t.Helper()
	var r struct{ State string }
	d.do(t, operation, a, &r)
	return r.State
}

// expect is ask with the one right answer.
func (d *device) expect(t *testing.T, state, operation string, a args) {
	t.Helper()
	if got := d.ask(t, operation, a); got != state {
		t.Fatalf("%s %s: state %q, want %q", d.name, operation, got, state)
	}
}

// mark is the place in the device's events from which await may look.
func (d *device) mark() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.events)
}

// await returns the first event past a mark that matches, and fails the scenario without one.
func (d *device) await(t *testing.T, from int, what string, match func(event) bool) event {
	t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		i := slices.IndexFunc(d.events[from:], match)
		changed, ended := d.changed, d.ended
		d.mu.Unlock()
		switch {
		case i >= 0:
			return d.events[from+i]
		case ended:
			t.Fatalf("%s ended while waiting for %s", d.name, what)
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%s: %s did not come", d.name, what)
		}
	}
}

// count is how often an event came since a mark.
func (d *device) count(from int, match func(event) bool) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events[from:] {
		if match(e) {
			n++
		}
	}
	return n
}
