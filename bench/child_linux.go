package bench

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chappe-im/chappe/internal/app"
)

// child is the measured server, in a process of its own on the first core.
type child struct {
	cmd     *exec.Cmd
	addr    string
	key     *rsa.PublicKey
	started time.Duration // from exec to accepting
}

// pin keeps every thread of this process off the first core, if there is another.
func pin() error {
	if runtime.NumCPU() < 2 {
		return nil
	}
	var rest unix.CPUSet
	for cpu := 1; cpu < runtime.NumCPU(); cpu++ {
		rest.Set(cpu)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &rest); err != nil {
			return err
		}
	}
	return nil
}

// launch starts the server on a prepared data folder.
func launch(ctx context.Context, o Options, data string) (*child, error) {
	program := o.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	c := &child{}
	c.cmd = exec.CommandContext(ctx, program, "serve", "--data", data, "--db", o.DB, "--listen", "127.0.0.1:0",
		"--admin", "off", "--no-limits", "--log-level", "warn")
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := c.startOnFirstCore(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	c.started = time.Since(began)
	_, rest, _ := strings.Cut(line, "clients connect to ")
	rest, _, _ = strings.Cut(rest, ";")
	c.addr = strings.TrimSpace(rest)
	text, err := app.PublicKey(data)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	c.key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	return c, err
}

// startOnFirstCore starts the process from a thread that is bound to the first core, which the
// process inherits.
func (c *child) startOnFirstCore() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, first unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	first.Set(0)
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		return err
	}
	err := c.cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// stop ends the server in good order.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(unix.SIGTERM); err != nil {
		return err
	}
	return c.cmd.Wait()
}

func (c *child) proc(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), name))
}

// rss is the memory the server holds, in bytes.
func (c *child) rss() (float64, error) {
	text, err := c.proc("status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in status")
}

// cpu is how much processor time the server has used, in seconds.
func (c *child) cpu() (float64, error) {
	text, err := c.proc("stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat is short")
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("stat is not numbers")
	}
	const ticks = 100 // USER_HZ, fixed by the kernel's interface
	return (user + system) / ticks, nil
}
