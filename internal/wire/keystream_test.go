package wire

import (
	"bytes"
	"crypto/rand"
	"testing"
)

// TestKeystream compares a stream that forgets its key all the time with one that does not.
func TestKeystream(t *testing.T) {
	keyIV := make([]byte, 48)
	_, _ = rand.Read(keyIV)
	copy(keyIV[40:], bytes.Repeat([]byte{0xff}, 8)) // the counter carries at once
	want, got := make([]byte, 5000), make([]byte, 5000)
	ctrOf(keyIV).XORKeyStream(want, want)
	var hot hotList
	var k keystream
	k.init(keyIV, &hot)
	for n, rest := 0, got; len(rest) > 0; n++ {
		m := min(n, len(rest))
		k.xor(rest[:m])
		rest = rest[m:]
		if n%3 == 0 {
			hot.sweep()
			if len(hot.all) != 1 || k.stream == nil {
				t.Fatal("forgotten while in use")
			}
			hot.sweep()
			if len(hot.all) != 0 || k.stream != nil {
				t.Fatal("not forgotten")
			}
		}
	}
	if !bytes.Equal(got, want) {
		t.Fatal("the stream differs")
	}
}

func BenchmarkKeystreamWake(b *testing.B) {
	var k keystream
	k.init(make([]byte, 48), nil)
	for b.Loop() {
		k.wake()
	}
}
