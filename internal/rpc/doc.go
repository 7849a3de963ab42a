// Package rpc is the method table of the API: which methods there are, who may call them, how
// often, and what runs them.
//
// It knows methods of the canonical layer only. A query reaches it as bytes of that layer and
// leaves it as an encodable answer or an error of the API's own catalogue; unwrapping, layers and
// delivery belong to package session. Packages below internal/api fill the table; nothing below
// this package imports it.
//
// Specification: https://core.telegram.org/api/invoking and https://core.telegram.org/methods.
package rpc
