package transcode

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/gotd/td/tg"
)

func TestErrors(t *testing.T) {
	getConfig := write(t, 152, obj{"help.getConfig", nil})
	var unknown *UnknownError
	for _, test := range []struct {
		name  string
		layer int
		query []byte
		want  func(error) bool
	}{
		{"layer", 151, getConfig, is(ErrLayer)},
		{"nothing", 152, nil, is(ErrTruncated)},
		{"trailing", 152, append(bytes.Clone(getConfig), 0, 0, 0, 0), is(ErrTrailing)},
		{"no method", 152, []byte{1, 2, 3, 4}, func(err error) bool {
			return errors.As(err, &unknown) && unknown.ID == 0x04030201
		}},
		{"a constructor", 152, write(t, 152, self), func(err error) bool { return errors.As(err, &unknown) }},
		{"of another type", 152, append(write(t, 152, obj{"users.getFullUser", map[string]any{
			"id": obj{"inputUserSelf", nil}}})[:4], write(t, 152, self)...),
			func(err error) bool { return errors.As(err, &unknown) }},
		{"too big", 152, make([]byte, maxOutput+4), is(ErrTooBig)},
		{"count", 152, hugeVector(t), is(ErrTruncated)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if out, err := Query(nil, test.layer, test.query); out != nil || !test.want(err) {
				t.Errorf("got %d bytes, %v", len(out), err)
			}
		})
	}
	if _, err := Result(nil, 152, 1, nil); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
	if _, err := Object(nil, 152, write(t, Canonical, obj{"help.getConfig", nil})); !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}

// is matches one error.
func is(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

// hugeVector is a query with a vector that says it has 2^32-1 elements.
func hugeVector(t *testing.T) []byte {
	q := write(t, 152, obj{"messages.getMessages", map[string]any{"id": []any{}}})
	return append(q[:len(q)-4], 0xff, 0xff, 0xff, 0xff)
}

// nested is a query that holds a JSON array within arrays.
func nested(t *testing.T, levels int) []byte {
	value := obj{"jsonNull", nil}
	for range levels - 1 {
		value = obj{"jsonArray", map[string]any{"value": []any{value}}}
	}
	return write(t, 152, obj{"help.saveAppLog", map[string]any{"events": []any{
		obj{"inputAppEvent", map[string]any{"type": "", "peer": 0, "data": value, "time": 0.5}}}}})
}

func TestDepth(t *testing.T) {
	if _, err := Query(nil, 152, nested(t, maxDepth)); !errors.Is(err, ErrTooDeep) {
		t.Errorf("got %v", err)
	}
	if _, err := Query(nil, 152, nested(t, maxDepth-1)); err != nil {
		t.Error(err)
	}
}

// TestCutAndBent translates valid bytes cut short and with bits turned over:
// any outcome but a panic will do.
func TestCutAndBent(t *testing.T) {
	s := load()
	r := newRandom(s, 152, 4)
	p := newPair(s, 152, Canonical, true)
	for _, d := range s.defs {
		if !d.method || !d.layers.has(152) {
			continue
		}
		in := r.object(nil, d, 4)
		for range 8 {
			if out, err := p.run(nil, in[:r.IntN(len(in))], (*tr).method); err == nil {
				t.Fatalf("%s: a part of a query became %x", d.name, out)
			}
			bent := bytes.Clone(in)
			bent[r.IntN(len(bent))] ^= 1 << r.IntN(8)
			if out, err := p.run(nil, bent, (*tr).method); err == nil {
				if _, err := decode(s, Canonical, out); err != nil {
					t.Fatalf("%s: %v", d.name, err)
				}
			}
		}
	}
}

func TestSchema(t *testing.T) {
	for layer, want := range map[int]int{151: 0, 152: 152, 155: 152, 158: 158, 226: 225, 227: 227, 228: 228, 500: 228} {
		got, ok := Schema(layer)
		if got != want || ok != (want != 0) {
			t.Errorf("layer %d is served by %d", layer, got)
		}
	}
}

// TestBetweenLayers sends the definition of a later layer within an earlier
// one, as a client between two known layers does.
func TestBetweenLayers(t *testing.T) {
	for _, layer := range []int{152, 155} {
		query := write(t, 166, obj{"messages.sendMessage", map[string]any{"peer": self, "message": "m", "random_id": 3,
			"reply_to": obj{"inputReplyToMessage", map[string]any{"reply_to_msg_id": 8}}}})
		out, err := Query(nil, layer, query)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := decode(load(), Canonical, out); err != nil || n.fields["message"] != "m" {
			t.Errorf("got %v %v", n, err)
		}
	}
}

// FuzzQuery feeds hostile queries; what comes out must be 227.
func FuzzQuery(f *testing.F) {
	s := load()
	for _, layer := range []int{152, 198, 228} {
		r := newRandom(s, layer, 5)
		for _, d := range s.defs {
			if d.method && d.layers.has(layer) {
				f.Add(layer, r.object(nil, d, 3))
			}
		}
	}
	f.Fuzz(func(t *testing.T, layer int, query []byte) {
		out, err := Query([]byte("head"), layer, query)
		bounded(t, out, query)
		if err != nil {
			return
		}
		if _, err := decode(s, Canonical, out[4:]); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzObject feeds hostile objects downwards.
func FuzzObject(f *testing.F) {
	s := load()
	r := newRandom(s, Canonical, 6)
	for _, ty := range []string{"Updates", "messages.Messages", "Message", "Update"} {
		for _, d := range s.classes[s.typs[ty].class] {
			if d.layers.has(Canonical) {
				f.Add(152, r.object(nil, d, 4))
			}
		}
	}
	f.Fuzz(func(t *testing.T, layer int, object []byte) {
		out, err := Object([]byte("head"), layer, object)
		bounded(t, out, object)
		if err != nil {
			return
		}
		served, _ := Schema(layer)
		if _, err := decode(s, served, out[4:]); err != nil {
			t.Fatal(err)
		}
	})
}

// bounded checks the limits of the output.
func bounded(t *testing.T, out, in []byte) {
	if len(out) > 4+min(4*len(in)+64<<10, maxOutput) {
		t.Fatalf("%d bytes became %d", len(in), len(out))
	}
}

// TestConcurrent makes many goroutines meet tables that are not made yet.
func TestConcurrent(t *testing.T) {
	in := encoded(t, page())
	want, err := Result(nil, 189, tg.MessagesGetHistoryRequestTypeID, in)
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(load(), Canonical, 189, false)
	d := p.s.in(Canonical, "messages.getHistory", true)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			c, ty := p.result(d)
			got, err := p.run(nil, in, func(t *tr) error { return t.convert(c, ty) })
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
	group.Wait()
}
