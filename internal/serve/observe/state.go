package observe

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// state are the metrics of what is in force.
type state struct {
	loads          *prometheus.CounterVec
	loaded, broken *prometheus.GaugeVec
	ages           *ages
	ends           *ends
}

func newState() state {
	return state{
		loads:  counter("assay_loads_total", "Attempts to load something anew.", "what", "result"),
		loaded: gauge("assay_load_last_success_timestamp_seconds", "When something was last loaded, in Unix time.", "what"),
		broken: gauge("assay_load_failing", "1 while the last attempt to load something failed and an older one is in force.", "what"),
		ages: &ages{desc: prometheus.NewDesc("assay_in_force_since_timestamp_seconds",
			"Since when the trusted root and each policy are what they are, in Unix time.", []string{"what"}, nil)},
		ends: &ends{desc: prometheus.NewDesc("assay_expiry_timestamp_seconds",
			"When a policy, an exception, the audit mode or a certificate ends, in Unix time.", []string{"what", "name"}, nil)},
	}
}

func (s state) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.loads, s.loaded, s.broken, s.ages, s.ends}
}

// Loaded counts an attempt to load something anew ("policy", "exceptions", "trust",
// "tuf", "certificate", "tokens", "registries") and whether it worked.
func (m *Metrics) Loaded(what string, err error) {
	if m == nil {
		return
	}
	what = m.bounds.loads.word(what)
	if err != nil {
		m.loads.WithLabelValues(what, "error").Inc()
		m.broken.WithLabelValues(what).Set(1)
		return
	}
	m.loads.WithLabelValues(what, "ok").Inc()
	m.broken.WithLabelValues(what).Set(0)
	m.loaded.WithLabelValues(what).SetToCurrentTime()
}

// Ages says since when the trusted root ("trust") and each policy in force
// ("policy NAME") are what they are, in words of a Prometheus scrape: f is called for
// each. A zero time is left out.
func (m *Metrics) Ages(f func() map[string]time.Time) {
	if m == nil {
		return
	}
	m.ages.mu.Lock()
	defer m.ages.mu.Unlock()
	m.ages.read = f
}

// Expires says when a policy, an exception, the audit mode or a certificate ends; a
// zero time says that it no longer does.
func (m *Metrics) Expires(what, name string, at time.Time) {
	if m == nil {
		return
	}
	m.ends.set(m.bounds.loads.word(what), name, at)
}

// Ends replaces what [Metrics.Expires] said of one kind of thing: what is not among all
// of them is gone.
func (m *Metrics) Ends(what string, all map[string]time.Time) {
	if m == nil {
		return
	}
	what = m.bounds.loads.word(what)
	m.ends.drop(what)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m.ends.set(what, name, all[name])
	}
}

// unix is a time as Prometheus has it.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

// ages are read at each scrape.
type ages struct {
	desc *prometheus.Desc
	mu   sync.Mutex
	read func() map[string]time.Time
}

// Describe implements prometheus.Collector.
func (a *ages) Describe(ch chan<- *prometheus.Desc) { ch <- a.desc }

// Collect implements prometheus.Collector.
func (a *ages) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	read := a.read
	a.mu.Unlock()
	if read == nil {
		return
	}
	all, sent := read(), map[string]bool{}
	for _, what := range slices.Sorted(maps.Keys(all)) {
		label := tidy(what)
		if all[what].IsZero() || sent[label] || len(sent) >= maxNames {
			continue
		}
		sent[label] = true
		ch <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, unix(all[what]), label)
	}
}

// end names what ends.
type end struct{ what, name string }

// ends are the moments at which something ends. Beyond their bound the soonest counts,
// under the name "other".
type ends struct {
	desc *prometheus.Desc
	mu   sync.Mutex
	at   map[end]time.Time
}

func (e *ends) set(what, text string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := end{what, tidy(text)}
	if at.IsZero() {
		delete(e.at, key)
		return
	}
	if e.at == nil {
		e.at = map[end]time.Time{}
	}
	if _, there := e.at[key]; !there && len(e.at) >= maxNames {
		key.name = other
		if before, there := e.at[key]; there && before.Before(at) {
			return
		}
	}
	e.at[key] = at
}

func (e *ends) drop(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.at, func(key end, _ time.Time) bool { return key.what == what })
}

// Describe implements prometheus.Collector.
func (e *ends) Describe(ch chan<- *prometheus.Desc) { ch <- e.desc }

// Collect implements prometheus.Collector.
func (e *ends) Collect(ch chan<- prometheus.Metric) {
	e.mu.Lock()
	all := maps.Clone(e.at)
	e.mu.Unlock()
	for key, at := range all {
		ch <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, unix(at), key.what, key.name)
	}
}
