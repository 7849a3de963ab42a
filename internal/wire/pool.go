package wire

import (
	"math/bits"
	"sync"
)

// Frame is one transport packet: what the MTProto layers above call a message, without transport
// header, padding or checksum. Release gives its memory back; neither Frame nor Data may be used
// after that.
type Frame struct {
	Data     []byte
	QuickAck bool // the sender asks for WriteQuickAck

	store []byte // the whole buffer; Data lies inside it
	class int    // index into pools, beyond it when the buffer belongs to none
}

const (
	// chunkSize is what one read of a socket takes at most before the length of a frame is known.
	chunkSize = 4 << 10
	// minClass is the size of the smallest pooled buffer; each class has four times the one before.
	minClass = 1 << 10
)

// pools holds buffers of 1 KiB to 16 MiB.
var pools [8]sync.Pool

// newFrame returns a frame with empty Data and a store of at least n bytes.
func newFrame(n int) *Frame {
	class := 0
	if n > minClass {
		class = (bits.Len(uint(n-1)) - 9) / 2
	}
	if class >= len(pools) {
		return &Frame{store: make([]byte, n), class: class}
	}
	f, _ := pools[class].Get().(*Frame)
	if f == nil {
		f = &Frame{store: make([]byte, minClass<<(2*class)), class: class}
	}
	f.Data, f.QuickAck = f.store[:0], false
	return f
}

// Release returns the frame to its pool.
func (f *Frame) Release() {
	f.Data = nil
	if f.class < len(pools) {
		pools[f.class].Put(f)
	}
}
