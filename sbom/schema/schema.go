// Package schema holds bills of materials against the JSON Schemas of their
// specification, which SOURCE.md in its folder names. It is apart from package sbom
// because the library that evaluates schemas compiles its meta-schemas when a program
// starts, 10 to 25 ms and 1.7 MB, whether or not one is asked for.
package schema

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/releaseassay/assay/sbom"
)

//go:embed *.json.gz
var schemas embed.FS

// ErrNoSchema is returned for documents of a format that has no schema here:
// CycloneDX XML, whose schema is an XSD, and SPDX.
var ErrNoSchema = errors.New("no schema for documents of this kind")

// Validator holds documents against the JSON Schemas of their specification. It is
// safe for concurrent use.
type Validator struct{ limits sbom.Limits }

// NewValidator returns a Validator that reads documents within limits (a zero field
// takes its default). It compiles nothing yet.
func NewValidator(limits sbom.Limits) *Validator { return &Validator{limits: limits} }

// compiled holds what each schema compiles to, once for the process and only when the
// first document of its version comes: it depends on nothing but what is embedded.
var compiled = func() map[string]func() (*jsonschema.Schema, error) {
	all := map[string]func() (*jsonschema.Schema, error){}
	for _, version := range versions() {
		all[version] = sync.OnceValues(func() (*jsonschema.Schema, error) { return compileSchema(version) })
	}
	return all
}()

// Validate returns where b violates the schema of its spec version, at most
// [sbom.MaxViolations] and one that counts the rest. For 1.2 and 1.3 that is the strict
// schema, which like those since 1.4 knows all properties. An error says that there
// was no judgement: the structure was refused ([*sbom.Error]), or there is no schema
// ([ErrNoSchema]). No violations and no error means valid.
func (v *Validator) Validate(b []byte) ([]sbom.Violation, error) {
	format, encoding, version, err := sbom.Check(b, v.limits)
	if err != nil {
		return nil, err
	}
	compile := compiled[version]
	if format != sbom.CycloneDX || encoding != sbom.EncodingJSON || compile == nil {
		return nil, fmt.Errorf("validate %s %s in %s: %w", format, version, encoding, ErrNoSchema)
	}
	schema, err := compile()
	if err != nil {
		return nil, fmt.Errorf("compile the schema of CycloneDX %s: %w", version, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, &sbom.Error{Kind: sbom.KindSyntax, Problem: "the document is not JSON", Err: err}
	}
	err = schema.Validate(value)
	if err == nil {
		return nil, nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, fmt.Errorf("validate CycloneDX %s: %w", version, err)
	}
	return schemaViolations(invalid, value), nil
}

// versions returns the spec versions that there are schemas of.
func versions() []string { return []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"} }

// schemaBase is where the specification's schemas say they are.
const schemaBase = "http://cyclonedx.org/schema/"

// compileSchema compiles the schema of one version from what is embedded.
func compileSchema(version string) (*jsonschema.Schema, error) {
	name := "bom-" + version
	if version == "1.2" || version == "1.3" {
		name += "-strict"
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	main := schemaBase + name + ".SNAPSHOT.schema.json"
	for _, file := range []string{name, "spdx", "jsf-0.82", "cryptography-defs"} {
		doc, err := readSchema(file)
		if err != nil {
			return nil, err
		}
		if err := compiler.AddResource(schemaBase+file+".SNAPSHOT.schema.json", doc); err != nil {
			return nil, fmt.Errorf("add schema %s: %w", file, err)
		}
	}
	return compiler.Compile(main)
}

// readSchema reads one embedded schema. The ids in it are taken away: those of the
// files name other addresses than their references do, and 1.2 and 1.3 have ids like
// "#/properties/bomFormat" that draft 7 does not allow and nothing refers to.
func readSchema(name string) (any, error) {
	b, err := schemas.ReadFile(name + ".json.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack schema %s: %w", name, err)
	}
	doc, err := jsonschema.UnmarshalJSON(io.LimitReader(z, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("parse schema %s: %w", name, err)
	}
	dropIDs(doc)
	return doc, nil
}

// dropIDs removes each $id that is a string; a property named $id would be an object.
func dropIDs(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["$id"].(string); ok {
			delete(v, "$id")
		}
		for _, inner := range v {
			dropIDs(inner)
		}
	case []any:
		for _, inner := range v {
			dropIDs(inner)
		}
	}
}

// noLoader refuses to load what is not embedded.
type noLoader struct{}

// Load implements [jsonschema.URLLoader].
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("schema %s is not embedded", url)
}

// schemaViolations lists the innermost causes of a violation, in the order of the document.
func schemaViolations(invalid *jsonschema.ValidationError, document any) []sbom.Violation {
	printer := message.NewPrinter(language.English)
	var out []sbom.Violation
	more := 0
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		if len(out) >= sbom.MaxViolations {
			more++
			return
		}
		out = append(out, sbom.Violation{
			Rule:      sbom.RuleSchema,
			Component: componentAt(document, e.InstanceLocation),
			Path:      sbom.Pointer(e.InstanceLocation),
			Problem:   e.ErrorKind.LocalizedString(printer),
		})
	}
	walk(invalid)
	slices.SortStableFunc(out, func(a, b sbom.Violation) int { return strings.Compare(a.Path, b.Path) })
	out = slices.Compact(out)
	if more > 0 {
		out = append(out, sbom.Violation{Rule: sbom.RuleSchema, Problem: fmt.Sprintf("and %d more", more)})
	}
	return out
}

// componentAt returns the name of the innermost object on the way that has one.
func componentAt(v any, path []string) string {
	name := ""
	for _, s := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[s]
		case []any:
			i, err := strconv.Atoi(s)
			if err != nil || i < 0 || i >= len(in) {
				return name
			}
			v = in[i]
		}
		if o, ok := v.(map[string]any); ok {
			if n, ok := o["name"].(string); ok {
				name = n
			}
		}
	}
	return name
}
