// Package help answers the methods of the namespace help that tell clients about this server:
// where it is, what it allows, which numbers it knows.
//
// Methods of the namespace that have nothing to tell are in package lists.
//
// Specification: https://core.telegram.org/methods#working-with-the-config.
package help

import (
	"time"

	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	// URL is the address of the server for people, without a slash at its end.
	URL string
	// Addresses are where clients reach the server.
	Addresses *Addresses
	Now       func() time.Time
}

// Methods returns the lines of the namespace. Clients ask before they sign in.
func Methods(d Deps) []*rpc.Method {
	anyone := rpc.For(rpc.Anyone)
	return []*rpc.Method{
		rpc.Handle(d.getConfig, anyone),
		rpc.Handle(d.getNearestDC, anyone),
		rpc.Handle(d.getAppConfig, anyone),
		rpc.Handle(d.getCountriesList, anyone),
		rpc.Handle(d.getInviteText),
	}
}
