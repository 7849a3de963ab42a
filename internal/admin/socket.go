package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// SocketName is the socket's file in the data folder.
const SocketName = "admin.sock"

// maxBody bounds requests and answers of the socket, in bytes.
const maxBody = 1 << 20

// Op is one thing that the operator can ask of a running server.
type Op struct {
	// Help is one line for the list that 'chappe admin' prints.
	Help string
	// Do gets the arguments as a JSON object ("{}" for none) and returns what is shown, as JSON.
	// Its error is shown to the operator as it is.
	Do func(ctx context.Context, args json.RawMessage) (any, error)
}

// Handle makes an operation of a function with arguments of type A, a struct. Arguments that A
// does not have are refused.
func Handle[A any](help string, do func(context.Context, A) (any, error)) Op {
	return Op{Help: help, Do: func(ctx context.Context, raw json.RawMessage) (any, error) {
		var args A
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&args); err != nil {
			return nil, fmt.Errorf("reading the arguments: %w", err)
		}
		return do(ctx, args)
	}}
}

// failure is the answer to what could not be done.
type failure struct {
	Error string `json:"error"`
}

// SocketHandler answers the requests of the socket: POST /NAME runs the operation of that name,
// GET / lists names and help.
func SocketHandler(ops map[string]Op, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		list := make(map[string]string, len(ops))
		for name, op := range ops {
			list[name] = op.Help
		}
		reply(w, http.StatusOK, list)
	})
	mux.HandleFunc("POST /{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		op, known := ops[name]
		if !known {
			reply(w, http.StatusNotFound, failure{fmt.Sprintf("the server knows no operation %q", name)})
			return
		}
		args, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			reply(w, http.StatusBadRequest, failure{err.Error()})
			return
		}
		result, err := op.Do(r.Context(), args)
		log.Info("admin operation", "name", name, "ok", err == nil)
		if err != nil {
			reply(w, http.StatusUnprocessableEntity, failure{err.Error()})
			return
		}
		reply(w, http.StatusOK, result)
	})
	return mux
}

// ListenSocket opens the socket in the data folder for the server's own user only. It replaces
// one that a killed server left, and refuses to when a server answers on it. Closing the listener
// leaves the file; the next server replaces it.
func ListenSocket(ctx context.Context, dataDir string) (net.Listener, error) {
	path := filepath.Join(dataDir, SocketName)
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("another server runs on the data folder %s", dataDir)
	}
	// The socket is made in a folder that only we can enter and moved when its permissions are
	// right, so that there is no moment in which somebody else can open it.
	private, err := os.MkdirTemp(dataDir, ".s")
	if err != nil {
		return nil, fmt.Errorf("opening the admin socket: %w", err)
	}
	defer func() { _ = os.RemoveAll(private) }()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", filepath.Join(private, "s"))
	if err != nil {
		return nil, fmt.Errorf("opening the admin socket (its path must be shorter than 108 bytes): %w", err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if err := errors.Join(os.Chmod(filepath.Join(private, "s"), 0o600),
		os.Rename(filepath.Join(private, "s"), path)); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the admin socket: %w", err), l.Close())
	}
	return l, nil
}

// ErrNotRunning says that no server answers on the socket of the data folder.
var ErrNotRunning = errors.New("no server is running on this data folder; start it with 'chappe serve'")

// Call asks the server that runs on the data folder to do one operation. Args are written as
// JSON (nil for none), and the answer is read into result, a pointer (nil to ignore it).
func Call(ctx context.Context, dataDir, name string, args, result any) error {
	if args == nil {
		args = struct{}{}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("writing the arguments: %w", err)
	}
	return ask(ctx, dataDir, http.MethodPost, name, body, result)
}

// List returns the operations of the running server: name to help.
func List(ctx context.Context, dataDir string) (map[string]string, error) {
	var list map[string]string
	err := ask(ctx, dataDir, http.MethodGet, "", nil, &list)
	return list, err
}

func ask(ctx context.Context, dataDir, method, name string, body []byte, result any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	path := filepath.Join(dataDir, SocketName)
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://chappe/"+name, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking for %q: %w", name, err)
	}
	resp, err := client.Do(req)
	var dial *net.OpError
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s belongs to another user: run this as the server's user", path)
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("%w (%s)", ErrNotRunning, dataDir)
	case err != nil:
		return fmt.Errorf("asking the server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return decode(resp.StatusCode, text, result)
}

// decode reads an answer: the result, or the error in its place.
func decode(status int, text []byte, result any) error {
	if status != http.StatusOK {
		var f failure
		if err := json.Unmarshal(text, &f); err != nil || f.Error == "" {
			return fmt.Errorf("the server answered with status %d", status)
		}
		return errors.New(f.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}
