// Package pages serves the pages that people open in a browser: what this server is, how to get a
// number, and what a client needs to know of it.
//
// Pages are plain HTML made by html/template, with one stylesheet and no script. Every answer
// carries headers that forbid a browser to run or load anything else. A number and its login code
// are shown once, in the answer to a form, and no cache may keep them.
//
// The package calls core/login and knows no SQL and no TL.
package pages

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/chappe-im/chappe/internal/core/login"
)

//go:embed files
var files embed.FS

// Site is what the pages say of the server.
type Site struct {
	Login *login.Service
	// URL is the server's address for people, without a slash at the end.
	URL string
	// Addresses are where clients connect, as host:port.
	Addresses []string
	// DC is the data centre that the server names itself first.
	DC int
	// MinLayer and MaxLayer bound the API layers that work.
	MinLayer, MaxLayer int
	// Key is the public key, PEM (PKCS#1), and Fingerprint its fingerprint.
	Key         []byte
	Fingerprint uint64
	// Healthy fails if the server cannot do its work.
	Healthy func(ctx context.Context) error
	Log     *slog.Logger
}

// site is a Site with its templates.
type site struct {
	Site
	templates *template.Template
}

// New returns the handler of all pages.
func New(s Site) (http.Handler, error) {
	templates, err := template.ParseFS(files, "files/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse pages: %w", err)
	}
	p := &site{s, templates}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /join", p.joinForm)
	mux.HandleFunc("GET /join/{invite}", p.joinForm)
	mux.HandleFunc("POST /join", p.join)
	mux.HandleFunc("POST /join/{invite}", p.join)
	mux.HandleFunc("GET /healthz", p.healthz)
	mux.HandleFunc("GET /.well-known/chappe.json", p.wellKnown)
	mux.HandleFunc("GET /.well-known/chappe.pem", p.key)
	mux.HandleFunc("GET /static/chappe.css", p.static("files/chappe.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /static/chappe.svg", p.static("files/chappe.svg", "image/svg+xml"))
	mux.HandleFunc("/", p.nowhere)
	return guard(http.NewCrossOriginProtection().Handler(mux)), nil
}

// guard adds the headers that every answer carries.
func guard(next http.Handler) http.Handler {
	fixed := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
			"base-uri 'none'; frame-ancestors 'none'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Cache-Control":                "no-store",
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range fixed {
			w.Header().Set(name, value)
		}
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// show answers with a page.
func (s *site) show(w http.ResponseWriter, status int, page string, data any) {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, page+".html", data); err != nil {
		s.Log.Error("page not made", "page", page, "err", err)
		http.Error(w, "Something went wrong here.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

func (s *site) home(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "home", map[string]any{
		"Host": s.host(), "Server": s.server(), "Open": s.Login.Policy == login.Open, "Closed": s.Login.Policy == login.Closed,
		"Fingerprint": s.fingerprint(), "MinLayer": s.MinLayer, "MaxLayer": s.MaxLayer, "DC": s.DC,
	})
}

// host is the server's name for people.
func (s *site) host() string {
	if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return s.server()
}

func (s *site) server() string { return strings.Join(s.Addresses, ", ") }

func (s *site) fingerprint() string { return fmt.Sprintf("%016x", s.Fingerprint) }

func (s *site) nowhere(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusNotFound, "message", message{"There is nothing here", "This address leads nowhere."})
}

// message is a page with one thing to say.
type message struct{ Title, Text string }

func (s *site) healthz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := s.Healthy(r.Context()); err != nil {
		s.Log.Error("server not healthy", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not well\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// known is what a client may learn of the server before it connects.
type known struct {
	DC          int      `json:"dc"`
	Addresses   []string `json:"addresses"`
	WebSocket   string   `json:"websocket"`
	PublicKey   string   `json:"public_key"`
	Fingerprint string   `json:"fingerprint"`
	Layers      layers   `json:"layers"`
	Signup      string   `json:"signup"`
}

type layers struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// wellKnown describes the server to clients, which may be pages of other origins.
func (s *site) wellKnown(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	s.answer(w, http.StatusOK, known{
		DC: s.DC, Addresses: s.Addresses, WebSocket: "ws" + strings.TrimPrefix(s.URL, "http") + "/apiws",
		PublicKey: string(s.Key), Fingerprint: s.fingerprint(),
		Layers: layers{s.MinLayer, s.MaxLayer}, Signup: string(s.Login.Policy),
	})
}

func (s *site) key(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", `attachment; filename="chappe.pem"`)
	_, _ = w.Write(s.Key)
}

// answer answers with JSON.
func (s *site) answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("answer not made", "err", err)
		status, b = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// static serves one embedded file.
func (s *site) static(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := files.ReadFile(name)
		if err != nil {
			s.Log.Error("file not embedded", "file", name, "err", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(content)
	}
}
