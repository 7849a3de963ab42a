package transcode

import (
	"encoding/binary"
	"errors"
)

// errLost travels inside the package: the value at hand cannot be expressed in
// the other layer. The position is then behind the value, as after success.
var errLost = errors.New("lost")

// tr is one translation under way.
type tr struct {
	*pair
	in     []byte
	pos    int // next byte of in
	out    []byte
	limit  int // greatest length of out
	depth  int
	lostID uint32               // what was lost first, for the error
	ofs    []int32              // stack of field offsets of the objects that are open
	first  [160]int32           // its first memory
	frames [maxDepth + 1]object // by depth: the objects that are open
}

// object is an object of the input with the places of its fields.
type object struct {
	def   *def
	ofs   []int32 // field i is in[ofs[i]:ofs[i+1]], empty when it is not there
	words [maxWords]uint32
}

// has reports whether field i is there.
func (o *object) has(i int) bool {
	f := &o.def.fields[i]
	return !f.optional() || o.words[f.word]>>uint(f.bit)&1 != 0
}

// advance passes n bytes.
func (t *tr) advance(n int) error {
	if n > len(t.in)-t.pos {
		return ErrTruncated
	}
	t.pos += n
	return nil
}

// uint32 reads 4 bytes.
func (t *tr) uint32() (uint32, error) {
	if len(t.in)-t.pos < 4 {
		return 0, ErrTruncated
	}
	v := binary.LittleEndian.Uint32(t.in[t.pos:])
	t.pos += 4
	return v, nil
}

// text passes a string and returns its content.
func (t *tr) text() ([]byte, error) {
	if t.pos >= len(t.in) {
		return nil, ErrTruncated
	}
	n, head := int(t.in[t.pos]), 1
	if n == 254 {
		if len(t.in)-t.pos < 4 {
			return nil, ErrTruncated
		}
		n, head = int(binary.LittleEndian.Uint32(t.in[t.pos:])>>8), 4
	} else if n == 255 {
		return nil, ErrTooBig
	}
	start := t.pos + head
	if err := t.advance((head + n + 3) &^ 3); err != nil {
		return nil, err
	}
	return t.in[start : start+n], nil
}

// vector reads the head of a vector and returns its count, which the bytes that
// are left can hold: no element is shorter than 4 bytes.
func (t *tr) vector() (int, error) {
	id, err := t.uint32()
	if err != nil {
		return 0, err
	}
	if id != vectorID {
		return 0, &UnknownError{id}
	}
	n, err := t.uint32()
	if err != nil {
		return 0, err
	}
	if uint64(n)*4 > uint64(len(t.in)-t.pos) {
		return 0, ErrTruncated
	}
	return int(n), nil
}

// walk passes a value of a type.
func (t *tr) walk(ty *typ) error {
	switch ty.shape {
	case shapeString:
		_, err := t.text()
		return err
	case shapeVector:
		n, err := t.vector()
		if err != nil {
			return err
		}
		if ty.elem.shape < shapeString {
			return t.advance(n * width[ty.elem.shape])
		}
		for range n {
			if err := t.walk(ty.elem); err != nil {
				return err
			}
		}
		return nil
	case shapeClass:
		d, err := t.open(ty)
		if err != nil {
			return err
		}
		err = t.walkFields(d)
		t.depth--
		return err
	default:
		return t.advance(width[ty.shape])
	}
}

// open reads the id of an object of class ty and goes one level down; the
// caller goes up again.
func (t *tr) open(ty *typ) (*def, error) {
	id, err := t.uint32()
	if err != nil {
		return nil, err
	}
	d := t.s.byLayer(id, t.src, t.up)
	if d == nil || d.result != ty || d.method {
		return nil, &UnknownError{id}
	}
	if t.depth++; t.depth > maxDepth {
		return nil, ErrTooDeep
	}
	return d, nil
}

// walkFields passes the fields of an object.
func (t *tr) walkFields(d *def) error {
	var words [maxWords]uint32
	for i := range d.fields {
		f := &d.fields[i]
		if f.typ.shape == shapeFlags {
			w, err := t.uint32()
			if err != nil {
				return err
			}
			words[f.word] = w
			continue
		}
		if f.word >= 0 && words[f.word]>>uint(f.bit)&1 == 0 {
			continue
		}
		if err := t.walk(f.typ); err != nil {
			return err
		}
	}
	return nil
}

// enter opens the object of class ty at t.pos and notes where its fields are.
// leave must follow.
func (t *tr) enter(ty *typ) (*object, error) {
	d, err := t.open(ty)
	if err != nil {
		return nil, err
	}
	return t.index(d)
}

// index passes the fields of an object and notes where they are.
func (t *tr) index(d *def) (*object, error) {
	o := &t.frames[t.depth]
	o.def, o.words = d, [maxWords]uint32{}
	n := len(t.ofs)
	for range len(d.fields) + 1 {
		t.ofs = append(t.ofs, 0)
	}
	o.ofs = t.ofs[n:len(t.ofs):len(t.ofs)]
	for i := range d.fields {
		f := &d.fields[i]
		o.ofs[i] = int32(t.pos)
		if f.typ.shape == shapeFlags {
			w, err := t.uint32()
			if err != nil {
				return nil, err
			}
			o.words[f.word] = w
			continue
		}
		if !o.has(i) {
			continue
		}
		if err := t.walk(f.typ); err != nil {
			return nil, err
		}
	}
	o.ofs[len(d.fields)] = int32(t.pos)
	return o, nil
}

// leave ends what enter began.
func (t *tr) leave(o *object) {
	t.ofs = t.ofs[:len(t.ofs)-len(o.ofs)]
	t.depth--
}

// lost notes that a constructor cannot be expressed.
func (t *tr) lost(id uint32) error {
	t.lostID = id
	return errLost
}

// putUint32 appends 4 bytes.
func (t *tr) putUint32(v uint32) { t.out = binary.LittleEndian.AppendUint32(t.out, v) }

// putUint64 appends 8 bytes.
func (t *tr) putUint64(v uint64) { t.out = binary.LittleEndian.AppendUint64(t.out, v) }

// putText appends a string.
func (t *tr) putText(s []byte) { t.out = appendText(t.out, s) }

// appendText appends a string as the wire has it: length, content, padding.
func appendText(b, s []byte) []byte {
	start := len(b)
	if len(s) < 254 {
		b = append(b, byte(len(s)))
	} else {
		b = append(b, 254, byte(len(s)), byte(len(s)>>8), byte(len(s)>>16))
	}
	b = append(b, s...)
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
