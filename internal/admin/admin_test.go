package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve runs Serve until the test ends, and holds that it ends well.
func serve(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h, quiet()) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestListenRefusesOtherMachines(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "nonsense"} {
		if l, err := Listen(t.Context(), address); err == nil {
			_ = l.Close()
			t.Errorf("%s was opened", address)
		}
	}
}

func TestLoopback(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sick error
	health := Health(func(context.Context) error { return sick }, quiet())
	figures := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "figures")
	})
	serve(t, l, Handler(health, figures))
	get := func(path, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if code, _ := get("/metrics", "rebound.example.org"); code != http.StatusMisdirectedRequest {
		t.Errorf("a foreign host name: %d", code)
	}
	if code, _ := get("/other", ""); code != http.StatusNotFound {
		t.Errorf("another page: %d", code)
	}
	sick = errors.New("the disk sank")
	if code, text := get("/healthz", ""); code != 503 || strings.Contains(text, "disk") {
		t.Errorf("unhealthy: %d %s", code, text)
	}
	sick = nil
	if code, text := get("/healthz", "localhost:1"); code != 200 || text != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthy: %d %s", code, text)
	}
	if code, text := get("/metrics", ""); code != 200 || text != "figures" {
		t.Errorf("metrics: %d %s", code, text)
	}
	if code, text := get("/debug/pprof/goroutine?debug=1", ""); code != 200 || !strings.Contains(text, "goroutine profile") {
		t.Errorf("pprof: %d", code)
	}
}

func testOps() map[string]Op {
	return map[string]Op{
		OpCode: Handle("code of a number", func(_ context.Context, r CodeRequest) (any, error) {
			if r.Number != "888" {
				return nil, errors.New("no code is pending for that number")
			}
			return CodeReply{"12345"}, nil
		}),
		"odd": Handle("answers what JSON can't hold", func(context.Context, struct{}) (any, error) {
			return func() {}, nil
		}),
	}
}

func TestSocket(t *testing.T) {
	dir := t.TempDir()
	if err := Call(t.Context(), dir, OpCode, nil, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no server: %v", err)
	}
	l, err := ListenSocket(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, SocketHandler(testOps(), quiet()))

	if _, err := ListenSocket(t.Context(), dir); err == nil {
		t.Error("a second server took the socket over")
	}
	info, err := os.Stat(filepath.Join(dir, SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v", info.Mode(), err)
	}
	var reply CodeReply
	for _, c := range []struct {
		name string
		args any
		want string
	}{
		{OpCode, CodeRequest{"1"}, "no code is pending for that number"},
		{OpCode, map[string]string{"numbr": "888"}, `unknown field "numbr"`},
		{OpCode, "888", "reading the arguments"},
		{OpCode, CodeRequest{strings.Repeat("8", maxBody)}, "too large"},
		{"nothing", nil, `the server knows no operation "nothing"`},
		{"odd", nil, "status 500"},
	} {
		if err := Call(t.Context(), dir, c.name, c.args, &reply); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if err := Call(t.Context(), dir, OpCode, CodeRequest{"888"}, &reply); err != nil || reply.Code != "12345" {
		t.Errorf("code: %v %v", reply, err)
	}
	if list, err := List(t.Context(), dir); err != nil || list[OpCode] != "code of a number" || len(list) != 2 {
		t.Errorf("list: %v %v", list, err)
	}
}

// TestSocketOfKilledServer holds that a socket without a server behind it is replaced.
func TestSocketOfKilledServer(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		l, err := ListenSocket(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Call(t.Context(), dir, OpCode, nil, nil); !errors.Is(err, ErrNotRunning) {
			t.Errorf("a dead socket: %v", err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v %v", entries, err)
	}
}

func TestSocketPathTooLong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ListenSocket(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "108 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestSocketRefusesOtherMethods(t *testing.T) {
	w := httptest.NewRecorder()
	SocketHandler(testOps(), quiet()).ServeHTTP(w, httptest.NewRequest("GET", "/"+OpCode, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET of an operation: %d", w.Code)
	}
}
