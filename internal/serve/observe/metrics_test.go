package observe

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// exercise calls every method of m once, with the words that the server uses.
func exercise(m *Metrics) {
	m.Decided("validate", "passed", "", "")
	m.Decided("validate", "undecided", "signature", "server.late")
	m.Answered("validate", http.StatusOK, 3*time.Millisecond)
	m.InFlight("validate")()
	m.Late("validate")
	m.Exempted("validate", "unchanged", true)
	m.Cached("memory", "hit")
	m.Entries("memory", 2, 1)
	m.Verified("passed", 80*time.Millisecond, 9, 42_000, false)
	m.Shadowed("production", "stricter")
	m.Graced("production")
	m.Excepted("production")
	m.Audited("production")
	m.Loaded("policy", nil)
	m.Loaded("trust", errors.New("no"))
	m.Ages(func() map[string]time.Time {
		return map[string]time.Time{"trust": time.Unix(1_700_000_000, 0), "policy production": time.Unix(1_700_000_500, 0), "tuf:never": {}}
	})
	m.Denied("busy")
	m.Denied("auth")
	m.Expires("certificate", "server", time.Unix(1_800_000_000, 0))
	m.Expires("exception", "gone", time.Unix(1_800_000_000, 0))
	m.Expires("exception", "gone", time.Time{})
	m.Ends("audit", map[string]time.Time{"gone": time.Unix(1_800_000_000, 0)})
	m.Ends("audit", map[string]time.Time{"production": time.Unix(1_900_000_000, 0), "none": {}})
	m.audited("written", 1)
	m.exported("sent", 1)
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsCount(t *testing.T) {
	m := NewMetrics("v1.2.3", "c0ffee")
	exercise(m)
	m.Before(func() { m.Entries("memory", 3, 4096) })
	text := scrape(t, m)
	for _, want := range []string{
		`assay_decisions_total{check="",code="",door="validate",outcome="passed"} 1`,
		`assay_decisions_total{check="signature",code="server.late",door="validate",outcome="undecided"} 1`,
		`assay_requests_total{door="validate",status="200"} 1`,
		`assay_request_duration_seconds_bucket{door="validate",le="0.0025"} 0`,
		`assay_request_duration_seconds_bucket{door="validate",le="0.005"} 1`,
		`assay_requests_in_flight{door="validate"} 0`,
		`assay_late_answers_total{door="validate"} 1`,
		`assay_exempted_total{door="validate",reason="unchanged",refused="true"} 1`,
		`assay_cache_lookups_total{cache="memory",result="hit"} 1`,
		`assay_cache_entries{cache="memory"} 3`,
		`assay_cache_bytes{cache="memory"} 4096`,
		`assay_verifications_total{late="false",outcome="passed"} 1`,
		`assay_verification_requests_total 9`,
		`assay_verification_bytes_total 42000`,
		`assay_shadow_comparisons_total{policy="production",result="stricter"} 1`,
		`assay_admitted_anyway_total{policy="production",why="grace"} 1`,
		`assay_admitted_anyway_total{policy="production",why="exception"} 1`,
		`assay_admitted_anyway_total{policy="production",why="audit"} 1`,
		`assay_loads_total{result="ok",what="policy"} 1`,
		`assay_load_failing{what="trust"} 1`,
		`assay_load_failing{what="policy"} 0`,
		`assay_in_force_since_timestamp_seconds{what="policy production"} 1.7000005e+09`,
		`assay_in_force_since_timestamp_seconds{what="trust"} 1.7e+09`,
		`assay_turned_away_total{reason="busy"} 1`,
		`assay_would_have_failed_open_total{reason="busy"} 1`,
		`assay_would_have_failed_open_total{reason="late"} 1`,
		`assay_expiry_timestamp_seconds{name="server",what="certificate"} 1.8e+09`,
		`assay_expiry_timestamp_seconds{name="production",what="audit"} 1.9e+09`,
		`commit="c0ffee"`, "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not found: %s", want)
		}
	}
	for _, not := range []string{`reason="auth"} 1` + "\nassay_would", `name="gone"`, `name="none"`, "tuf:never"} {
		if strings.Contains(text, not) {
			t.Errorf("found: %s", not)
		}
	}
	if strings.Contains(text, `assay_would_have_failed_open_total{reason="auth"}`) {
		t.Error("a stranger without a token is not let in by a gate that fails open")
	}
}

// TestMetricsNone shows that what does nothing does nothing.
func TestMetricsNone(t *testing.T) {
	var m *Metrics
	m.Before(func() {})
	exercise(m)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("got status %d", w.Code)
	}
}

// TestMetricsBounded throws more values, and stranger ones, at labels than they take.
func TestMetricsBounded(t *testing.T) {
	m := NewMetrics("v1", "")
	for i := range 4 * maxWords {
		text := fmt.Sprintf("evil%d", i)
		m.Decided(text, text, text, text)
		m.Answered(text, i, time.Second)
		m.InFlight(text)
		m.Late(text)
		m.Exempted(text, text, false)
		m.Cached(text, text)
		m.Entries(text, 1, 1)
		m.Verified(text, 0, -1, -1, true)
		m.Shadowed(text, text)
		m.Graced(text)
		m.Loaded(text, nil)
		m.Denied(text)
		m.Expires(text, text, time.Unix(int64(2_000_000_000-i), 0))
	}
	m.Ages(func() map[string]time.Time {
		all := map[string]time.Time{}
		for i := range 4 * maxNames {
			all[fmt.Sprint("policy:", i)] = time.Unix(1, 0)
		}
		return all
	})
	text := scrape(t, m)
	series := map[string]int{}
	for _, line := range strings.Split(text, "\n") {
		if name, _, ok := strings.Cut(line, "{"); ok && strings.HasPrefix(name, "assay_") {
			series[name]++
		}
	}
	for name, n := range series {
		if most := 20 * (maxWords + 2); n > most {
			t.Errorf("%s has %d series, want at most %d", name, n, most)
		}
	}
	if want := fmt.Sprintf(`assay_expiry_timestamp_seconds{name="other",what="other"} %v`, float64(2_000_000_000-4*maxWords+1)); !strings.Contains(text, want) {
		t.Errorf("the soonest end beyond the bound is not told: want %s", want)
	}
	if !strings.Contains(text, `policy="other"`) || strings.Contains(text, `status="99"`) {
		t.Error("what is beyond the bound has to count as other")
	}
}

// TestMetricsForeign shows what becomes of text that should never be a label.
func TestMetricsForeign(t *testing.T) {
	m := NewMetrics("v1\n\x1b[31m", strings.Repeat("c", 5000))
	m.Decided("validate", "refused", "docker.io/Library/x", "<script>")
	m.Graced("prod\x1b[2J\u202e\xff" + strings.Repeat("é", 500))
	m.Denied("Mozilla/5.0")
	text := scrape(t, m)
	for _, not := range []string{"\x1b", "\u202e", "<script", "Library", "Mozilla", strings.Repeat("c", maxName+1), strings.Repeat("é", maxName)} {
		if strings.Contains(text, not) {
			t.Errorf("found %q", not)
		}
	}
	if !strings.Contains(text, `policy="prod?[2J??`) {
		t.Error("the policy's name is gone")
	}
}

func TestMetricsConcurrent(t *testing.T) {
	m := NewMetrics("v1", "")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				exercise(m)
			}
		})
	}
	all.Go(func() {
		for range 10 {
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			_, _ = io.Copy(io.Discard, w.Body)
		}
	})
	all.Wait()
	if text := scrape(t, m); !strings.Contains(text, `assay_requests_total{door="validate",status="200"} 400`) {
		t.Error("requests were lost")
	}
}

func TestInFlightOnce(t *testing.T) {
	m := NewMetrics("v1", "")
	done := m.InFlight("validate")
	if text := scrape(t, m); !strings.Contains(text, `assay_requests_in_flight{door="validate"} 1`) {
		t.Error("the request is not counted")
	}
	done()
	done()
	if text := scrape(t, m); !strings.Contains(text, `assay_requests_in_flight{door="validate"} 0`) {
		t.Error("done counted twice")
	}
}
