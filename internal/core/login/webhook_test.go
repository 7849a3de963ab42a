package login_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chappe-im/chappe/internal/core/login"
)

func TestWebhook(t *testing.T) {
	for _, address := range []string{"", "example.org", "ftp://example.org", "http://"} {
		if _, err := login.NewWebhook(address); err == nil {
			t.Errorf("%q accepted", address)
		}
	}
	status, body := http.StatusInternalServerError, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v, %v", r.Method, r.Header, err)
		}
		body = string(b)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	h, err := login.NewWebhook(s.URL + "/?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, status = range []int{404, 500, 302} {
		if err := h.SendCode(t.Context(), "+888", "1"); err == nil {
			t.Errorf("%d taken for success", status)
		}
	}
	status = http.StatusNoContent
	if err := h.SendCode(t.Context(), "+88812345678", "123456"); err != nil {
		t.Error(err)
	}
	if body != `{"code":"123456","number":"+88812345678"}` {
		t.Errorf("posted %s", body)
	}
	s.Close()
	if err := h.SendCode(t.Context(), "+888", "1"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is away: %v", err)
	}
}
