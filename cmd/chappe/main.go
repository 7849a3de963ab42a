// Command chappe is the whole messenger in one program: the server, the tools of its operator
// and the driver of its benchmarks. This package is flags and one call into the rest.
//
// It exits with 0 when done, 1 when something failed and 2 when it was called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/chappe-im/chappe/internal/config"
)

// cli is the command line. The tags are its documentation.
type cli struct {
	Config configFile `name:"config" env:"CHAPPE_CONFIG" default:"chappe.toml" placeholder:"FILE" help:"File of settings; the default one may be absent."`

	Serve   serveCmd   `cmd:"" help:"Run the server until it is told to stop."`
	Key     keyCmd     `cmd:"" help:"Print the server's public key, which foreign clients need, as PEM."`
	Code    codeCmd    `cmd:"" help:"Print the pending login code of a number."`
	Invite  inviteCmd  `cmd:"" help:"Print a sign-up link."`
	Admin   adminCmd   `cmd:"" help:"Operate and moderate the running server."`
	Backup  backupCmd  `cmd:"" help:"Write an encrypted backup; the server may go on running."`
	Restore restoreCmd `cmd:"" help:"Make a data folder of a backup."`
	Bench   benchCmd   `cmd:"" help:"Measure a server of its own on this machine."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// configFile is the name of the file of settings. It is read before flags get their values.
type configFile string

// BeforeResolve reads the file and lets it speak for flags that nothing else sets.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(configFile)
	f, err := config.ReadFile(string(path))
	if err != nil {
		return err
	}
	ctx.AddResolver(f.Resolver())
	return nil
}

// usageError marks what the caller did wrong, as opposed to what went wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:]))
}

// run does what the arguments say and returns the exit code.
func run(ctx context.Context, args []string) int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("chappe"),
		kong.Description("A messenger that anyone can host, for Telegram's client software. "+
			"Settings come from flags, else from the environment (CHAPPE_LISTEN for --listen), else from chappe.toml."),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ValueFormatter(describe),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	k, err := parser.Parse(args)
	if err != nil {
		return complain(usageError{err})
	}
	return complain(k.Run())
}

// describe is the help of a flag with its default. The environment variable of each is its name
// in capitals behind CHAPPE_, so it is not repeated.
func describe(v *kong.Value) string {
	if v.Default == "" {
		return v.Help
	}
	return fmt.Sprintf("%s [%s]", v.Help, v.Default)
}

// complain reports an error, if there is one, and returns the exit code that belongs to it.
func complain(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "chappe: %v\n", err)
	if errors.As(err, &usageError{}) {
		fmt.Fprintln(os.Stderr, "chappe: 'chappe --help' lists commands, 'chappe COMMAND --help' their flags")
		return exitUsage
	}
	return exitFailed
}
