package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/admin"
)

// dataFlag names the data folder of the server that a command is about.
type dataFlag struct {
	Data string `name:"data" env:"CHAPPE_DATA" default:"data" placeholder:"DIR" help:"Data folder of the server."`
}

type codeCmd struct {
	dataFlag
	Number string `arg:"" help:"Phone number, such as '+888 0123 4567'."`
}

func (c *codeCmd) Run(ctx context.Context) error {
	var reply admin.CodeReply
	err := admin.Call(ctx, c.Data, admin.OpCode, admin.CodeRequest{Number: c.Number}, &reply)
	if err != nil {
		return err
	}
	fmt.Println(reply.Code)
	return nil
}

type inviteCmd struct {
	dataFlag
	Uses int           `name:"uses" default:"1" placeholder:"N" help:"How many people may use the link."`
	For  time.Duration `name:"for" default:"168h" placeholder:"TIME" help:"How long the link works, in hours."`
}

func (c *inviteCmd) Run(ctx context.Context) error {
	hours := int(c.For / time.Hour)
	if c.Uses < 1 || hours < 1 {
		return usageError{fmt.Errorf("an invite needs at least one use and one hour")}
	}
	var reply admin.InviteReply
	err := admin.Call(ctx, c.Data, admin.OpInvite, admin.InviteRequest{Uses: c.Uses, Hours: hours}, &reply)
	if err != nil {
		return err
	}
	fmt.Println(reply.URL)
	return nil
}

type adminCmd struct {
	dataFlag
	Name string   `arg:"" optional:"" help:"Operation; without one, the server lists what it knows."`
	Args []string `arg:"" optional:"" help:"Its arguments: KEY=TEXT, or KEY:=JSON for numbers and lists."`
}

func (c *adminCmd) Run(ctx context.Context) error {
	if c.Name == "" {
		return c.list(ctx)
	}
	args, err := arguments(c.Args)
	if err != nil {
		return usageError{err}
	}
	var result any
	if err := admin.Call(ctx, c.Data, c.Name, args, &result); err != nil {
		return err
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(result); err != nil {
		return fmt.Errorf("printing the answer: %w", err)
	}
	return nil
}

func (c *adminCmd) list(ctx context.Context) error {
	ops, err := admin.List(ctx, c.Data)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		fmt.Printf("%-20s %s\n", name, ops[name])
	}
	return nil
}

// arguments makes an object of KEY=TEXT and KEY:=JSON.
func arguments(words []string) (map[string]any, error) {
	args := map[string]any{}
	for _, word := range words {
		key, text, found := strings.Cut(word, "=")
		if !found || key == "" || key == ":" {
			return nil, fmt.Errorf("argument %q: want KEY=TEXT or KEY:=JSON", word)
		}
		var value any = text
		if name, raw := strings.CutSuffix(key, ":"); raw {
			key = name
			if !json.Valid([]byte(text)) {
				return nil, fmt.Errorf("argument %q: what follows := is not JSON", word)
			}
			value = json.RawMessage(text)
		}
		if _, twice := args[key]; twice {
			return nil, fmt.Errorf("argument %q is given twice", key)
		}
		args[key] = value
	}
	return args, nil
}

type versionCmd struct{}

func (versionCmd) Run() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this build carries no version")
	}
	fmt.Printf("chappe %s %s\n", info.Main.Version, info.GoVersion)
	return nil
}
