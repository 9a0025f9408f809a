// Package observe counts what the server does, writes each decision down, and
// traces requests where that is switched on.
//
// A nil *Metrics, *Audit or *Traces is one that does nothing, so that whoever uses
// them need not ask.
//
// No text that a stranger can choose becomes a label: doors, codes and results are
// words of this program, policies and certificates are names that an administrator
// wrote, and a label that takes more values than it should counts them as "other".
package observe

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters of one server, in a registry of their own. They are safe
// for concurrent use. docs/observability.md explains each.
type Metrics struct {
	registry *prometheus.Registry
	answers
	work
	state
	bounds labels
	before atomic.Pointer[func()]
}

// NewMetrics makes the metrics of a server of the version and commit given.
func NewMetrics(version, commit string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), answers: newAnswers(), work: newWork(), state: newState()}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "assay_build_info", Help: "1, with the build in its labels.",
		ConstLabels: prometheus.Labels{"version": tidy(version), "commit": tidy(commit), "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.answers.collectors()...)
	m.registry.MustRegister(m.work.collectors()...)
	m.registry.MustRegister(m.state.collectors()...)
	return m
}

// Handler answers GET /metrics in the formats of Prometheus. It takes few scrapes at
// once and each of them has an end.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := m.before.Load(); f != nil {
			(*f)()
		}
		scrape.ServeHTTP(w, r)
	})
}

// Before has f called before each scrape, to say what is cheap to say then, such as
// [Metrics.Entries].
func (m *Metrics) Before(f func()) {
	if m != nil {
		m.before.Store(&f)
	}
}

// Decided counts one decision about one image: the door (such as "validate"), the
// outcome, and the check and code of the first problem, "" on a pass. A decision that
// is undecided counts as well as one that would have been let in by a gate that fails
// open.
func (m *Metrics) Decided(door, outcome, check, code string) {
	if m == nil {
		return
	}
	m.decisions.WithLabelValues(m.bounds.doors.word(door), m.bounds.results.word(outcome),
		m.bounds.checks.word(check), m.bounds.codes.word(code)).Inc()
	if outcome != "undecided" {
		return
	}
	switch code {
	case "server.late":
		m.open.WithLabelValues("late").Inc()
	case "server.busy":
		m.open.WithLabelValues("busy").Inc()
	default:
		m.open.WithLabelValues("undecided").Inc()
	}
}

// Answered counts one request at a door by the status code of the answer and how long it took.
func (m *Metrics) Answered(door string, status int, took time.Duration) {
	if m == nil {
		return
	}
	door = m.bounds.doors.word(door)
	code := other
	if status >= 100 && status < 600 {
		code = strconv.Itoa(status)
	}
	m.requests.WithLabelValues(door, m.bounds.statuses.word(code)).Inc()
	m.latency.WithLabelValues(door).Observe(took.Seconds())
}

// InFlight counts a request until done is called; calling done again does nothing.
func (m *Metrics) InFlight(door string) (done func()) {
	if m == nil {
		return func() {}
	}
	g := m.inFlight.WithLabelValues(m.bounds.doors.word(door))
	g.Inc()
	var once sync.Once
	return func() { once.Do(g.Dec) }
}

// Late counts an answer that was due before the verdict was there.
func (m *Metrics) Late(door string) {
	if m == nil {
		return
	}
	m.late.WithLabelValues(m.bounds.doors.word(door)).Inc()
}

// Exempted counts an object that was let through because nothing of it runs anew,
// refused says whether it would be refused today.
func (m *Metrics) Exempted(door, reason string, refused bool) {
	if m == nil {
		return
	}
	m.exempted.WithLabelValues(m.bounds.doors.word(door), m.bounds.results.word(reason), strconv.FormatBool(refused)).Inc()
}

// Shadowed counts a comparison with a shadow policy: "same", "stricter", "laxer" or "error".
func (m *Metrics) Shadowed(policy, result string) {
	if m == nil {
		return
	}
	m.shadow.WithLabelValues(m.bounds.policies.name(policy), m.bounds.results.word(result)).Inc()
}

// Graced counts an image that was admitted by grace alone, Excepted by an exception,
// Audited because the policy does not enforce.
func (m *Metrics) Graced(policy string) { m.anyway(policy, "grace") }

// Excepted: see [Metrics.Graced].
func (m *Metrics) Excepted(policy string) { m.anyway(policy, "exception") }

// Audited: see [Metrics.Graced].
func (m *Metrics) Audited(policy string) { m.anyway(policy, "audit") }

func (m *Metrics) anyway(policy, why string) {
	if m == nil {
		return
	}
	m.admittedAnyway.WithLabelValues(m.bounds.policies.name(policy), why).Inc()
}

// Denied counts a request that was turned away before any door: "auth", "rate",
// "busy", "size", "timeout", "panic", "tls", "scrape". Of these a gate that fails open
// would have let in all that came from a caller and was not read or not answered.
func (m *Metrics) Denied(reason string) {
	if m == nil {
		return
	}
	reason = m.bounds.results.word(reason)
	m.turnedAway.WithLabelValues(reason).Inc()
	switch reason {
	case "rate", "busy", "size", "timeout", "panic":
		m.open.WithLabelValues(reason).Inc()
	}
}
