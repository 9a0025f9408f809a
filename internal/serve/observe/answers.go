package observe

import "github.com/prometheus/client_golang/prometheus"

// answerSeconds are the bounds of the time that a request or a verification takes: from
// what memory answers within to the longest timeout of a webhook.
var answerSeconds = []float64{.001, .0025, .005, .01, .015, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}

// answers are the metrics of what is asked and answered.
type answers struct {
	decisions, requests, late, exempted      *prometheus.CounterVec
	shadow, admittedAnyway, turnedAway, open *prometheus.CounterVec
	inFlight                                 *prometheus.GaugeVec
	latency                                  *prometheus.HistogramVec
}

func newAnswers() answers {
	return answers{
		decisions: counter("assay_decisions_total", "Decisions about images, by the first problem.",
			"door", "outcome", "check", "code"),
		requests:       counter("assay_requests_total", "Requests that a door answered, by HTTP status.", "door", "status"),
		late:           counter("assay_late_answers_total", "Answers that were due before the verdict was there.", "door"),
		exempted:       counter("assay_exempted_total", "Objects let through because nothing of them runs anew.", "door", "reason", "refused"),
		shadow:         counter("assay_shadow_comparisons_total", "Verdicts compared with those of the shadow policy.", "policy", "result"),
		admittedAnyway: counter("assay_admitted_anyway_total", "Images admitted although they did not pass.", "policy", "why"),
		turnedAway:     counter("assay_turned_away_total", "Requests turned away before any door.", "reason"),
		open:           counter("assay_would_have_failed_open_total", "What a gate that fails open would have let in undecided.", "reason"),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_requests_in_flight", Help: "Requests that are being answered.",
		}, []string{"door"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_request_duration_seconds", Help: "Time from a request's arrival at a door to its answer.", Buckets: answerSeconds,
		}, []string{"door"}),
	}
}

func (a answers) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		a.decisions, a.requests, a.late, a.exempted, a.shadow, a.admittedAnyway, a.turnedAway, a.open, a.inFlight, a.latency,
	}
}

// counter makes a counter with labels.
func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// gauge makes a gauge with labels.
func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}
