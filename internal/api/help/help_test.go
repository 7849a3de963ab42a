package help

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

var now = time.Unix(1_800_000_000, 0)

// server answers for a server at an address that needs no looking up.
func server(t *testing.T, public string) func(dc int, query bin.Object) bin.Encoder {
	t.Helper()
	a, err := NewAddresses(public)
	if err != nil {
		t.Fatal(err)
	}
	d := Deps{URL: public, Addresses: a, Now: func() time.Time { return now }}
	table, err := rpc.NewTable(Methods(d), nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return func(dc int, query bin.Object) bin.Encoder {
		t.Helper()
		var b bin.Buffer
		if err := query.Encode(&b); err != nil {
			t.Fatal(err)
		}
		answer, err := table.Call(t.Context(), &rpc.Caller{DC: dc, Account: 7}, b.Buf)
		if err != nil {
			t.Fatalf("%T: %v", query, err)
		}
		if err := answer.Encode(new(bin.Buffer)); err != nil {
			t.Fatalf("%T: answer does not encode: %v", query, err)
		}
		return answer
	}
}

func TestAddressesRefused(t *testing.T) {
	for _, public := range []string{"", "chat.example.org", "ftp://chat.example.org", "https://:443", "http://h:99999"} {
		if a, err := NewAddresses(public); err == nil {
			t.Errorf("%q gave %s port %d", public, a.host, a.port)
		}
	}
}

func TestAddresses(t *testing.T) {
	a, err := NewAddresses("https://chat.example.org")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	answer, failure := []netip.Addr(nil), errors.New("no such host")
	a.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if looked++; host != "chat.example.org" {
			t.Errorf("looked for %s", host)
		}
		return answer, failure
	}
	at := func(d time.Duration, want ...netip.AddrPort) {
		t.Helper()
		got := a.List(t.Context(), now.Add(d))
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("after %v: %v, want %v", d, got, want)
		}
	}
	home := netip.MustParseAddrPort("192.0.2.1:443")
	at(0)
	answer, failure = []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1")}, nil
	at(time.Second)
	at(time.Minute, home)
	answer, failure = nil, errors.New("no network")
	at(10*time.Minute, home)
	at(12*time.Minute, home)
	moved := netip.MustParseAddr("2001:db8::1")
	answer, failure = []netip.Addr{moved}, nil
	at(13*time.Minute, netip.AddrPortFrom(moved, 443))
	if looked != 4 {
		t.Errorf("looked %d times", looked)
	}
}

func TestConfig(t *testing.T) {
	call := server(t, "http://127.0.0.1:8484")
	for _, dc := range []int{1, 2, 5, 203} {
		config, ok := call(dc, &tg.HelpGetConfigRequest{}).(*tg.Config)
		if !ok || config.ThisDC != dc || config.Expires-config.Date != 3600 || config.MeURLPrefix != "http://127.0.0.1:8484/" {
			t.Errorf("config for DC %d: %v", dc, config)
		}
		ways := map[int]int{}
		for _, o := range config.DCOptions {
			if o.IPAddress != "127.0.0.1" || o.Port != 8484 || o.Ipv6 {
				t.Errorf("leads to %v", o)
			}
			ways[o.ID]++
		}
		for _, id := range []int{1, 2, 3, 4, 5, dc} {
			if ways[id] != 1 {
				t.Errorf("for DC %d: %d ways to DC %d", dc, ways[id], id)
			}
		}
		near, ok := call(dc, &tg.HelpGetNearestDCRequest{}).(*tg.NearestDC)
		if !ok || near.ThisDC != dc || near.NearestDC != dc {
			t.Errorf("nearest of DC %d: %v", dc, near)
		}
	}
	config, ok := server(t, "https://[2001:db8::1]")(2, &tg.HelpGetConfigRequest{}).(*tg.Config)
	if !ok || len(config.DCOptions) != 5 || !config.DCOptions[0].Ipv6 || config.DCOptions[0].Port != 443 {
		t.Errorf("over IPv6: %v", config)
	}
}

// TestHashes holds what can be asked for again to saying that nothing changed.
func TestHashes(t *testing.T) {
	call := server(t, "http://127.0.0.1:8484")
	list, ok := call(2, &tg.HelpGetCountriesListRequest{LangCode: "en"}).(*tg.HelpCountriesList)
	if !ok || list.Hash == 0 || len(list.Countries) != 1 {
		t.Fatalf("countries: %v", list)
	}
	if _, ok := call(2, &tg.HelpGetCountriesListRequest{Hash: list.Hash}).(*tg.HelpCountriesListNotModified); !ok {
		t.Error("countries sent twice")
	}
	config, ok := call(2, &tg.HelpGetAppConfigRequest{}).(*tg.HelpAppConfig)
	if !ok || config.Hash == 0 {
		t.Fatalf("app config: %v", config)
	}
	if _, ok := call(2, &tg.HelpGetAppConfigRequest{Hash: config.Hash}).(*tg.HelpAppConfigNotModified); !ok {
		t.Error("app config sent twice")
	}
	text, ok := call(2, &tg.HelpGetInviteTextRequest{}).(*tg.HelpInviteText)
	if !ok || text.Message != "Let's chat here: http://127.0.0.1:8484/join" {
		t.Errorf("invitation: %v", text)
	}
}
