package cipher

import (
	"crypto/rand"
	"io"
	"sync"
)

// Random is a source of padding: the operating system's randomness, drawn in
// blocks, because one system call for a dozen bytes would cost half of Seal. It
// never fails and may be used by many goroutines. Handed-out bytes are wiped.
var Random io.Reader = random{}

type random struct{}

type reserve struct {
	left int
	buf  [1024]byte
}

var reserves = sync.Pool{New: func() any { return new(reserve) }}

func (random) Read(p []byte) (int, error) {
	r := reserves.Get().(*reserve)
	for rest := p; len(rest) > 0; {
		if r.left == 0 {
			_, _ = rand.Read(r.buf[:]) // never fails: crypto/rand ends the process
			r.left = len(r.buf)
		}
		from := r.buf[len(r.buf)-r.left:]
		n := copy(rest, from)
		clear(from[:n])
		r.left -= n
		rest = rest[n:]
	}
	reserves.Put(r)
	return len(p), nil
}
