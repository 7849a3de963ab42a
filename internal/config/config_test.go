package config

import (
	"flag"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the sample and the reference anew")

// TestDocuments holds the sample file and the reference to the struct.
func TestDocuments(t *testing.T) {
	for path, want := range map[string]string{
		"../../deploy/chappe.toml":    Sample(),
		"../../docs/configuration.md": Reference(),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: run go test ./internal/config -update", path)
		}
	}
}

func TestEveryOptionIsDocumented(t *testing.T) {
	for _, o := range Options() {
		want := "CHAPPE_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(o.Path()))
		if o.Env != want {
			t.Errorf("%s: environment %s, want %s", o.Path(), o.Env, want)
		}
		if o.Help == "" || o.Example == "" {
			t.Errorf("%s: needs help and an example", o.Path())
		}
		if o.Example == o.Default {
			t.Errorf("%s: the example is the default", o.Path())
		}
	}
}

// TestSampleIsValid takes the sample's examples for a file and parses them all.
func TestSampleIsValid(t *testing.T) {
	var lines []string
	for line := range strings.Lines(Sample()) {
		line = strings.TrimSpace(line)
		bare := strings.TrimPrefix(line, "# ")
		if strings.HasPrefix(line, "[") || strings.Contains(bare, " = ") {
			lines = append(lines, bare)
		}
	}
	f, err := parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(f), len(Options()); got != want {
		t.Errorf("the sample sets %d options of %d", got, want)
	}
}

// TestThreeLines holds the reference's smallest public server to being one.
func TestThreeLines(t *testing.T) {
	_, block, _ := strings.Cut(referenceHead, "```toml\n")
	block, _, _ = strings.Cut(block, "```")
	if n := strings.Count(block, "\n"); n > 3 {
		t.Errorf("%d lines", n)
	}
	c, err := read(t, block)
	if err != nil || c.Check() != nil || c.PublicURL(nil) != "https://chat.example.org" {
		t.Errorf("got %+v, %v, %v", c, err, c.Check())
	}
}

func TestReadFileRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "\nlisten = ':1'\nlisen = ':2'\n", `:3: unknown key "lisen", did you mean "listen"?`},
		{"unknown inner key", "[smtp]\nhost = 'a'\nprot = 25\n", `:3: unknown key "smtp.prot", did you mean "smtp.port"?`},
		{"unknown table", "data = 'x'\n[smpt]\nhost = 'a'\n", `:2: unknown key "smpt", did you mean "smtp"?`},
		{"far from all", "x = 1\nbananas_and_apples = 1\n", `:1: unknown key "x"`},
		{"number for string", "data = 5\n", ":1: want a string"},
		{"string for number", "smtp.port = 'x'\n", ":1: want a number"},
		{"string for bool", "no-ip = 'yes'\n", ":1: want a true or false"},
		{"table for string", "[data]\nx = 1\n", ":1: want a string"},
		{"deep table", "[smtp.host]\nx = 1\n", ":1: want a string"},
		{"string for table", "\nsmtp = 'x'\n", ":2: want a table"},
		{"list of numbers", "[tls]\nacme-hosts = [1]\n", ":2: want a list of strings"},
		{"broken", "data = \n", ":1: "},
		{"twice", "data = 'a'\ndata = 'b'\n", ":2: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(path)
			if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Error("a named file that is absent passed")
	}
}

func TestInlineTable(t *testing.T) {
	f, err := parse("smtp = {host = 'a', port = 1}\nlimits.drain = '1s'\nlimits.handshakes = 3")
	if err != nil || len(f) != 4 || f["smtp-host"] != "a" || f["limits-handshakes"] != "3" {
		t.Errorf("got %v, %v", f, err)
	}
}

// read builds the settings as the program does, from a file, the environment and flags.
func read(t *testing.T, text string, args ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	_, err = kong.Must(&c, kong.Resolvers(f.Resolver())).Parse(args)
	return c, err
}

func TestPrecedence(t *testing.T) {
	text := `
listen = "127.0.0.1:1"
data = "file"
db = "postgres://file/x"
no-ip = true
tls.acme-hosts = ["a.example.org", "b.example.org"]
[limits]
drain = "1m"
handshakes = 7
`
	t.Setenv("CHAPPE_LISTEN", "127.0.0.1:2")
	t.Setenv("CHAPPE_DATA", "environment")
	c, err := read(t, text, "--listen", "127.0.0.1:3")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen, want.Data, want.DB, want.NoIP = "127.0.0.1:3", "environment", "postgres://file/x", true
	want.TLS.ACMEHosts = []string{"a.example.org", "b.example.org"}
	want.Limits.Drain, want.Limits.Handshakes = time.Minute, 7
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestWrongValueOfFile(t *testing.T) {
	for text, want := range map[string]string{
		"signup = 'maybe'":        "signup",
		"limits.drain = 'a week'": "limits-drain",
	} {
		if _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestDefaultLooksAtNoEnvironment(t *testing.T) {
	t.Setenv("CHAPPE_LISTEN", "0.0.0.0:1")
	if c := Default(); c.Listen != "127.0.0.1:8484" || c.Limits.Drain != 10*time.Second || c.SMTP.Port != 587 {
		t.Errorf("got %+v", c)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Config)
		want string // part of the error, "" for none
	}{
		{"no data", func(c *Config) { c.Data = "" }, "--data"},
		{"no port", func(c *Config) { c.Listen = "localhost" }, "--listen"},
		{"named port", func(c *Config) { c.Listen = "localhost:http" }, "--listen"},
		{"no limits in public", func(c *Config) { c.Listen, c.NoLimits = ":443", true }, "--no-limits"},
		{"no limits on a name", func(c *Config) { c.Listen, c.NoLimits = "chat.example.org:443", true }, "--no-limits"},
		{"public admin", func(c *Config) { c.Admin = ":8485" }, "--admin"},
		{"another database", func(c *Config) { c.DB = "mysql://x/y" }, "--db"},
		{"url with a path", func(c *Config) { c.URL = "https://example.org/chat" }, "--url"},
		{"url without scheme", func(c *Config) { c.URL = "example.org" }, "--url"},
		{"webhook of a file", func(c *Config) { c.CodeWebhook = "file:///etc/passwd" }, "--code-webhook"},
		{"half a pair", func(c *Config) { c.TLS.Cert = "a" }, "--tls-key"},
		{"two sources", func(c *Config) { c.TLS = TLS{Cert: "a", Key: "b", ACMEHosts: []string{"a.b"}} }, "exclude"},
		{"acme for an address", func(c *Config) { c.TLS.ACMEHosts = []string{"10.0.0.1"} }, "host name"},
		{"acme for a wildcard", func(c *Config) { c.TLS.ACMEHosts = []string{"*.example.org"} }, "host name"},
		{"mail without host", func(c *Config) { c.SMTP.From = "a@b" }, "--smtp-host"},
		{"mail without sender", func(c *Config) { c.SMTP.Host = "a" }, "--smtp-from"},
		{"no handshakes", func(c *Config) { c.Limits.Handshakes = 0 }, "--limits-handshakes"},
		{"no network", func(c *Config) { c.Limits.Exempt = []string{"proxy"} }, "--limits-exempt"},
		{"default", func(*Config) {}, ""},
		{"no limits here", func(c *Config) { c.NoLimits = true }, ""},
		{"no limits on IPv6", func(c *Config) { c.Listen, c.NoLimits = "[::1]:0", true }, ""},
		{"no admin", func(c *Config) { c.Admin = "off" }, ""},
		{"mail", func(c *Config) { c.SMTP.Host, c.SMTP.From = "a", "A <a@b.org>" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Default()
			c.edit(&config)
			err := config.Check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDerived(t *testing.T) {
	c := Default()
	bound := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5}
	if c.SignupPolicy() != "open" || c.PublicURL(bound) != "http://127.0.0.1:5" {
		t.Errorf("loopback: %s, %s", c.SignupPolicy(), c.PublicURL(bound))
	}
	c.Listen = ":443"
	if c.SignupPolicy() != "invite" || c.PublicURL(&net.TCPAddr{IP: net.IPv6zero, Port: 443}) != "http://localhost:443" {
		t.Errorf("public: %s", c.SignupPolicy())
	}
	c.TLS.ACMEHosts = []string{"chat.example.org"}
	if got := c.PublicURL(bound); got != "https://chat.example.org" {
		t.Errorf("acme: %s", got)
	}
	c.URL, c.Signup = "https://other.example.org/", "closed"
	if c.SignupPolicy() != "closed" || c.PublicURL(bound) != "https://other.example.org" {
		t.Errorf("told: %s, %s", c.SignupPolicy(), c.PublicURL(bound))
	}
}

func TestExemptNetworks(t *testing.T) {
	got, err := Limits{Exempt: []string{"10.1.2.3/8", "::1"}}.ExemptNetworks()
	if err != nil || len(got) != 2 || got[0].String() != "10.0.0.0/8" || got[1].String() != "::1/128" {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Sample())
	f.Add("smtp.host = 'a'\n[tls]\nacme-hosts = ['b']")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = parse(text)
	})
}
