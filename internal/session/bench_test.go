package session

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// pushed is an update as it waits in a queue: 324 bytes, so that its packet has 392, the size next to
// 400 that there is.
var pushed = message{body: make([]byte, 324), content: true, push: true}

func writer(tb testing.TB) (*connection, *Session) {
	now := time.Now()
	return offline(tb, fuzzHub(tb, func() time.Time { return now }))
}

// BenchmarkPacket measures what the server does for an update of 400 bytes for each session: layout
// and encryption.
func BenchmarkPacket(b *testing.B) {
	c, s := writer(b)
	batch := []message{pushed}
	salt := c.key.saltsAt(s.hub.salts, s.hub.Now()).current
	var w scratch
	b.ReportAllocs()
	for b.Loop() {
		w.seal(s, salt, s.out.number(batch, s.hub.Now()), batch)
		batch[0].id = 0
	}
	b.ReportMetric(float64(len(w.packet)), "B/packet")
}

// BenchmarkWrite measures the way of an update from the queue of a session to its socket, without
// the kernel's part.
func BenchmarkWrite(b *testing.B) {
	_, s := writer(b)
	queue := make([]message, 1)
	b.ReportAllocs()
	for b.Loop() {
		queue[0] = pushed
		s.out.queue = queue
		s.out.bytes = len(pushed.body)
		s.writerLocked().write()
	}
}

func TestWriteAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	_, s := writer(t)
	queue := make([]message, 0, 16)
	for _, n := range []int{1, 16} {
		if got := testing.AllocsPerRun(1000, func() {
			s.out.queue = queue
			for range n {
				s.out.queue = append(s.out.queue, pushed)
			}
			s.writerLocked().write()
		}); got != 0 {
			t.Errorf("writing %d messages allocates %v times", n, got)
		}
	}
}

// TestIdleMemory weighs what 10,000 idle sessions hold besides their connections' goroutines.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const count, limit = 10_000, 1000
	h := fuzzHub(t, time.Now)
	stored := make([]Key, count)
	for i := range stored {
		k := &memKeys{keys: map[int64]Key{}}
		r := &rig{t: t, keys: k}
		id := r.newKey(Key{}).ID()
		stored[i] = k.keys[id]
	}
	before := heap()
	for i := range stored {
		c := &connection{hub: h}
		h.join(c)
		h.mu.Lock()
		key := h.adoptLocked(stored[i].Key.ID(), Key{Key: stored[i].Key, Account: int64(i + 1)})
		key.users++
		h.mu.Unlock()
		c.key, c.session = key, h.session(key, int64(i))
		s := c.session
		s.mu.Lock()
		s.attachLocked(c)
		s.seen.see(1<<40, 1<<32)
		key.saltsAt(h.salts, time.Now())
		s.mu.Unlock()
	}
	each := (heap() - before) / count
	t.Logf("%d bytes a session besides its key's 256: Session %d, authKey %d, device %d, connection %d, message %d",
		each, unsafe.Sizeof(Session{}), unsafe.Sizeof(authKey{}), unsafe.Sizeof(device{}), unsafe.Sizeof(connection{}), unsafe.Sizeof(message{}))
	if each > limit {
		t.Errorf("more than %d", limit)
	}
	runtime.KeepAlive(h)
	runtime.KeepAlive(stored)
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
