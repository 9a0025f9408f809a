package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

const (
	shapeImage  = "registry.example/acme/widget"
	shapeDigest = "sha256:5d41402abc4b2a76b9719d911017c592ae1f2c3d4e5f60718293a4b5c6d7e8f9"
)

// shapeTime is when the statements of these tests are signed.
var shapeTime = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// shaped is a shape with a predicate that it accepts. Ignored are the paths below which
// it does not look, those that end in "|" may be of another type.
type shaped struct {
	name, kind string
	shape      shape
	predicate  any
	ignored    []string
}

func made[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func shapes() []shaped {
	demanded := policy.Metadata{
		Image: "image", Digest: "digest", Version: "version", Tag: "tag", Repository: "source.repository", Ref: "source.ref",
		Commit: "source.commit", Workflow: "build.workflow", Run: "build.run", Time: "build.timestamp",
	}
	scan := policy.Scan{Scanners: []string{lab.DefaultScanner}, MaxAge: 48 * time.Hour, DatabaseAge: 48 * time.Hour, Deny: []string{"critical", "high", "unknown"}}
	grype := scan
	grype.Scanners = []string{"pkg:github/anchore/grype"}
	frame := []string{"metadata.scanStartedOn", "scanner.version", "scanner.db.uri", "scanner.db.version"}
	vex := policy.VEX{Statuses: []string{"not_affected", "fixed"}, Authors: []string{lab.DefaultVEXAuthor}}
	of := func(name, kind string, s shape, statement []byte, ignored ...string) shaped {
		var payload struct {
			Predicate any `json:"predicate"`
		}
		if err := json.Unmarshal(statement, &payload); err != nil {
			panic(err)
		}
		return shaped{name, kind, s, payload.Predicate, ignored}
	}
	with := func(f func(string, string, time.Time, ...lab.Edit) ([]byte, error)) []byte {
		return made(f(shapeImage, shapeDigest, shapeTime))
	}
	return []shaped{
		of("metadata", lab.MetadataPredicateType, metadataShape{want: demanded}, with(lab.ReleaseMetadata), "build.timestamp|"),
		of("scan 0.2", lab.VulnsPredicateType, scanShape{scan}, with(lab.Scan), frame...),
		of("scan 0.1", lab.VulnsV01PredicateType, scanShape{scan}, with(lab.ScanV01), frame...),
		of("scan trivy", lab.CosignVulnPredicateType, scanShape{scan}, with(lab.ScanTrivy), append(frame,
			"scanner.result.ArtifactName", "scanner.result.ArtifactType", "scanner.result.Results.0.Target", "scanner.result.Results.0.Type",
			"scanner.result.Results.1.Target", "scanner.result.Results.1.Type", "scanner.result.Results.1.Vulnerabilities|",
			"scanner.result.Results.1.Vulnerabilities.0.InstalledVersion")...),
		of("scan grype", lab.CosignVulnPredicateType, scanShape{grype}, with(lab.ScanGrype), append(frame,
			"scanner.result.source", "scanner.result.descriptor.name", "scanner.result.descriptor.version",
			"scanner.result.descriptor.db.status.schemaVersion", "scanner.result.matches.0.artifact", "scanner.result.matches.0.vulnerability.namespace")...),
		of("vex 0.2.0", lab.OpenVEXPredicateType, vexShape{vex}, with(lab.OpenVEX), "@id", "version",
			"statements.0.vulnerability|", "statements.0.products.0|", "statements.0.products.0.subcomponents",
			"statements.1.vulnerability|", "statements.1.products.0|", "statements.1.products.0.subcomponents"),
		of("vex 0.0.1", lab.OpenVEXv001PredicateType, vexShape{vex}, with(lab.OpenVEXv001), "@id", "version", "statements.0.subcomponents"),
		of("vsa 1", lab.VSAPredicateType, vsaShape{policy.VSA{Verifier: lab.DefaultVerifier, Policy: lab.DefaultVSAPolicy, Levels: []string{"SLSA_BUILD_LEVEL_3"}}}, with(lab.VSA),
			"inputAttestations", "policy.digest", "slsaVersion"),
		of("vsa 0.2", lab.VSAv02PredicateType, vsaShape{policy.VSA{Verifier: lab.DefaultVerifier, Policy: lab.DefaultVSAPolicy, Levels: []string{"SLSA_LEVEL_3"}}}, with(lab.VSAv02),
			"policy.digest"),
		of("tests", lab.TestResultPredicateType, testsShape{}, made(lab.TestResult(shapeImage, shapeDigest)),
			"configuration", "url"),
	}
}

// shapeQuestion is about the image that the predicates are about.
func shapeQuestion() *question {
	ref := made(ParseReference(shapeImage + ":1.2.3@" + shapeDigest))
	return &question{
		facts: Facts{image: Image{Reference: ref, Digest: shapeDigest}}, rule: policy.Rule{Canonical: shapeImage},
		vars: policy.Vars{Version: "1.2.3"}, at: shapeTime.Add(time.Hour), limits: DefaultLimits(), validUntil: &time.Time{},
	}
}

func shapeStatement(kind string, predicate []byte) *Statement {
	return &Statement{
		predicateType: kind, predicate: predicate, times: []VerifiedTime{{Time: shapeTime.Add(time.Minute)}},
		claims: &Claims{
			Issuer: policy.GitHubIssuer, Repository: "https://github.com/acme/widget", Ref: lab.DefaultRef, Commit: lab.DefaultCommit,
			ConfigURI: "https://github.com/acme/widget/" + lab.DefaultWorkflow + "@" + lab.DefaultRef,
			RunURI:    "https://github.com/acme/widget/actions/runs/" + lab.DefaultRunID + "/attempts/1",
		},
	}
}

// judgeShape judges a predicate as the check does: what authentication refuses before
// is refused here too.
func judgeShape(s shaped, predicate []byte) *Difference {
	if err := checkJSON(predicate, DefaultLimits().Depth); err != nil {
		return misshapen("JSON", err)
	}
	return s.shape.judge(shapeQuestion(), shapeStatement(s.kind, predicate))
}

// hostileValues replace each value of a predicate.
var hostileValues = map[string]any{
	"null": nil, "a list": []any{}, "an object": map[string]any{}, "a number": 12345.5, "zero": 0, "true": true, "empty text": "", "other text": "\x00*",
	"nested": []any{[]any{[]any{map[string]any{"a": nil}}}}, "an object of any": map[string]any{"": map[string]any{"@id": 1}},
}

// TestHostilePredicates replaces every value of every predicate by one of another type,
// and wants a refusal but where nobody looks.
func TestHostilePredicates(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			if diff := judgeShape(s, made(json.Marshal(s.predicate))); diff != nil {
				t.Fatalf("the good predicate is refused: %+v", diff)
			}
			for _, path := range pathsOf(s.predicate, nil) {
				for name, value := range hostileValues {
					if sameType(valueOf(s.predicate, path), value) || s.ignores(path) {
						_ = judgeShape(s, made(json.Marshal(replaced(s.predicate, path, value)))) // for the panic
						continue
					}
					if judgeShape(s, made(json.Marshal(replaced(s.predicate, path, value)))) == nil {
						t.Errorf("%s passes as %s", strings.Join(path, "."), name)
					}
				}
			}
		})
	}
}

// ignores reports whether nobody looks at a path, or another type may stand there.
func (s shaped) ignores(path []string) bool {
	at := strings.Join(path, ".")
	return slices.ContainsFunc(s.ignored, func(i string) bool { return at+"|" == i || at == i || strings.HasPrefix(at, i+".") })
}

func sameType(a, b any) bool { return typeOf(a) == typeOf(b) }

func typeOf(v any) string {
	switch v.(type) {
	case int, float64:
		return "number"
	}
	return fmt.Sprintf("%T", v)
}

// TestHostileDocuments judges what is no predicate at all.
func TestHostileDocuments(t *testing.T) {
	deep := strings.Repeat(`{"scanner":`, 60) + "1" + strings.Repeat("}", 60)
	for _, s := range shapes() {
		good := string(made(json.Marshal(s.predicate)))
		largest := maxShape
		if _, ok := s.shape.(scanShape); ok {
			largest = maxScan
		}
		for name, text := range map[string]string{
			"nothing": "", "null": "null", "a list": "[]", "a number": "1e9", "text": `"PASSED"`, "an empty object": "{}", "two documents": good + good,
			"a list around it": "[" + good + "]", "deep": deep, "deeper": strings.Repeat("[", 100_000), "cut": good[:len(good)-1],
			"a key twice": `{"result":"PASSED",` + good[1:len(good)-1] + `,"result":"PASSED"}`, "not UTF-8": strings.Replace(good, `"`, "\"\xff", 1),
			"large": `{"x":"` + strings.Repeat("x", largest) + `",` + good[1:],
			"many":  `{"list":[` + strings.Repeat("{},", 1<<16) + "{}]}",
		} {
			if name == "large" && strings.HasPrefix(s.name, "scan ") && s.name != "scan 0.2" {
				continue // the same code once more, at the price of 16 MiB
			}
			if judgeShape(s, []byte(text)) == nil {
				t.Errorf("%s: %s passed", s.name, name)
			}
		}
	}
}

// pathsOf lists the paths to every value below v.
func pathsOf(v any, at []string) [][]string {
	var all [][]string
	below := func(key string, inner any) {
		path := append(slices.Clone(at), key)
		all = append(append(all, path), pathsOf(inner, path)...)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below(key, v[key])
		}
	case []any:
		for i, inner := range v {
			below(strconv.Itoa(i), inner)
		}
	}
	return all
}

// valueOf returns what stands at a path.
func valueOf(v any, path []string) any {
	for _, key := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			v = at[made(strconv.Atoi(key))]
		}
	}
	return v
}

// replaced copies v with another value at a path.
func replaced(v any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch v := v.(type) {
	case map[string]any:
		changed := maps.Clone(v)
		changed[path[0]] = replaced(v[path[0]], path[1:], value)
		return changed
	case []any:
		changed := slices.Clone(v)
		i := made(strconv.Atoi(path[0]))
		changed[i] = replaced(v[i], path[1:], value)
		return changed
	}
	return v
}

// TestMetadataClaims reads what release metadata say for the story of all evidence.
func TestMetadataClaims(t *testing.T) {
	good := shapes()[0]
	demanded := good.shape.(metadataShape).want
	whole := map[string]string{
		"image": shapeImage, "digest": shapeDigest, "version": "1.2.3", "repository": "https://github.com/acme/widget", "ref": lab.DefaultRef,
		"commit": lab.DefaultCommit, "workflow": "https://github.com/acme/widget/" + lab.DefaultWorkflow + "@" + lab.DefaultRef,
		"run": "https://github.com/acme/widget/actions/runs/" + lab.DefaultRunID + "/attempts/1", "built": "2025-06-01T12:00:00Z",
	}
	for name := range whole {
		if !slices.Contains(policy.ConsistencyClaims(), name) {
			t.Errorf("%s is no claim that is compared", name)
		}
	}
	read := func(predicate any) map[string]string {
		return metadataClaims(shapeStatement(good.kind, made(json.Marshal(predicate))), &demanded)
	}
	if got := read(good.predicate); !reflect.DeepEqual(got, whole) {
		t.Errorf("found %v", got)
	}
	other := good.predicate
	for path, value := range map[string]any{
		"image": shapeImage + ":1.2.3@" + shapeDigest, "digest": strings.TrimPrefix(shapeDigest, "sha256:"), "source.repository": "acme/widget",
		"build.workflow": lab.DefaultWorkflow, "build.run": 987654321, "build.timestamp": shapeTime.Unix(),
	} {
		other = replaced(other, strings.Split(path, "."), value)
	}
	if got := read(other); !reflect.DeepEqual(got, whole) {
		t.Errorf("in other forms: found %v", got)
	}
	for _, hostile := range []any{nil, []any{}, "x", map[string]any{"digest": nil, "source": []any{}, "build": map[string]any{"run": 1.5}}} {
		if got := read(hostile); len(got) != 0 {
			t.Errorf("of %v: found %v", hostile, got)
		}
	}
	if got := metadataClaims(shapeStatement(good.kind, nil), nil); len(got) != 0 {
		t.Errorf("without a demand: found %v", got)
	}
}

// FuzzShapes judges predicates of any bytes under every shape: no panic, the same
// answer twice, and no pass of what does not hold what each shape demands.
func FuzzShapes(f *testing.F) {
	all := shapes()
	for i, s := range all {
		f.Add(uint8(i), made(json.Marshal(s.predicate)))
	}
	for _, text := range []string{"null", "[]", `{"result":"PASSED"}`, `{"scanner":{"result":[]}}`, `{"statements":[{"products":["*"]}]}`} {
		f.Add(uint8(9), []byte(text))
	}
	needed := map[string][]string{
		"metadata": {shapeDigest[7:], "1.2.3", lab.DefaultCommit, lab.DefaultRef}, "vsa 1": {lab.DefaultVerifier, lab.DefaultVSAPolicy, "PASSED", "SLSA_BUILD_LEVEL_3"},
		"vsa 0.2": {lab.DefaultVerifier, lab.DefaultVSAPolicy, "PASSED"}, "vex 0.2.0": {lab.DefaultVEXAuthor}, "vex 0.0.1": {lab.DefaultVEXAuthor}, "tests": {"PASSED"},
		"scan 0.2": {lab.DefaultScanner}, "scan 0.1": {lab.DefaultScanner}, "scan trivy": {lab.DefaultScanner}, "scan grype": {"pkg:github/anchore/grype"},
	}
	f.Fuzz(func(t *testing.T, which uint8, predicate []byte) {
		s := all[int(which)%len(all)]
		first, second := judgeShape(s, predicate), judgeShape(s, predicate)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("two answers: %+v and %+v", first, second)
		}
		_ = metadataClaims(shapeStatement(s.kind, predicate), &policy.Metadata{Image: "image", Digest: "digest", Time: "build.timestamp", Run: "build.run"})
		if first != nil {
			if first.under("attestation") == "" || first.Field == "" {
				t.Fatalf("a refusal that says nothing: %+v", first)
			}
			return
		}
		var read any
		if err := json.Unmarshal(predicate, &read); err != nil {
			t.Fatalf("what is no JSON passed: %q", predicate)
		}
		text := fmt.Sprint(read)
		for _, word := range needed[s.name] {
			if !strings.Contains(text, word) {
				t.Fatalf("%s passed without %q: %s", s.name, word, predicate)
			}
		}
	})
}
