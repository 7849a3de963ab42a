package transcode

import (
	"encoding/binary"
	"math"
	"strconv"
)

// conv returns how a value of type src becomes one of type dst; nil copies.
// It is false when there is no way.
func (p *pair) conv(src, dst *typ) (conv, bool) {
	key := src.name + ">" + dst.name
	switch {
	case src == dst:
		return p.sameConv(src)
	case plainConvs[key] != nil:
		return plainConvs[key], true
	case src.shape == shapeClass && chosen[key] != nil:
		return choiceConv(src, chosen[key]), true
	case src.shape == shapeClass && len(parts[key]) > 0:
		return p.partConv(src, dst, parts[key]), true
	case src.shape == shapeVector && dst.shape == shapeVector:
		c, ok := p.conv(src.elem, dst.elem)
		if !ok {
			return nil, false
		}
		return vectorConv(src.elem, c, zeroElements[src.elem.name+">"+dst.elem.name]), true
	case dst.shape == shapeVector:
		c, ok := p.conv(src, dst.elem)
		return func(t *tr) error {
			t.putUint32(vectorID)
			t.putUint32(1)
			return t.convert(c, src)
		}, ok
	case src.shape == shapeVector:
		c, ok := p.conv(src.elem, dst)
		return firstConv(src, c), ok
	case src.shape != shapeClass && wrappers[key] != "":
		return p.wrapConv(src, dst, wrappers[key])
	case src.shape == shapeClass && dst.shape == shapeClass:
		return p.classConv(src, dst)
	}
	return nil, false
}

// sameConv is conv for one type: a copy where nothing below it differs.
func (p *pair) sameConv(ty *typ) (conv, bool) {
	switch {
	case ty.shape == shapeVector:
		c, _ := p.sameConv(ty.elem)
		if c == nil {
			return nil, true
		}
		return vectorConv(ty.elem, c, nil), true
	case ty.shape == shapeClass && !p.same[ty.class]:
		return func(t *tr) error { return t.class(ty, t.plan) }, true
	}
	return nil, true
}

// vectorConv translates the elements of a vector. One that is lost is dropped,
// or replaced by zero where the place of an element has a meaning.
func vectorConv(elem *typ, c conv, zero []byte) conv {
	return func(t *tr) error {
		n, err := t.vector()
		if err != nil {
			return err
		}
		t.putUint32(vectorID)
		at, kept := len(t.out), 0
		t.putUint32(0)
		for range n {
			mark := len(t.out)
			err := t.convert(c, elem)
			switch {
			case err == nil:
				kept++
			case err != errLost || t.up:
				return err
			default:
				t.out = append(t.out[:mark], zero...)
				if zero != nil {
					kept++
				}
			}
			if len(t.out) > t.limit {
				return ErrTooBig
			}
		}
		binary.LittleEndian.PutUint32(t.out[at:], uint32(kept))
		return nil
	}
}

// firstConv takes the first element of a vector.
func firstConv(vector *typ, c conv) conv {
	return func(t *tr) error {
		start := t.pos
		if err := t.walk(vector); err != nil {
			return err
		}
		end := t.pos
		t.pos = start
		n, err := t.vector()
		if err == nil && n == 0 {
			err = t.lost(vectorID)
		}
		if err == nil {
			err = t.convert(c, vector.elem)
		}
		t.pos = end
		return err
	}
}

// classConv translates a class into another, by constructors that mean the
// same.
func (p *pair) classConv(src, dst *typ) (conv, bool) {
	plans := map[*def]*plan{}
	for _, d := range p.s.classes[src.class] {
		if d.layers.has(p.src) {
			if pl := p.compile(d, dst); pl.dst != nil {
				plans[d] = pl
			}
		}
	}
	if len(plans) == 0 {
		return nil, false
	}
	return func(t *tr) error {
		return t.class(src, func(d *def) *plan {
			if pl := plans[d]; pl != nil {
				return pl
			}
			return &plan{}
		})
	}, true
}

// choiceConv turns an object into a Bool: whether its constructor is yes.
func choiceConv(src *typ, yes map[string]bool) conv {
	return func(t *tr) error {
		start := t.pos
		d, err := t.open(src)
		if err != nil {
			return err
		}
		t.depth--
		t.pos = start
		if err := t.walk(src); err != nil {
			return err
		}
		t.putBool(yes[d.name])
		return nil
	}
}

// partConv takes the first of the named fields that an object has.
func (p *pair) partConv(src, dst *typ, names []string) conv {
	type part struct {
		field int
		conv  conv
	}
	found := map[*def]part{}
	for _, d := range p.s.classes[src.class] {
		for _, name := range names {
			i := d.find(name)
			if i < 0 || found[d].conv != nil {
				continue
			}
			if c, ok := p.conv(d.fields[i].typ, dst); ok {
				found[d] = part{i, c}
				break
			}
		}
	}
	return func(t *tr) error {
		o, err := t.enter(src)
		if err != nil {
			return err
		}
		end := t.pos
		if f, ok := found[o.def]; !ok || !o.has(f.field) {
			err = t.lost(o.def.id)
		} else {
			t.pos = int(o.ofs[f.field])
			err = t.convert(f.conv, o.def.fields[f.field].typ)
		}
		t.pos = end
		t.leave(o)
		return err
	}
}

// wrapConv puts a value into the named field of an object; its other fields are
// empty. where is "constructor.field".
func (p *pair) wrapConv(src, dst *typ, where string) (conv, bool) {
	before, after, ok := p.wrapping(src, dst, where)
	if !ok {
		return nil, false
	}
	return func(t *tr) error {
		t.out = append(t.out, before...)
		if err := t.convert(nil, src); err != nil {
			return err
		}
		t.out = append(t.out, after...)
		return nil
	}, true
}

// wrapping returns the bytes of an object before and after one of its fields.
func (p *pair) wrapping(src, dst *typ, where string) (before, after []byte, ok bool) {
	name, inside := splitName(where)
	d := p.s.in(p.dst, name, false)
	if d == nil || d.result != dst {
		return nil, nil, false
	}
	at := d.find(inside)
	if at < 0 || d.fields[at].typ != src {
		return nil, nil, false
	}
	before = binary.LittleEndian.AppendUint32(nil, d.id)
	b := &before
	for i := range d.fields {
		f := &d.fields[i]
		switch {
		case i == at:
			b = &after
		case f.typ.shape == shapeFlags && d.fields[at].optional() && d.fields[at].word == f.word:
			*b = binary.LittleEndian.AppendUint32(*b, 1<<uint(d.fields[at].bit))
		case !f.optional():
			value, ok := p.empty(f.typ, 0)
			if !ok {
				return nil, nil, false
			}
			*b = append(*b, value...)
		}
	}
	return before, after, true
}

// splitName splits "messages.sendMedia.peer" before the last dot.
func splitName(key string) (definition, field string) {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '.' {
			return key[:i], key[i+1:]
		}
	}
	return key, ""
}

// Ids of paidReactionPrivacyAnonymous and paidReactionPrivacyDefault.
const (
	paidReactionAnonymous = 0x1f0c1ad9
	paidReactionDefault   = 0x206ad49e
)

// plainConvs are conversions between types without parts.
var plainConvs = map[string]conv{
	"int>double": func(t *tr) error {
		v, err := t.uint32()
		t.putUint64(math.Float64bits(float64(int32(v))))
		return err
	},
	"double>int": func(t *tr) error {
		low, err := t.uint32()
		if err != nil {
			return err
		}
		high, err := t.uint32()
		v := math.Float64frombits(uint64(high)<<32 | uint64(low))
		t.putUint32(uint32(int32(min(max(math.Round(v), 0), math.MaxInt32))))
		return err
	},
	"string>int": func(t *tr) error {
		s, err := t.text()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(s), 10, 32)
		if err != nil {
			return t.lost(0)
		}
		t.putUint32(uint32(int32(n)))
		return nil
	},
	"Bool>PaidReactionPrivacy": func(t *tr) error {
		v, err := t.uint32()
		if v == trueID {
			t.putUint32(paidReactionAnonymous)
		} else {
			t.putUint32(paidReactionDefault)
		}
		return err
	},
	"int>string": func(t *tr) error {
		v, err := t.uint32()
		t.putText(strconv.AppendInt(nil, int64(int32(v)), 10))
		return err
	},
}

// fieldConvs are conversions of one field, keyed as formerFields, from a field
// of another name.
var fieldConvs = map[string]conv{
	"messageActionGiftCode.months":         daysToMonths,
	"messageActionGiftPremium.months":      daysToMonths,
	"payments.checkedGiftCode.months":      daysToMonths,
	"updateChannelPinnedTopic.channel_id":  idOf("peerChannel"),
	"updateChannelPinnedTopics.channel_id": idOf("peerChannel"),
	"updateGroupCall.chat_id":              idOf("peerChat"),
}

// daysToMonths turns the days of a subscription into months of 30 days.
func daysToMonths(t *tr) error {
	days, err := t.uint32()
	t.putUint32(days / 30)
	return err
}

// idOf takes the id of a Peer of one kind.
func idOf(kind string) conv {
	return func(t *tr) error {
		id, err := t.uint32()
		if err != nil {
			return err
		}
		start := t.pos
		if err := t.advance(8); err != nil {
			return err
		}
		if d := t.s.byLayer(id, t.src, false); d == nil || d.name != kind {
			return t.lost(id)
		}
		t.out = append(t.out, t.in[start:t.pos]...)
		return nil
	}
}
