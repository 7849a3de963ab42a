package app_test

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/internal/app"
	"github.com/chappe-im/chappe/internal/app/apptest"
	"github.com/chappe-im/chappe/internal/config"
)

var killing = flag.Int("kills", 0, "how often TestKill kills the server; 0 is 200, or 5 when -short")

// serveEnv makes the test binary a server on this folder and address.
const serveEnv = "CHAPPE_TEST_SERVE"

func TestMain(m *testing.M) {
	flag.Parse()
	if where := os.Getenv(serveEnv); where != "" {
		c := config.Default()
		c.Data, c.Listen, _ = strings.Cut(where, "=")
		c.Admin, c.NoLimits = "off", true
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
		if err := app.Serve(context.Background(), c, os.Stdout, log); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a server in a process of its own, which can be killed.
type child struct {
	t    *testing.T
	data string
	addr string
	cmd  *exec.Cmd
}

// start runs the server and returns when it accepts connections.
func (c *child) start() {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd = exec.Command(self)
	c.cmd.Env = append(os.Environ(), serveEnv+"="+c.data+"="+c.addr)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.t.Fatal("server did not start: ", err)
	}
	_, rest, _ := strings.Cut(line, "clients connect to ")
	rest, _, _ = strings.Cut(rest, ";")
	c.addr = strings.TrimSpace(rest)
}

// kill ends the server as a power cut would, as far as a process can.
func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

func (c *child) key() *rsa.PublicKey {
	text, err := app.PublicKey(c.data)
	if err != nil {
		c.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

// TestKill kills the server at random under 200 messages a second: whatever was acknowledged is
// there once, on both sides, and no account has a gap in its pts.
func TestKill(t *testing.T) {
	const senders, each = 10, 20 // messages a second of each
	kills := *killing
	if kills == 0 {
		kills = 200
		if testing.Short() {
			kills = 5
		}
	}
	c := &child{t: t, data: t.TempDir(), addr: "127.0.0.1:0"}
	c.start()
	t.Cleanup(c.kill)
	s := apptest.At(t, c.addr, c.key())
	people := make([]*apptest.Client, senders)
	peers := make([]*tg.InputPeerUser, senders)
	for i := range people {
		people[i] = s.SignUpOn(s.Dial(func(o *mtproto.Options) { o.Ping = time.Second }), fmt.Sprint("Sender ", i))
	}
	for i := range people {
		peers[i] = apptest.Befriend(t, people[i], people[(i+1)%senders])
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sending sync.WaitGroup
	sent := make([][]string, senders)
	for i := range people {
		sending.Add(1)
		go func() {
			defer sending.Done()
			tick := time.NewTicker(time.Second / each)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				<-tick.C
				text := fmt.Sprintf("%d of %d", n, i)
				if err := send(people[i], peers[i], text, int64(i)<<32|int64(n)+1); err != nil {
					t.Errorf("%s: %v", text, err)
					return
				}
				sent[i] = append(sent[i], text)
			}
		}()
	}
	for range kills {
		<-time.After(time.Duration(200+rand.IntN(800)) * time.Millisecond)
		c.kill()
		c.start()
	}
	cancel()
	sending.Wait()
	total := 0
	for i, p := range people {
		total += len(sent[i])
		checkLedger(t, p, sent[i], sent[(i+senders-1)%senders])
	}
	t.Logf("%d messages were acknowledged under %d kills", total, kills)
}

// send sends a message until it is acknowledged.
func send(from *apptest.Client, to tg.InputPeerClass, text string, random int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := from.API.MessagesSendMessage(ctx, &tg.MessagesSendMessageRequest{Peer: to, Message: text, RandomID: random})
	return err
}

// checkLedger compares all that an account holds with what was acknowledged, to it and from it.
func checkLedger(t *testing.T, c *apptest.Client, sent, received []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, in []string
	var ids []int
	pts, last := 1, 0
	for more := true; more; {
		d, err := c.API.UpdatesGetDifference(ctx, &tg.UpdatesGetDifferenceRequest{Pts: pts, Date: 1})
		if err != nil {
			t.Fatal(err)
		}
		var messages []tg.MessageClass
		switch d := d.(type) {
		case *tg.UpdatesDifferenceSlice:
			messages, pts = d.NewMessages, d.IntermediateState.Pts
		case *tg.UpdatesDifference:
			messages, last, more = d.NewMessages, d.State.Pts, false
		default:
			t.Fatalf("difference answered %T", d)
		}
		for _, m := range messages {
			m := m.(*tg.Message)
			ids = append(ids, m.ID)
			if m.Out {
				out = append(out, m.Message)
			} else {
				in = append(in, m.Message)
			}
		}
	}
	same(t, "sent", out, sent)
	same(t, "received", in, received)
	for i, id := range ids {
		if id != i+2 {
			t.Fatalf("pts gap: message %d has id %d", i, id)
		}
	}
	if last != len(ids)+1 {
		t.Errorf("pts is %d after %d messages", last, len(ids))
	}
}

// same holds the messages of a history against those acknowledged; all of a sender's are, because it
// sends each until it is.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d messages, %d acknowledged", what, len(got), len(want))
	}
}
