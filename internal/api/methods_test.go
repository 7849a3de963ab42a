package api

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/docs"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

var update = flag.Bool("update", false, "write docs/methods.txt anew")

const file = "../../docs/methods.txt"

// wrappers are the methods around queries that package session takes off.
var wrappers = []string{
	"initConnection", "invokeAfterMsg", "invokeAfterMsgs", "invokeWithLayer", "invokeWithMessagesRange",
	"invokeWithTakeout", "invokeWithoutUpdates",
}

// emptyElsewhere are empty answers that take more than their query to make.
var emptyElsewhere = []string{"messages.getPinnedDialogs", "messages.getWebPagePreview"}

// layer returns the names of the layer's methods. In package tg the types of methods are those named
// …Request that belong to no class.
func layer(t *testing.T) []string {
	t.Helper()
	inClass := map[uint32]bool{}
	for _, ids := range tg.ClassConstructorsMap() {
		for _, id := range ids {
			inClass[id] = true
		}
	}
	var names []string
	for id, make := range tg.TypesConstructorMap() {
		o := make()
		named, ok := o.(interface{ TypeName() string })
		if !ok || inClass[id] || !strings.HasSuffix(reflect.TypeOf(o).Elem().Name(), "Request") {
			continue
		}
		if name := named.TypeName(); !strings.HasPrefix(name, "test.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// statuses returns what the method table says of each method it has a handler for.
func statuses(t *testing.T) map[string]status {
	t.Helper()
	is := map[string]status{}
	add := func(s status, methods []*rpc.Method) {
		for _, m := range methods {
			if old, twice := is[m.Name]; twice {
				t.Errorf("%s is %s and %s", m.Name, old, s)
			}
			is[m.Name] = s
		}
	}
	add(done, answered(Deps{}))
	add(empty, nothing(time.Now))
	for _, name := range wrappers {
		is[name] = done
	}
	for _, name := range emptyElsewhere {
		is[name] = empty
	}
	return is
}

// TestList holds docs/methods.txt to the layer and to the method table.
func TestList(t *testing.T) {
	is := statuses(t)
	if *update {
		write(t, is)
	}
	list := read(t)
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.name
		want, handled := is[r.name]
		if !handled {
			want = refused
		}
		if r.status != want {
			t.Errorf("%s is %s, the list says %s", r.name, want, r.status)
		}
		if r.status != done && r.reason == "" {
			t.Errorf("%s is %s for no reason", r.name, r.status)
		}
	}
	if !slices.Equal(names, layer(t)) {
		t.Error("the list does not have every method of the layer once, in the order of names")
	}
	t.Logf("%d methods: %s", len(list), count(list))
}

// TestTable makes the whole method table: every method of the layer has one line.
func TestTable(t *testing.T) {
	methods, err := Methods(Deps{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	table, err := rpc.NewTable(methods, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ids := tg.NamesMap()
	for _, name := range layer(t) {
		if m := table.Lookup(ids[name]); (m == nil || m.Name != name) && !slices.Contains(wrappers, name) {
			t.Errorf("%s has no line", name)
		}
	}
	query := binary.LittleEndian.AppendUint32(nil, tg.MessagesSendMediaRequestTypeID)
	if _, err := table.Call(t.Context(), &rpc.Caller{}, query); !errors.Is(err, fault.MethodInvalid) {
		t.Errorf("a refused method: %v", err)
	}
}

func TestBadList(t *testing.T) {
	for _, text := range []string{"help.getConfig\n", "help.getNothing refused none\n"} {
		if _, err := refusals(text); err == nil {
			t.Errorf("accepted %q", text)
		}
	}
}

func count(list []row) string {
	n := map[status]int{}
	for _, r := range list {
		n[r.status]++
	}
	return fmt.Sprintf("%d done, %d empty, %d refused", n[done], n[empty], n[refused])
}

// read returns the list on disk: what is embedded may be older than what was just written.
func read(t *testing.T) []row {
	t.Helper()
	text := docs.Methods
	if *update {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	list, err := rows(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// write writes the list anew; reasons stay where the status does.
func write(t *testing.T, is map[string]status) {
	t.Helper()
	old := map[string]row{}
	for _, r := range read(t) {
		old[r.name] = r
	}
	all := map[string]row{}
	for _, name := range layer(t) {
		r := row{name: name, status: refused}
		if s, ok := is[name]; ok {
			r.status = s
		}
		if old[name].status == r.status {
			r.reason = old[name].reason
		}
		all[name] = r
	}
	var b strings.Builder
	for line := range strings.Lines(docs.Methods) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(line)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-48s %-8s %s", r.name, r.status, r.reason), " ") + "\n")
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
