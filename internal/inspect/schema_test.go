package inspect

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/schema/inspect.v1.json"

func schemaDocument(t *testing.T) map[string]any {
	t.Helper()
	return must(jsonschema.UnmarshalJSON(strings.NewReader(string(must(os.ReadFile(schemaFile)))))).(map[string]any)
}

func TestTreesFitTheSchema(t *testing.T) {
	doc := schemaDocument(t)
	id := doc["$id"].(string)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema := must(c.Compile(id))
	judge := func(tree Tree, change func(map[string]any)) error {
		parsed := must(jsonschema.UnmarshalJSON(strings.NewReader(asJSON(t, tree)))).(map[string]any)
		change(parsed)
		return schema.Validate(parsed)
	}
	for name, scene := range scenes {
		if name == "hostile" { // its digests, codes and layouts are none
			continue
		}
		if err := judge(scene(t), func(map[string]any) {}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	tree := scenes["index"](t)
	for name, change := range map[string]func(map[string]any){
		"an unknown field":          func(v map[string]any) { v["extra"] = 1 },
		"a verified tree":           func(v map[string]any) { v["verified"] = true },
		"a tree without evidence":   func(v map[string]any) { delete(v, "evidence") },
		"evidence without a digest": func(v map[string]any) { delete(v["evidence"].([]any)[0].(map[string]any), "digest") },
		"a failure without a code": func(v map[string]any) {
			v["failures"] = []any{map[string]any{"class": "transient", "place": "", "detail": ""}}
		},
	} {
		if judge(tree, change) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

// TestSchemaIsTheStruct walks Tree and the schema side by side: every field is a
// property and every property a field, of the same type, required exactly if it is
// always written, and described.
func TestSchemaIsTheStruct(t *testing.T) {
	doc := schemaDocument(t)
	w := &walker{t: t, defs: doc["$defs"].(map[string]any), seen: map[string]bool{}}
	w.walk("tree", reflect.TypeFor[Tree](), doc)
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

func (w *walker) walk(path string, typ reflect.Type, node map[string]any) {
	described := node["description"] != nil || strings.HasSuffix(path, "[]")
	if ref, ok := node["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		w.seen[name] = true
		node = w.defs[name].(map[string]any)
	}
	if !described && node["description"] == nil {
		w.t.Errorf("%s has no description", path)
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()]
	if typ == reflect.TypeFor[time.Time]() {
		want = "string"
	}
	_, enum := node["enum"]
	_, constant := node["const"]
	if node["type"] != want && !enum && !constant {
		w.t.Errorf("%s has the type %v; wanted %s", path, node["type"], want)
	}
	switch {
	case want == "array":
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
	properties, fields := node["properties"].(map[string]any), map[string]bool{}
	for _, f := range reflect.VisibleFields(typ) { // with those of an embedded struct
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		property, ok := properties[name].(map[string]any)
		if name == "" || !ok {
			w.t.Errorf("%s.%s (%q) is not in the schema", path, f.Name, name)
			continue
		}
		fields[name] = true
		if always := options == ""; always != slices.Contains(node["required"].([]any), any(name)) {
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

// TestNoNull wants every list that is always written to be one, also where it is empty.
func TestNoNull(t *testing.T) {
	for name, scene := range scenes {
		if tree := asJSON(t, scene(t)); strings.Contains(tree, ": null") {
			t.Errorf("%s has a null:\n%s", name, tree)
		} else if !json.Valid([]byte(tree)) {
			t.Errorf("%s is no JSON", name)
		}
	}
}
