package transcode

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run github.com/chappe-im/chappe/cmd/tlgen schema -o schema_gen.tl

//go:embed schema_gen.tl
var schemaText string

// shape is how a value looks on the wire (core.telegram.org/mtproto/serialize).
type shape uint8

const (
	shapeFlags  shape = iota // #: a word of flag bits, 4 bytes
	shapeTrue                // flags.N?true: no bytes, only its flag bit
	shapeInt                 // 4 bytes
	shapeBool                // boolTrue or boolFalse, 4 bytes
	shapeLong                // 8 bytes
	shapeDouble              // 8 bytes
	shapeInt128              // 16 bytes
	shapeInt256              // 32 bytes
	shapeString              // string or bytes: length, content, padding to 4
	shapeVector              // boxed vector: id, count, elements
	shapeClass               // boxed object of a class
)

// width is the size of shapes that always have the same, in bytes.
var width = [...]int{
	shapeFlags: 4, shapeTrue: 0, shapeInt: 4, shapeBool: 4, shapeLong: 8,
	shapeDouble: 8, shapeInt128: 16, shapeInt256: 32,
}

// builtin are the types that are not classes.
var builtin = map[string]shape{
	"#": shapeFlags, "true": shapeTrue, "int": shapeInt, "Bool": shapeBool, "long": shapeLong,
	"double": shapeDouble, "int128": shapeInt128, "int256": shapeInt256,
	"string": shapeString, "bytes": shapeString,
}

// typ is a type. Types are interned: equal types have equal pointers, and
// string and bytes are one type, for they look alike.
type typ struct {
	name  string
	shape shape
	elem  *typ  // of a vector
	class int32 // of a class: its index in schema.classes
}

// field is one field of a definition.
type field struct {
	name string
	typ  *typ
	// word and bit tell the flag that says whether the field is there; word
	// counts the flags fields of the definition. -1 is always there. For a
	// flags field, word is its own number.
	word, bit int8
}

// optional reports whether a flag says if the field is there.
func (f *field) optional() bool { return f.word >= 0 && f.typ.shape != shapeFlags }

// layerSet is a set of layers; bit n stands for layer oldest+n.
type layerSet [2]uint64

func (s layerSet) has(layer int) bool {
	n := uint(layer - oldest)
	return n < 128 && s[n/64]>>(n%64)&1 != 0
}

func (s *layerSet) add(layer int) {
	n := uint(layer - oldest)
	s[n/64] |= 1 << (n % 64)
}

// def is one distinct constructor or method.
type def struct {
	index  int
	id     uint32
	name   string
	method bool
	fields []field
	result *typ
	layers layerSet
	// sameID is another definition with this id: ?true flags do not change it.
	sameID *def
}

// find returns the index of a field, -1 when there is none.
func (d *def) find(name string) int {
	for i := range d.fields {
		if d.fields[i].name == name {
			return i
		}
	}
	return -1
}

// schema holds the definitions of all layers.
type schema struct {
	layers  []int
	defs    []*def
	byID    map[uint32]*def
	types   map[string]*def // constructors by name, latest first
	methods map[string]*def // methods by name

	next    map[*def]*def   // the next definition of that name
	classes [][]*def        // constructors of each class, all layers
	typs    map[string]*typ // interned types
}

// load parses the embedded schema once, when the first client of another layer
// comes: about 5 ms.
var load = sync.OnceValue(func() *schema {
	s, err := parse(schemaText)
	if err != nil {
		panic(err) // the text is part of the program
	}
	return s
})

// parse reads the format that tlgen schema writes.
func parse(text string) (*schema, error) {
	s := &schema{
		byID: make(map[uint32]*def, 4096), types: make(map[string]*def, 2048), methods: make(map[string]*def, 1024),
		next: map[*def]*def{}, typs: map[string]*typ{},
	}
	s.intern("Vector<long>")
	method := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "// layers "):
			for _, word := range strings.Fields(line[len("// layers "):]) {
				layer, err := strconv.Atoi(word)
				if err != nil {
					return nil, err
				}
				s.layers = append(s.layers, layer)
			}
		case strings.HasPrefix(line, "//"):
		case line == "---functions---":
			method = true
		default:
			if err := s.parseDef(line, method); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
		}
	}
	return s, nil
}

// parseDef reads "name#id field:type … = Type;152-170 181-228".
func (s *schema) parseDef(line string, method bool) error {
	text, spans, _ := strings.Cut(line, ";")
	left, result, ok := strings.Cut(text, " = ")
	if !ok {
		return fmt.Errorf("no result type")
	}
	head, args, _ := strings.Cut(left, " ")
	name, hex, _ := strings.Cut(head, "#")
	id, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return err
	}
	d := &def{index: len(s.defs), id: uint32(id), name: name, method: method, result: s.intern(result)}
	if d.fields, err = s.parseFields(args); err != nil {
		return err
	}
	for span := range strings.FieldsSeq(spans) {
		from, to, _ := strings.Cut(span, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return err
		}
		last, err := strconv.Atoi(to)
		if err != nil {
			return err
		}
		for layer := first; layer <= last; layer++ {
			d.layers.add(layer)
		}
	}
	s.addDef(d)
	return nil
}

// addDef puts a definition into the indexes.
func (s *schema) addDef(d *def) {
	s.defs = append(s.defs, d)
	d.sameID = s.byID[d.id]
	s.byID[d.id] = d
	names := s.types
	if d.method {
		names = s.methods
	} else if d.result.shape == shapeClass {
		s.classes[d.result.class] = append(s.classes[d.result.class], d)
	}
	if older := names[d.name]; older != nil {
		s.next[d] = older
	}
	names[d.name] = d
}

// parseFields reads "name:type name:flags.N?type …".
func (s *schema) parseFields(args string) ([]field, error) {
	list := make([]field, 0, strings.Count(args, ":"))
	var words []string
	for arg := range strings.FieldsSeq(args) {
		name, text, ok := strings.Cut(arg, ":")
		if !ok {
			return nil, fmt.Errorf("bad field %q", arg)
		}
		f := field{name: name, word: -1}
		if flag, inner, ok := strings.Cut(text, "?"); ok {
			word, bit, _ := strings.Cut(flag, ".")
			n, err := strconv.Atoi(bit)
			if err != nil || n > 31 {
				return nil, fmt.Errorf("bad flag %q", arg)
			}
			f.word, f.bit, text = index(words, word), int8(n), inner
			if f.word < 0 {
				return nil, fmt.Errorf("flag before its word in %q", arg)
			}
		}
		f.typ = s.intern(text)
		if f.typ.shape == shapeFlags {
			f.word = int8(len(words))
			words = append(words, name)
		}
		list = append(list, f)
	}
	if len(words) > maxWords {
		return nil, fmt.Errorf("%d words of flags", len(words))
	}
	return list, nil
}

// index returns the place of word in list, -1 when it is not there.
func index(list []string, word string) int8 {
	for i, w := range list {
		if w == word {
			return int8(i)
		}
	}
	return -1
}

// intern returns the one typ of that name.
func (s *schema) intern(name string) *typ {
	if name == "bytes" {
		name = "string"
	}
	if t := s.typs[name]; t != nil {
		return t
	}
	t := &typ{name: name, shape: shapeClass}
	if sh, ok := builtin[name]; ok {
		t.shape = sh
	} else if inner, ok := strings.CutPrefix(name, "Vector<"); ok {
		t.shape, t.elem = shapeVector, s.intern(strings.TrimSuffix(inner, ">"))
	} else {
		t.class = int32(len(s.classes))
		s.classes = append(s.classes, nil)
	}
	s.typs[name] = t
	return t
}

// in returns the definition of that name in a layer, nil when it has none.
func (s *schema) in(layer int, name string, method bool) *def {
	d := s.types[name]
	if method {
		d = s.methods[name]
	}
	for d != nil && !d.layers.has(layer) {
		d = s.next[d]
	}
	return d
}

// byLayer returns what id means to a layer: its own definition, else, when any
// is set, the newest of another layer.
func (s *schema) byLayer(id uint32, layer int, any bool) *def {
	first := s.byID[id]
	for d := first; d != nil; d = d.sameID {
		if d.layers.has(layer) {
			return d
		}
	}
	if any {
		return first
	}
	return nil
}
