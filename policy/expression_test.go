package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

const anybody = `signer: {issuer: "https://login.example.com", identity: a@example.com}`

// compile returns a rule of an attestation, or of a bill of materials.
func compile(t *testing.T, kind, expr string) policy.Expression {
	t.Helper()
	demand := "attestations: {a: {type: \"https://example.com/a\", " + anybody + ", "
	end := "}}"
	if kind == "sbom" {
		demand, end = "sbom: {"+anybody+", ", "}"
	}
	quoted, err := json.Marshal(expr)
	if err != nil {
		t.Fatal(err)
	}
	rule := parse(t, rule("match: ghcr.io/o/n, "+demand+"rules: [{name: r, expr: "+string(quoted)+"}]"+end)).Rules[0]
	if kind == "sbom" {
		return rule.SBOM.Rules[0]
	}
	return rule.Attestations[0].Rules[0]
}

func known() policy.Variables {
	return policy.Variables{
		Name: "ghcr.io/o/n", Digest: "sha256:" + sha, Tag: "v1.2.3", Version: "1.2.3",
		Signer: policy.SignerVariables{
			Issuer: github, Identity: "https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1.2.3", Trigger: "push", Runner: "github-hosted",
			Visibility: "public", Workflow: "https://github.com/o/n/.github/workflows/r.yml@refs/tags/v1.2.3", Run: "https://github.com/o/n/actions/runs/1/attempts/1",
		},
		Source: policy.SourceVariables{Repository: "https://github.com/o/n", RepositoryID: "12", OwnerID: "3", Ref: "refs/tags/v1.2.3", Commit: strings.Repeat("c", 40)},
		Signed: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
		Predicate: json.RawMessage(`{
			"digest": "sha256:` + sha + `", "commit": "` + strings.Repeat("c", 40) + `", "tag": "v1.2.3", "build": {"timestamp": "2026-11-01T11:58:00Z"},
			"count": 3, "big": 9007199254740993, "huge": 18446744073709551615, "half": 0.5, "ok": true, "none": null, "list": ["a", "b", {"c": 1}], "": "empty"
		}`),
	}
}

func bill() *sbom.Document {
	return &sbom.Document{
		Format: sbom.CycloneDX, SpecVersion: "1.6", Timestamp: "2026-11-01T11:59:00Z", Time: time.Date(2026, 11, 1, 11, 59, 0, 0, time.UTC),
		Tools: []sbom.Tool{{Vendor: "anchore", Name: "syft", Version: "1.0.0"}}, Authors: []string{"somebody"},
		Described: []sbom.Component{{Type: "container", Name: "ghcr.io/o/n", Version: "sha256:" + sha}},
		Components: []sbom.Component{
			{Path: "/components/0", Type: "library", Name: "zlib", Version: "1.3", PURL: "pkg:deb/debian/zlib@1.3", License: "Zlib", Package: &sbom.Package{Type: "deb", Namespace: "debian", Name: "zlib", Version: "1.3"}},
			{Path: "/components/1", Type: "library", Name: "left-pad", Version: "1.0.0", License: "MIT", Licenses: []sbom.License{{Expression: "MIT", Text: "MIT", Known: true}}, Hashes: []sbom.Hash{{Algorithm: "sha256", Value: sha}}},
		},
		Dependencies: []sbom.Dependency{{Ref: "a", On: []string{"b", "c"}}},
	}
}

func TestExpressionHolds(t *testing.T) {
	for expr, want := range map[string]bool{
		"predicate.digest == image.digest && predicate.commit == source.commit": true,
		"predicate.tag == 'v' + version && image.tag == predicate.tag":          true,
		"predicate.tag == version": false,
		"timestamp(predicate.build.timestamp) <= signed && signed - timestamp(predicate.build.timestamp) < duration('1h')": true,
		"now - signed < duration('48h')": false,
		"signer.issuer == '" + github + "' && signer.runner == 'github-hosted' && signer.trigger in ['push', 'release']": true,
		"signer.identity.startsWith('https://github.com/o/') && signer.visibility == 'public'":                           true,
		"source.repository_id == '12' && source.owner_id == '3' && source.ref.matches('^refs/tags/v[0-9.]+$')":           true,
		"source.repository.split('/')[3] == 'o' && source.repository.lowerAscii().contains('github')":                    true,
		"image.name == 'ghcr.io/o/n'": true,
		"predicate.count == 3 && predicate.count < 4 && predicate.count + 1 == 4": true,
		"predicate.big == 9007199254740993":                                       true, "predicate.big == 9007199254740992": false,
		"predicate.huge == 18446744073709551615u":     true,
		"predicate.half < 1 && predicate.half == 0.5": true,
		"predicate.ok == true":                        true,
		"predicate.none == null":                      true,
		"'b' in predicate.list && predicate.list.size() == 3 && predicate.list[2].c == 1": true,
		"has(predicate.absent) || has(predicate.build.timestamp)":                         true,
		"has(predicate.absent)":                          false,
		"has(predicate.absent) && predicate.absent == 1": false,
		"'absent' in predicate":                          false, "'tag' in predicate": true,
		"has(source.commit) && has(signer.run) && has(image.tag)": true,
		"now.getFullYear() == 2026":                               true,
	} {
		got, err := compile(t, "attestation", expr).Holds(known())
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; wanted %v", expr, got, err, want)
		}
	}
}

func TestExpressionOverDocument(t *testing.T) {
	v := known()
	v.Document = bill()
	for expr, want := range map[string]bool{
		"!components.exists(c, c.license.contains('GPL'))":                                         true,
		"components.all(c, c.license in ['MIT', 'Zlib'])":                                          true,
		"components.all(c, has(c.purl))":                                                           false,
		"components.filter(c, c.type == 'library').size() == 2":                                    true,
		"components.exists_one(c, c.package.type == 'deb' && c.package.namespace == 'debian')":     true,
		"components.map(c, c.name).join(',') == 'zlib,left-pad'":                                   true,
		"components.exists(c, c.licenses.exists(l, l.expression == 'MIT' && l.known))":             true,
		"components.exists(c, c.hashes.exists(h, h.algorithm == 'sha256' && size(h.value) == 64))": true,
		"described.exists(c, c.version == image.digest)":                                           true,
		"dependencies.exists(d, d.ref == 'a' && 'c' in d.on)":                                      true,
		"tools.exists(t, t.name == 'syft' && t.vendor == 'anchore')":                               true,
		"document.format == 'cyclonedx' && document.specVersion == '1.6'":                          true,
		"document.authors == ['somebody'] && size(document.components) == size(components)":        true,
		"signed - document.time < duration('1h')":                                                  true,
		"predicate.tag == image.tag":                                                               true,
	} {
		got, err := compile(t, "sbom", expr).Holds(v)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; wanted %v", expr, got, err, want)
		}
	}
}

// What is not known makes an error and never a match: two things that are both absent
// are not the same thing.
func TestExpressionOfTheUnknown(t *testing.T) {
	empty := policy.Variables{Predicate: json.RawMessage(`{"commit": "", "version": ""}`), Document: &sbom.Document{}}
	for expr, want := range map[string]string{
		"predicate.commit == source.commit":                 `there is no "commit"; ask has(….commit) first where it may be absent`,
		"predicate.version == version":                      "version is not known here",
		"predicate.version != version":                      "version is not known here",
		"image.digest == image.name":                        `there is no "digest"; ask has(….digest) first where it may be absent`,
		"signer.issuer == ''":                               `there is no "issuer"; ask has(….issuer) first where it may be absent`,
		"dyn(source).commit == dyn(source).commit":          `there is no "commit"; ask has(….commit) first where it may be absent`,
		"signed <= timestamp('2030-01-01T00:00:00Z')":       "signed is not known here",
		"now >= signed":                                     "now is not known here",
		"predicate.absent == null":                          `there is no "absent"; ask has(….absent) first where it may be absent`,
		"predicate.absent.more":                             "",
		"document.time < timestamp('2030-01-01T00:00:00Z')": `there is no "time"; ask has(….time) first where it may be absent`,
		"predicate.commit > 1":                              "a value is not of the type that the rule takes it for (no such overload)",
		"timestamp(predicate.commit) < now":                 "",
	} {
		kind := "attestation"
		if strings.HasPrefix(expr, "document") {
			kind = "sbom"
		}
		if strings.HasSuffix(expr, "more") {
			expr += " == 1"
		}
		got, err := compile(t, kind, expr).Holds(empty)
		if got || err == nil || want != "" && err.Error() != want {
			t.Errorf("%s: %v, %v; wanted %s", expr, got, err, want)
		}
	}
	for expr, want := range map[string]bool{"has(source.commit)": false, "!has(image.digest)": true, "source == source": false} {
		got, err := compile(t, "attestation", expr).Holds(empty)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; wanted %v", expr, got, err, want)
		}
	}
	got, err := compile(t, "sbom", "components.all(c, c.name != '')").Holds(policy.Variables{Predicate: json.RawMessage("{}")})
	if got || fmt.Sprint(err) != "components is not known here" {
		t.Errorf("without a document: %v, %v", got, err)
	}
}

func TestExpressionOfBrokenPredicates(t *testing.T) {
	rule := compile(t, "attestation", "predicate.a == 1 || true")
	for _, text := range []string{"", " ", "{", "{} {}", "nul", `{"a": 1e999}`, `{"a": 1}x`, "\xff"} {
		v := known()
		v.Predicate = json.RawMessage(text)
		if got, err := rule.Holds(v); got || err == nil || !strings.HasPrefix(err.Error(), "read the predicate: ") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"[]", `"a"`, "null", "1"} {
		v := known()
		v.Predicate = json.RawMessage(text)
		if got, err := compile(t, "attestation", "predicate.a == 1").Holds(v); got || err == nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestZeroExpression(t *testing.T) {
	if held, err := (policy.Expression{Name: "a", Source: "true"}).Holds(known()); held || err == nil {
		t.Errorf("an expression that was never compiled holds: %v, %v", held, err)
	}
}

// many returns a document of n components.
func many(n int) *sbom.Document {
	d := &sbom.Document{}
	for i := range n {
		name := fmt.Sprintf("component-%d", i)
		d.Components = append(d.Components, sbom.Component{
			Path: fmt.Sprintf("/components/%d", i), Type: "library", Name: name, Version: "1.2.3", PURL: "pkg:npm/" + name + "@1.2.3", License: "MIT OR Apache-2.0",
			Licenses: []sbom.License{{Expression: "MIT OR Apache-2.0", Text: "MIT OR Apache-2.0", Known: true}}, Hashes: []sbom.Hash{{Algorithm: "sha256", Value: sha}},
		})
	}
	return d
}

func TestExpressionCost(t *testing.T) {
	const over = "the rule costs more than 5000000 to evaluate; wanted one pass over a list instead of several inside each other"
	v := known()
	v.Document = many(10_000)
	for _, expr := range []string{
		"!components.exists(c, c.license.contains('GPL'))",
		"components.all(c, c.purl.startsWith('pkg:npm/') && c.version.matches('^[0-9]+[.][0-9]+[.][0-9]+$') && c.license.contains('MIT'))",
		"components.all(c, c.hashes.exists(h, h.algorithm == 'sha256') && c.licenses.all(l, l.known && l.expression != ''))",
		"components.filter(c, c.name.lowerAscii().contains('left-pad')).size() == 0",
	} {
		if held, err := compile(t, "sbom", expr).Holds(v); !held || err != nil {
			t.Errorf("%s over 10,000 components: %v, %v", expr, held, err)
		}
	}
	quadratic := "components.all(a, !components.exists(b, b.name == a.name && b.version != a.version))"
	if held, err := compile(t, "sbom", quadratic).Holds(v); held || fmt.Sprint(err) != over {
		t.Errorf("%s over 10,000 components: %v, %v", quadratic, held, err)
	}
	v.Document = many(1_500)
	for _, expr := range []string{
		"components.all(c, components == components)",
		"components.all(c, c in components)",
		"components.all(a, described == [] && components.map(b, b.name).size() > 0)",
	} {
		if held, err := compile(t, "sbom", expr).Holds(v); held || fmt.Sprint(err) != over {
			t.Errorf("%s over 1,500 components: %v, %v", expr, held, err)
		}
	}
	v.Predicate = json.RawMessage(`{"s": "` + strings.Repeat("a", 1<<20) + `", "deep": ` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`)
	grow := "predicate.s"
	for range 30 {
		grow += " + predicate.s"
	}
	if held, err := compile(t, "attestation", "("+grow+").contains('b') == false").Holds(v); held || fmt.Sprint(err) != over {
		t.Errorf("text that grows: %v, %v", held, err)
	}
	if held, err := compile(t, "attestation", "predicate.deep == predicate.deep").Holds(v); held || fmt.Sprint(err) != over {
		t.Errorf("lists inside each other: %v, %v", held, err)
	}
}

// A rule can be judged by many at once, and what it is judged over is decoded once.
func TestExpressionConcurrently(t *testing.T) {
	rule := compile(t, "attestation", "predicate.digest == image.digest && predicate.list.exists(x, x == 'b')")
	v := known().Bind()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if held, err := rule.Holds(v); !held || err != nil {
					t.Errorf("%v, %v", held, err)
				}
			}
		})
	}
	wait.Wait()
	v.Predicate = json.RawMessage("{")
	if held, err := rule.Holds(v); !held || err != nil {
		t.Errorf("what was bound is read again: %v, %v", held, err)
	}
}

func FuzzExpression(f *testing.F) {
	for _, expr := range []string{"predicate.a == 1", "components.exists(c, c.name == '')", "has(predicate.a.b)", "'\\", "[1].map(x, [x, predicate])[0][1].a == 1", "image.digest.split('')[0] == ''",
		"source.commit.matches('^[0-9a-f]{40}$')", "predicate.a.matches(predicate.b)", "[1].all(x, x == predicate.a)", "predicate.a.join(predicate.b) == '' || predicate.a + predicate.a == []",
		"predicate.a.exists(x, predicate[x] == x.indexOf(x))", "dyn(b'a') in ['a', image.name]",
	} {
		f.Add(expr, []byte(`{"a": [1, 2, {"b": "c"}]}`))
	}
	f.Fuzz(func(t *testing.T, expr string, predicate []byte) {
		quoted, err := json.Marshal(expr)
		if err != nil {
			t.Skip()
		}
		p, err := policy.Parse("p.yaml", []byte(rule("match: ghcr.io/o/n, sbom: {"+anybody+", rules: [{expr: "+string(quoted)+"}]}")))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p.yaml:") || strings.Contains(err.Error(), "internal error") {
				t.Errorf("the error says nothing: %v", err)
			}
			return
		}
		v := known()
		v.Predicate, v.Document = predicate, bill()
		held, err := p.Rules[0].SBOM.Rules[0].Holds(v)
		if held && err != nil || err != nil && strings.Contains(err.Error(), "internal error") {
			t.Errorf("%q over %q: %v, %v", expr, predicate, held, err)
		}
	})
}
