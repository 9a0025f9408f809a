package sbom

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// mustParse parses a document that is to be parsed.
func mustParse(t testing.TB, doc string) *Document {
	t.Helper()
	d, err := Parse([]byte(doc), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mustPattern parses a pattern.
func mustPattern(t testing.TB, purl, versions string) Pattern {
	t.Helper()
	p, err := ParsePattern(purl, versions)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everyRule runs each rule that a document without any content has to fail.
func everyRule(d *Document) map[string][]Violation {
	return map[string][]Violation{
		RuleMinComponents:    MinComponents(d, 1),
		RuleNTIA:             NTIA(d),
		RulePURLCoverage:     PURLCoverage(d, 0),
		RuleHashCoverage:     HashCoverage(d, 0),
		RuleUnknownVersions:  UnknownVersions(d, 1),
		RuleAge:              MaxAge(d, time.Hour, time.Now()),
		RuleDescribesSubject: Describes(d, true, "sha256:"+hex64),
	}
}

func TestAttackSignedAndEmpty(t *testing.T) {
	for _, doc := range []string{
		cycloneDX(), cycloneDX(`"components":[]`), cycloneDX(`"components":null`), bomXML(""),
		`{"spdxVersion":"SPDX-2.3"}`, `{"spdxVersion":"SPDX-2.2","packages":[]}`,
	} {
		for rule, found := range everyRule(mustParse(t, doc)) {
			if len(found) == 0 {
				t.Errorf("%s: %s is content with an empty document", doc, rule)
			}
		}
	}
	// The one package that a document describes is not content.
	one := `{"spdxVersion":"SPDX-2.3","documentDescribes":["SPDXRef-a"],"packages":[{"SPDXID":"SPDXRef-a","name":"a"}]}`
	if len(MinComponents(mustParse(t, one), 1)) == 0 {
		t.Error("the described package counts as a component")
	}
}

func TestAttackAboutAnotherComponent(t *testing.T) {
	ours, other := "sha256:"+hex64, "sha256:"+strings.Repeat("f", 64)
	for name, component := range map[string]string{
		"purl":    `{"type":"container","name":"w","purl":"pkg:oci/w@` + strings.Replace(other, ":", "%3A", 1) + `"}`,
		"version": `{"type":"container","name":"w","version":"` + other + `"}`,
		"name":    `{"type":"container","name":"ghcr.io/acme/w@` + other + `"}`,
		"hash":    `{"type":"container","name":"w","hashes":[{"alg":"SHA-256","content":"` + strings.Repeat("F", 64) + `"}]}`,
	} {
		d := mustParse(t, cycloneDX(`"metadata":{"component":`+component+`}`))
		found := Describes(d, false, ours)
		if len(found) != 1 || !strings.Contains(found[0].String(), other) || found[0].Path != "/metadata/component" {
			t.Errorf("%s: %v", name, found)
		}
		if found := Describes(d, true, ours, other); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	d := mustParse(t, cycloneDX(`"metadata":{"component":{"type":"container","name":"w"}}`))
	if len(Describes(d, false, ours)) != 0 || len(Describes(d, true, ours)) != 1 {
		t.Error("a document that names no digest")
	}
}

func TestAttackBannedByCaseOrEncoding(t *testing.T) {
	banned := []Pattern{
		mustPattern(t, "pkg:golang/github.com/Evil/pkg", ""),
		mustPattern(t, "pkg:npm/left-pad", "<2"),
		mustPattern(t, "pkg:npm/%40evil/*", ""),
		mustPattern(t, "pkg:pypi/evil_name", ""),
		mustPattern(t, "pkg:maven/org.apache.logging.log4j/log4j-core", ">=2.0-beta9,<2.17.1"),
	}
	components := []string{
		`"purl":"pkg:golang/github.com/evil/pkg@v1.0.0"`,
		`"purl":"pkg:golang/github.com%2Fevil%2Fpkg@v1.0.0"`,
		`"purl":"pkg:golang/github.com/evil%2fpkg@v1.0.0"`,
		`"purl":"pkg:golang/github.com/evil%252Fpkg@v1.0.0"`,
		`"purl":"pkg:golang%2Fgithub.com%2Fevil%2Fpkg@v1.0.0"`,
		`"purl":"PKG:GoLang/GitHub.com/EVIL/pkg@v1.0.0"`,
		`"purl":"pkg://golang//github.com//evil//pkg/@v1.0.0"`,
		`"purl":"pkg:golang/./github.com/evil/%2e/pkg@v1.0.0"`,
		`"purl":"pkg:golang/github.com/%65vil/pkg@v1.0.0"`,
		`"purl":"pkg:golang/github.com/evil/pkg%40v1.0.0"`,
		`"purl":" pkg:golang/github.com/evil/pkg@v1 "`,
		`"purl":"pkg:golang/github.com/evil/pkg@v1?x=y#z"`,
		`"purl":"pkg\u003anpm\/left-pad@1.3.0"`,
		`"purl":"pkg:npm/Left-Pad@1.3.0"`,
		`"purl":"pkg:npm/left-pad@1%2E3"`,
		`"purl":"pkg:npm/left-pad"`,
		`"purl":"pkg:npm/left-pad@latest"`,
		`"version":"9.0.0","purl":"pkg:npm/left-pad@1.3.0"`,
		`"version":"1.3.0","purl":"pkg:npm/left-pad@9.0.0"`,
		`"purl":"pkg:npm/@evil/a@1"`,
		`"purl":"pkg:npm/%40EVIL/a@1"`,
		`"purl":"pkg:npm/%40evil%2Fa@1"`,
		`"purl":"pkg:pypi/Evil.Name@1"`,
		`"purl":"pkg:pypi/evil--name@1"`,
		`"purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar"`,
		`"purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.0-rc1"`,
		`"group":"org.apache.logging.log4j","name":"log4j-core","version":"2.14.1"`,
		`"name":"org.apache.logging.log4j:log4j-core","version":"2.14.1"`,
		`"name":"Left-Pad","version":"1.3.0"`,
		`"name":"left%2Dpad","version":"1.3.0","purl":"not a purl"`,
		`"name":"left-pad@1.3.0"`,
		`"group":"github.com/evil","name":"pkg"`,
	}
	for _, c := range components {
		d := mustParse(t, cycloneDX(`"components":[{"name":"fine","purl":"pkg:npm/fine@1"},{`+c+`}]`))
		if found := DenyComponents(d, banned...); len(found) != 1 || found[0].Path != "/components/1" {
			t.Errorf("%s: %v", c, found)
		}
	}
	for _, c := range []string{
		`"purl":"pkg:npm/left-pad@2.0.0"`,
		`"purl":"pkg:npm/left-pad2@1.0.0"`,
		`"purl":"pkg:gem/left-pad@1.0.0"`,
		`"purl":"pkg:npm/x/left-pad@1.0.0"`,
		`"purl":"pkg:npm/evil/a@1"`,
		`"purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1"`,
		`"name":"left-pad","version":"2.0.0"`,
		`"name":"left-pad-extra","version":"1"`,
	} {
		if found := DenyComponents(mustParse(t, cycloneDX(`"components":[{`+c+`}]`)), banned...); len(found) != 0 {
			t.Errorf("%s: %v", c, found)
		}
	}
}

// TestAttackNested hides a banned component in every place that holds components.
func TestAttackNested(t *testing.T) {
	evil := `{"type":"library","name":"e","purl":"pkg:npm/evil@1","licenses":[{"license":{"id":"SSPL-1.0"}}]}`
	nest := func(levels int) string {
		doc := evil
		for range levels {
			doc = `{"type":"library","name":"fine","components":[` + doc + `]}`
		}
		return doc
	}
	xml := "<component type=\"library\"><name>e</name><licenses><license><id>SSPL-1.0</id></license></licenses><purl>pkg:npm/evil@1</purl></component>"
	for range 6 {
		xml = "<component type=\"library\"><name>fine</name><components>" + xml + "</components></component>"
	}
	for name, doc := range map[string]string{
		"five levels":                   cycloneDX(`"components":[` + nest(5) + `]`),
		"twenty-eight levels":           cycloneDX(`"components":[` + nest(28) + `]`),
		"inside the described":          cycloneDX(`"metadata":{"component":` + nest(5) + `}`),
		"as the described":              cycloneDX(`"metadata":{"component":` + evil + `}`),
		"XML":                           bomXML("<components>" + xml + "</components>"),
		"XML, inside the described":     bomXML("<metadata>" + xml + "</metadata>"),
		"SPDX, as the only description": `{"spdxVersion":"SPDX-2.3","documentDescribes":["a"],"packages":[{"SPDXID":"a","licenseDeclared":"SSPL-1.0","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/evil@1"}]}]}`,
		"SPDX, among descriptions":      `{"spdxVersion":"SPDX-2.3","documentDescribes":["a","b"],"packages":[{"SPDXID":"b"},{"SPDXID":"a","licenseDeclared":"SSPL-1.0","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/evil@1"}]}]}`,
	} {
		d := mustParse(t, doc)
		if found := DenyComponents(d, mustPattern(t, "pkg:npm/evil", "")); len(found) != 1 {
			t.Errorf("%s: %v", name, found)
		}
		if found := DenyLicenses(d, "SSPL-*"); len(found) != 1 {
			t.Errorf("%s: %v", name, found)
		}
	}
	if _, err := Parse([]byte(cycloneDX(`"components":[`+nest(40)+`]`)), Limits{}); kindOf(t, err) != KindDepth {
		t.Errorf("forty levels: %v", err)
	}
	d := mustParse(t, cycloneDX(`"components":[`+nest(5)+`]`))
	if want := "/components/0/components/0/components/0/components/0/components/0/components/0"; d.Components[5].Path != want {
		t.Errorf("path %s", d.Components[5].Path)
	}
}

// peak returns by how many bytes the heap, garbage included, grows at most while f runs.
func peak(f func()) uint64 {
	runtime.GC()
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, most := heap(), uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			most = max(most, heap())
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return max(most, before) - before
}

// bombs returns documents of about n bytes, or of so many components, that cost a
// careless reader a lot.
func bombs(n, components int) map[string]string {
	fill := func(head, part, tail string) string {
		return head + strings.TrimSuffix(strings.Repeat(part, (n-len(head)-len(tail))/len(part)), ",") + tail
	}
	open := `{"bomFormat":"CycloneDX","specVersion":"1.6",`
	spdx := `{"spdxVersion":"SPDX-2.3",`
	keys := strings.Builder{}
	for i := 0; keys.Len() < n; i++ {
		fmt.Fprintf(&keys, `"%x":0,`, i)
	}
	xml := `<bom xmlns="http://cyclonedx.org/schema/bom/1.6">`
	attrs := strings.Builder{}
	for i := 0; attrs.Len() < n/8; i++ {
		fmt.Fprintf(&attrs, `a%x="" `, i)
	}
	return map[string]string{
		"honest":            string(large(n / 315)),
		"twins":             open + `"components":[` + strings.TrimSuffix(strings.Repeat(`{"type":"library","name":"a"},`, components), ",") + `]}`,
		"violations":        open + `"components":[` + strings.TrimSuffix(strings.Repeat(`{"type":"x","a":1,"hashes":[{"alg":"x"},{"content":"y"}]},`, components), ",") + `]}`,
		"deep":              fill(open+`"x":`, "[", ""),
		"deep objects":      fill("", `{"a":`, ""),
		"empty objects":     fill(open+`"x":[`, "{},", `]}`),
		"empty components":  fill(open+`"components":[`, "{},", `]}`),
		"empty services":    fill(open+`"services":[`, "{},", `]}`),
		"null components":   fill(open+`"components":[`, "null,", `]}`),
		"null inside":       fill(open+`"components":[{"components":[`, "null,", `]}]}`),
		"null services":     fill(open+`"metadata":{"tools":{"services":[`, "null,", `]}}}`),
		"null tools":        fill(open+`"metadata":{"tools":[`, "null,", `]}}`),
		"numbers":           fill(open+`"components":[`, "1,", `]}`),
		"lists":             fill(open+`"components":[`, "[],", `]}`),
		"null licences":     fill(open+`"components":[{"licenses":[`, "null,", `]}]}`),
		"null packages":     fill(spdx+`"packages":[`, "null,", `]}`),
		"XML, services":     fill(xml+"<metadata><tools><services>", "<service/>", "</services></tools></metadata></bom>"),
		"XML, tools":        fill(xml+"<metadata><tools>", "<tool/>", "</tools></metadata></bom>"),
		"XML, licences":     fill(xml+"<components><component><licenses>", "<license/>", "</licenses></component></components></bom>"),
		"XML, hashes":       fill(xml+"<components><component><hashes>", "<hash/>", "</hashes></component></components></bom>"),
		"XML, authors":      fill(xml+"<metadata><authors>", "<author/>", "</authors></metadata></bom>"),
		"empty hashes":      fill(open+`"components":[{"hashes":[`, "{},", `]}]}`),
		"empty strings":     fill(open+`"dependencies":[{"ref":"a","dependsOn":[`, `"",`, `]}]}`),
		"zeros":             fill(open+`"x":[`, "0,", `]}`),
		"keys":              open + strings.TrimSuffix(keys.String(), ",") + "}",
		"one string":        fill(open+`"x":"`, "a", `"}`),
		"escapes":           fill(open+`"serialNumber":"`, `\u0041`, `"}`),
		"licence":           fill(open+`"components":[{"licenses":[{"expression":"`, "(", `"}]}]}`),
		"licences":          fill(open+`"components":[{"licenses":[`, `{"expression":"MIT OR (A AND B)"},`, `]}]}`),
		"SPDX packages":     fill(spdx+`"packages":[`, "{},", `]}`),
		"SPDX relations":    fill(spdx+`"relationships":[`, "{},", `]}`),
		"spaces":            fill(open, " ", `"x":1}`),
		"XML, deep":         fill(xml, "<a>", ""),
		"XML, empty":        fill(xml, "<a/>", "</bom>"),
		"XML, components":   fill(xml+"<components>", "<component/>", "</components></bom>"),
		"XML, dependencies": fill(xml+"<dependencies>", "<dependency/>", "</dependencies></bom>"),
		"XML, attributes":   xml + "<a " + attrs.String() + "/></bom>",
		"XML, text":         fill(xml, "a", "</bom>"),
		"XML, comments":     fill(xml, "<!---->", "</bom>"),
	}
}

// TestAttackBombs bounds the memory of documents just below the size limit: at a
// quarter of all limits, or at the default ones if ASSAY_SBOM_BOMBS is set (25 s).
func TestAttackBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: takes some seconds")
	}
	limits, share := DefaultLimits(), 4
	if os.Getenv("ASSAY_SBOM_BOMBS") != "" {
		share = 1
	}
	limits.Bytes, limits.Values, limits.Objects, limits.Components = limits.Bytes/share, limits.Values/share, limits.Objects/share, limits.Components/share
	most := uint64(32 * limits.Bytes) // garbage included
	for name, doc := range bombs(limits.Bytes*15/16, limits.Components-1) {
		t.Run(name, func(t *testing.T) {
			b := []byte(doc)
			start := time.Now()
			var err error
			grows := peak(func() { _, err = Parse(b, limits) })
			t.Logf("%4d MiB %5d ms: %.120v", grows>>20, time.Since(start).Milliseconds(), err)
			if grows > most {
				t.Errorf("the heap grows by more than %d MiB", most>>20)
			}
		})
	}
}
