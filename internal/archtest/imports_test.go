package archtest

import (
	"strings"
	"testing"
)

// rule forbids packages to import others, through however many packages in between. Tests may
// import what they like.
type rule struct {
	who  []string // folders that the rule binds, with what is inside; "*" is the whole module
	but  []string // except these
	not  []string // what they must not import
	save []string // except these
	why  string
}

const gotd = "github.com/gotd/td/"

var rules = []rule{
	{
		who: []string{"*"}, but: []string{"cmd", "bench", "internal/app"},
		not: []string{"internal/app"},
		why: "app wires everything; who imports it imports the whole server and makes a circle of the pipe",
	},
	{
		who: []string{"*"}, but: []string{"cmd", "bench", "internal/app", "internal/config"},
		not: []string{"internal/config"},
		why: "packages take the few values they need, so that a test builds them without the settings of a server",
	},
	{
		who: []string{"client"},
		not: []string{"internal"},
		why: "our client is an ordinary client: what it needs of the server, nobody else's could have",
	},
	{
		who: []string{"internal"},
		not: []string{"client"},
		why: "the server must not be able to read a secret chat, so it doesn't hold the code that could",
	},
	{
		who: []string{"internal/core"},
		not: []string{gotd + "tg", gotd + "mt", gotd + "bin", "internal/tl"},
		why: "core holds rules and rights in plain structs; a new layer of the protocol must not touch them",
	},
	{
		who: []string{"internal/core"},
		not: []string{
			"internal/api", "internal/rpc", "internal/session", "internal/wire", "internal/handshake",
			"internal/cipher", "internal/pages", "internal/admin",
		},
		why: "imports point downwards: core serves api, pages and admin and knows none of them",
	},
	{
		who: []string{"internal/store", "internal/seal", "internal/bus", "internal/metrics"},
		not: []string{"internal"},
		save: []string{
			"internal/store", "internal/seal", "internal/bus", "internal/metrics", "internal/core/event",
		},
		why: "the ground floor: it knows rows, bytes and figures, and not what they are for",
	},
	{
		who: []string{"internal/wire", "internal/cipher", "internal/handshake"},
		not: []string{
			"internal/session", "internal/rpc", "internal/api", "internal/core", "internal/store",
			"internal/bus", "internal/pages", "internal/admin", gotd + "tg",
		},
		why: "they see bytes of strangers before anything is checked; the less they reach, the less can go wrong",
	},
	{
		who: []string{"internal/session", "internal/rpc", "internal/tl"},
		not: []string{"internal/api", "internal/core", "internal/store", "internal/pages", "internal/admin"},
		save: []string{
			"internal/core/fault", "internal/core/event",
		},
		why: "queries reach the methods through the method table, and nothing else of the server",
	},
	{
		who: []string{"internal/admin", "internal/config", "internal/certs"},
		not: []string{"internal"},
		save: []string{
			"internal/admin", "internal/config", "internal/certs",
		},
		why: "what an operator sees is handed in by app, so these need to know nothing",
	},
	{
		who: []string{"internal/api", "internal/pages"},
		not: []string{
			"internal/session", "internal/wire", "internal/handshake", "internal/tl", "internal/admin",
		},
		why: "methods and pages answer questions; how those came over the wire is not theirs to know. " +
			"(auth.bindTempAuthKey carries an envelope and opens it with cipher.)",
	},
	{
		who: []string{"internal", "client", "cmd"},
		not: []string{
			gotd + "telegram", gotd + "exchange", gotd + "transport", gotd + "mtproto", gotd + "proto", gotd + "rpc",
		},
		why: "gotd is a toolbox: its checks of handshakes, replays and frames are a client's or its tests' (docs/adr/0002)",
	},
}

func TestImports(t *testing.T) {
	g := imports(all(t))
	for pkg := range g {
		for _, r := range rules {
			if r.who[0] != "*" && !under(pkg, r.who) || under(pkg, r.but) {
				continue
			}
			way := g.chain(pkg, func(p string) bool { return under(p, r.not) && !under(p, r.save) })
			if way != nil {
				t.Errorf("%s imports %s\n\t%s", pkg, strings.Join(way, " → "), r.why)
			}
		}
	}
}

// TestAPIWritesNoSQL holds the methods to asking core. They may know the store's errors and
// types through core, so this rule is about what they import themselves.
func TestAPIWritesNoSQL(t *testing.T) {
	for _, f := range all(t) {
		if f.test || !under(f.pkg, []string{"internal/api"}) {
			continue
		}
		for _, p := range f.imports() {
			p = strings.TrimPrefix(p, module+"/")
			if under(p, []string{"internal/store", "internal/bus", "database/sql", "github.com/jackc/pgx/v5"}) {
				t.Errorf("%s imports %s: methods decode, call core once and encode", f.path, p)
			}
		}
	}
}

// TestRulesBite runs the rules' machinery over a small graph that breaks one of them.
func TestRulesBite(t *testing.T) {
	g := graph{
		"a": {"b": true, "fmt": true},
		"b": {"c/d": true},
	}
	want := func(p string) bool { return under(p, []string{"c"}) }
	if way := strings.Join(g.chain("a", want), " "); way != "b c/d" {
		t.Errorf("the way from a to c is %q", way)
	}
	if way := g.chain("b", func(p string) bool { return under(p, []string{"c/dd", "f"}) }); way != nil {
		t.Errorf("found a way that isn't there: %v", way)
	}
}
