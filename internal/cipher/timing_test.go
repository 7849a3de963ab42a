package cipher

import (
	"bytes"
	"testing"

	"github.com/chappe-im/chappe/internal/cipher/timing"
)

// TestA5Timing measures packets that fail: with all of their plaintext garbage, and
// with every field as it should be but for the padding. Code that looks at the length
// before msg_key tells the two apart.
func TestA5Timing(t *testing.T) {
	k := testKey()
	packet := Seal(nil, &k, ToServer, encode(Message{ID: 4, Body: make([]byte, 368)}), Random)
	spoiled := [2][]byte{bytes.Clone(packet), bytes.Clone(packet)}
	spoiled[0][8] ^= 1
	spoiled[1][len(packet)-1] ^= 1
	prepare := func(class int) { copy(packet, spoiled[class]) }
	v, differ := timing.Differ(20000, prepare, func() {
		if _, err := Open(&k, ToServer, packet); err == nil {
			t.Error("opened")
		}
	})
	if differ {
		t.Errorf("t = %.1f", v)
	}
}
