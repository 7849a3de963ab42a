package file

import (
	"bytes"
	"testing"
)

// FuzzParts saves parts of any sizes in any order, with the files closed and opened again in between:
// when an upload counts as whole, its content is what its parts say.
func FuzzParts(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 2, 0}, true)
	f.Add([]byte{2, 4, 0, 1, 1, 1}, false)
	f.Add([]byte{1, 5, 0, 4}, false)
	sizes := []int{700, 1024, 2048, 3072, 4096, 1, 1000, 4095}
	f.Fuzz(func(t *testing.T, steps []byte, total bool) {
		dir := t.TempDir()
		p, err := openParts(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := map[int][]byte{}
		for i := 0; i+1 < len(steps) && i < 40; i += 2 {
			no, n := int(steps[i]%6), sizes[steps[i+1]%8]
			of := PartOf{Number: no, Big: total, Total: 6}
			b := bytes.Repeat([]byte{byte(i + 1)}, n)
			if of.check(n) != nil {
				t.Fatal("a part within bounds was refused")
			}
			u, err := p.enter(key{}, true)
			if err != nil {
				t.Fatal(err)
			}
			if u.save(no, of.Total, b) == nil {
				want[no] = b
			}
			p.leave(u)
			if steps[i]&64 != 0 {
				if err := p.close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(want) > 0 {
			checkWhole(t, p, want)
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// checkWhole reads an upload, if it is one, and compares it with its parts.
func checkWhole(t *testing.T, p *parts, want map[int][]byte) {
	t.Helper()
	u, err := p.enter(key{}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.leave(u)
	if u.count != len(want) {
		t.Fatalf("%d parts are there, %d were taken", u.count, len(want))
	}
	c, err := u.read(t.Context(), Upload{Parts: len(want)})
	if err != nil {
		return
	}
	var all []byte
	for no := range len(want) {
		all = append(all, want[no]...)
	}
	got := make([]byte, c.size)
	if _, err := u.data.ReadAt(got, 0); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d parts became %d bytes, not the %d they have: %v", len(want), len(got), len(all), err)
	}
}
