package observe

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite deploy/prometheus/prometheusrule.yaml")

const (
	alertsFile  = "../../../deploy/prometheus/alerts.yaml"
	ruleFile    = "../../../deploy/prometheus/prometheusrule.yaml"
	grafanaFile = "../../../deploy/grafana/assay.json"
)

type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func readRules(t *testing.T) rules {
	t.Helper()
	raw, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var r rules
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if len(r.Groups) != 1 || len(r.Groups[0].Rules) < 10 {
		t.Fatalf("got %+v", r)
	}
	return r
}

// TestAlerts holds the rules to the metrics, and to docs/observability.md.
func TestAlerts(t *testing.T) {
	known := families(t)
	docs, err := os.ReadFile("../../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, r := range readRules(t).Groups[0].Rules {
		named[r.Alert] = true
		expression(t, r.Alert, r.Expr, known)
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s: got severity %q", r.Alert, s)
		}
		if !strings.Contains(string(docs), "| `"+r.Alert+"` |") {
			t.Errorf("docs/observability.md says nothing of %s", r.Alert)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s has no text", r.Alert)
		}
		for _, text := range r.Annotations {
			// What the expression sums away is not there to be shown.
			for _, used := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
				if by := regexp.MustCompile(`by \(([^)]*)\)`).FindStringSubmatch(r.Expr); by != nil && !slices.Contains(strings.Split(by[1], ", "), used[1]) {
					t.Errorf("%s shows label %s, which its expression sums away", r.Alert, used[1])
				}
			}
		}
	}
	for _, row := range regexp.MustCompile("\\| `(Assay[A-Za-z]+)` \\|").FindAllStringSubmatch(string(docs), -1) {
		if !named[row[1]] {
			t.Errorf("docs/observability.md tells of %s, which is not there", row[1])
		}
	}
}

// TestPrometheusRule compares the two forms of the rules; -update writes the second.
func TestPrometheusRule(t *testing.T) {
	raw, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Written by `go test ./internal/serve/observe -run TestPrometheusRule -update` from alerts.yaml.\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: assay\n  labels: {app.kubernetes.io/name: assay}\nspec:\n")
	_, body, ok := strings.Cut(string(raw), "\ngroups:\n")
	if !ok {
		t.Fatal("alerts.yaml has no groups")
	}
	for _, line := range strings.SplitAfter("groups:\n"+body, "\n") {
		if strings.TrimSpace(line) != "" {
			line = "  " + line
		}
		b.WriteString(line)
	}
	if *update {
		if err := os.WriteFile(ruleFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(ruleFile)
	if err != nil || string(got) != b.String() {
		t.Errorf("the file is not what alerts.yaml makes: run with -update (%v)", err)
	}
	var whole struct{ Spec rules }
	if err := yaml.Unmarshal(got, &whole); err != nil || len(whole.Spec.Groups) != 1 {
		t.Errorf("got %v, %v", whole, err)
	}
}

// TestDashboard holds each expression of the dashboard to the metrics, and each metric
// to a panel.
func TestDashboard(t *testing.T) {
	raw, err := os.ReadFile(grafanaFile)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	known := families(t)
	shown, ids := map[string]bool{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s: its id is taken, or it stands beyond the edge", p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expression(t, p.Title, target.Expr, known)
			for _, name := range metricNames(target.Expr) {
				shown[name] = true
			}
		}
	}
	for name := range known {
		if !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

var (
	selector = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
)

// expression checks that an expression names metrics and labels that are there, that
// its brackets pair, and that counters stand within a rate.
func expression(t *testing.T, where, expr string, known map[string]family) {
	t.Helper()
	labels := []string{"job", "instance"}
	names := metricNames(expr)
	for _, name := range names {
		f, ok := known[name]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		labels = append(labels, f.labels...)
		if f.kind == "histogram" {
			labels = append(labels, "le")
		}
		if f.kind == "counter" && !regexp.MustCompile(`(rate|increase)\(`+name+`\b`).MatchString(expr) {
			t.Errorf("%s: counter %s without rate or increase", where, name)
		}
	}
	if len(names) == 0 && !regexp.MustCompile(`\b(go|process)_[a-z_]+`).MatchString(expr) {
		t.Errorf("%s: %q names no metric", where, expr)
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		have := []string{"job", "instance"}
		for _, name := range metricNames(s[1]) {
			have = append(have, known[name].labels...)
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(have, m[1]) {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
		}
	}
	for _, by := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(by[1], ", ") {
			if !slices.Contains(labels, l) {
				t.Errorf("%s: no metric in it has label %s", where, l)
			}
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			t.Errorf("%s: %q has a bracket too many", where, expr)
		}
	}
}
