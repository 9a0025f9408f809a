package sbom

import (
	"bytes"
	"testing"
	"time"
)

// fuzzParse parses b, and holds what comes out against what has to be true of it.
func fuzzParse(t *testing.T, b []byte) {
	limits := Limits{Bytes: 1 << 16, Depth: 24, Values: 5000, Objects: 2000, Keys: 64, Components: 200}
	doc, err := Parse(b, limits)
	if (doc == nil) == (err == nil) {
		t.Fatalf("document %v, error %v", doc, err)
	}
	// What is parsed passes the checks, and what does not pass them is not parsed.
	format, encoding, version, cerr := Check(b, limits)
	if doc != nil && (cerr != nil || format != doc.Format || encoding != doc.Encoding || version != doc.SpecVersion) {
		t.Fatalf("Check says %q %q %q, %v", format, encoding, version, cerr)
	}
	for _, kind := range []string{PredicateCycloneDX, PredicateSPDX + "/v2.3"} {
		if _, err := ParsePredicate(kind, b, limits); err != nil {
			kindOf(t, err)
		}
	}
	if err != nil {
		kindOf(t, err)
		return
	}
	if len(doc.All()) > limits.Components || doc.Format == "" || doc.SpecVersion == "" {
		t.Fatalf("%d components of %q %q", len(doc.All()), doc.Format, doc.SpecVersion)
	}
	pattern, err := ParsePattern("pkg:*/*x*", ">=1, <2 || 3")
	if err != nil {
		t.Fatal(err)
	}
	DenyComponents(doc, pattern)
	DenyLicenses(doc, "GPL-*")
	RequireLicenses(doc, "MIT")
	Describes(doc, true, "sha256:"+hex64)
	everyRule(doc)
	MaxAge(doc, time.Hour, time.Time{})
	for _, c := range doc.All() {
		// What is canonical stays as it is.
		if again, _ := newPackage(c.PURL); c.PURL != "" && again != c.PURL && bytes.IndexByte([]byte(c.PURL), '%') < 0 {
			t.Fatalf("%q becomes %q becomes %q", c.RawPURL, c.PURL, again)
		}
		for _, l := range c.Licenses {
			if again, err := parseExpression(l.Expression); l.Expression != "" && (err != nil || again.String() != l.Expression) {
				t.Fatalf("%q becomes %q", l.Expression, again)
			}
		}
	}
}

func FuzzCycloneDX(f *testing.F) {
	for _, file := range libraryDocuments(f, "valid-*.json") {
		f.Add(read(f, file))
	}
	f.Add([]byte(cycloneDX(`"components":[{"purl":"pkg:npm/%2540a%2Fb@1","licenses":[{"expression":"MIT AND (GPL-2.0+ WITH X OR ISC)"}]}]`)))
	f.Fuzz(fuzzParse)
}

func FuzzSPDX(f *testing.F) {
	f.Add([]byte(spdxExample))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.2","packages":[{"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:a/b"}]}]}`))
	f.Fuzz(fuzzParse)
}

func FuzzXML(f *testing.F) {
	for _, file := range libraryDocuments(f, "valid-*.xml") {
		f.Add(read(f, file))
	}
	f.Fuzz(fuzzParse)
}
