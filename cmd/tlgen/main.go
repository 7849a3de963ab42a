// Command tlgen writes the parts of Chappe that are derived from the
// Telegram schema and its documentation, as published inside the versions of
// github.com/gotd/td.
//
//	tlgen errors -o FILE    catalogue of RPC errors (package fault)
//	tlgen schema -o FILE    merged schema of all supported layers (package transcode)
//
// With -check a command writes nothing and fails when FILE is stale.
//
// Both need the Go module cache or a module proxy. They are run by
// go generate, their output is committed, so a build needs neither.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: tlgen errors|schema [-check] -o FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "tlgen:", err)
		os.Exit(1)
	}
}

// run executes one sub-command.
func run(command string, args []string) error {
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	out := flags.String("o", "", "file to write")
	check := flags.Bool("check", false, "only compare with the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	generate, ok := map[string]func() ([]byte, error){
		"errors": catalogue,
		"schema": mergedSchema,
	}[command]
	if !ok {
		return fmt.Errorf("unknown command %q", command)
	}
	content, err := generate()
	if err != nil {
		return err
	}
	if !*check {
		return os.WriteFile(*out, content, 0o644) // #nosec G306 -- source code, for everybody to read
	}
	have, err := os.ReadFile(*out)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, content) {
		return fmt.Errorf("%s is stale: run go generate", *out)
	}
	return nil
}
