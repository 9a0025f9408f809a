package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestValuesTable holds the chart's README to name every value with its default, once.
func TestValuesTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(folder, "assay", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "assay", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]any{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| `(.*?)` \\|").FindAllStringSubmatch(string(page), -1) {
		var v any
		if err := yaml.Unmarshal([]byte(m[2]), &v); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
		if _, twice := documented[m[1]]; twice {
			t.Errorf("README.md names %s twice", m[1])
		}
		documented[m[1]] = v
	}
	leaves := map[string]any{}
	collect(values, "", documented, leaves)
	for name, v := range leaves {
		want, _ := json.Marshal(v)
		got, _ := json.Marshal(documented[name])
		if _, there := documented[name]; !there || string(got) != string(want) {
			t.Errorf("README.md says of %s %s; the default is %s", name, got, want)
		}
	}
	for name := range documented {
		if _, there := leaves[name]; !there {
			t.Errorf("README.md names %s, which is no value", name)
		}
	}
}

// collect finds the leaves: what is documented whole, or has nothing below it.
func collect(values map[string]any, prefix string, documented, leaves map[string]any) {
	for k, v := range values {
		name := prefix + k
		m, isMap := v.(map[string]any)
		if _, whole := documented[name]; isMap && len(m) > 0 && !whole {
			collect(m, name+".", documented, leaves)
			continue
		}
		leaves[name] = v
	}
}

// TestSchemaIsStrict walks the schema: every object names its members, and every default
// has a place in it.
func TestSchemaIsStrict(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(folder, "assay", "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(name string, s map[string]any)
	walk = func(name string, s map[string]any) {
		props, _ := s["properties"].(map[string]any)
		if len(props) > 0 && s["additionalProperties"] != false {
			t.Errorf("%s takes members that it does not name", name)
		}
		for k, v := range props {
			walk(name+"."+k, v.(map[string]any))
		}
		if items, ok := s["items"].(map[string]any); ok {
			walk(name+"[]", items)
		}
	}
	walk("values", schema)
	props := schema["properties"].(map[string]any)
	y, err := os.ReadFile(filepath.Join(folder, "assay", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(y, &values); err != nil {
		t.Fatal(err)
	}
	for k := range values {
		if props[k] == nil {
			t.Errorf("the schema has no %s", k)
		}
	}
}

// built returns helm, or skips the test where it was never built.
func built(t *testing.T) helm {
	t.Helper()
	h, err := findHelm(t.Context(), filepath.Join(folder, "tools"), false)
	if errors.Is(err, errNoHelm) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Read here what helm reads, so that `go test` does not remember a result of other templates.
	err = filepath.WalkDir(filepath.Join(folder, "assay"), func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = os.ReadFile(name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestRendered renders the chart again: the files that the other tests read are what it
// gives, and helm's linter has nothing to say.
func TestRendered(t *testing.T) {
	all, err := render(t.Context(), built(t), folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(variants) {
		t.Errorf("rendered %d; wanted %d", len(all), len(variants))
	}
	for name, text := range all {
		old, err := os.ReadFile(name)
		if err != nil || string(old) != string(text) {
			t.Errorf("%s is not what the chart renders: run `make helm-golden` and read the difference", name)
		}
	}
}

// TestRefused renders values that contradict themselves, or would be open, and wants them
// refused with a word on what to do.
func TestRefused(t *testing.T) {
	h := built(t)
	minimal := filepath.Join(folder, "testdata", "minimal.values.yaml")
	none := filepath.Join(t.TempDir(), "none.yaml")
	if err := os.WriteFile(none, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  string
		want string
	}{
		{"", "policies.use is empty; wanted at least one policy"},
		{"policies.use[0].file=other.yaml", `names the file "other.yaml", which is not in policies.files`},
		{"policies.exceptions=x.yaml", `names the file "x.yaml"`},
		{"webhooks.validate=false", "webhooks.mutate without webhooks.validate"},
		{"tls.source=existing", "tls.existing.secret is empty"},
		{"tls.source=existing,tls.existing.secret=a", "tls.existing.caBundle is empty"},
		{"auth.mode=mtls", "auth.clientCA.existingSecret is empty"},
		{"auth.mode=none", "auth.open is set, which is then without effect"},
		{"auth.mode=none,auth.open=null", "metrics.auth is true and auth.mode is none"},
		{"pullSecrets.enabled=true,pullSecrets.namespaces[0].name=a", "wanted networkPolicy.apiServers"},
		{"pullSecrets.enabled=true,networkPolicy.apiServers={10.0.0.0/8}", "pullSecrets.namespaces is empty"},
		{"settings.auth=none", "settings.auth is written by the chart"},
		{"settings.open=x", "settings.open is written by the chart"},
		{"autoscaling.enabled=true,autoscaling.maxReplicas=1", "below autoscaling.minReplicas"},
		{"webhooks.failurePolicy=Ignore", "failurePolicy"},
		{"webhooks.timeoutSeconds=31", "maximum"},
		{"webhooks.exemptNamespaces={Kube System}", "does not match pattern"},
		{"image.digest=latest", "does not match pattern"},
		{"redis.url=redis://user:secret@host", "does not match pattern"},
		{"auth.mode=basic", "must be one of"},
		{"replicas=0", "minimum"},
		{"service.type=LoadBalancer", "must be"},
		{"unknown=1", "additional properties"},
	} {
		values := minimal
		if c.set == "" {
			values = none
		}
		_, err := h.template(t.Context(), filepath.Join(folder, "assay"), values, "--set", c.set)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found %v; wanted %q", c.set, err, c.want)
		}
	}
}
