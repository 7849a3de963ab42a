package app

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gotd/td/bin"

	"github.com/chappe-im/chappe/internal/config"
	"github.com/chappe-im/chappe/internal/core/email"
	"github.com/chappe-im/chappe/internal/metrics"
	"github.com/chappe-im/chappe/internal/session"
)

// observer counts what happens for the figures page.
type observer struct {
	m      *metrics.Metrics
	frames *atomic.Int64
}

// Received implements session.Observer.
func (o observer) Received(bytes int) {
	o.frames.Add(1)
	o.m.FramesIn.Inc()
	o.m.BytesIn.Add(float64(bytes))
}

// Sent implements session.Observer.
func (o observer) Sent(_, bytes int) {
	o.m.FramesOut.Inc()
	o.m.BytesOut.Add(float64(bytes))
}

// Dropped implements session.Observer.
func (o observer) Dropped(pushes int) { o.m.PushesDropped.Add(float64(pushes)) }

// Sessions implements session.Observer.
func (o observer) Sessions(delta int) { o.m.Sessions.Add(float64(delta)) }

// committed counts a commit of the store.
func (o observer) committed(writes int, took time.Duration) {
	o.m.CommitWrites.Observe(float64(writes))
	o.m.CommitSeconds.Observe(took.Seconds())
}

// query counts an answered query.
func (o observer) query(method, fault string, took time.Duration) {
	outcome := "ok"
	if fault != "" {
		outcome = strings.TrimSuffix(fault, "_%d")
	}
	if method == "" {
		method = "unknown"
	}
	o.m.Query(method, outcome, took)
}

// mailer is the mail server of the settings, nil if there is none.
func mailer(c config.SMTP) (email.Mailer, error) {
	if c.Host == "" {
		return nil, nil
	}
	m := email.SMTP{Host: c.Host, Port: c.Port, User: c.User, From: c.From}
	if c.PasswordFile != "" {
		text, err := os.ReadFile(filepath.Clean(c.PasswordFile))
		if err != nil {
			return nil, err
		}
		m.Password, _, _ = strings.Cut(string(text), "\n")
	}
	return m, nil
}

// sessions are the hub as package updates wants it.
type sessions struct{ *session.Hub }

// Push implements updates.Sessions.
func (s sessions) Push(account, except int64, updates bin.Encoder) error {
	p, err := session.NewPush(updates)
	if err == nil {
		s.Hub.Push(account, except, p)
	}
	return err
}

// PushDevice implements updates.Sessions.
func (s sessions) PushDevice(key int64, updates bin.Encoder) error {
	p, err := session.NewPush(updates)
	if err == nil {
		s.Hub.PushDevice(key, p)
	}
	return err
}
