package observe

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// family is a metric as the code has it.
type family struct {
	kind   string
	labels []string
}

// families returns the metrics of this program by name.
func families(t *testing.T) map[string]family {
	t.Helper()
	m := NewMetrics("v1", "")
	exercise(m)
	gathered, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]family{}
	for _, f := range gathered {
		if !strings.HasPrefix(f.GetName(), "assay_") {
			continue
		}
		one := family{kind: strings.ToLower(f.GetType().String())}
		for _, l := range f.GetMetric()[0].GetLabel() {
			one.labels = append(one.labels, l.GetName())
		}
		all[f.GetName()] = one
	}
	return all
}

// TestEveryMetricExercised compares what exercise reaches with what is registered, by
// the descriptions, which are there without a value.
func TestEveryMetricExercised(t *testing.T) {
	m := NewMetrics("v1", "")
	known := families(t)
	described := make(chan *prometheus.Desc, 1000)
	for _, set := range [][]prometheus.Collector{m.answers.collectors(), m.work.collectors(), m.state.collectors()} {
		for _, c := range set {
			c.Describe(described)
		}
	}
	close(described)
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	n := 1 // the build
	for d := range described {
		n++
		if got := name.FindStringSubmatch(d.String()); got == nil || known[got[1]].kind == "" {
			t.Errorf("no method of Metrics counts %s", d)
		}
	}
	if n != len(known) {
		t.Errorf("got %d metrics described and %d counted", n, len(known))
	}
}

// TestMetricsDocumented compares the table of docs/observability.md with the code.
func TestMetricsDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	known, told := families(t), map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(assay_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\| ([^|]+) \\|$")
	for _, found := range row.FindAllStringSubmatch(string(raw), -1) {
		name, kind, labels := found[1], found[2], strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(found[3]))
		have, ok := known[name]
		if !ok || told[name] {
			t.Errorf("docs/observability.md tells of %s, which is not there, or does so twice", name)
			continue
		}
		told[name] = true
		slices.Sort(labels)
		if have.kind != kind || !slices.Equal(have.labels, labels) {
			t.Errorf("docs/observability.md has %s as a %s with %v; it is a %s with %v", name, kind, labels, have.kind, have.labels)
		}
	}
	for name := range known {
		if !told[name] {
			t.Errorf("docs/observability.md says nothing of %s", name)
		}
	}
	for _, name := range metricNames(string(raw)) {
		if _, ok := known[name]; !ok {
			t.Errorf("docs/observability.md names %s, which is not there", name)
		}
	}
}

var (
	// metricName also finds what a histogram is made of.
	metricName = regexp.MustCompile(`\bassay_[a-z_]+\b`)
)

// metricNames returns the metrics of this program that a text names.
func metricNames(text string) []string {
	var names []string
	for _, name := range metricName.FindAllString(text, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if whole, ok := strings.CutSuffix(name, part); ok && strings.HasSuffix(whole, "_seconds") {
				name = whole
			}
		}
		names = append(names, name)
	}
	return names
}
