package transcode

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// maker of random values: what a layer's own encoder could write.
type random struct {
	*rand.Rand
	s     *schema
	layer int
	cheap map[*def]int // least depth of an object of a definition
}

// newRandom prepares values of a layer.
func newRandom(s *schema, layer int, seed uint64) *random {
	r := &random{rand.New(rand.NewPCG(seed, uint64(layer))), s, layer, map[*def]int{}}
	for changed := true; changed; {
		changed = false
		for _, d := range s.defs {
			if _, ok := r.cheap[d]; ok || !d.layers.has(layer) {
				continue
			}
			if depth, ok := r.depth(d); ok {
				r.cheap[d], changed = depth, true
			}
		}
	}
	return r
}

// depth returns the least nesting of an object, false when not yet known.
func (r *random) depth(d *def) (int, bool) {
	depth := 1
	for i := range d.fields {
		f := &d.fields[i]
		if f.typ.shape != shapeClass || f.optional() {
			continue
		}
		best, ok := 0, false
		for _, c := range r.s.classes[f.typ.class] {
			if n, known := r.cheap[c]; known && (!ok || n < best) {
				best, ok = n, true
			}
		}
		if !ok {
			return 0, false
		}
		depth = max(depth, best+1)
	}
	return depth, true
}

// of returns the definitions of a class in the layer.
func (r *random) of(t *typ) []*def {
	var list []*def
	for _, d := range r.s.classes[t.class] {
		if d.layers.has(r.layer) {
			list = append(list, d)
		}
	}
	return list
}

// value appends a value of a type; levels says how deep it may go before only
// the plainest constructors are taken.
func (r *random) value(b []byte, t *typ, levels int) []byte {
	switch t.shape {
	case shapeInt:
		return binary.LittleEndian.AppendUint32(b, r.Uint32N(1000))
	case shapeBool:
		return binary.LittleEndian.AppendUint32(b, [2]uint32{trueID, falseID}[r.IntN(2)])
	case shapeDouble:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(r.IntN(1000))))
	case shapeString:
		return appendText(b, fmt.Appendf(nil, "%0*d", 1+r.IntN(3)*r.IntN(150), r.IntN(9)))
	case shapeVector:
		n := 0
		if levels > 0 {
			n = r.IntN(3)
		}
		b = binary.LittleEndian.AppendUint32(b, vectorID)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
		for range n {
			b = r.value(b, t.elem, levels-1)
		}
		return b
	case shapeClass:
		list := r.of(t)
		d := list[r.IntN(len(list))]
		if levels <= 0 {
			for _, c := range list {
				if r.cheap[c] < r.cheap[d] {
					d = c
				}
			}
		}
		return r.object(b, d, levels)
	default:
		for range width[t.shape] {
			b = append(b, byte(r.Uint32()))
		}
		return b
	}
}

// object appends an object or a query.
func (r *random) object(b []byte, d *def, levels int) []byte {
	b = binary.LittleEndian.AppendUint32(b, d.id)
	var words [maxWords]uint32
	for i := range d.fields {
		f := &d.fields[i]
		switch {
		case f.typ.shape == shapeFlags:
			// only bits that mean something, and none of a value without need
			for j := range d.fields {
				g := &d.fields[j]
				if g.optional() && g.word == f.word && (levels > 0 && r.IntN(2) == 0) {
					words[f.word] |= 1 << uint(g.bit)
				}
			}
			b = binary.LittleEndian.AppendUint32(b, words[f.word])
		case f.optional() && words[f.word]>>uint(f.bit)&1 == 0:
		case f.typ.shape != shapeTrue:
			b = r.value(b, f.typ, levels-1)
		}
	}
	return b
}

// tree is a decoded value: number, string, []tree or node.
type tree any

// node is a decoded object.
type node struct {
	def    *def
	fields map[string]tree
}

// decoder reads values strictly by the schema of one layer. It shares nothing
// with the translation but the schema.
type decoder struct {
	s     *schema
	layer int
	b     []byte
}

// take reads n bytes.
func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		panic("truncated")
	}
	head := d.b[:n]
	d.b = d.b[n:]
	return head
}

// uint32 reads 4 bytes.
func (d *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }

// value reads a value.
func (d *decoder) value(t *typ) tree {
	switch t.shape {
	case shapeString:
		n, head := int(d.take(1)[0]), 1
		if n == 254 {
			rest := d.take(3)
			n, head = int(rest[0])|int(rest[1])<<8|int(rest[2])<<16, 4
		}
		s := string(d.take(n))
		d.take((4 - (n+head)%4) % 4)
		return s
	case shapeVector:
		if id := d.uint32(); id != vectorID {
			panic(fmt.Sprintf("no vector: %#x", id))
		}
		list := make([]tree, d.uint32())
		for i := range list {
			list[i] = d.value(t.elem)
		}
		return list
	case shapeClass:
		id := d.uint32()
		def := d.s.byLayer(id, d.layer, false)
		if def == nil || def.result != t || def.method {
			panic(fmt.Sprintf("%#x is no %s of layer %d", id, t.name, d.layer))
		}
		return d.fields(def)
	default:
		return string(d.take(width[t.shape]))
	}
}

// fields reads the fields of an object.
func (d *decoder) fields(def *def) node {
	n := node{def, map[string]tree{}}
	var words [maxWords]uint32
	for i := range def.fields {
		f := &def.fields[i]
		if f.typ.shape == shapeFlags {
			words[f.word] = d.uint32()
			continue
		}
		if f.optional() && words[f.word]>>uint(f.bit)&1 == 0 {
			continue
		}
		n.fields[f.name] = d.value(f.typ)
	}
	return n
}

// decode reads a boxed object of a layer, or a query.
func decode(s *schema, layer int, b []byte) (n node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode: %v", r)
		}
	}()
	d := &decoder{s, layer, b}
	id := d.uint32()
	def := s.byLayer(id, layer, false)
	if def == nil {
		return n, fmt.Errorf("%#x is nothing in layer %d", id, layer)
	}
	n = d.fields(def)
	if len(d.b) > 0 {
		err = fmt.Errorf("%d bytes left", len(d.b))
	}
	return n, err
}
