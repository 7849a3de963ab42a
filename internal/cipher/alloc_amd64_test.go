package cipher

import "testing"

func TestAllocations(t *testing.T) {
	k := testKey()
	plain := encode(Message{ID: 4, Body: make([]byte, 368)})
	buf, work := make([]byte, 0, 512), make([]byte, 512)
	packet := Seal(nil, &k, ToServer, plain, Random)
	if n := testing.AllocsPerRun(1000, func() { Seal(buf, &k, ToClient, plain, Random) }); n != 0 {
		t.Errorf("Seal allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := Open(&k, ToServer, work[:copy(work, packet)]); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Open allocates %v times", n)
	}
}
