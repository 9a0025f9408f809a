package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/verify"
)

// sbomYAML demands a bill of materials by the release workflow, and more of it.
func sbomYAML(more ...string) string {
	return "sbom: {" + strings.Join(append([]string{"signer: " + signerYAML}, more...), ", ") + "}"
}

func sbomPolicy(t testing.TB, more ...string) *policy.Policy {
	t.Helper()
	return policyOf(t, "source: "+sourceYAML, sbomYAML(more...))
}

// bom is the good document after edits, as a statement.
func bom(edits ...lab.Edit) []byte { return must(lab.CycloneDX(imageName, imageDigest, edits...)) }

func spdxBOM(edits ...lab.Edit) []byte { return must(lab.SPDX(imageName, imageDigest, edits...)) }

// inPredicate writes a value into the document.
func inPredicate(value any, path ...string) lab.Edit {
	return set(value, append([]string{"predicate"}, path...)...)
}

func component(fields map[string]any) map[string]any {
	c := map[string]any{"type": "library", "name": "other", "version": "1.0"}
	for k, v := range fields {
		c[k] = v
	}
	return c
}

// nested puts a component inside n others.
func nested(n int, inner map[string]any) lab.Edit {
	for i := range n {
		inner = component(map[string]any{"name": fmt.Sprint("outer", i), "components": []any{inner}})
	}
	return inPredicate([]any{inner}, "components")
}

const xmlBOM = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components><component type="library"><name>text</name><version>1</version></component></components></bom>`

// TestSBOM passes documents of each form in each layout.
func TestSBOM(t *testing.T) {
	s := newStage(lab.Options{})
	signer := s.issue(workflow())
	for name, c := range map[string]struct {
		statement []byte
		format    string
		version   string
	}{
		"CycloneDX":                     {bom(), "CycloneDX", "1.6"},
		"CycloneDX, type with version":  {bom(set(lab.CycloneDXPredicateType+"/v1.6", "predicateType")), "CycloneDX", "1.6"},
		"CycloneDX XML in a string":     {bom(set(xmlBOM, "predicate")), "CycloneDX", "1.6"},
		"SPDX":                          {spdxBOM(), "SPDX", "2.3"},
		"SPDX as actions/attest-sbom":   {spdxBOM(set(lab.SPDXPredicateType+"/v2.3", "predicateType")), "SPDX", "2.3"},
		"SPDX in a string, as cosign's": {spdxBOM(func(s map[string]any) { s["predicate"] = string(must(json.Marshal(s["predicate"]))) }), "SPDX", "2.3"},
	} {
		for layout, piece := range map[string]verify.Piece{"legacy": attBy(signer, c.statement), "bundle": bundleBy(signer, c.statement)} {
			t.Run(name+", "+layout, func(t *testing.T) {
				v := s.judge(t, sbomPolicy(t), imageRef, options(), piece)
				wantPass(t, v)
				f := finding(t, v, "sbom")
				if d := f.Found[0].Document; d == nil || d.Format != c.format || d.Version != c.version || d.Components < 1 {
					t.Errorf("the verdict shows the document %+v", d)
				}
				if f.Found[0].Claims == nil || len(f.Found[0].Times) == 0 || len(f.Wanted) != 1 || f.Wanted[0]["min_components"] != "1" {
					t.Errorf("the finding lacks something: %+v", f)
				}
			})
		}
	}
}

// sbomCase is a document, or a policy, that is refused with a code.
type sbomCase struct {
	name      string
	statement []byte
	// demand is what the policy says beyond the signer.
	demand []string
	code   verify.Code
	// shows is a part of the first violation.
	shows string
}

func sbomCases() []sbomCase {
	const libraryPath = "/components/0"
	other := strings.Repeat("ab", 32)
	denied := component(map[string]any{"name": "event-stream", "version": "3.3.6", "purl": "pkg:npm/event-stream@3.3.6"})
	denyStream := []string{`deny_components: [{purl: "pkg:npm/event-stream", versions: "<4.0.0"}]`}
	with := func(edits map[string]any) []byte {
		return bom(inPredicate([]any{component(edits)}, "components"))
	}
	return []sbomCase{
		{"unknown spec version", bom(inPredicate("9.9", "specVersion")), nil, verify.SBOMMalformed, "9.9"},
		{"no format", bom(drop("predicate", "bomFormat")), nil, verify.SBOMMalformed, ""},
		{"both formats", bom(inPredicate("SPDX-2.3", "spdxVersion")), nil, verify.SBOMMalformed, ""},
		{"components in capitals", bom(inPredicate([]any{}, "Components")), nil, verify.SBOMMalformed, "case"},
		{"components that are no list", bom(inPredicate(map[string]any{}, "components")), nil, verify.SBOMMalformed, ""},
		{"predicate null", bom(set(nil, "predicate")), nil, verify.SBOMMalformed, ""},
		{"no predicate", bom(drop("predicate")), nil, verify.SBOMMalformed, ""},
		{"a bomb of empty objects", bytes.Replace(bom(), []byte(`"components":[`), append([]byte(`"services":[`), append(bytes.Repeat([]byte("{},"), 700_000), []byte(`{}],"components":[`)...)...), 1), nil, verify.SBOMMalformed, "more than"},
		{"a bomb of brackets", bytes.Replace(bom(), []byte(`"components":[`), []byte(`"services":`+strings.Repeat(`[`, 200)+strings.Repeat(`]`, 200)+`,"components":[`), 1), nil, verify.SBOMMalformed, ""},
		{"a key twice", bytes.Replace(bom(), []byte(`"specVersion":`), []byte(`"specVersion":"1.5","specVersion":`), 1), nil, verify.SBOMMalformed, ""},
		{"a key twice inside a string", bom(set(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a"}],"components":[]}`, "predicate")), nil, verify.SBOMMalformed, "twice"},
		{"too large", bom(), []string{"max_size: 100"}, verify.SBOMTooLarge, "bytes"},
		{"too large in a string", bom(set(xmlBOM, "predicate")), []string{"max_size: 100"}, verify.SBOMTooLarge, "bytes"},
		{"the other format", bom(), []string{"format: spdx"}, verify.SBOMFormatMismatch, ""},
		{"the other format too", spdxBOM(), []string{"format: cyclonedx"}, verify.SBOMFormatMismatch, ""},
		{"a type that lies of the format", bom(set(lab.SPDXPredicateType, "predicateType")), nil, verify.SBOMFormatMismatch, "format"},
		{"a type that lies of the version", bom(set(lab.CycloneDXPredicateType+"/v1.5", "predicateType")), nil, verify.SBOMFormatMismatch, "version"},
		{"against the schema", with(map[string]any{"scope": "sometimes"}), []string{"schema: strict"}, verify.SBOMSchemaInvalid, ""},
		{"no schema of SPDX", spdxBOM(), []string{"schema: strict"}, verify.SBOMSchemaUnavailable, ""},
		{"no schema of XML", bom(set(xmlBOM, "predicate")), []string{"schema: strict"}, verify.SBOMSchemaUnavailable, ""},
		{"about another image", bom(inPredicate("sha256:"+other, "metadata", "component", "version"), inPredicate("pkg:oci/widget@sha256%3A"+other, "metadata", "component", "purl")), nil, verify.SBOMDescribesOther, other},
		{"SPDX about another image", must(lab.SBOMAbout(lab.SPDXPredicateType, imageName, imageDigest, predicateOf(must(lab.SPDX(imageName, "sha256:"+other))))), nil, verify.SBOMDescribesOther, other},
		{"about another, strictly", bom(inPredicate("sha256:"+other, "metadata", "component", "version"), drop("predicate", "metadata", "component", "purl")), []string{"describes: image"}, verify.SBOMDescribesOther, other},
		{"about no digest", bom(inPredicate("1.2.3", "metadata", "component", "version"), drop("predicate", "metadata", "component", "purl")), []string{"describes: image"}, verify.SBOMDescribesNothing, ""},
		{"about nothing", bom(drop("predicate", "metadata", "component")), []string{"describes: image"}, verify.SBOMDescribesNothing, ""},
		{"signed and empty", bom(inPredicate([]any{}, "components")), nil, verify.SBOMTooFewComponents, "0 components"},
		{"signed and without components", bom(drop("predicate", "components")), nil, verify.SBOMTooFewComponents, "0 components"},
		{"too few", bom(), []string{"min_components: 2"}, verify.SBOMTooFewComponents, "fewer than 2"},
		{"a banned component", bom(inPredicate([]any{denied}, "components")), denyStream, verify.SBOMComponentDenied, "event-stream"},
		{"banned, in capitals", with(map[string]any{"purl": "pkg:NPM/Event-STREAM@3.3.6"}), denyStream, verify.SBOMComponentDenied, ""},
		{"banned, percent-encoded", with(map[string]any{"purl": "pkg:npm%2Fevent%2Dstream@3.3.6"}), denyStream, verify.SBOMComponentDenied, ""},
		{"banned, a slash encoded", with(map[string]any{"purl": "pkg:npm/%40evil%2Fthing@1.0"}), []string{`deny_components: [{purl: "pkg:npm/@evil/thing"}]`}, verify.SBOMComponentDenied, ""},
		{"banned, by name alone", with(map[string]any{"name": "Event-Stream"}), denyStream, verify.SBOMComponentDenied, ""},
		{"banned, five levels in", bom(nested(5, denied)), denyStream, verify.SBOMComponentDenied, libraryPath + strings.Repeat("/components/0", 5)},
		{"banned in what is described", bom(inPredicate([]any{denied}, "metadata", "component", "components")), denyStream, verify.SBOMComponentDenied, "event-stream"},
		{"a denied licence", bom(), []string{`deny_licenses: ["BSD-*"]`}, verify.SBOMLicenseDenied, "BSD-3-Clause"},
		{"a licence that is not allowed", bom(), []string{"require_licenses: [MIT]"}, verify.SBOMLicenseMissing, "BSD-3-Clause"},
		{"no licence", with(nil), []string{"require_licenses: [MIT]"}, verify.SBOMLicenseMissing, "no licence"},
		{"NTIA", bom(), []string{"ntia: true"}, verify.SBOMNTIAIncomplete, ""},
		{"no package URL", with(nil), []string{"purl_coverage: 0.5"}, verify.SBOMPURLCoverage, "100.0%"},
		{"no hash", bom(), []string{"hash_coverage: 0.5"}, verify.SBOMHashCoverage, "100.0%"},
		{"no version", with(map[string]any{"version": "latest"}), []string{"unknown_versions: 0.1"}, verify.SBOMVersionsUnknown, "100.0%"},
		{"an old document", bom(inPredicate("2024-01-01T00:00:00Z", "metadata", "timestamp")), []string{"max_document_age: 90d"}, verify.SBOMDocumentTooOld, "older"},
		{"a document of the future", bom(inPredicate("2027-01-01T00:00:00Z", "metadata", "timestamp")), []string{"max_document_age: 90d"}, verify.SBOMDocumentTooOld, "future"},
		{"a document of no time", bom(drop("predicate", "metadata", "timestamp")), []string{"max_document_age: 90d"}, verify.SBOMDocumentTooOld, "no timestamp"},
		{"a rule", bom(), []string{`rules: [{name: no-bsd, expr: "!components.exists(c, c.license.contains('BSD'))"}]`}, verify.SBOMRuleViolated, "components.exists"},
		{"a rule that fails", bom(), []string{`rules: [{name: lost, expr: "predicate.nothing.here == 1"}]`}, verify.SBOMRuleFailed, ""},
		{"signed long ago", bom(), []string{"max_age: 1h"}, verify.SBOMTooOld, ""},
	}
}

// predicateOf returns the document in a statement.
func predicateOf(statement []byte) any {
	var s map[string]any
	if err := json.Unmarshal(statement, &s); err != nil {
		panic(err)
	}
	return s["predicate"]
}

// TestSBOMRefused holds documents that the release workflow signed against what a policy
// demands of them: attack class 25.
func TestSBOMRefused(t *testing.T) {
	s := newStage(lab.Options{})
	signer := s.issue(workflow())
	for _, c := range sbomCases() {
		for layout, piece := range map[string]verify.Piece{"legacy": attBy(signer, c.statement), "bundle": bundleBy(signer, c.statement)} {
			t.Run(c.name+", "+layout, func(t *testing.T) {
				v := s.judge(t, sbomPolicy(t, c.demand...), imageRef, options(), piece)
				wantFail(t, v, "sbom", c.code)
				f := finding(t, v, "sbom")
				if c.shows != "" && (len(f.Violations) == 0 || !strings.Contains(fmt.Sprintf("%+v", f.Violations), c.shows)) {
					t.Errorf("the violations lack %q: %+v", c.shows, f.Violations)
				}
				if f.Message == "" || f.Next == "" {
					t.Errorf("message %q, next %q", f.Message, f.Next)
				}
			})
		}
	}
}

// TestSBOMLetThrough wants near misses of the refused to pass: the rules say what they mean.
func TestSBOMLetThrough(t *testing.T) {
	s := newStage(lab.Options{})
	for name, c := range map[string]sbomCase{
		"empty, as the policy says":  {statement: bom(inPredicate([]any{}, "components")), demand: []string{"min_components: 0"}},
		"schema":                     {statement: bom(), demand: []string{"schema: strict"}},
		"about this image, strictly": {statement: bom(), demand: []string{"describes: image"}},
		"SPDX, strictly":             {statement: spdxBOM(), demand: []string{"describes: image", "format: spdx"}},
		"a later version":            {statement: bom(nested(2, component(map[string]any{"purl": "pkg:npm/event-stream@4.0.1", "version": "4.0.1"}))), demand: []string{`deny_components: [{purl: "pkg:npm/event-stream", versions: "<4.0.0"}]`}},
		"another licence":            {statement: bom(), demand: []string{`deny_licenses: ["GPL-*"]`, "require_licenses: [BSD-3-Clause]"}},
		"shares":                     {statement: bom(), demand: []string{"purl_coverage: 1", "unknown_versions: 0.1"}},
		"a young document":           {statement: bom(), demand: []string{"max_document_age: 90d"}},
		"a large enough size":        {statement: bom(), demand: []string{"max_size: 1MiB"}},
		"a rule":                     {statement: bom(), demand: []string{`rules: [{name: no-gpl, expr: "!components.exists(c, c.license.contains('GPL'))"}, {name: commit, expr: "source.commit == '` + lab.DefaultCommit + `'"}]`}},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.judge(t, sbomPolicy(t, c.demand...), imageRef, options(), s.bomBundle(c.statement))
			wantPass(t, v)
			if name == "a young document" && (v.ValidUntil == nil || !v.ValidUntil.Equal(then.Add(90*24*time.Hour))) {
				t.Errorf("valid until %v", v.ValidUntil)
			}
		})
	}
}

func (s *stage) bomBundle(statement []byte) verify.Piece {
	return bundleBy(s.issue(workflow()), statement)
}

// TestSBOMWarned wants a pass that says what the schema refuses.
func TestSBOMWarned(t *testing.T) {
	s := newStage(lab.Options{})
	for name, c := range map[string]sbomCase{
		"invalid":   {statement: bom(inPredicate("sometimes", "components", "0", "scope")), code: verify.SBOMSchemaInvalid, shows: "/components/0/scope"},
		"no schema": {statement: spdxBOM(), code: verify.SBOMSchemaUnavailable},
		"valid":     {statement: bom()},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.judge(t, sbomPolicy(t, "schema: warn"), imageRef, options(), s.bomBundle(c.statement))
			wantPass(t, v)
			f := finding(t, v, "sbom")
			if f.Notice != c.code || (f.Message == "") != (c.code == "") || !strings.Contains(fmt.Sprint(f.Violations), c.shows) {
				t.Errorf("notice %q, message %q, violations %+v", f.Notice, f.Message, f.Violations)
			}
		})
	}
}

// TestSBOMSigners reaches the codes about who signed, when and where from.
func TestSBOMSigners(t *testing.T) {
	s := newStage(lab.Options{})
	silent := workflow()
	silent.Extensions.RunnerEnvironment = ""
	good := s.bomBundle(bom())
	broken := s.issue(workflow(), lab.NoCodeSigning())
	for name, c := range map[string]struct {
		piece  verify.Piece
		policy *policy.Policy
		at     time.Time
		code   verify.Code
	}{
		"nothing":            {verify.Piece{}, sbomPolicy(t), today, verify.SBOMMissing},
		"a signature alone":  {s.signature(), sbomPolicy(t), today, verify.SBOMMissing},
		"provenance alone":   {s.provenance(), sbomPolicy(t), today, verify.SBOMMissing},
		"somebody else":      {bundleBy(s.issue(lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)), bom()), sbomPolicy(t), today, verify.SBOMIdentityMismatch},
		"another repository": {bundleBy(s.issue(workflow().WithIDs("9", "9")), bom()), sbomPolicy(t), today, verify.SBOMSourceMismatch},
		"another trigger":    {good, policyOf(t, "source: "+sourceYAML, strings.Replace(sbomYAML(), "workflow:", "trigger: [schedule], workflow:", 1)), today, verify.SBOMClaimMismatch},
		"no runner":          {bundleBy(s.issue(silent), bom()), policyOf(t, "source: "+sourceYAML, strings.Replace(sbomYAML(), "workflow:", "runner: github-hosted, workflow:", 1)), today, verify.SBOMClaimMissing},
		"outside the window": {good, policyOf(t, "source: "+sourceYAML, strings.Replace(sbomYAML(), "workflow:", "signed: {until: 2025-01-01}, workflow:", 1)), today, verify.SBOMOutsideWindow},
		"in the future":      {good, sbomPolicy(t), soon.Add(-time.Hour), verify.SBOMInFuture},
		"a plain key":        {bundleBy(must(s.NewKeySigner()), bom(), lab.Timestamp()), sbomPolicy(t), today, verify.SBOMKeySigned},
		"another digest":     {s.bomBundle(must(lab.CycloneDX(imageName, otherDigest))), sbomPolicy(t), today, verify.SBOMSubjectMismatch},
		"not for signing":    {bundleBy(broken, bom()), sbomPolicy(t), today, verify.SBOMInvalid},
		"a bare signature":   {bundleBy(s.issue(workflow()), bom(), lab.MessageSignature()), sbomPolicy(t), today, verify.SBOMUnsupported},
		"another type":       {s.bomBundle(bom(set("https://evil.example/bom", "predicateType"))), sbomPolicy(t), today, verify.SBOMMissing},
		"a type with a tail": {s.bomBundle(bom(set(lab.CycloneDXPredicateType+"/", "predicateType"))), sbomPolicy(t), today, verify.SBOMMissing},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.At = c.at
			var pieces []verify.Piece
			if c.piece.Bytes != nil {
				pieces = append(pieces, c.piece)
			}
			wantFail(t, s.judge(t, c.policy, imageRef, o, pieces...), "sbom", c.code)
		})
	}
}

// TestSBOMSelected has a good and a bad document by one signer.
func TestSBOMSelected(t *testing.T) {
	s := newStage(lab.Options{})
	signer := s.issue(workflow())
	at := func(when time.Time, statement []byte) verify.Piece {
		return fromBundle(must(signer.Bundle(statement, when)))
	}
	good, bad := bom(), bom(inPredicate([]any{}, "components"))
	old, young := then.Add(time.Minute), then.Add(5*time.Minute)
	demand := func(selects string) *policy.Policy { return sbomPolicy(t, "select: "+selects, "max_age: 90d") }
	wantPass(t, s.judge(t, demand("any"), imageRef, options(), at(old, good), at(young, bad)))
	wantPass(t, s.judge(t, demand("newest"), imageRef, options(), at(young, good), at(old, bad)))
	wantFail(t, s.judge(t, demand("newest"), imageRef, options(), at(old, good), at(young, bad)), "sbom", verify.SBOMTooFewComponents)
	all := s.judge(t, demand("all"), imageRef, options(), at(old, good), at(young, bad))
	wantFail(t, all, "sbom", verify.SBOMTooFewComponents)
	wantCandidate(t, finding(t, all, "sbom"), verify.SBOMSpoilt)
	wantCandidate(t, finding(t, s.judge(t, demand("newest"), imageRef, options(), at(old, good), at(young, bad)), "sbom"), verify.SBOMSuperseded)
}

func wantCandidate(t *testing.T, f verify.Finding, code verify.Code) {
	t.Helper()
	for _, c := range f.Found {
		if c.Code == code {
			return
		}
	}
	t.Errorf("no candidate has the code %s:\n%s", code, reasons(f))
}

// TestSBOMFields sets every field of a demand to what the good document cannot meet.
func TestSBOMFields(t *testing.T) {
	s := newStage(lab.Options{})
	good := s.bomBundle(bom())
	none := 0.0
	impossible := map[string]func(*policy.SBOM){
		"Format":          func(w *policy.SBOM) { w.Format = sbom.SPDX },
		"Schema":          func(w *policy.SBOM) { w.Schema = policy.SchemaStrict },
		"BuildKit":        nil, // see TestBuildKit
		"MaxBytes":        func(w *policy.SBOM) { w.MaxBytes = 1 },
		"DenyLicenses":    func(w *policy.SBOM) { w.DenyLicenses = []string{"BSD-3-Clause"} },
		"RequireLicenses": func(w *policy.SBOM) { w.RequireLicenses = []string{"MIT"} },
		"DenyComponents":  func(w *policy.SBOM) { w.DenyComponents = []sbom.Pattern{must(sbom.ParsePattern("pkg:golang/*", ""))} },
		"MinComponents":   func(w *policy.SBOM) { w.MinComponents = 1 << 30 },
		"NTIA":            func(w *policy.SBOM) { w.NTIA = true },
		"PURLCoverage":    func(w *policy.SBOM) { w.PURLCoverage = 2 },
		"HashCoverage":    func(w *policy.SBOM) { w.HashCoverage = 1 },
		"UnknownVersions": func(w *policy.SBOM) { none--; w.UnknownVersions = &none },
		"MaxDocumentAge":  func(w *policy.SBOM) { w.MaxDocumentAge = 1 },
		"Describes":       nil, // the document is about the image; see TestSBOMRefused
		"Rules":           func(w *policy.SBOM) { w.Rules = []policy.Expression{{}} },
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[policy.SBOM]()) {
		if len(field.Index) > 1 || field.Anonymous { // of Demand: see TestSBOMSigners
			continue
		}
		spoil, ok := impossible[field.Name]
		if !ok {
			t.Errorf("nothing makes SBOM.%s impossible", field.Name)
		}
		if spoil == nil {
			continue
		}
		p := sbomPolicy(t)
		piece := good
		if field.Name == "Schema" {
			piece = s.bomBundle(bom(inPredicate("sometimes", "components", "0", "scope")))
		}
		wantPass(t, s.judge(t, p, imageRef, options(), piece))
		spoil(p.Rules[0].SBOM)
		v := s.judge(t, p, imageRef, options(), piece)
		if v.Passed() || finding(t, v, "sbom").Result != verify.Failed {
			t.Errorf("an impossible SBOM.%s does not turn the verdict", field.Name)
		}
	}
	// The zero value of all demands nothing of the content, and still wants a signer.
	p := sbomPolicy(t)
	p.Rules[0].SBOM = &policy.SBOM{}
	if v := s.judge(t, p, imageRef, options(), good); v.Passed() {
		t.Error("a demand without a signer passes")
	}
}

// TestSBOMViolations wants every rule that is violated to be seen, and a long list to be cut.
func TestSBOMViolations(t *testing.T) {
	s := newStage(lab.Options{})
	var many []any
	for i := range 500 {
		many = append(many, component(map[string]any{"name": fmt.Sprintf("n%d%s", i, strings.Repeat("x", 1000))}))
	}
	p := sbomPolicy(t, "ntia: true", "purl_coverage: 1", "hash_coverage: 1", "require_licenses: [MIT]")
	v := s.judge(t, p, imageRef, options(), s.bomBundle(bom(inPredicate(many, "components"))))
	wantFail(t, v, "sbom", verify.SBOMLicenseMissing)
	f := finding(t, v, "sbom")
	text := fmt.Sprintf("%+v", f.Violations)
	for _, rule := range []string{sbom.RuleRequiredLicense, sbom.RuleNTIA, sbom.RulePURLCoverage, sbom.RuleHashCoverage, "and 492 more"} {
		if !strings.Contains(text, rule) {
			t.Errorf("the violations lack %q", rule)
		}
	}
	if len(f.Violations) > 50 || len(text) > 50*1000 {
		t.Errorf("%d violations of %d bytes are shown", len(f.Violations), len(text))
	}
}
