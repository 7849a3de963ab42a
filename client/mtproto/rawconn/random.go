package rawconn

import (
	"crypto/rand"
	"io"
	"sync"
)

// Rand is crypto/rand, read in blocks: a system call for the padding of every
// packet would cost more than its encryption. Bytes are wiped as they are given out.
var Rand io.Reader = blockRand{}

type blockRand struct{}

// randBlock holds random bytes in its last left bytes.
type randBlock struct {
	bytes [512]byte
	left  int
}

var randBlocks = sync.Pool{New: func() any { return new(randBlock) }}

// Read implements io.Reader.
func (blockRand) Read(b []byte) (int, error) {
	r := randBlocks.Get().(*randBlock)
	defer randBlocks.Put(r)
	if len(b) > len(r.bytes) {
		return rand.Read(b)
	}
	if len(b) > r.left {
		if _, err := rand.Read(r.bytes[:]); err != nil {
			return 0, err
		}
		r.left = len(r.bytes)
	}
	from := r.bytes[len(r.bytes)-r.left:][:len(b)]
	copy(b, from)
	clear(from)
	r.left -= len(b)
	return len(b), nil
}
