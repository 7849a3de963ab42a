package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestScrape(t *testing.T) {
	m := New()
	m.FramesIn.Add(3)
	m.CommitWrites.Observe(16)
	m.Query("messages.sendMessage", "ok", 3*time.Millisecond)
	m.Gauge("queue_length", "A length.", func() float64 { return 7 })
	text := scrape(t, m)
	for _, want := range []string{
		`chappe_frames_in_total 3`,
		`chappe_commit_writes_bucket{le="8"} 0`,
		`chappe_commit_writes_bucket{le="16"} 1`,
		`chappe_queries_total{method="messages.sendMessage",outcome="ok"} 1`,
		`chappe_query_seconds_bucket{le="0.005"} 1`,
		`chappe_queue_length 7`,
		`chappe_build_info{`,
		`go_goroutines`,
		`process_open_fds`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
}

// TestTwoServers holds that two servers in one process, as tests have them, don't share figures.
func TestTwoServers(t *testing.T) {
	a, b := New(), New()
	a.FramesOut.Inc()
	if text := scrape(t, b); !strings.Contains(text, "chappe_frames_out_total 0") {
		t.Error("the second server shows the first one's frames")
	}
}

func TestQueryAllocatesNothing(t *testing.T) {
	m := New()
	m.Query("help.getConfig", "ok", time.Millisecond)
	if n := testing.AllocsPerRun(100, func() {
		m.Query("help.getConfig", "ok", time.Millisecond)
	}); n > 0 {
		t.Errorf("%v allocations for one query", n)
	}
}

func BenchmarkQuery(b *testing.B) {
	m := New()
	for b.Loop() {
		m.Query("messages.sendMessage", "ok", time.Millisecond)
	}
}
