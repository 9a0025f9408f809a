package schema

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/sbom"
)

// whole returns a document of a version with one component and more members.
func whole(version, component, more string) string {
	return fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":%q,"serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
		"version":1%s,"components":[{"type":"library","name":"acme-library","version":"1.0.0"%s}]}`, version, more, component)
}

// TestInvalid writes, in each version, one document for each kind of mistake that the
// specification's own invalid documents make.
func TestInvalid(t *testing.T) {
	v := NewValidator(sbom.Limits{})
	component := map[string]string{
		"swid without tag":          `,"swid":{"name":"x"}`,
		"empty licence":             `,"licenses":[{"license":{}}]`,
		"licence with both":         `,"licenses":[{"license":{"id":"MIT","name":"MIT"}}]`,
		"licence and expression":    `,"licenses":[{"license":{"id":"MIT"},"expression":"MIT"}]`,
		"unknown licence":           `,"licenses":[{"license":{"id":"Apache-2"}}]`,
		"licence in another case":   `,"licenses":[{"license":{"id":"apache-2.0"}}]`,
		"licence encoding":          `,"licenses":[{"license":{"id":"MIT","text":{"encoding":"base85","content":"x"}}}]`,
		"unknown algorithm":         `,"hashes":[{"alg":"FOO","content":"3942447fac867ae5cdb3229b658f4d48"}]`,
		"no hash content":           `,"hashes":[{"alg":"MD5"}]`,
		"MD5":                       `,"hashes":[{"alg":"MD5","content":"1"}]`,
		"SHA-1":                     `,"hashes":[{"alg":"SHA-1","content":"zzz"}]`,
		"SHA-256":                   `,"hashes":[{"alg":"SHA-256","content":"a74f733635a19aefb1f73e5947cef59cd7440c6952ef0f03d09d974274cbd6d"}]`,
		"SHA-512":                   `,"hashes":[{"alg":"SHA-512","content":"e8f33e424f3f4ed6db76a482fde1a5298970e442c531729119e37991884bdffab4f9426b7ee11fccd074eeda0634d71697d6f88a460dce0ac8d627a29f7d1282x"}]`,
		"scope":                     `,"scope":"foo"`,
		"patch type":                `,"pedigree":{"patches":[{"type":"foo"}]}`,
		"issue type":                `,"pedigree":{"patches":[{"type":"backport","resolves":[{"type":"foo"}]}]}`,
		"twice the same":            `},{"type":"library","name":"acme-library","version":"1.0.0"`,
		"no type":                   `},{"name":"acme-library","version":"1.0.0"`,
		"no name":                   `},{"type":"library"`,
		"unknown type":              `},{"type":"foo","name":"a","version":"1"`,
		"empty component":           `},{`,
		"unknown property":          `,"foo":"bar"`,
		"five levels in":            `,"components":[{"type":"library","name":"1","version":"1","components":[{"type":"library","name":"2","version":"1","components":[{"type":"library","name":"3","version":"1","components":[{"type":"foo","name":"4","version":"1"}]}]}]}]`,
		"mime-type":                 `,"mime-type":"foo"`,
		"version that is a number":  `},{"type":"library","name":"a","version":1`,
		"external reference":        `,"externalReferences":[{"type":"vcs"}]`,
		"external reference's type": `,"externalReferences":[{"type":"foo","url":"https://acme.example"}]`,
	}
	more := map[string]string{
		"serial number":            `,"serialNumber":"urn:uuid:1"`,
		"timestamp":                `,"metadata":{"timestamp":"2020-04-13"}`,
		"no timestamp":             `,"metadata":{"timestamp":"yesterday"}`,
		"dependency without ref":   `,"dependencies":[{"dependsOn":[]}]`,
		"metadata":                 `,"metadata":[]`,
		"unknown member":           `,"foo":"bar"`,
		"service's data":           `,"services":[{"name":"s","data":[{"flow":"foo","classification":"PII"}]}]`,
		"service without a name":   `,"services":[{"group":"g"}]`,
		"described without a name": `,"metadata":{"component":{"type":"application","version":"1"}}`,
	}
	for _, version := range versions() {
		for _, good := range []string{"", `,"licenses":[{"license":{"id":"MIT"}}]`, `,"licenses":[{"expression":"MIT OR Apache-2.0"}]`} {
			if found, err := v.Validate([]byte(whole(version, good, ""))); err != nil || len(found) != 0 {
				t.Errorf("%s: %v, %v", version, found, err)
			}
		}
		invalid := map[string]string{"no version": strings.Replace(whole(version, "", ""), `"version":1,`, "", 1)}
		for name, c := range component {
			invalid[name] = whole(version, c, "")
		}
		for name, m := range more {
			doc := whole(version, "", m)
			if name == "serial number" {
				doc = regexp.MustCompile(`"serialNumber":"[^"]*-[^"]*",`).ReplaceAllString(doc, "")
			}
			invalid[name] = doc
		}
		passed := 0
		for name, doc := range invalid {
			if !json.Valid([]byte(doc)) {
				t.Fatalf("%s: the test's document is not JSON: %s", name, doc)
			}
			found, err := v.Validate([]byte(doc))
			if len(found) > 0 || err != nil {
				passed++
				continue
			}
			if want := allowedBy[name]; !strings.Contains(want, version) {
				t.Errorf("%s: %s is valid", version, name)
			}
		}
		t.Logf("%s: %d of %d invalid documents are refused", version, passed, len(invalid))
	}
}

// allowedBy lists in which versions the schema allows what later or earlier ones do not.
var allowedBy = map[string]string{"no version": "1.6 1.7"}

func TestViolationsNameTheComponent(t *testing.T) {
	v := NewValidator(sbom.Limits{})
	found, err := v.Validate([]byte(whole("1.6", `,"components":[{"type":"library","name":"inner","scope":"foo","hashes":[{"alg":"x"}]}]`, "")))
	if err != nil || len(found) != 3 {
		t.Fatalf("%v, %v", found, err)
	}
	for i, want := range []string{
		`schema: inner (/components/0/components/0/hashes/0): missing property 'content'`,
		`schema: inner (/components/0/components/0/hashes/0/alg): value must be one of 'MD5', `,
		`schema: inner (/components/0/components/0/scope): value must be one of 'required', 'optional', 'excluded'`,
	} {
		if got := found[i].String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s", got)
		}
	}
	many := strings.Repeat(`{"type":"foo"},`, 500)
	found, err = v.Validate([]byte(cycloneDX(`"components":[` + strings.TrimSuffix(many, ",") + `]`)))
	if err != nil || len(found) > sbom.MaxViolations+1 || !strings.HasPrefix(found[len(found)-1].Problem, "and ") {
		t.Errorf("%d violations, %v", len(found), err)
	}
}

func TestValidateRefuses(t *testing.T) {
	v := NewValidator(sbom.Limits{})
	for doc, want := range map[string]error{`<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>`: ErrNoSchema, `{"spdxVersion":"SPDX-2.3"}`: ErrNoSchema} {
		if found, err := v.Validate([]byte(doc)); !errors.Is(err, want) || len(found) != 0 {
			t.Errorf("%s: %v, %v", doc, found, err)
		}
	}
	for doc, want := range map[string]sbom.Kind{
		"":                                  sbom.KindFormat,
		"{}":                                sbom.KindFormat,
		cycloneDX(`"a":1,"a":1`):            sbom.KindDuplicate,
		cycloneDX(`"Components":[]`):        sbom.KindCase,
		`{"bomFormat":"CycloneDX"}`:         sbom.KindVersion,
		strings.Repeat("{", 100) + "1":      sbom.KindSyntax,
		cycloneDX() + cycloneDX():           sbom.KindDocuments,
		"{" + strings.Repeat(" ", 32<<20):   sbom.KindSize,
		"{\"bomFormat\":\"CycloneDX\xff\"}": sbom.KindEncoding,
	} {
		if found, err := v.Validate([]byte(doc)); kindOf(t, err) != want || len(found) != 0 {
			t.Errorf("%.40s: %v, %v", doc, found, err)
		}
	}
}

// TestSchemasCompile compiles each schema from what is embedded alone.
func TestSchemasCompile(t *testing.T) {
	for _, version := range versions() {
		if _, err := compileSchema(version); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, version := range versions() {
		b.Run(version, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compileSchema(version); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// large returns an honest document of n components.
func large(n int) []byte {
	var out bytes.Buffer
	out.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"type":"library","bom-ref":"pkg:npm/%%40acme/lib-%d@1.%d.0","group":"@acme","name":"lib-%d","version":"1.%d.0",`+
			`"licenses":[{"license":{"id":"MIT"}}],"hashes":[{"alg":"SHA-256","content":"%s"}],"purl":"pkg:npm/%%40acme/lib-%d@1.%d.0"}`, i, i, i, i, hex64, i, i)
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

func BenchmarkValidate(b *testing.B) {
	v := NewValidator(sbom.Limits{})
	for _, n := range []int{300, 10_000} {
		doc := large(n)
		b.Run(fmt.Sprintf("%d components", n), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if found, err := v.Validate(doc); err != nil || len(found) > 0 {
					b.Fatal(found, err)
				}
			}
		})
	}
}

// TestSpecificationDocuments runs over the specification's own documents, the folders
// 1.2 to 1.7 of tools/src/test/resources in github.com/CycloneDX/specification.
func TestSpecificationDocuments(t *testing.T) {
	dir := os.Getenv("ASSAY_CYCLONEDX_DOCUMENTS")
	if dir == "" {
		t.Skip("SKIPPED: ASSAY_CYCLONEDX_DOCUMENTS does not name tools/src/test/resources of CycloneDX/specification")
	}
	v := NewValidator(sbom.Limits{})
	for _, version := range versions() {
		for _, encoding := range []string{"json", "xml"} {
			files, err := filepath.Glob(filepath.Join(dir, version, "*valid-*."+encoding))
			if err != nil {
				t.Fatal(err)
			}
			right, all := map[bool]int{}, map[bool]int{}
			for _, file := range files {
				valid := strings.HasPrefix(filepath.Base(file), "valid-")
				b := read(t, file)
				_, err := sbom.Parse(b, sbom.Limits{})
				var found []sbom.Violation
				if err == nil && encoding == "json" {
					found, err = v.Validate(b)
				}
				if all[valid]++; valid == (err == nil && len(found) == 0) {
					right[valid]++
				} else if valid || encoding == "json" {
					t.Errorf("%s: %v, %v", filepath.Base(file), err, found)
				}
			}
			t.Logf("%s %s: %d of %d valid documents pass, %d of %d invalid ones do not", version, encoding, right[true], all[true], right[false], all[false])
		}
	}
}

// TestSchemaSources holds what is embedded against the table in SOURCE.md.
func TestSchemaSources(t *testing.T) {
	source := string(read(t, "SOURCE.md"))
	files, err := filepath.Glob("*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		z, err := gzip.NewReader(bytes.NewReader(read(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(filepath.Base(file)) + ` \|.*$`).FindString(source)
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); !strings.Contains(row, sum) {
			t.Errorf("%s has the digest %s, not that of %q", file, sum, row)
		}
	}
}

// TestLarge validates what is wide within the limits; it takes memory, and little time.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: takes some seconds")
	}
	v := NewValidator(sbom.Limits{})
	n := 25_000 // a quarter of the limit
	if os.Getenv("ASSAY_SBOM_BOMBS") != "" {
		n = 95_000
	}
	repeat := func(part string) []byte {
		return []byte(cycloneDX(`"components":[` + strings.TrimSuffix(strings.Repeat(part+",", n), ",") + `]`))
	}
	for name, c := range map[string]struct {
		doc  []byte
		most int // violations
	}{
		"honest":      {large(n), 0},
		"twins":       {repeat(`{"type":"library","name":"a"}`), 1},
		"violations":  {repeat(`{"type":"x","a":1,"hashes":[{"alg":"x"},{"content":"y"}]}`), sbom.MaxViolations + 1},
		"one, spaced": {[]byte(cycloneDX() + strings.Repeat(" ", 300*n)), 0},
	} {
		start, before := time.Now(), total()
		found, err := v.Validate(c.doc)
		t.Logf("%s: %d MiB, %d violations in %d ms, %d MiB allocated in all", name, len(c.doc)>>20, len(found),
			time.Since(start).Milliseconds(), (total()-before)>>20)
		if err != nil || len(found) > c.most || c.most > 0 && len(found) == 0 {
			t.Errorf("%s: %d violations, %v", name, len(found), err)
		}
		if total()-before > uint64(n)*40_000 {
			t.Errorf("%s allocates more than 40 kB for each component", name)
		}
	}
}

// total returns how many bytes have been allocated.
func total() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
