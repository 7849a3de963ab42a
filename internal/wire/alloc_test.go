//go:build !race

// The race detector makes pools forget.

package wire

import "testing"

func TestWriteFramesAllocs(t *testing.T) {
	c := newConn(testServer(), &discard{})
	h, _, _ := obfuscatedHeader(padded, 1)
	c.obf, _ = readObfuscation(h, &hotList{})
	c.framing = padded
	p := encrypted(376)
	if n := testing.AllocsPerRun(1000, func() { _ = c.WriteFrames(p, p) }); n >= 1 {
		t.Errorf("%v allocations a write", n)
	}
}
