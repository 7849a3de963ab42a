// Package fault is the catalogue of errors that a method may answer with
// (core.telegram.org/api/errors).
//
// Rules in core return them, wrapped or bare; package rpc finds them with
// [errors.As] and puts Code and Error() into rpc_error. Any other error
// becomes [Internal] and is logged.
//
//	return fault.PeerIDInvalid
//	return fmt.Errorf("send to %d: %w", peer, fault.FloodWait(30))
//	if errors.Is(err, fault.PeerIDInvalid) { … }
package fault

import (
	"strconv"
	"strings"
)

//go:generate go run github.com/chappe-im/chappe/cmd/tlgen errors -o catalogue_gen.go

// Error is one error of the API. The variables of the catalogue are shared:
// nobody may change them.
type Error struct {
	// Code resembles an HTTP status: 303, 400, 401, 403, 404, 406, 420, 500.
	Code int
	// Name is the type of the error, as PEER_ID_INVALID or FLOOD_WAIT_%d.
	Name string
	// Arg takes the place of %d in Name: seconds, a DC, an index.
	Arg int
}

// Error returns what clients see: Name, with Arg in place of %d.
func (e *Error) Error() string {
	return strings.Replace(e.Name, "%d", strconv.Itoa(e.Arg), 1)
}

// Is reports whether target is the same error. An Arg of 0 in target stands
// for any, so errors.Is(err, FloodWait(0)) finds every FLOOD_WAIT_%d.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Name == e.Name && (t.Arg == 0 || t.Arg == e.Arg)
}
