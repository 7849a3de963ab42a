//go:build !unix

package wire

import (
	"net"
	"syscall"
)

// rawConn returns nil: without readiness of descriptors a few bytes are read into the Conn instead.
func rawConn(net.Conn) syscall.RawConn { return nil }

// tryRead is never called without a raw connection.
func (c *Conn) tryRead(uintptr) bool { return true }
