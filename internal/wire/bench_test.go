package wire

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// discard is a connection whose writes cost nothing.
type discard struct{ script }

// BenchmarkWriteFrames measures framing, obfuscation and bookkeeping of packets of 400 bytes, without
// the kernel's part.
func BenchmarkWriteFrames(b *testing.B) {
	for _, v := range variants() {
		if v.tls {
			continue
		}
		for _, batch := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", v, batch), func(b *testing.B) {
				c := newConn(testServer(), &discard{})
				c.framing = v.framing
				if v.obf {
					h, _, _ := obfuscatedHeader(v.framing, 1)
					c.obf, _ = readObfuscation(h, &hotList{})
				}
				if v.ws {
					c.ws = &wsReader{}
				}
				frames := make([][]byte, batch)
				for i := range frames {
					frames[i] = encrypted(376)
				}
				b.ReportAllocs()
				b.SetBytes(int64(400 * batch))
				for b.Loop() {
					if err := c.WriteFrames(frames...); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkReadFrame measures frames of 400 bytes through a loopback socket, one a packet.
func BenchmarkReadFrame(b *testing.B) {
	for _, v := range []variant{{framing: intermediate}, {framing: intermediate, obf: true}, {framing: intermediate, obf: true, ws: true}} {
		b.Run(v.String(), func(b *testing.B) {
			got := make(chan struct{})
			addr := serve(b, &Server{Handler: func(_ context.Context, c *Conn) {
				for {
					f, err := c.ReadFrame()
					if err != nil {
						return
					}
					c.Authenticated()
					f.Release()
					got <- struct{}{}
				}
			}})
			c := dial(b, addr, v)
			p := encrypted(376)
			b.ReportAllocs()
			for b.Loop() {
				c.send(c.packet(p, false))
				<-got
			}
		})
	}
}

// idleEnv names the address that a child process of BenchmarkIdle holds connections to.
const idleEnv = "WIRE_TEST_IDLE"

func TestMain(m *testing.M) {
	if spec := os.Getenv(idleEnv); spec != "" {
		holdIdle(spec)
		return
	}
	os.Exit(m.Run())
}

// holdIdle opens connections as spec says ("address count variant"), sends one frame on each,
// and holds them until its input ends.
func holdIdle(spec string) {
	var addr string
	var count, kind int
	if _, err := fmt.Sscan(spec, &addr, &count, &kind); err != nil {
		panic(err)
	}
	t := &testing.T{}
	for range count {
		c := dial(&keep{T: t}, addr, variants()[kind])
		p := encrypted(376)
		c.send(c.packet(p, false))
		c.receive(0)
		held = append(held, c)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

var held []*client

// keep is a test whose connections stay open.
type keep struct{ *testing.T }

func (*keep) Helper()        {}
func (*keep) Cleanup(func()) {}
func (*keep) Fatal(a ...any) { fmt.Fprintln(os.Stderr, a...); os.Exit(1) }

// BenchmarkIdle reports the growth of resident memory per idle connection (RSS-B/conn) and the part
// of it that is goroutine stacks. Each connection has exchanged one frame of 400 bytes. Its clients
// live in another process. Run one variant alone, as a second one finds memory of the first, with
// -benchtime 1x; WIRE_IDLE sets the number of connections.
func BenchmarkIdle(b *testing.B) {
	count := 2000
	if n, err := strconv.Atoi(os.Getenv("WIRE_IDLE")); err == nil {
		count = n
	}
	for i, v := range variants() {
		if v.framing != intermediate {
			continue
		}
		b.Run(v.String(), func(b *testing.B) {
			for b.Loop() {
				measureIdle(b, i, count)
			}
		})
	}
}

func measureIdle(b *testing.B, kind, count int) {
	var inside sync.WaitGroup
	inside.Add(count)
	s := &Server{
		TLS:    testTLS(b),
		Limits: Limits{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Handler: func(_ context.Context, c *Conn) {
			for first := true; ; first = false {
				f, err := c.ReadFrame()
				if err != nil {
					return
				}
				done := make(chan struct{})
				go func() { // as a session would, off the small stack
					c.Authenticated()
					_ = c.WriteFrames(f.Data)
					f.Release()
					close(done)
				}()
				<-done
				if first {
					inside.Done()
				}
			}
		},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	debug.FreeOSMemory()
	before, stacksBefore := rss(b), stacks()

	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", idleEnv, l.Addr(), count, kind))
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		b.Fatal(line, err)
	}
	inside.Wait()
	s.hot.sweep()
	s.hot.sweep()
	debug.FreeOSMemory()
	b.ReportMetric(float64(rss(b)-before)/float64(count), "RSS-B/conn")
	b.ReportMetric(float64(stacks()-stacksBefore)/float64(count), "stack-B/conn")
	b.ReportMetric(0, "ns/op")
	_ = in.Close()
	_ = cmd.Wait()
	cancel()
	s.CloseConns()
	<-ended
}

func stacks() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}

// rss returns the resident memory of this process in bytes.
func rss(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc:", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb << 10
}
