//go:build unix

package wire

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawConn returns access to the descriptor of a TCP connection, nil for anything else.
func rawConn(nc net.Conn) syscall.RawConn {
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// tryRead asks the kernel for bytes with a buffer from the pool and reports whether waiting is over.
func (c *Conn) tryRead(fd uintptr) bool {
	f := newFrame(chunkSize)
	n, err := syscall.Read(int(fd), f.store)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), f.store)
	}
	if err == syscall.EAGAIN {
		f.Release()
		return false
	}
	switch {
	case err != nil:
		c.readErr = os.NewSyscallError("read", err)
	case n == 0:
		c.readErr = io.EOF
	}
	f.Data = f.store[:max(n, 0)]
	c.in = f
	return true
}
