// Command gotd drives one gotd device for the interop runner; ../README.md has the protocol.
//
// The same program serves two layers: built with go.mod it is gotd of layer 227, with
// -modfile=layer152.mod -tags layer152 gotd of layer 152. What differs is in layer227.go and
// layer152.go.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/gotd/td/telegram/auth"
)

// request has the arguments of every operation; each uses its own.
type request struct {
	ID                                           int
	Do                                           string
	Address, Key, Dir                            string
	PFS                                          bool
	Phone, Code, Name, Password, Username, Token string
	Text, Quote                                  string
	Peer, From                                   int64
	Message, ReplyTo, Position, Limit            int
}

type result map[string]any

// say writes one line of the protocol. Events come from several goroutines.
var say = func() func(any) {
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	return func(line any) {
		mu.Lock()
		defer mu.Unlock()
		if err := out.Encode(line); err != nil {
			fmt.Fprintln(os.Stderr, "write:", err)
			os.Exit(1)
		}
	}
}()

func emit(event string, data result) {
	data["event"] = event
	say(data)
}

func main() {
	ctx, stop := context.WithCancel(context.Background())
	d := &driver{hashes: map[int64]int64{}, scanned: make(chan struct{}, 1)}
	operations := d.operations()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, "request:", err)
			os.Exit(2)
		}
		if r.Do == "close" {
			d.close()
			say(result{"id": r.ID, "ok": result{}})
			break
		}
		operation, ok := operations[r.Do]
		if !ok {
			say(result{"id": r.ID, "error": "this driver cannot " + r.Do})
			continue
		}
		go answer(ctx, r, operation)
	}
	d.close()
	stop()
}

func answer(ctx context.Context, r request, operation func(context.Context, request) (result, error)) {
	ok, err := operation(ctx, r)
	switch {
	case errors.Is(err, auth.ErrPasswordInvalid):
		say(result{"id": r.ID, "error": "PASSWORD_HASH_INVALID"})
	case err != nil:
		fmt.Fprintln(os.Stderr, r.Do+":", err)
		say(result{"id": r.ID, "error": err.Error()})
	case ok == nil:
		say(result{"id": r.ID, "ok": result{}})
	default:
		say(result{"id": r.ID, "ok": ok})
	}
}
