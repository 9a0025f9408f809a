package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/sbom"
)

// value reports whether a type is one value of a policy rather than a struct of fields.
func value(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Pattern](), reflect.TypeFor[Regexp](), reflect.TypeFor[time.Time](), reflect.TypeFor[sbom.Pattern](), reflect.TypeFor[Expression](), reflect.TypeFor[Input]():
		return true
	}
	return t.Kind() != reflect.Struct
}

// inside is the struct that a type is, points to or lists; nil if there is none.
func inside(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if value(t) {
		return nil
	}
	return t
}

// TestEveryFieldIsMutated fails for a field of a policy that nobody has thought about:
// which value of it can nothing meet, or why is there none?
func TestEveryFieldIsMutated(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		names := map[string]bool{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			entry, known := mutations[typ][f.Name]
			inner := inside(f.Type)
			names[f.Name] = true
			switch {
			case !known:
				t.Errorf("%s.%s has no entry in the table of mutations; wanted an impossible value, or why there is none", typ, f.Name)
			case entry.why != "":
				continue
			case inner != nil:
				if entry.value != nil {
					t.Errorf("%s.%s holds further fields and has a value", typ, f.Name)
				}
				walk(inner)
			case entry.value == nil:
				t.Errorf("%s.%s has neither an impossible value nor a reason", typ, f.Name)
			}
			if entry.key == "" && !f.Anonymous && known {
				t.Errorf("%s.%s has no key", typ, f.Name)
			}
		}
		for name := range mutations[typ] {
			if !names[name] {
				t.Errorf("the table of mutations has %s.%s, which there is not", typ, name)
			}
		}
	}
	walk(reflect.TypeFor[Policy]())
	for typ := range mutations {
		if !seen[typ] {
			t.Errorf("the table of mutations has %s, which no policy holds", typ)
		}
	}
}

// fill sets every field below v to something that demands.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case Pattern:
		v.Set(reflect.ValueOf(Exact("x")))
		return
	case Regexp:
		re, _ := ParseRegexp("x")
		v.Set(reflect.ValueOf(re))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		return
	case sbom.Pattern:
		return
	case On:
		v.Set(reflect.ValueOf(OnIndex))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Type().Elem().Kind() != reflect.Uint8 {
			fill(v.Index(0))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		entry := reflect.New(v.Type().Elem()).Elem()
		fill(entry)
		v.SetMapIndex(reflect.ValueOf("x"), entry)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(0.5)
	default:
		panic(v.Type().String())
	}
}

// leaves writes every value below v by its path.
func leaves(v reflect.Value, path string, into map[string]string) {
	if v.Kind() == reflect.Struct && !value(v.Type()) {
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, into)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, into)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprint(path, i), into)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			leaves(v.MapIndex(key), path+"."+key.String(), into)
		}
	default:
		into[path] = fmt.Sprintf("%+v", v.Interface())
	}
}

func leavesOf(p *Policy) map[string]string {
	into := map[string]string{}
	leaves(reflect.ValueOf(*p), "", into)
	return into
}

// Of a policy that makes every demand, each is changed once, alone and in a copy.
func TestMutationsChangeOneDemandEach(t *testing.T) {
	var p Policy
	fill(reflect.ValueOf(&p).Elem())
	p.Rules = append(p.Rules, Rule{Match: Exact("another")})
	before := leavesOf(&p)
	want := 0
	var count func(reflect.Type)
	count = func(typ reflect.Type) {
		for i := range typ.NumField() {
			entry := mutations[typ][typ.Field(i).Name]
			switch inner := inside(typ.Field(i).Type); {
			case entry.why != "":
			case inner != nil:
				count(inner)
			default:
				want++
			}
		}
	}
	count(reflect.TypeFor[Policy]())
	found := Mutations(&p, 0)
	if len(found) != want || want < 150 {
		t.Errorf("%d demands are changed; wanted %d", len(found), want)
	}
	var paths []string
	for _, m := range found {
		if slices.Contains(paths, m.Path) {
			t.Errorf("%s is changed twice", m.Path)
		}
		paths = append(paths, m.Path)
		var differ []string
		after := leavesOf(m.Policy)
		for path, text := range before {
			if after[path] != text {
				differ = append(differ, path)
			}
		}
		if len(differ) != 1 || len(after) != len(before) {
			t.Errorf("%s: %v differ", m.Path, differ)
		}
	}
	if after := leavesOf(&p); !reflect.DeepEqual(before, after) {
		t.Error("the policy itself has changed")
	}
	for _, path := range []string{
		"expires", "trust.x.thresholds.scts", "builders[0].level", "images[0].match", "images[0].signature.signer.workflow", "images[0].sbom.rules[0]",
		"images[0].provenance.inputs.x", "images[0].attestations.x.scan.max_age", "images[0].release.tuf.min.x", "images[0].release.offline.max_age", "images[0].mirrors[0].of",
	} {
		if !slices.Contains(paths, path) {
			t.Errorf("%s is not changed; found %v", path, paths)
		}
	}
	if other := Mutations(&p, 1); len(other) == 0 || len(other) >= len(found) || len(Mutations(&p, 2)) != 0 || len(Mutations(&p, -1)) != 0 {
		t.Errorf("%d demands of another rule", len(other))
	}
}

// A demand that nobody makes is not changed, and one that nobody wrote is told apart.
func TestMutationsLeaveOutWhatIsNotDemanded(t *testing.T) {
	p, err := Parse("p.yaml", []byte(mutated))
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]Mutation{}
	for _, m := range Mutations(p, 0) {
		byPath[m.Path] = m
	}
	for path, byDefault := range map[string]bool{
		"images[0].signature.signer[0].workflow": false, "images[0].signature.signer[1].key.sha256": false, "images[0].signature.trust": true,
		"images[0].signature.on": false, "images[0].evidence": true, "images[0].places": true, "trust.public-good.thresholds.log_entries": true, "images[0].provenance.builder.level": false,
	} {
		m, ok := byPath[path]
		if !ok || m.Default != byDefault {
			t.Errorf("%s: found %t, by default %t; wanted %t", path, ok, m.Default, byDefault)
		}
	}
	for _, path := range []string{"images[0].signature.max_age", "images[0].provenance.on", "images[0].sbom.format", "expires", "images[1].match"} {
		if _, ok := byPath[path]; ok {
			t.Errorf("%s is changed, and demands nothing of this rule's images", path)
		}
	}
}

const mutated = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: places}
identities:
  signers:
    release: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}
images:
  - match: ghcr.io/o/n
    source: {repository: o/n, ref: "refs/tags/v{version}"}
    signature:
      signer:
        - release
        - key: {file: k.pub, sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
      on: index
    provenance:
      source: [{repository: o/other}]
      builder: {level: 3}
  - match: ghcr.io/o/m
    source: {repository: o/m}
    provenance: {builder: {level: 3}}
`

func TestPositions(t *testing.T) {
	at := PositionsOf([]byte(mutated))
	for path, want := range map[string]struct {
		Position
		written bool
	}{
		"images[0].match":                          {Position{8, 5}, true},
		"images[0].signature.on":                   {Position{14, 7}, true},
		"images[0].signature.signer[0].workflow":   {Position{6, 70}, true}, // through its name
		"images[0].signature.signer[1].key.sha256": {Position{13, 30}, true},
		"images[0].signature.source.ref":           {Position{9, 31}, true}, // beside the demand
		"images[0].provenance.source.repository":   {Position{16, 17}, true},
		"images[0].provenance.source.ref":          {Position{16, 7}, false}, // not the one beside it
		"images[0].signature.trust":                {Position{10, 5}, false},
		"images[1].provenance.builder.level":       {Position{20, 28}, true},
		"images[7].match":                          {Position{}, false}, // a rule of another file
		"trust.public-good.thresholds.log_entries": {Position{}, false},
	} {
		got, written := at.Find(path)
		if got != want.Position || written != want.written {
			t.Errorf("%s: %v, written %t; wanted %v, %t", path, got, written, want.Position, want.written)
		}
	}
	if got := PositionsOf([]byte("\xff")); len(got) != 0 {
		t.Errorf("%v of what is no text", got)
	}
	for name, text := range map[string]string{
		"a circle of names": "identities: {signers: {a: {signer: a}}}\nimages: [{signer: a}]",
		"lists":             "images: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"mappings":          "images: " + strings.Repeat("[{signer: ", 3000) + "a" + strings.Repeat("}]", 3000),
	} {
		if got := PositionsOf([]byte(text)); len(got) == 0 || len(got) > 100 {
			t.Errorf("%s: %d positions", name, len(got))
		}
	}
}
