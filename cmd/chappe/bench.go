package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/chappe-im/chappe/bench"
)

type benchCmd struct {
	Mode      string `arg:"" help:"What to measure: handshake, idle, direct or start."`
	Runs      int    `name:"runs" default:"3" placeholder:"N" help:"How often; the median counts."`
	Seconds   int    `name:"seconds" default:"10" placeholder:"N" help:"How long each run lasts."`
	Clients   int    `name:"clients" default:"0" placeholder:"N" help:"Sessions or pairs; 0 is the mode's own number."`
	DB        string `name:"db" default:"sqlite" placeholder:"sqlite|postgres://…" help:"Database of the server; a PostgreSQL one must be empty."`
	Transport string `name:"transport" enum:"tcp,ws" default:"tcp" placeholder:"tcp|ws" help:"How sessions connect: tcp or ws."`
	Out       string `name:"out" placeholder:"FILE" help:"New file to write the result to, as JSON."`
}

func (c *benchCmd) Run(ctx context.Context) error {
	if !slices.Contains(bench.Modes(), c.Mode) {
		return usageError{fmt.Errorf("no mode %q; there are %s", c.Mode, strings.Join(bench.Modes(), ", "))}
	}
	r, err := bench.Run(ctx, bench.Options{
		Mode: c.Mode, Runs: c.Runs, Seconds: c.Seconds, Clients: c.Clients, DB: c.DB, Transport: c.Transport,
	})
	if err != nil {
		return err
	}
	if err := r.Print(os.Stdout); err != nil || c.Out == "" {
		return err
	}
	return writeNew(c.Out, r.Write)
}
