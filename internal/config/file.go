package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// DefaultFile is read from the working directory when no other file is named; it may be absent.
const DefaultFile = "chappe.toml"

// File holds the options that a configuration file sets, as text, by flag.
type File map[string]string

// ReadFile reads a configuration file. An unknown key, a wrong type or a broken line gives an
// error that begins with the file and the line. The default file may be absent, others may not;
// the empty path stands for no file.
func ReadFile(path string) (File, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && path == DefaultFile {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	f, err := parse(string(text))
	var at toml.ParseError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s:%d: %s", path, at.Position.Line, at.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Resolver gives the file's values to a command line parser, for flags that neither the command
// line nor the environment sets.
func (f File) Resolver() kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		if value, set := f[flag.Name]; set {
			return value, nil
		}
		return nil, nil
	})
}

// parse reads the text of a file: keys at the top level and in one level of tables.
func parse(text string) (File, error) {
	var top map[string]toml.Primitive
	meta, err := toml.Decode(text, &top)
	if err != nil {
		return nil, err
	}
	p := parser{meta: meta, top: top, known: map[string]Option{}, file: File{}}
	tables := map[string]bool{}
	for _, o := range Options() {
		p.known[o.Path()] = o
		tables[o.Table] = true
	}
	for _, key := range meta.Keys() {
		switch {
		case len(key) == 1 && !tables[key[0]]:
			err = p.set("", key[0], top[key[0]])
		case len(key) == 1:
			_, err = p.table(key[0])
		case len(key) == 2 && tables[key[0]]:
			var inner map[string]toml.Primitive
			if inner, err = p.table(key[0]); err == nil {
				err = p.set(key[0], key[1], inner[key[1]])
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return p.file, nil
}

type parser struct {
	meta  toml.MetaData
	top   map[string]toml.Primitive
	known map[string]Option // by path
	file  File
}

// table returns the keys of one table.
func (p *parser) table(name string) (inner map[string]toml.Primitive, err error) {
	if p.meta.Type(name) != "" && p.meta.Type(name) != "Hash" { // "": a dotted key made it
		return nil, p.meta.PrimitiveDecode(p.top[name], &value{kind: "table"})
	}
	err = p.meta.PrimitiveDecode(p.top[name], &inner)
	return inner, err
}

// set takes one key over into the file.
func (p *parser) set(table, key string, raw toml.Primitive) error {
	path := Option{Table: table, Key: key}.Path()
	o, known := p.known[path]
	v := value{kind: kindOf(o)}
	if !known {
		v.refuse = fmt.Errorf("unknown key %q%s", path, p.hint(path))
	}
	if err := p.meta.PrimitiveDecode(raw, &v); err != nil {
		return err
	}
	p.file[o.Flag] = v.text
	return nil
}

// hint names the known key nearest to a path, if one is near.
func (p *parser) hint(path string) string {
	var paths []string
	for _, o := range Options() {
		paths = append(paths, o.Path(), o.Table)
	}
	if near := Nearest(path, paths); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

// value takes one TOML value as text. It is a decoder of its own because only a decoder's error
// is told with its line.
type value struct {
	kind   string
	refuse error // why the key is not taken at all
	text   string
}

// UnmarshalTOML implements [toml.Unmarshaler].
func (v *value) UnmarshalTOML(data any) error {
	if v.refuse != nil {
		return v.refuse
	}
	switch d := data.(type) {
	case string:
		v.text = d
		return v.want("string", "time")
	case int64:
		v.text = strconv.FormatInt(d, 10)
		return v.want("number")
	case bool:
		v.text = strconv.FormatBool(d)
		return v.want("true or false")
	case []any:
		texts := make([]string, len(d))
		for i, e := range d {
			s, ok := e.(string)
			if !ok || strings.Contains(s, ",") {
				return errors.New("want a list of strings without commas")
			}
			texts[i] = s
		}
		v.text = strings.Join(texts, ",")
		return v.want("list of strings")
	}
	return fmt.Errorf("want a %s", v.kind)
}

func (v *value) want(kinds ...string) error {
	for _, k := range kinds {
		if k == v.kind {
			return nil
		}
	}
	return fmt.Errorf("want a %s", v.kind)
}
