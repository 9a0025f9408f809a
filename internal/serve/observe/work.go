package observe

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// work are the metrics of what answers cost.
type work struct {
	verifications              *prometheus.CounterVec
	verifying                  *prometheus.HistogramVec
	askedRegistry, bytesRead   prometheus.Counter
	lookups                    *prometheus.CounterVec
	cacheEntries, cacheBytes   *prometheus.GaugeVec
	auditLines, exportedTraces *prometheus.CounterVec
}

func newWork() work {
	w := work{
		verifications: counter("assay_verifications_total", "Verifications, and whether anybody still waited for them.", "outcome", "late"),
		verifying: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_verification_duration_seconds", Help: "Time that one verification took.", Buckets: answerSeconds,
		}, []string{"outcome"}),
		askedRegistry: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_verification_requests_total", Help: "Requests that verifications sent: to registries, token servers, TUF repositories and GitHub.",
		}),
		bytesRead: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_verification_bytes_total", Help: "Bytes that verifications read from there.",
		}),
		lookups:      counter("assay_cache_lookups_total", "Looks into a cache, and what came of them.", "cache", "result"),
		cacheEntries: gauge("assay_cache_entries", "Entries of a cache.", "cache"),
		cacheBytes:   gauge("assay_cache_bytes", "Bytes of a cache, by its own weights.", "cache"),
		auditLines:   counter("assay_audit_lines_total", "Lines of the audit log: written, lost, or cut to their bound.", "result"),
		exportedTraces: counter("assay_trace_spans_total", "Spans handed to the trace collector, and whether it took them.",
			"result"),
	}
	// Alerts ask for an increase, which a series that begins at 1 does not have.
	for _, result := range []string{"written", "lost", "cut"} {
		w.auditLines.WithLabelValues(result)
	}
	w.lookups.WithLabelValues("shared", "forged")
	return w
}

func (w work) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		w.verifications, w.verifying, w.askedRegistry, w.bytesRead, w.lookups, w.cacheEntries, w.cacheBytes, w.auditLines, w.exportedTraces,
	}
}

// Cached counts a look into a cache ("memory", "shared", "tag", "evidence") and what
// came of it ("hit", "miss", "stale", "forged", "error").
func (m *Metrics) Cached(cache, result string) {
	if m == nil {
		return
	}
	m.lookups.WithLabelValues(m.bounds.caches.word(cache), m.bounds.results.word(result)).Inc()
}

// Entries says what a cache holds now.
func (m *Metrics) Entries(cache string, entries int, bytes int64) {
	if m == nil {
		return
	}
	cache = m.bounds.caches.word(cache)
	m.cacheEntries.WithLabelValues(cache).Set(float64(entries))
	m.cacheBytes.WithLabelValues(cache).Set(float64(bytes))
}

// Verified counts one verification: how long it took, the requests it made and the
// bytes that came back. late says that nobody waited for it any more.
func (m *Metrics) Verified(outcome string, took time.Duration, requests int, bytes int64, late bool) {
	if m == nil {
		return
	}
	outcome = m.bounds.results.word(outcome)
	m.verifications.WithLabelValues(outcome, strconv.FormatBool(late)).Inc()
	m.verifying.WithLabelValues(outcome).Observe(took.Seconds())
	m.askedRegistry.Add(float64(max(requests, 0)))
	m.bytesRead.Add(float64(max(bytes, 0)))
}

// audited counts lines of the audit log: "written", "lost" or "cut".
func (m *Metrics) audited(result string, lines int) {
	if m != nil && lines > 0 {
		m.auditLines.WithLabelValues(result).Add(float64(lines))
	}
}

// exported counts spans: "sent" or "lost".
func (m *Metrics) exported(result string, spans int) {
	if m != nil {
		m.exportedTraces.WithLabelValues(result).Add(float64(spans))
	}
}
