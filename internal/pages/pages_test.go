package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chappe-im/chappe/internal/core/login"
	"github.com/chappe-im/chappe/internal/core/login/logintest"
	"github.com/chappe-im/chappe/internal/pages"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

// open returns a world with pages over it.
func open(t *testing.T, change func(*pages.Site)) (*logintest.World, http.Handler) {
	t.Helper()
	w := logintest.New(t, storetest.SQLite(t).Open(t, store.Options{}))
	s := pages.Site{
		Login: w.Login, URL: "https://chat.example.org", Addresses: []string{"chat.example.org:443"},
		DC: 2, MinLayer: 152, MaxLayer: 228, Key: []byte("PEM\n"), Fingerprint: 0xabc,
		Healthy: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&s)
	}
	h, err := pages.New(s)
	w.Must(err)
	return w, h
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRefusals(t *testing.T) {
	w, h := open(t, nil)
	for _, test := range []struct {
		method, path string
		policy       login.Policy
		status       int
		text         string
	}{
		{"GET", "/nothing", login.Open, 404, "nothing here"},
		{"GET", "/join/a/b", login.Open, 404, "nothing here"},
		{"DELETE", "/join", login.Open, 404, "nothing here"},
		{"GET", "/join", login.Closed, 403, "closed"},
		{"POST", "/join", login.Closed, 403, "closed"},
		{"GET", "/join", login.Invite, 403, "invite"},
		{"POST", "/join/wrong", login.Invite, 403, "invite"},
		{"GET", "/join/wrong", login.Open, 403, "invite"},
	} {
		w.Login.Policy = test.policy
		a := ask(h, test.method, test.path)
		if a.Code != test.status || !strings.Contains(a.Body.String(), test.text) {
			t.Errorf("%s %s: %d %s", test.method, test.path, a.Code, a.Body)
		}
	}
	if a := ask(h, "POST", "/join", "Accept", "application/json"); a.Code != 201 {
		t.Errorf("%d", a.Code)
	}
	if a := ask(h, "POST", "/join", "Sec-Fetch-Site", "cross-site"); a.Code != 403 {
		t.Errorf("another site's form got %d", a.Code)
	}
	_, h = open(t, func(s *pages.Site) { s.Healthy = func(context.Context) error { return errors.New("ill") } })
	if a := ask(h, "GET", "/healthz"); a.Code != 503 || strings.Contains(a.Body.String(), "ill") {
		t.Errorf("ill: %d %s", a.Code, a.Body)
	}
}

func TestHeaders(t *testing.T) {
	_, h := open(t, nil)
	for _, path := range []string{"/", "/join", "/healthz", "/.well-known/chappe.json", "/static/chappe.css", "/no"} {
		a := ask(h, "GET", path)
		header := a.Header()
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") ||
			strings.Contains(header.Get("Content-Security-Policy"), "script") ||
			header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" ||
			header.Get("Cross-Origin-Opener-Policy") != "same-origin" || header.Get("Permissions-Policy") == "" {
			t.Errorf("%s: %v", path, header)
		}
		if strings.Contains(a.Body.String(), "<script") || strings.Contains(a.Body.String(), "style=") {
			t.Errorf("%s has script or inline style", path)
		}
	}
	if c := ask(h, "POST", "/join").Header().Get("Cache-Control"); c != "no-store" {
		t.Errorf("a number may be kept: %s", c)
	}
}

var number = regexp.MustCompile(`\+888 \d{4} \d{4}`)

func TestJoin(t *testing.T) {
	w, h := open(t, nil)
	if a := ask(h, "GET", "/join"); a.Code != 200 || !strings.Contains(a.Body.String(), `action="/join"`) {
		t.Errorf("form: %d %s", a.Code, a.Body)
	}
	a := ask(h, "POST", "/join", "Accept", "text/html")
	page := a.Body.String()
	shown := number.FindString(page)
	if a.Code != 201 || shown == "" || !strings.Contains(page, "chat.example.org:443") {
		t.Fatalf("%d %s", a.Code, page)
	}
	code, err := w.Login.PendingCode(t.Context(), shown)
	w.Must(err)
	if !strings.Contains(page, code) {
		t.Error("the page lacks the code")
	}

	a = ask(h, "POST", "/join", "Accept", "application/json")
	var got struct {
		Number, Code string
		Expires      int64
	}
	w.Must(json.Unmarshal(a.Body.Bytes(), &got))
	code, err = w.Login.PendingCode(t.Context(), got.Number)
	w.Must(err)
	if got.Code != code || !strings.HasPrefix(got.Number, "+888") || got.Expires != w.Now().Add(30*time.Minute).Unix() {
		t.Errorf("got %+v, code %s", got, code)
	}

	for range 8 {
		ask(h, "POST", "/join")
	}
	a = ask(h, "POST", "/join", "Accept", "application/json")
	if a.Code != 429 || a.Header().Get("Retry-After") != "3600" || a.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
}

func TestInvite(t *testing.T) {
	w, h := open(t, nil)
	w.Login.Policy = login.Invite
	token, err := w.Login.NewInvite(t.Context(), 1, 0)
	w.Must(err)
	if a := ask(h, "GET", "/join/"+token); a.Code != 200 || !strings.Contains(a.Body.String(), `action="/join/`+token) {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := ask(h, "POST", "/join/"+token); a.Code != 201 {
		t.Errorf("%d", a.Code)
	}
	if a := ask(h, "POST", "/join/"+token); a.Code != 403 {
		t.Errorf("used up: %d", a.Code)
	}
}

func TestKnown(t *testing.T) {
	_, h := open(t, nil)
	a := ask(h, "GET", "/.well-known/chappe.json")
	const want = `{"dc":2,"addresses":["chat.example.org:443"],"websocket":"wss://chat.example.org/apiws",` +
		`"public_key":"PEM\n","fingerprint":"0000000000000abc","layers":{"min":152,"max":228},"signup":"open"}` + "\n"
	if a.Body.String() != want || a.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v\n%s", a.Header(), a.Body)
	}
	if a := ask(h, "GET", "/.well-known/chappe.pem"); a.Body.String() != "PEM\n" {
		t.Errorf("%s", a.Body)
	}
	if a := ask(h, "GET", "/healthz"); a.Code != 200 || a.Body.String() != "ok\n" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if a := ask(h, "GET", "/"); !strings.Contains(a.Body.String(), `href="/join"`) || !strings.Contains(a.Body.String(), "0000000000000abc") {
		t.Errorf("%s", a.Body)
	}
}
