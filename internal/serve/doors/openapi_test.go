package doors

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// description is the part of docs/schema/openapi.v1.yaml that is held to the doors.
type description struct {
	Paths      map[string]map[string]operation
	Components struct {
		Parameters map[string]parameter
		Responses  map[string]response
		Schemas    map[string]any
	}
}

type operation struct {
	Parameters []parameter
	Responses  map[string]response
}

type parameter struct {
	Ref  string `yaml:"$ref"`
	Name string
	In   string
}

type response struct {
	Ref     string `yaml:"$ref"`
	Headers map[string]any
}

func described(t *testing.T) (description, []byte) {
	t.Helper()
	s := open(t, settings.Settings{}, nil)
	w := s.get(t, "/v1/openapi.yaml")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/yaml" {
		t.Fatalf("found %d %s", w.Code, w.Header())
	}
	var d description
	must(t, yaml.Unmarshal(w.Body.Bytes(), &d))
	return d, w.Body.Bytes()
}

// TestOpenAPIRoutes: the description has the doors, all of them and no others, with
// their methods.
func TestOpenAPIRoutes(t *testing.T) {
	d, _ := described(t)
	s := open(t, settings.Settings{}, nil)
	_, listed, _ := strings.Cut(s.get(t, "/").Body.String(), "the doors are ")
	listed, _, _ = strings.Cut(listed, `"`)
	var want []string
	for _, path := range strings.Split(listed, ", ") {
		want = append(want, strings.Replace(path, "DIGEST", "{digest}", 1))
	}
	if got := slices.Sorted(maps.Keys(d.Paths)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("described %q; there are %q", got, want)
	}
	for path, operations := range d.Paths {
		path = strings.Replace(path, "{digest}", goodDigest, 1)
		w := s.post(t, path, "{")
		allowed := w.Header().Get("Allow")
		if w.Code != http.StatusMethodNotAllowed {
			allowed = http.MethodPost
		}
		if got := slices.Collect(maps.Keys(operations)); len(got) != 1 || strings.ToUpper(got[0]) != allowed {
			t.Errorf("%s: described %q, takes %s", path, got, allowed)
		}
	}
}

// TestOpenAPIQueries: each query parameter is taken, and no other one of /v1.
func TestOpenAPIQueries(t *testing.T) {
	d, _ := described(t)
	s := open(t, settings.Settings{}, nil)
	values := map[string]string{"timeout": "1s", "status": "verdict", "limit": "3", "keys": "namespace"}
	bodies := map[string]string{"/v1/verify": `{"image":"` + image("good") + `"}`, "/gatekeeper": keysOf("prod|" + pinned("good")), "/gatekeeper/mutate": keysOf(image("good"))}
	for path, operations := range d.Paths {
		var names []string
		for _, o := range operations {
			for _, p := range o.Parameters {
				if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
					p = d.Components.Parameters[name]
				}
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
		}
		if _, isDecided := bodies[path]; !isDecided && !strings.HasPrefix(path, verdictsPath) {
			continue // foreign forms, in which an API server may add what it likes
		}
		for name, value := range values {
			target := strings.Replace(path, "{digest}", goodDigest, 1) + "?" + name + "=" + value
			w := s.get(t, target)
			if body, ok := bodies[path]; ok {
				w = s.post(t, target, body)
			}
			if taken := w.Code == http.StatusOK; taken != slices.Contains(names, name) {
				t.Errorf("%s: %d, described %q: %s", target, w.Code, names, w.Body)
			}
		}
	}
}

// TestOpenAPIFields: what the doors take and answer has the fields that are described.
func TestOpenAPIFields(t *testing.T) {
	d, raw := described(t)
	if got, want := propertiesOf(t, d, "PastVerdict"), fieldsOfType(reflect.TypeFor[past]()); !slices.Equal(got, want) {
		t.Errorf("PastVerdict: described %q, there are %q", got, want)
	}
	s := open(t, settings.Settings{}, func(o *Options) { o.Past = &remembered{} })
	conforms(t, raw, "PastVerdicts", s.get(t, verdictsPath+goodDigest).Body.Bytes())
	conforms(t, raw, "Error", s.post(t, "/v1/verify", "{").Body.Bytes())
	question := map[string]any{"image": image("good"), "namespace": "prod", "version": "1", "fresh": true}
	if got := propertiesOf(t, d, "Question"); !slices.Equal(got, slices.Sorted(maps.Keys(question))) {
		t.Errorf("Question: described %q", got)
	}
	body, err := json.Marshal(question)
	must(t, err)
	conforms(t, raw, "Question", body)
	w := s.post(t, "/v1/verify", string(body))
	if w.Code != http.StatusOK {
		t.Errorf("%s is refused: %s", body, w.Body)
	}
	var sent []string
	for name := range w.Header() {
		if strings.HasPrefix(name, "Assay-") {
			sent = append(sent, name)
		}
	}
	if got := slices.Sorted(maps.Keys(d.Components.Responses["Verdict"].Headers)); !slices.Equal(got, slices.Sorted(slices.Values(sent))) {
		t.Errorf("headers: described %q, sent %q", got, sent)
	}
	for _, o := range []serve.Outcome{serve.Refused, serve.Undecided, serve.Passed, serve.Audited, serve.Excepted, serve.Graced} {
		if !bytes.Contains(raw, []byte(o.String())) {
			t.Errorf("the outcome %s is not described", o)
		}
	}
}

// propertiesOf are the names of a described object's fields.
func propertiesOf(t *testing.T, d description, name string) []string {
	t.Helper()
	object, ok := d.Components.Schemas[name].(map[string]any)
	if !ok {
		t.Fatalf("%s is not described", name)
	}
	properties, _ := object["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

func fieldsOfType(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return slices.Sorted(slices.Values(names))
}

// conforms validates a document by a schema of the description.
func conforms(t *testing.T, raw []byte, name string, document []byte) {
	t.Helper()
	var tree any
	must(t, yaml.Unmarshal(raw, &tree))
	b, err := json.Marshal(tree)
	must(t, err)
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	must(t, err)
	c := jsonschema.NewCompiler()
	must(t, c.AddResource("https://assay.test/openapi", whole))
	s, err := c.Compile("https://assay.test/openapi#/components/schemas/" + name)
	must(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	must(t, err)
	if err := s.Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", name, err, document)
	}
}
