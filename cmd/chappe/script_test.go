package main

import (
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// status CODE COMMAND… runs a command, which must fail with that exit code. What it printed can
// be looked at with stdout and stderr.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got, exited := 0, true
	if err != nil {
		var e interface{ ExitCode() int }
		if e, exited = err.(interface{ ExitCode() int }); exited {
			got = e.ExitCode()
		}
	}
	if !exited || got != want {
		ts.Fatalf("%v: exit code %d (%v), want %d", args[1:], got, err, want)
	}
}
