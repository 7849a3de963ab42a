package transcode

import "encoding/binary"

// convert translates the value of a type at t.pos; a nil conv copies it.
func (t *tr) convert(c conv, ty *typ) error {
	if c != nil {
		return c(t)
	}
	start := t.pos
	if err := t.walk(ty); err != nil {
		return err
	}
	t.out = append(t.out, t.in[start:t.pos]...)
	return nil
}

// method translates the query that t holds.
func (t *tr) method() error {
	id, err := t.uint32()
	if err != nil {
		return err
	}
	d := t.s.byLayer(id, t.src, t.up)
	if d == nil || !d.method {
		return &UnknownError{id}
	}
	o, err := t.index(d)
	if err != nil {
		return err
	}
	end := t.pos
	err = t.emit(t.plan(d), o)
	t.pos = end
	return err
}

// class translates the object of class ty at t.pos by the plan of its
// definition, or by what stands in for the class.
func (t *tr) class(ty *typ, planOf func(*def) *plan) error {
	o, err := t.enter(ty)
	if err != nil {
		return err
	}
	end, mark := t.pos, len(t.out)
	err = t.emit(planOf(o.def), o)
	if err == errLost && !t.up {
		t.out = t.out[:mark]
		if stand, ok := standIns[ty.name]; ok {
			if err = stand(t, o); err == errLost {
				t.out = t.out[:mark]
			}
		}
	}
	t.pos = end
	t.leave(o)
	return err
}

// emit writes an object by a plan.
func (t *tr) emit(pl *plan, o *object) error {
	if pl.dst == nil || anyOf(o, pl.left) {
		return t.lost(o.def.id)
	}
	if len(t.out) > t.limit {
		return ErrTooBig
	}
	t.putUint32(pl.dst.id)
	var words [maxWords]uint32
	var at [maxWords]int
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.f.typ.shape == shapeFlags {
			at[s.f.word] = len(t.out)
			t.putUint32(0)
			continue
		}
		there, err := t.field(s, o)
		if err != nil {
			return err
		}
		if there && s.f.word >= 0 {
			words[s.f.word] |= 1 << uint(s.f.bit)
		}
	}
	for i, a := range at {
		if a > 0 {
			binary.LittleEndian.PutUint32(t.out[a:], words[i])
		}
	}
	return nil
}

// field writes one field and reports whether its flag is to be set.
func (t *tr) field(s *step, o *object) (bool, error) {
	if s.f.typ.shape == shapeTrue {
		return s.group == nil && s.src >= 0 && t.truth(s, o), nil
	}
	if !s.f.optional() {
		there, err := t.value(s, o)
		if err == errLost && !t.up || err == nil && !there {
			return true, t.remainder(s, o)
		}
		return true, err
	}
	if s.group != nil && !anyOf(o, s.group) {
		return false, nil
	}
	there, err := t.value(s, o)
	if err == errLost && !t.up {
		there, err = false, nil
	}
	if err == nil && !there && s.group != nil {
		return true, t.remainder(s, o)
	}
	return there, err
}

// value writes the value of a field and reports whether there is one. When it
// is lost, what was written of it is taken back.
func (t *tr) value(s *step, o *object) (bool, error) {
	mark := len(t.out)
	if s.make != nil {
		there, err := s.make(t, o)
		if err != nil || !there {
			t.out = t.out[:mark]
		}
		return there, err
	}
	if s.src < 0 {
		return false, nil
	}
	if o.def.fields[s.src].typ.shape == shapeTrue {
		t.putBool(o.has(s.src))
		return true, nil
	}
	if !o.has(s.src) {
		return false, nil
	}
	if s.conv == nil {
		t.out = append(t.out, t.in[o.ofs[s.src]:o.ofs[s.src+1]]...)
		return true, nil
	}
	t.pos = int(o.ofs[s.src])
	err := s.conv(t)
	if err != nil {
		t.out = t.out[:mark]
	}
	return true, err
}

// remainder writes what a field has when there is no value.
func (t *tr) remainder(s *step, o *object) error {
	if s.must {
		return t.lost(o.def.id)
	}
	t.out = append(t.out, s.rest...)
	return nil
}

// truth reads a flag without value, which may be a Bool in the source.
func (t *tr) truth(s *step, o *object) bool {
	if !o.has(s.src) || o.def.fields[s.src].typ.shape == shapeTrue {
		return o.has(s.src)
	}
	return binary.LittleEndian.Uint32(t.in[o.ofs[s.src]:]) == trueID
}

// anyOf reports whether one of the fields is there.
func anyOf(o *object, fields []int) bool {
	for _, i := range fields {
		if o.has(i) {
			return true
		}
	}
	return false
}

// putBool appends a Bool.
func (t *tr) putBool(v bool) {
	if v {
		t.putUint32(trueID)
	} else {
		t.putUint32(falseID)
	}
}
