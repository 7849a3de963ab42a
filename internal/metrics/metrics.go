// Package metrics holds the figures a running server keeps about itself, for Prometheus.
//
// A [Metrics] is made once by the application and handed to the packages that count; each adds
// to the fields of its own. Counters without labels cost one atomic add; those with labels cost
// a map lookup besides, so a package on a hot path keeps the child that With returned.
// Labels are few and their values come from fixed lists: no person, address, chat or key is
// ever one of them. Everything is safe for concurrent use, and nothing runs between scrapes.
package metrics

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the server's counters, by the part that counts.
type Metrics struct {
	registry *prometheus.Registry

	// FramesIn and FramesOut count MTProto frames, BytesIn and BytesOut the bytes in them.
	FramesIn, FramesOut, BytesIn, BytesOut prometheus.Counter
	// KeysMade counts finished key exchanges.
	KeysMade prometheus.Counter
	// Sessions are the MTProto sessions that are remembered now.
	Sessions prometheus.Gauge
	// PushesDropped counts updates thrown away because the reader was slow; such a reader catches
	// up by asking for the difference.
	PushesDropped prometheus.Counter

	// queries and querySeconds are reached through Query.
	queries      *prometheus.CounterVec
	querySeconds prometheus.Histogram

	// CommitWrites is how many writes shared one commit, CommitSeconds what the commit took,
	// sync included.
	CommitWrites, CommitSeconds prometheus.Histogram
}

// New returns a fresh set of counters with a registry of its own.
func New() *Metrics {
	k := maker{prometheus.NewRegistry()}
	k.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(),
	)
	return &Metrics{
		registry:  k.Registry,
		FramesIn:  k.counter("frames_in_total", "MTProto frames received."),
		FramesOut: k.counter("frames_out_total", "MTProto frames sent."),
		BytesIn:   k.counter("bytes_in_total", "Bytes in MTProto frames received."),
		BytesOut:  k.counter("bytes_out_total", "Bytes in MTProto frames sent."),
		KeysMade:  k.counter("keys_made_total", "Finished key exchanges."),
		Sessions:  k.gauge("sessions", "MTProto sessions that are remembered now."),
		PushesDropped: k.counter("pushes_dropped_total",
			"Updates thrown away because the reader was slow."),
		queries: k.counters("queries_total", "Queries answered, by method and outcome.",
			"method", "outcome"),
		querySeconds: k.histogram("query_seconds", "Time from a query's arrival to its answer.",
			.001, .005, .02, .1, .5, 2.5),
		CommitWrites: k.histogram("commit_writes", "Writes that shared one commit.",
			1, 2, 4, 8, 16, 32, 64, 128),
		CommitSeconds: k.histogram("commit_seconds", "Time of one commit, sync included.",
			.001, .002, .005, .01, .02, .05, .2, 1),
	}
}

// Query counts one answered query. Method is the TL name of a method in the method table, and
// outcome "ok" or the name of the error without its argument (FLOOD_WAIT, not FLOOD_WAIT_30),
// so that both stay finite.
func (m *Metrics) Query(method, outcome string, took time.Duration) {
	m.queries.WithLabelValues(method, outcome).Inc()
	m.querySeconds.Observe(took.Seconds())
}

// Gauge adds a figure that is read when somebody asks for it, such as the length of a queue.
// Name is without the prefix chappe_; the same name twice is a mistake of the program.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// Handler answers with all figures in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}

const namespace = "chappe"

// maker makes metrics and registers them.
type maker struct{ *prometheus.Registry }

func (k maker) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	k.MustRegister(c)
	return c
}

func (k maker) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(
		prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	k.MustRegister(c)
	return c
}

func (k maker) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	k.MustRegister(g)
	return g
}

func (k maker) histogram(name, help string, buckets ...float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
	})
	k.MustRegister(h)
	return h
}

// buildInfo is the constant 1 with the program's version and toolchain as labels.
func buildInfo() prometheus.Collector {
	version, goVersion := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace:   namespace,
		Name:        "build_info",
		Help:        "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": goVersion},
	}, func() float64 { return 1 })
}
