package transcode

import (
	"encoding/binary"
	"sync/atomic"
)

// pair holds the tables from one layer to another. One of the two is 227.
type pair struct {
	s        *schema
	src, dst int
	up       bool                    // towards 227: nothing may be lost
	same     []bool                  // by class: looks alike in both layers, all the way down
	plans    []atomic.Pointer[plan]  // by source definition, made as needed
	results  []atomic.Pointer[outer] // by method of 227, made as needed
}

// outer says how the answer to a method is translated.
type outer struct {
	conv conv
	typ  *typ // type of the 227 answer
}

// plan says how objects of one source definition become objects of dst.
type plan struct {
	dst   *def // nil: there is none
	steps []step
	// left are the source fields that dst has no place for and that a query
	// may not lose.
	left []int
}

// conv translates the value at t.pos. On success and on errLost it leaves t.pos
// behind the value; a nil conv copies.
type conv func(t *tr) error

// maker writes a field from anything in the source object. It reports whether
// there is a value.
type maker func(t *tr, o *object) (bool, error)

// step writes one field of the destination.
type step struct {
	f     *field
	src   int    // field of the source, -1 for none
	conv  conv   // how its value is translated
	make  maker  // takes the place of src and conv
	rest  []byte // written when there is no value and one must be
	must  bool   // there must be a value and rest is none: else the object is lost
	group []int  // source fields that decide about a flag which this field shares with others
}

// newPair prepares the tables between two layers: about 1 ms.
func newPair(s *schema, src, dst int, up bool) *pair {
	p := &pair{s: s, src: src, dst: dst, up: up}
	p.plans = make([]atomic.Pointer[plan], len(s.defs))
	p.results = make([]atomic.Pointer[outer], len(s.defs))
	p.same = p.findSame()
	return p
}

// findSame finds the classes whose every constructor that may come looks the
// same in both layers, ?true flags included, and holds such classes only.
func (p *pair) findSame() []bool {
	same := make([]bool, len(p.s.classes))
	for i := range same {
		same[i] = true
	}
	for changed := true; changed; {
		changed = false
		for i, defs := range p.s.classes {
			if same[i] && !p.allSame(defs, same) {
				same[i], changed = false, true
			}
		}
	}
	return same
}

// allSame reports whether all definitions that the source may use are those of
// the destination and hold only what is in same.
func (p *pair) allSame(defs []*def, same []bool) bool {
	for _, d := range defs {
		if !p.up && !d.layers.has(p.src) {
			continue
		}
		if !d.layers.has(p.dst) {
			return false
		}
		for i := range d.fields {
			t := d.fields[i].typ
			for t.shape == shapeVector {
				t = t.elem
			}
			if t.shape == shapeClass && !same[t.class] {
				return false
			}
		}
	}
	return true
}

// plan returns how objects of d are translated within their class.
func (p *pair) plan(d *def) *plan {
	if pl := p.plans[d.index].Load(); pl != nil {
		return pl
	}
	pl := p.compile(d, d.result)
	p.plans[d.index].Store(pl)
	return pl
}

// result returns how the answer to a method of 227 is translated: into the type
// that the method has in the client's layer, whatever its name there.
func (p *pair) result(d *def) (conv, *typ) {
	if o := p.results[d.index].Load(); o != nil {
		return o.conv, o.typ
	}
	o := &outer{typ: d.result}
	there := p.counterpart(d)
	want := d.result
	if there != nil {
		want = there.result
	}
	c, ok := p.conv(d.result, want)
	if !ok {
		c = func(t *tr) error {
			if err := t.walk(d.result); err != nil {
				return err
			}
			return t.lost(d.id)
		}
	}
	o.conv = c
	p.results[d.index].Store(o)
	return o.conv, o.typ
}

// counterpart returns a method of 227 as the client's layer has it, maybe under
// a former name; nil when it has no such method.
func (p *pair) counterpart(d *def) *def {
	there := p.s.in(p.dst, d.name, true)
	for _, name := range methodsBefore[d.name] {
		if there == nil {
			there = p.s.in(p.dst, name, true)
		}
	}
	return there
}

// target returns the definition of class want that takes the place of d.
func (p *pair) target(d *def, want *typ) *def {
	fits := func(name string) *def {
		t := p.s.in(p.dst, name, d.method)
		if t == nil || !d.method && t.result != want {
			return nil
		}
		return t
	}
	t := fits(d.name)
	for _, name := range sameThing[d.name] {
		if t == nil {
			t = fits(name)
		}
	}
	return t
}

// compile makes the plan of a definition that becomes one of class want.
func (p *pair) compile(d *def, want *typ) *plan {
	dst := p.target(d, want)
	if dst == nil {
		return &plan{}
	}
	pl := &plan{dst: dst, steps: make([]step, len(dst.fields))}
	for i := range dst.fields {
		pl.steps[i] = p.step(d, dst, i)
	}
	for i := range pl.steps {
		p.share(pl.steps, i)
	}
	if p.up {
		pl.left = leftOver(d, pl)
	}
	return pl
}

// leftOver returns the fields of d that no step of a plan takes, without those
// whose loss changes nothing.
func leftOver(d *def, pl *plan) []int {
	taken := map[string]bool{}
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.src >= 0 {
			taken[d.fields[s.src].name] = true
		}
		if s.make != nil {
			for _, name := range makers[pl.dst.name+"."+s.f.name].from {
				taken[name] = true
			}
		}
	}
	var left []int
	for i := range d.fields {
		f := &d.fields[i]
		if f.typ.shape != shapeFlags && !taken[f.name] && !forgettable[d.name+"."+f.name] {
			left = append(left, i)
		}
	}
	return left
}

// step finds out where field i of dst comes from.
func (p *pair) step(d, dst *def, i int) step {
	f := &dst.fields[i]
	s := step{f: f, src: -1}
	if f.typ.shape == shapeFlags {
		return s
	}
	key := dst.name + "." + f.name
	if m, ok := makers[key]; ok && d.find(m.from[0]) >= 0 {
		s.make = m.bind(p, d, f)
	}
	s.src = d.find(f.name)
	if s.src < 0 {
		s.src = d.find(formerFields[key])
	}
	if s.src >= 0 {
		var ok bool
		if s.conv, ok = p.fieldConv(&d.fields[s.src], f, key); !ok {
			s.src, s.conv = -1, nil
		}
	}
	if constant, ok := constants[key]; ok {
		s.rest = binary.LittleEndian.AppendUint64(nil, uint64(constant))[:width[f.typ.shape]]
	} else if rest, ok := p.empty(f.typ, 0); ok && !indispensable[key] {
		s.rest = rest
	} else {
		s.must = true
	}
	return s
}

// fieldConv is conv, for fields: a flag without value may be a Bool in the
// other layer.
func (p *pair) fieldConv(src, dst *field, key string) (conv, bool) {
	if c, ok := fieldConvs[key]; ok && src.name != dst.name {
		return c, true
	}
	if src.typ.shape == shapeTrue || dst.typ.shape == shapeTrue {
		return nil, src.typ.shape == shapeTrue && (dst.typ.shape == shapeTrue || dst.typ.shape == shapeBool) ||
			src.typ.shape == shapeBool
	}
	return p.conv(src.typ, dst.typ)
}

// share makes fields that have one flag in common come and go together. If a
// ?true is among them, it says what the flag means.
func (p *pair) share(steps []step, i int) {
	f := steps[i].f
	if !f.optional() {
		return
	}
	members, truths, sources := 0, []int{}, []int{}
	for j := range steps {
		g := steps[j].f
		if !g.optional() || g.word != f.word || g.bit != f.bit {
			continue
		}
		isTrue := g.typ.shape == shapeTrue
		if !isTrue {
			members++
		}
		if isTrue && steps[j].src >= 0 {
			truths = append(truths, steps[j].src)
		} else if steps[j].src >= 0 {
			sources = append(sources, steps[j].src)
		}
	}
	switch {
	case members == 0 || members == 1 && f.typ.shape != shapeTrue && len(truths) == 0:
	case len(truths) > 0:
		steps[i].group = truths
	default:
		steps[i].group = sources
	}
}

// empty returns the bytes of a value that says nothing: 0, "", an empty vector,
// or an object of such values when its class has one constructor or a
// dedicated one.
func (p *pair) empty(t *typ, depth int) ([]byte, bool) {
	switch t.shape {
	case shapeString:
		return make([]byte, 4), true
	case shapeVector:
		return binary.LittleEndian.AppendUint64(nil, vectorID), true
	case shapeBool:
		return binary.LittleEndian.AppendUint32(nil, falseID), true
	case shapeClass:
		return p.emptyObject(t, depth)
	default:
		return make([]byte, width[t.shape]), true
	}
}

// emptyObject is empty for objects.
func (p *pair) emptyObject(t *typ, depth int) ([]byte, bool) {
	var only *def
	for _, d := range p.s.classes[t.class] {
		if !d.layers.has(p.dst) {
			continue
		}
		if d.name == emptyOf[t.name] {
			only = d
			break
		}
		if only != nil {
			return nil, false
		}
		only = d
	}
	if only == nil || depth > 3 {
		return nil, false
	}
	b := binary.LittleEndian.AppendUint32(nil, only.id)
	for i := range only.fields {
		f := &only.fields[i]
		if f.optional() {
			continue
		}
		value, ok := p.empty(f.typ, depth+1)
		if !ok {
			return nil, false
		}
		b = append(b, value...)
	}
	return b, true
}
