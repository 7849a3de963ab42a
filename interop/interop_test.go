package interop

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
)

// client is one foreign client program.
type client struct {
	name    string
	command []string // its driver
	quotes  bool     // can reply with a quote
	pfs     bool     // can use temporary keys
}

func node(flags ...string) []string { return append([]string{"node"}, flags...) }

var (
	tdlib   = client{name: "TDLib", command: node("tdlib/driver.js"), quotes: true, pfs: true}
	mtcute  = client{name: "mtcute", command: node("--experimental-websocket", "mtcute/driver.js"), quotes: true}
	gotd    = client{name: "gotd", command: []string{os.Getenv("CHAPPE_GOTD")}, quotes: true, pfs: true}
	gotd152 = client{name: "gotd 152", command: []string{os.Getenv("CHAPPE_GOTD152")}}
)

// columns are the pairs of clients that talk to each other.
var columns = [][2]client{
	{tdlib, tdlib}, {mtcute, mtcute}, {gotd, gotd},
	{tdlib, gotd}, {mtcute, tdlib}, {gotd152, gotd},
}

func title(c [2]client) string {
	if c[0].name == c[1].name {
		return c[0].name
	}
	return c[0].name + "-" + c[1].name
}

// results has the outcome of each scenario in each column.
var results = map[string]map[string]string{}

func TestMain(m *testing.M) {
	code := m.Run()
	if len(results) > 0 {
		printTable()
	}
	os.Exit(code)
}

func printTable() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head := []string{""}
	for _, c := range columns {
		if results[title(c)] != nil {
			head = append(head, title(c))
		}
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, s := range scenarios {
		row := []string{s.name}
		for _, column := range head[1:] {
			outcome := results[column][s.name]
			if outcome == "" {
				outcome = "—"
			}
			row = append(row, outcome)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
}

// TestInterop runs every scenario with every pair of clients. -run TestInterop/gotd/edit picks.
func TestInterop(t *testing.T) {
	if os.Getenv("CHAPPE") == "" {
		t.Skip("needs foreign clients: make interop")
	}
	s := startServer(t)
	for _, c := range columns {
		if c[0].name == tdlib.name || c[1].name == tdlib.name {
			if os.Getenv("CHAPPE_TDLIB") == "" {
				continue
			}
		}
		t.Run(title(c), func(t *testing.T) { runColumn(t, s, c) })
	}
}

func runColumn(t *testing.T, s *server, c [2]client) {
	outcomes := map[string]string{}
	results[title(c)] = outcomes
	p := &pair{server: s, column: c}
	defer p.end()
	// Everything else needs the two accounts, whatever -run picks.
	func() {
		defer p.report(t, func(outcome string) { outcomes[scenarios[0].name] = outcome })
		scenarios[0].run(t, p)
	}()
	for _, sc := range scenarios[1:] {
		if sc.fits != nil && !sc.fits(c) {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			defer p.report(t, func(outcome string) { outcomes[sc.name] = outcome })
			sc.run(t, p)
		})
	}
}
