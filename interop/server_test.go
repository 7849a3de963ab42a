package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// server is the real binary on a loopback port that it keeps over restarts.
type server struct {
	binary  string
	address string
	dir     string // everything of this run
	key     string // file with the public key
	log     *tail
	cmd     *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{binary: os.Getenv("CHAPPE"), address: freePort(t), dir: t.TempDir(), log: newTail(t, "server")}
	s.start(t)
	key := s.run(t, "key", "--data", s.data())
	s.key = filepath.Join(s.dir, "key.pem")
	if err := os.WriteFile(s.key, key, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// start runs the server and returns when it accepts connections.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.binary, "serve", "--data", s.data(), "--listen", s.address, "--admin", "off", "--no-limits")
	s.cmd.Stderr = s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for first := true; lines.Scan(); first = false {
			s.log.note(lines.Text())
			if first {
				ready <- true
			}
		}
		close(ready)
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("server ended\n%s", s.log)
		}
	case <-time.After(patience):
		t.Fatalf("server is not ready\n%s", s.log)
	}
}

// kill ends the server with SIGKILL.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// run runs another command of the binary and returns its standard output.
func (s *server) run(t *testing.T, arguments ...string) []byte {
	t.Helper()
	cmd := exec.Command(s.binary, arguments...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chappe %v: %v: %s", arguments, err, &complaint)
	}
	return out
}

// join gets an anonymous number and its first login code, as the page /join hands them out.
func (s *server) join(t *testing.T) (number, code string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+s.address+"/join", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var r struct{ Number, Code string }
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil || r.Number == "" {
		t.Fatalf("POST /join: %s: %v", response.Status, err)
	}
	return r.Number, r.Code
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
}
