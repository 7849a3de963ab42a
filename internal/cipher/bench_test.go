package cipher

import "testing"

func BenchmarkSeal400(b *testing.B) {
	k := testKey()
	plain := make([]byte, 400)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = Seal(buf[:0], &k, ToClient, plain, Random)
	}
}

func BenchmarkOpen400(b *testing.B) {
	k := testKey()
	plain := make([]byte, 400)
	plain[28], plain[29] = 368&0xff, 368>>8
	packet := Seal(nil, &k, ToServer, plain, Random)
	work := make([]byte, len(packet))
	b.ReportAllocs()
	for b.Loop() {
		copy(work, packet)
		if _, err := Open(&k, ToServer, work); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRandom(b *testing.B) {
	var p [20]byte
	for b.Loop() {
		_, _ = Random.Read(p[:])
	}
}

func testKey() Key {
	var b [KeySize]byte
	_, _ = Random.Read(b[:])
	return NewKey(b)
}
