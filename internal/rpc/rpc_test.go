package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// call makes a table of one method and calls it.
func call(t *testing.T, m *Method, c *Caller, query []byte) (answer bin.Encoder, logged string, err error) {
	t.Helper()
	var log bytes.Buffer
	table, err := NewTable([]*Method{m}, nil, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err = table.Call(t.Context(), c, query)
	return answer, log.String(), err
}

func query() []byte {
	var b bin.Buffer
	_ = (&tg.HelpGetConfigRequest{}).Encode(&b)
	return b.Buf
}

func TestCallRefuses(t *testing.T) {
	returns := func(err error) *Method {
		return Handle(func(context.Context, *Caller, *tg.HelpGetConfigRequest) (bin.Encoder, error) { return nil, err })
	}
	me := &Caller{Account: 1}
	for name, c := range map[string]struct {
		method *Method
		caller *Caller
		query  []byte
		want   *fault.Error
		logged bool
	}{
		"nothing":        {returns(nil), me, nil, fault.InputFetchError, false},
		"another method": {returns(nil), me, []byte{1, 2, 3, 4}, fault.InputMethodInvalid, false},
		"bytes behind":   {returns(nil), me, append(query(), 0, 0, 0, 0), fault.InputFetchError, false},
		"not signed in":  {returns(nil), &Caller{}, query(), fault.AuthKeyUnregistered, false},
		"its own":        {returns(fmt.Errorf("deep: %w", fault.PeerIDInvalid)), me, query(), fault.PeerIDInvalid, false},
		"stopped":        {returns(fmt.Errorf("read: %w", context.Canceled)), me, query(), fault.Timeout, false},
		"unforeseen":     {returns(errors.New("disk on fire")), me, query(), fault.Internal, true},
		"refused":        {Refuse("help.getConfig", tg.HelpGetConfigRequestTypeID, fault.MethodInvalid), &Caller{}, query(), fault.MethodInvalid, false},
		"panic": {Handle(func(context.Context, *Caller, *tg.HelpGetConfigRequest) (bin.Encoder, error) {
			panic("at the disco")
		}), me, query(), fault.Internal, true},
	} {
		_, log, err := call(t, c.method, c.caller, c.query)
		var f *fault.Error
		if !errors.As(err, &f) || f.Name != c.want.Name {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if (log != "") != c.logged || c.logged && !strings.Contains(log, "help.getConfig") {
			t.Errorf("%s: logged %q", name, log)
		}
	}
	again := returns(nil)
	if _, err := NewTable([]*Method{again, again}, nil, nil, nil); err == nil {
		t.Error("a method stands in the table twice")
	}
}

func TestCall(t *testing.T) {
	m := Handle(func(_ context.Context, c *Caller, _ *tg.HelpGetConfigRequest) (bin.Encoder, error) {
		return &tg.Config{ThisDC: c.DC}, nil
	}, For(Anyone), As(Send))
	if !m.Ordered || m.Name != "help.getConfig" {
		t.Errorf("%+v", m)
	}
	answer, _, err := call(t, m, &Caller{DC: 4}, query())
	if c, ok := answer.(*tg.Config); err != nil || !ok || c.ThisDC != 4 {
		t.Errorf("%v %v", answer, err)
	}
}

// TestLimits holds M16: buckets of devices, accounts and addresses fill with time and not faster.
func TestLimits(t *testing.T) {
	ip := netip.MustParseAddr
	now := time.Unix(1<<30, 0)
	spend := func(l *Limits, c *Caller, class Class, now time.Time) (n int, wait time.Duration) {
		for ; n < 10_000; n++ {
			if wait = l.take(c, class, now); wait > 0 {
				return n, wait
			}
		}
		return n, 0
	}
	for class := range classes {
		l := NewLimits()
		want := callerRates[class]
		c := &Caller{Account: 1, Key: 2}
		n, wait := spend(l, c, class, now)
		if n != want.burst || wait != want.interval {
			t.Errorf("class %d: %d at once, then %v", class, n, wait)
		}
		if n, _ := spend(l, c, class, now.Add(3*want.interval)); n != 3 {
			t.Errorf("class %d: %d after three intervals", class, n)
		}
		if n, _ := spend(l, &Caller{Account: 1, Key: 3}, class, now.Add(3*want.interval)); n != 0 {
			t.Errorf("class %d: another device of the account has %d more", class, n)
		}
		if n, _ := spend(l, &Caller{Account: 2, Key: 2}, class, now); n != want.burst {
			t.Errorf("class %d: another account has %d", class, n)
		}
	}
	l := NewLimits()
	total := 0
	for key := range int64(100) { // many keys before login share their address
		n, _ := spend(l, &Caller{Key: key + 1, IP: ip("2001:db8::1")}, Login, now)
		total += n
	}
	if total > addressRate.burst || total < addressRate.burst*9/10 { // what its key refuses counts, too
		t.Errorf("%d calls of one address", total)
	}
	if n, _ := spend(l, &Caller{Key: 1000, IP: ip("2001:db8::ffff:1")}, Login, now); n != 0 {
		t.Errorf("%d calls more from the same network", n)
	}
	if n, _ := spend(l, &Caller{Key: 1000, IP: ip("2001:db8:0:1::1")}, Login, now); n == 0 {
		t.Error("another network has none")
	}
	if network(ip("::ffff:192.0.2.1")) != ip("192.0.2.1") {
		t.Error("one IPv4 address has two buckets")
	}
	l = NewLimits()
	spend(l, &Caller{TempKey: 1, IP: ip("2001:db8::1")}, Login, now)
	if n, _ := spend(l, &Caller{TempKey: 1, IP: ip("2001:db8:0:1::1")}, Login, now); n != 0 {
		t.Errorf("an unbound key has %d calls more from elsewhere", n)
	}
	if n, _ := spend(l, &Caller{TempKey: 2, IP: ip("2001:db8:0:1::1")}, Login, now); n == 0 {
		t.Error("an unbound key has spent what was another's")
	}
	l = NewLimits()
	l.take(&Caller{Account: 8}, Read, now)
	later := now.Add(time.Hour)
	l.take(&Caller{Account: 9}, Read, later)
	if len(l.buckets) != 1 {
		t.Errorf("%d buckets after an hour", len(l.buckets))
	}
}

// TestFlood tells a caller beyond its limits how long to wait, in whole seconds.
func TestFlood(t *testing.T) {
	m := Handle(func(context.Context, *Caller, *tg.HelpGetConfigRequest) (bin.Encoder, error) {
		return &tg.BoolTrue{}, nil
	}, As(Search))
	var told []string
	table, err := NewTable([]*Method{m}, NewLimits(), func(_, fault string, _ time.Duration) { told = append(told, fault) }, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for range callerRates[Search].burst + 1 {
		_, last = table.Call(t.Context(), &Caller{Account: 1}, query())
	}
	var f *fault.Error
	if !errors.As(last, &f) || f.Code != 420 || !strings.HasPrefix(f.Error(), "FLOOD_WAIT_") || f.Error() == "FLOOD_WAIT_0" {
		t.Errorf("%v", last)
	}
	if n := len(told); n != callerRates[Search].burst+1 || told[0] != "" || !strings.HasPrefix(told[n-1], "FLOOD_WAIT") {
		t.Errorf("observed %q", told)
	}
}
