package rawconn

import "sync"

// keepBuffer is the largest buffer that is kept for the next use, in bytes.
const keepBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// getBuffer returns a buffer of at least this capacity; its length is its capacity.
func getBuffer(size int) *[]byte {
	b := buffers.Get().(*[]byte)
	if cap(*b) < size {
		*b = make([]byte, size)
	}
	*b = (*b)[:cap(*b)]
	return b
}

func putBuffer(b *[]byte) {
	if cap(*b) <= keepBuffer {
		buffers.Put(b)
	}
}
