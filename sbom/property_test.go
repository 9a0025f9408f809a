package sbom

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/property"
)

// TestProperties writes random documents of which it is known what they hold.
func TestProperties(t *testing.T) {
	property.Run(t, 5_000,
		property.Property{Name: "denied-is-found", Weight: 5, Try: deniedIsFound},
		property.Property{Name: "encoding-means-nothing", Weight: 3, Try: encodingMeansNothing},
		property.Property{Name: "spoilt-is-refused-or-read", Weight: 4, Try: spoiltDocument},
	)
}

// TestLicenseOfNoVersion reads ids that end where a version should begin, at which
// TestProperties once ended in a panic.
func TestLicenseOfNoVersion(t *testing.T) {
	for _, id := range []string{"GPL-only", "gpl-or-later", "AGPL-or-later", "LGPL-only", "GFDL-only", "GPL-", "GPL--only"} {
		for _, text := range []string{
			`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"n","licenses":[{"expression":"MIT AND ` + id + `"}]}]}`,
			`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"n","licenses":[{"license":{"id":"` + id + `"}}]}]}`,
			`{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[{"SPDXID":"SPDXRef-1","name":"n","licenseDeclared":"` + id + ` OR ` + id + `+"}]}`,
		} {
			d, err := Parse([]byte(text), Limits{})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if len(DenyLicenses(d, "GPL-*", "AGPL-*", "LGPL-*", "GFDL-*")) != 1 || len(RequireLicenses(d, "MIT", "GPL-3.0-only")) != 1 {
				t.Errorf("%s: is not held against the patterns", text)
			}
		}
	}
}

// planted is what a random document holds.
type planted struct {
	components, denied, copyleft int
}

// member is one member of an object, whose order is kept.
type member struct {
	name  string
	value any
}

type members []member

// document writes one at random, and what it holds.
func document(r *rand.Rand) (members, planted) {
	var p planted
	if r.IntN(3) == 0 {
		return spdxAtRandom(r, &p), p
	}
	doc := members{{"bomFormat", "CycloneDX"}, {"specVersion", cycloneDXVersions[r.IntN(len(cycloneDXVersions))]}, {"version", 1}}
	if r.IntN(2) == 0 {
		about := members{{"timestamp", "2026-01-02T03:04:05Z"}}
		if r.IntN(2) == 0 {
			about = append(about, member{"component", cycloneDXComponent(r, &p, 1)})
		}
		doc = append(doc, member{"metadata", about})
	}
	return append(doc, member{"components", cycloneDXComponents(r, &p, 3)}), p
}

func cycloneDXComponents(r *rand.Rand, p *planted, depth int) []any {
	list := []any{}
	for range r.IntN(4) {
		list = append(list, cycloneDXComponent(r, p, depth))
	}
	return list
}

func cycloneDXComponent(r *rand.Rand, p *planted, depth int) members {
	p.components++
	name := fmt.Sprintf("part-%d", r.IntN(1000))
	c := members{{"type", []string{"library", "application", "container"}[r.IntN(3)]}, {"name", name}, {"version", version(r)}}
	if purl, denied := packageURL(r, name); purl != "" {
		c = append(c, member{"purl", purl})
		if denied {
			p.denied++
		}
	}
	switch r.IntN(4) {
	case 0:
		c = append(c, member{"licenses", []any{members{{"license", members{{"id", "MIT"}}}}}})
	case 1:
		expression, denied := expressionOf(r, 3)
		c = append(c, member{"licenses", []any{members{{"expression", expression}}}})
		if denied {
			p.copyleft++
		}
	}
	if depth > 0 && r.IntN(3) == 0 {
		c = append(c, member{"components", cycloneDXComponents(r, p, depth-1)})
	}
	return c
}

func version(r *rand.Rand) string {
	return fmt.Sprintf("%d.%d.%d", r.IntN(5), r.IntN(5), r.IntN(5))
}

// packageURL is "", a harmless one, or one of evil/mal in a random form.
func packageURL(r *rand.Rand, name string) (purl string, denied bool) {
	switch r.IntN(8) {
	case 0, 1:
		return "", false
	case 2:
		kind := []string{"npm", "NPM", "Npm"}[r.IntN(3)]
		path := []string{"%40evil/mal", "@evil/mal", "%40evil/m%61l", "%40EVIL/mal"}[r.IntN(3)]
		return "pkg:" + kind + "/" + path + "@" + version(r) + []string{"", "?arch=x86", "#sub/path"}[r.IntN(3)], true
	}
	return "pkg:npm/" + name + "@" + version(r), false
}

// expressionOf is a licence expression, and whether it leaves no way but GPL-3.0.
func expressionOf(r *rand.Rand, depth int) (text string, only bool) {
	if depth == 0 || r.IntN(3) == 0 {
		id := []string{"MIT", "Apache-2.0", "ISC", "GPL-3.0-only", "GPL-3.0-or-later"}[r.IntN(5)]
		return id, strings.HasPrefix(id, "GPL")
	}
	left, a := expressionOf(r, depth-1)
	right, b := expressionOf(r, depth-1)
	if r.IntN(2) == 0 {
		return "(" + left + " OR " + right + ")", a && b
	}
	return "(" + left + " AND " + right + ")", a || b
}

func spdxAtRandom(r *rand.Rand, p *planted) members {
	packages := []any{}
	for i := range 1 + r.IntN(5) {
		p.components++
		name := fmt.Sprintf("part-%d", i)
		c := members{{"SPDXID", fmt.Sprintf("SPDXRef-%d", i)}, {"name", name}, {"versionInfo", version(r)}}
		if purl, denied := packageURL(r, name); purl != "" {
			c = append(c, member{"externalRefs", []any{members{{"referenceCategory", "PACKAGE-MANAGER"}, {"referenceType", "purl"}, {"referenceLocator", purl}}}})
			if denied {
				p.denied++
			}
		}
		if r.IntN(2) == 0 {
			expression, denied := expressionOf(r, 3)
			c = append(c, member{[]string{"licenseDeclared", "licenseConcluded"}[r.IntN(2)], expression})
			if denied {
				p.copyleft++
			}
		}
		packages = append(packages, c)
	}
	return members{
		{"spdxVersion", "SPDX-" + spdxVersions[r.IntN(len(spdxVersions))]}, {"SPDXID", "SPDXRef-DOCUMENT"}, {"name", "n"}, {"dataLicense", "CC0-1.0"},
		{"documentNamespace", "https://acme.example/1"}, {"creationInfo", members{{"created", "2026-01-02T03:04:05Z"}, {"creators", []any{"Tool: t"}}}}, {"packages", packages},
	}
}

// encode writes JSON. With dice the members of objects come in any order, with any white
// space, and letters as escapes.
func encode(v any, r *rand.Rand) string {
	space := func() string {
		if r == nil {
			return ""
		}
		return []string{"", "", "", " ", "\n\t", "\r\n"}[r.IntN(6)]
	}
	switch v := v.(type) {
	case members:
		v = slices.Clone(v)
		if r != nil {
			r.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}
		var parts []string
		for _, m := range v {
			parts = append(parts, space()+encode(m.name, nil)+space()+":"+space()+encode(m.value, r)+space())
		}
		return "{" + strings.Join(parts, ",") + space() + "}"
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, space()+encode(e, r)+space())
		}
		return "[" + strings.Join(parts, ",") + "]"
	case string:
		b, _ := json.Marshal(v)
		if r == nil || r.IntN(3) > 0 || len(v) == 0 {
			return string(b)
		}
		i := r.IntN(len(v))
		for v[i] > 0x7e { // not inside of a character
			i = 0
		}
		return string(b[:1]) + fmt.Sprintf("%s\\u%04x%s", v[:i], v[i], v[i+1:]) + `"`
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// deniedIsFound: what is denied is found wherever it stands, and nothing else is.
func deniedIsFound(r *rand.Rand) error {
	doc, p := document(r)
	text := encode(doc, r)
	d, err := Parse([]byte(text), Limits{})
	if err != nil {
		return fmt.Errorf("a good document is refused: %w\n%s", err, text)
	}
	pattern, err := ParsePattern("pkg:npm/@evil/*", "")
	if err != nil {
		return err
	}
	if n := len(d.All()); n != p.components {
		return fmt.Errorf("%d components were read; wanted %d\n%s", n, p.components, text)
	}
	if found := DenyComponents(d, pattern); len(found) != p.denied {
		return fmt.Errorf("denied components: %v; wanted %d\n%s", found, p.denied, text)
	}
	if found := DenyLicenses(d, "GPL-*"); len(found) != p.copyleft {
		return fmt.Errorf("denied licences: %v; wanted %d\n%s", found, p.copyleft, text)
	}
	return nil
}

// encodingMeansNothing: order of members, white space and escapes change nothing.
func encodingMeansNothing(r *rand.Rand) error {
	doc, _ := document(r)
	plain, odd := encode(doc, nil), encode(doc, r)
	a, err := Parse([]byte(plain), Limits{})
	b, oddErr := Parse([]byte(odd), Limits{})
	if err != nil || oddErr != nil || !reflect.DeepEqual(a, b) {
		return fmt.Errorf("read as %+v, %w and as %+v, %w\n%s\n%s", a, err, b, oddErr, plain, odd)
	}
	return nil
}

// spoiltDocument: what was spoilt is refused with its kind, or read like any other.
func spoiltDocument(r *rand.Rand) error {
	doc, _ := document(r)
	b := []byte(encode(doc, r))
	other, _ := document(r)
	for range 1 + r.IntN(3) {
		b = spoil(r, b, []byte(encode(other, r)))
	}
	limits := Limits{Bytes: 1 << 16, Depth: 24, Values: 5000, Objects: 2000, Keys: 64, Components: 200}
	d, err := Parse(b, limits)
	if (d == nil) == (err == nil) {
		return fmt.Errorf("document %v, error %w of %q", d, err, b)
	}
	format, encoding, version, checked := Check(b, limits)
	if d == nil {
		var known *Error
		if !errors.As(err, &known) || known.Kind == "" {
			return fmt.Errorf("the error %w of %q has no kind", err, b)
		}
		return nil
	}
	if checked != nil || format != d.Format || encoding != d.Encoding || version != d.SpecVersion {
		return fmt.Errorf("%q is read as %s, and checked as %s %s: %w", b, d.Format, format, version, checked)
	}
	everyRule(d)
	DenyLicenses(d, "GPL-*")
	RequireLicenses(d, "MIT")
	Describes(d, true, "sha256:"+hex64)
	MaxAge(d, time.Hour, time.Time{})
	again, err := Parse(slices.Clone(b), limits)
	if err != nil || !reflect.DeepEqual(d, again) {
		return fmt.Errorf("%q is read in two ways: %w", b, err)
	}
	return nil
}

// spoil changes a text in one place.
func spoil(r *rand.Rand, b, other []byte) []byte {
	if len(b) == 0 {
		return other
	}
	b = slices.Clone(b)
	i, k := r.IntN(len(b)), r.IntN(len(other))
	j := min(len(b), i+r.IntN(30))
	switch r.IntN(6) {
	case 0:
		b[i] ^= 1 << r.IntN(8)
	case 1:
		return slices.Delete(b, i, j)
	case 2:
		return slices.Insert(b, j, b[i:j]...)
	case 3:
		return slices.Insert(b, i, other[k:min(len(other), k+r.IntN(60))]...)
	case 4:
		return slices.Insert(b, i, []byte([]string{"{", "}", "[", "]", ",", ":", `"`, "null", "\\u0000", "\xff", "<", "1e999", `"purl":`}[r.IntN(13)])...)
	default: // one key takes the place of another
		keys := []string{`"name"`, `"purl"`, `"components"`, `"licenses"`, `"version"`, `"packages"`, `"specVersion"`, `"bomFormat"`}
		return []byte(strings.Replace(string(b), keys[r.IntN(8)], keys[r.IntN(8)], 1))
	}
	return b
}
