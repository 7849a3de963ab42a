package api

import (
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// results reads the schema: the class of what each method answers, and of each constructor.
func results(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../tl/transcode/schema_gen.tl")
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, "#")
		if _, rest, ok := strings.Cut(line, " = "); ok {
			class, spans, _ := strings.Cut(rest, ";")
			if strings.Contains(spans, "-228") {
				classes[name] = class
			}
		}
	}
	return classes
}

// fill gives a query's fields the first values that their types allow.
func fill(t *testing.T, query reflect.Value) {
	t.Helper()
	all := tg.TypesConstructorMap()
	for i := range query.NumField() {
		f := query.Field(i)
		if f.Kind() != reflect.Interface {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			o := all[id]()
			if reflect.TypeOf(o).Implements(f.Type()) && o.Encode(new(bin.Buffer)) == nil {
				f.Set(reflect.ValueOf(o))
				break
			}
		}
	}
}

// TestEmpty calls every method whose answer is always empty: the answer is of the class that the
// schema says.
func TestEmpty(t *testing.T) {
	methods := nothing(func() time.Time { return time.Unix(1_800_000_000, 0) })
	table, err := rpc.NewTable(methods, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	all, names, classes := tg.TypesConstructorMap(), tg.TypesMap(), results(t)
	for _, m := range methods {
		query := all[m.ID]()
		fill(t, reflect.ValueOf(query).Elem())
		var b, out bin.Buffer
		if err := query.Encode(&b); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		answer, err := table.Call(t.Context(), &rpc.Caller{Account: 7}, b.Buf)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if err := answer.Encode(&out); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		id, err := out.PeekID()
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		name, _, _ := strings.Cut(names[id], "#")
		got, want := classes[name], classes[m.Name]
		if id == bin.TypeVector {
			got, want = "Vector", want[:min(len(want), len("Vector"))]
		}
		if got == "" || got != want {
			t.Errorf("%s answers %s, of %q and not %q", m.Name, name, got, want)
		}
	}
}
