package transcode

import (
	"errors"
	"fmt"
	"testing"
)

// check compares what both sides have in common: fields of one name and type
// in objects of one name.
type check struct {
	down  bool
	round bool // the way led through 227
}

// same reports the first place where after lacks what before has.
func (c check) same(path string, before, after tree, t *typ) error {
	switch t.shape {
	case shapeVector:
		return c.sameVector(path, before.([]tree), after.([]tree), t)
	case shapeClass:
		b, a := before.(node), after.(node)
		if b.def.name != a.def.name {
			return nil // a rule's doing, or a stand-in
		}
		return c.sameFields(path+"/"+b.def.name, b, a)
	}
	if before != after {
		return fmt.Errorf("%s: %q became %q", path, before, after)
	}
	return nil
}

// sameVector compares vectors; downwards elements may be missing.
func (c check) sameVector(path string, before, after []tree, t *typ) error {
	if len(after) > len(before) || len(after) < len(before) && !(c.down && t.elem.shape == shapeClass) {
		return fmt.Errorf("%s: %d elements became %d", path, len(before), len(after))
	}
	if len(after) < len(before) {
		return nil
	}
	for i := range before {
		if err := c.same(fmt.Sprint(path, "/", i), before[i], after[i], t.elem); err != nil {
			return err
		}
	}
	return nil
}

// sameFields compares objects of one name.
func (c check) sameFields(path string, before, after node) error {
	for i := range after.def.fields {
		f := &after.def.fields[i]
		j := before.def.find(f.name)
		if j < 0 || before.def.fields[j].typ != f.typ || makers[after.def.name+"."+f.name].bind != nil {
			continue
		}
		if mid := load().in(Canonical, before.def.name, before.def.method); c.round && (mid == nil || mid.find(f.name) < 0) {
			continue
		}
		b, hadOne := before.fields[f.name]
		a, hasOne := after.fields[f.name]
		switch {
		case hadOne && hasOne:
			if err := c.same(path+"."+f.name, b, a, f.typ); err != nil {
				return err
			}
		case hadOne && !(c.down && f.typ.shape == shapeClass) && !sharesTrue(after.def, f):
			return fmt.Errorf("%s.%s is missing", path, f.name)
		case hasOne && f.optional() && f.typ.shape == shapeTrue:
			return fmt.Errorf("%s.%s appeared", path, f.name)
		}
	}
	return nil
}

// sharesTrue reports whether the flag of f is also that of a ?true, which then
// decides.
func sharesTrue(d *def, f *field) bool {
	for i := range d.fields {
		g := &d.fields[i]
		if g != f && g.optional() && g.word == f.word && g.bit == f.bit && g.typ.shape == shapeTrue {
			return true
		}
	}
	return false
}

// rounds is how many random values of each definition are tried.
const rounds = 3

// TestObjects translates random objects of every constructor of 227 into
// every layer, and those of every layer up and down again, and wants what both
// have.
func TestObjects(t *testing.T) {
	s := load()
	for _, layer := range s.layers {
		if layer == Canonical {
			continue
		}
		t.Run(fmt.Sprint(layer), func(t *testing.T) {
			t.Parallel()
			testObjects(t, s, Canonical, layer, false)
			testObjects(t, s, layer, Canonical, true)
		})
	}
}

// testObjects translates random objects from src to dst.
func testObjects(t *testing.T, s *schema, src, dst int, up bool) {
	p, back := newPair(s, src, dst, up), newPair(s, dst, src, !up)
	r := newRandom(s, src, 1)
	for _, d := range s.defs {
		if d.method || !d.layers.has(src) || d.result.shape != shapeClass {
			continue
		}
		for range rounds {
			in := r.object(nil, d, 4)
			out, err := p.object(nil, in)
			if lost := new(LostError); errors.As(err, &lost) {
				continue
			}
			compare(t, s, in, out, err, d.name, src, dst, up)
			if up && err == nil {
				again, err := back.object(nil, out)
				if lost := new(LostError); errors.As(err, &lost) {
					continue
				}
				compare(t, s, in, again, err, d.name, src, src, false)
			}
		}
	}
}

// compare decodes both sides and compares them.
func compare(t *testing.T, s *schema, in, out []byte, err error, name string, src, dst int, up bool) {
	t.Helper()
	if err != nil {
		t.Errorf("%s %d→%d: %v", name, src, dst, err)
		return
	}
	before, err := decode(s, src, in)
	if err != nil {
		t.Fatalf("%s: the random value is wrong: %v", name, err)
	}
	after, err := decode(s, dst, out)
	if err != nil {
		t.Errorf("%s %d→%d: %v", name, src, dst, err)
		return
	}
	if before.def.name != after.def.name {
		return
	}
	if err := (check{!up, src == dst}).sameFields(name, before, after); err != nil {
		t.Errorf("%d→%d: %v", src, dst, err)
	}
}

// TestQueries translates random queries of every method of every layer.
func TestQueries(t *testing.T) {
	s := load()
	for _, layer := range s.layers {
		if layer == Canonical {
			continue
		}
		t.Run(fmt.Sprint(layer), func(t *testing.T) {
			t.Parallel()
			r := newRandom(s, layer, 2)
			for _, d := range s.defs {
				if !d.method || !d.layers.has(layer) {
					continue
				}
				for range rounds {
					in := r.object(nil, d, 4)
					out, err := Query(nil, layer, in)
					if lost := new(LostError); errors.As(err, &lost) {
						continue
					}
					compare(t, s, in, out, err, d.name, layer, Canonical, true)
				}
			}
		})
	}
}

// TestResults translates random answers to every method of every layer.
func TestResults(t *testing.T) {
	s := load()
	for _, layer := range s.layers {
		if layer == Canonical {
			continue
		}
		t.Run(fmt.Sprint(layer), func(t *testing.T) {
			t.Parallel()
			r := newRandom(s, Canonical, 3)
			p := newPair(s, Canonical, layer, false)
			for _, d := range s.defs {
				there := p.counterpart(d)
				if !d.method || !d.layers.has(Canonical) || there == nil {
					continue
				}
				for range rounds {
					in := r.value(nil, d.result, 4)
					out, err := Result(nil, layer, d.id, in)
					if lost := new(LostError); errors.As(err, &lost) {
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", d.name, err)
						continue
					}
					if err := decodeAll(s, layer, out, there.result); err != nil {
						t.Errorf("%s: %v", d.name, err)
					}
				}
			}
		})
	}
}

// decodeAll decodes a value of a type.
func decodeAll(s *schema, layer int, b []byte, ty *typ) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode: %v", r)
		}
	}()
	d := &decoder{s, layer, b}
	d.value(ty)
	if len(d.b) > 0 {
		err = fmt.Errorf("%d bytes left", len(d.b))
	}
	return err
}
