package timing

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

func TestDiffer(t *testing.T) {
	var input []byte
	compare := func(name string, size0, size1, sign int) {
		inputs := [2][]byte{make([]byte, size0), bytes.Repeat([]byte{1}, size1)}
		prepare := func(class int) { input = inputs[class] }
		v, differ := Differ(2000, prepare, func() { sha256.Sum256(input) })
		if differ != (sign != 0) || v*float64(sign) < 0 {
			t.Errorf("%s: t = %.1f", name, v)
		}
	}
	compare("more work", 4096, 3072, 1)
	compare("less work", 3072, 4096, -1)
	compare("the same work", 4096, 4096, 0)
}
