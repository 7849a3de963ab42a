package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chappe-im/chappe/internal/admin"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"chappe": main})
}

// TestScripts runs testdata/*.txtar. The command status runs the program and compares its exit
// code, since the scripts' own exec knows only failure and success. The data folder live belongs
// to the socket of a running server.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Setup:               live,
	})
}

// live serves the socket of a server in the script's folder live.
func live(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, "live")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, err := admin.ListenSocket(ctx, dir)
	if err != nil {
		cancel()
		return err
	}
	done := make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() { done <- admin.Serve(ctx, l, admin.SocketHandler(operations(), log), log) }()
	env.Defer(func() {
		cancel()
		<-done
	})
	return nil
}

// operations are a server's with one number, 888, and an operation that echoes.
func operations() map[string]admin.Op {
	type echo struct {
		Text string `json:"text"`
		Days int    `json:"days"`
	}
	return map[string]admin.Op{
		admin.OpCode: admin.Handle("code", func(_ context.Context, r admin.CodeRequest) (any, error) {
			if r.Number != "+888 0000 0001" {
				return nil, errors.New("no code is pending for that number")
			}
			return admin.CodeReply{Code: "12345"}, nil
		}),
		admin.OpInvite: admin.Handle("invite", func(_ context.Context, r admin.InviteRequest) (any, error) {
			if r != (admin.InviteRequest{Uses: 3, Hours: 48}) {
				return nil, errors.New("other terms than asked for")
			}
			return admin.InviteReply{URL: "http://127.0.0.1:8484/join/T"}, nil
		}),
		"echo": admin.Handle("say it again", func(_ context.Context, e echo) (any, error) { return e, nil }),
	}
}
