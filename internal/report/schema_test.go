package report

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/releaseassay/assay/verify"
)

const schemaFile = "../../docs/schema/verdict.v1.json"

func schemaDocument(t *testing.T) map[string]any {
	t.Helper()
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func TestVerdictsFitTheSchema(t *testing.T) {
	doc := schemaDocument(t)
	id := doc["$id"].(string)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(v verify.Verdict, change func(map[string]any)) error {
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(asJSON(t, v)))
		if err != nil {
			t.Fatal(err)
		}
		change(parsed.(map[string]any))
		return schema.Validate(parsed)
	}
	for name, make := range samples {
		if strings.HasPrefix(name, "hostile") { // its digests are none
			continue
		}
		if err := judge(make(), func(map[string]any) {}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(map[string]any){
		"an unknown field":         func(v map[string]any) { v["extra"] = 1 },
		"a pass without a digest":  func(v map[string]any) { delete(v["image"].(map[string]any), "digest") },
		"a pass without checks":    func(v map[string]any) { v["checks"] = []any{} },
		"a pass and inconclusive":  func(v map[string]any) { v["conclusive"] = false },
		"no decision":              func(v map[string]any) { delete(v, "verdict") },
		"a failure without a code": func(v map[string]any) { v["checks"].([]any)[0].(map[string]any)["result"] = "fail" },
		"a pass with a code":       func(v map[string]any) { v["checks"].([]any)[0].(map[string]any)["code"] = "signature.missing" },
		"a failure with a notice": func(v map[string]any) {
			f := v["checks"].([]any)[0].(map[string]any)
			f["result"], f["code"], f["notice"] = "fail", "signature.missing", "release.lagging"
		},
		"a release of a signature": func(v map[string]any) {
			v["checks"].([]any)[0].(map[string]any)["release"] = map[string]any{
				"repository": "https://tuf.acme.example", "root": sha("12"), "state": "known", "refreshed": true, "roles": []any{},
			}
		},
		"an excused pass": func(v map[string]any) {
			v["exception"] = map[string]any{"checks": []any{}, "reason": "", "approver": "", "expires": "2026-03-05T08:00:00Z", "digest": sha("e0")}
		},
		"platforms of a signature": func(v map[string]any) {
			v["checks"].([]any)[0].(map[string]any)["platforms"] = map[string]any{"index": sha("ab"), "children": []any{}}
		},
		"a story of a signature": func(v map[string]any) {
			v["checks"].([]any)[0].(map[string]any)["story"] = []any{}
		},
		"a violation with an unknown field": func(v map[string]any) {
			v["checks"].([]any)[0].(map[string]any)["violations"] = []any{map[string]any{"rule": "r", "problem": "p", "severity": "low"}}
		},
		"a notice without a message": func(v map[string]any) { v["notices"] = []any{map[string]any{"code": "policy.expires_soon"}} },
		"a document without a size": func(v map[string]any) {
			v["checks"].([]any)[0].(map[string]any)["found"].([]any)[0].(map[string]any)["document"] = map[string]any{"format": "SPDX", "version": "2.3"}
		},
		"a child whose evidence is nowhere": func(v map[string]any) {
			v["checks"] = append(v["checks"].([]any), map[string]any{"id": "platforms", "required": true, "result": "pass", "platforms": map[string]any{
				"index": sha("ab"), "children": []any{map[string]any{"digest": sha("a1"), "role": "image", "evidence": map[string]any{"sbom": "somewhere"}}},
			}})
		},
		"a time that is none": func(v map[string]any) { v["run"].(map[string]any)["judged_at"] = "today" },
	} {
		if judge(passing(), change) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

// TestSchemaIsTheStruct walks verify.Verdict and the schema side by side: every
// field is a property and every property a field, of the same type, required
// exactly if it is always written, and described.
func TestSchemaIsTheStruct(t *testing.T) {
	doc := schemaDocument(t)
	w := &walker{t: t, defs: doc["$defs"].(map[string]any), seen: map[string]bool{}}
	w.walk("verdict", reflect.TypeFor[verify.Verdict](), doc)
	for name := range w.defs {
		if !w.seen[name] {
			t.Errorf("nothing uses $defs/%s", name)
		}
	}
}

type walker struct {
	t    *testing.T
	defs map[string]any
	seen map[string]bool
}

// resolve follows a $ref, and keeps a description that stands beside it.
func (w *walker) resolve(node map[string]any) map[string]any {
	ref, ok := node["$ref"].(string)
	if !ok {
		return node
	}
	name := strings.TrimPrefix(ref, "#/$defs/")
	w.seen[name] = true
	target, ok := w.defs[name].(map[string]any)
	if !ok {
		w.t.Fatalf("%s leads nowhere", ref)
	}
	return target
}

func (w *walker) walk(path string, typ reflect.Type, node map[string]any) {
	described := node["description"] != nil
	node = w.resolve(node)
	if !described && node["description"] == nil && !strings.HasSuffix(path, "[]") {
		w.t.Errorf("%s has no description", path)
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if known, ok := enums[typ]; ok {
		if known != nil {
			w.enum(path, known(w.t), node)
		}
		return
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()]
	if typ == reflect.TypeFor[time.Time]() {
		want = "string"
	}
	_, isEnum := node["enum"]
	_, isConst := node["const"]
	if node["type"] != want && !(want == "string" && (isEnum || isConst)) {
		w.t.Errorf("%s has the type %v; wanted %s", path, node["type"], want)
	}
	switch {
	case typ.Kind() == reflect.Slice:
		w.walk(path+"[]", typ.Elem(), node["items"].(map[string]any))
	case typ.Kind() == reflect.Map:
		w.walk(path+"[]", typ.Elem(), node["additionalProperties"].(map[string]any))
	case want == "object":
		w.object(path, typ, node)
	}
}

func (w *walker) object(path string, typ reflect.Type, node map[string]any) {
	if node["additionalProperties"] != false {
		w.t.Errorf("%s is not closed", path)
	}
	properties := node["properties"].(map[string]any)
	var required []string
	for _, name := range node["required"].([]any) {
		required = append(required, name.(string))
	}
	fields := map[string]bool{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			w.t.Errorf("%s.%s has no JSON name", path, f.Name)
			continue
		}
		fields[name] = true
		property, ok := properties[name].(map[string]any)
		if !ok {
			w.t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		if always := options == ""; always != slices.Contains(required, name) {
			w.t.Errorf("%s.%s is always written: %v; the schema says otherwise", path, name, always)
		}
		w.walk(path+"."+name, f.Type, property)
	}
	for name := range properties {
		if !fields[name] {
			w.t.Errorf("%s.%s is in the schema and no field", path, name)
		}
	}
}

// enums are the types of a fixed set of values; nil is one whose set is open.
var enums = map[reflect.Type]func(*testing.T) []string{
	reflect.TypeFor[verify.Decision](): func(t *testing.T) []string {
		return marshalled(t, verify.Pass, verify.Fail)
	},
	reflect.TypeFor[verify.Result](): func(t *testing.T) []string {
		return marshalled(t, verify.Failed, verify.Errored, verify.Passed, verify.NotRequired)
	},
	reflect.TypeFor[verify.Layout]():      func(t *testing.T) []string { return constants(t, "Layout") },
	reflect.TypeFor[verify.Class]():       func(t *testing.T) []string { return constants(t, "Class") },
	reflect.TypeFor[verify.LogEvidence](): func(t *testing.T) []string { return constants(t, "LogEvidence") },
	reflect.TypeFor[verify.StateKind]():   func(t *testing.T) []string { return constants(t, "StateKind") },
	reflect.TypeFor[verify.Code]():        nil,
}

func marshalled[T any](t *testing.T, values ...T) []string {
	t.Helper()
	var texts []string
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.Trim(string(b), `"`))
	}
	return texts
}

func (w *walker) enum(path string, want []string, node map[string]any) {
	var got []string
	values, _ := node["enum"].([]any)
	for _, v := range values {
		got = append(got, v.(string))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s is one of %v; wanted %v", path, got, want)
	}
}
