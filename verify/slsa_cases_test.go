package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"

	slsaerrors "github.com/slsa-framework/slsa-verifier/v2/errors"
)

// slsaCase is one of upstream's regression cases as testdata lists them.
type slsaCase struct {
	Args struct {
		BuilderID          *string `json:"builder_id"`
		SourceURI          string  `json:"source_uri"`
		SourceBranch       string  `json:"source_branch"`
		SourceTag          string  `json:"source_tag"`
		SourceVersionedTag string  `json:"source_versioned_tag"`
	} `json:"args"`
	Command    string `json:"command"`
	Digest     string `json:"digest"`
	Dir        string `json:"dir"`
	Provenance string `json:"provenance"`
	Expected   struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	} `json:"expected"`
	Name    string `json:"name"`
	Group   string `json:"group"`
	Version string `json:"version"`
}

// judgementDay is when the cases are judged: no evidence here is younger.
var judgementDay = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// slsaModule is the directory of the module that holds the evidence.
func slsaModule(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/slsa-framework/slsa-verifier/v2").Output()
	if err != nil || len(strings.TrimSpace(string(out))) == 0 {
		t.Fatalf("find slsa-verifier's module, which holds the evidence of these cases: %v; run `go mod download github.com/slsa-framework/slsa-verifier/v2`", err)
	}
	return strings.TrimSpace(string(out))
}

func publicGood(t testing.TB) verify.Trust {
	t.Helper()
	r := trust.PublicGood()
	root, err := verify.NewTrustedRoot(policy.PublicGood, r.Source, r.JSON, policy.DefaultThresholds())
	if err != nil {
		t.Fatal(err)
	}
	return verify.Trust{Roots: []*verify.TrustedRoot{root}}
}

func reference(t testing.TB, s string) verify.Reference {
	t.Helper()
	ref, err := verify.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// slsaFacts authenticates one piece of evidence: an image's layout or a bundle file.
func slsaFacts(t *testing.T, module string, c slsaCase, roots verify.Trust) verify.Facts {
	t.Helper()
	ref := reference(t, "ghcr.io/slsa-framework/example-package@"+c.Digest)
	limits := verify.DefaultLimits()
	if c.Command == "verify-artifact" {
		path := filepath.Join(module, filepath.FromSlash(c.Provenance))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		image := verify.Image{Reference: ref, Digest: c.Digest}
		piece := verify.Piece{Layout: verify.Bundle, Place: c.Provenance, Digest: "sha256:file", Bytes: b}
		return verify.Authenticate(image, verify.Evidence{Pieces: []verify.Piece{piece}}, roots, limits)
	}
	layout, err := registry.OpenLayout(filepath.Join(module, filepath.FromSlash(c.Dir)), limits)
	if err != nil {
		t.Fatal(err)
	}
	image, err := layout.Resolve(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	evidence := layout.Collect(context.Background(), image, verify.Want{Attestations: true, Bundles: true})
	return verify.Authenticate(image, evidence, roots, limits)
}

// slsaPolicy writes a case's arguments as a policy.
func slsaPolicy(t testing.TB, c slsaCase) *policy.Policy {
	t.Helper()
	const generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
	builders := []string{generator + "generator_container_slsa3.yml"}
	if c.Command == "verify-artifact" {
		builders = []string{generator + "generator_generic_slsa3.yml", generator + "builder_go_slsa3.yml", generator + "builder_container-based_slsa3.yml"}
	}
	if c.Args.BuilderID != nil {
		builders = []string{*c.Args.BuilderID}
	}
	source := fmt.Sprintf("{repository: %q", "https://"+c.Args.SourceURI)
	if c.Args.SourceBranch != "" {
		source += fmt.Sprintf(", branch: %q", c.Args.SourceBranch)
	}
	if c.Args.SourceTag != "" {
		source += fmt.Sprintf(", ref: %q", "refs/tags/"+c.Args.SourceTag)
	}
	if c.Args.SourceVersionedTag != "" {
		source += fmt.Sprintf(", versioned_tag: %q", c.Args.SourceVersionedTag)
	}
	text := fmt.Sprintf(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: case}
images:
  - match: ghcr.io/slsa-framework/example-package
    source: %s}
    provenance: {builder: {id: ["%s"]}}
`, source, strings.Join(builders, `", "`))
	p, err := policy.Parse("case.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}

// upstreamError names the error that slsa-verifier gives for a refusal of ours.
func upstreamError(f verify.Finding) error {
	if len(f.Found) == 0 || f.Found[0].Difference == nil {
		return nil
	}
	diff := f.Found[0].Difference
	atTag := strings.HasPrefix(diff.Found, "refs/tags/")
	switch {
	case f.Code == verify.ProvenanceBuilderMismatch:
		return slsaerrors.ErrorUntrustedReusableWorkflow
	case f.Code != verify.ProvenanceSourceMismatch:
		return nil
	case diff.Field == "repository":
		return slsaerrors.ErrorMismatchSource
	case diff.Field == "branch":
		return slsaerrors.ErrorMismatchBranch
	case !atTag: // a tag was demanded and the build was not of a tag
		return slsaerrors.ErrorInvalidRef
	case diff.Field == "versioned_tag":
		return slsaerrors.ErrorMismatchVersionedTag
	case diff.Field == "ref":
		return slsaerrors.ErrorMismatchTag
	}
	return nil
}

var upstreamErrors = map[string]error{
	"ErrorMismatchSource":            slsaerrors.ErrorMismatchSource,
	"ErrorInvalidRef":                slsaerrors.ErrorInvalidRef,
	"ErrorMismatchBranch":            slsaerrors.ErrorMismatchBranch,
	"ErrorUntrustedReusableWorkflow": slsaerrors.ErrorUntrustedReusableWorkflow,
	"ErrorMismatchTag":               slsaerrors.ErrorMismatchTag,
	"ErrorMismatchVersionedTag":      slsaerrors.ErrorMismatchVersionedTag,
}

// TestSLSAVerifierCases judges the 487 cases of slsa-verifier's own tests. Each of
// the 15 pieces of evidence is authenticated once; every refusal must be the one
// that upstream's test names.
func TestSLSAVerifierCases(t *testing.T) {
	b, err := os.ReadFile("../testdata/slsa-verifier-container-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []slsaCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 487 {
		t.Fatalf("found %d cases; wanted 487", len(cases))
	}
	module, roots := slsaModule(t), publicGood(t)
	facts := map[string]verify.Facts{}
	accepted, refused := 0, map[string]int{}
	for i, c := range cases {
		key := c.Dir + c.Provenance
		if _, ok := facts[key]; !ok {
			facts[key] = slsaFacts(t, module, c, roots)
		}
		p := slsaPolicy(t, c)
		v := verify.Judge(facts[key], p, roots, verify.Options{At: judgementDay, Limits: verify.DefaultLimits()})
		f := finding(t, v, "provenance")
		switch {
		case c.Expected.OK && v.Passed():
			accepted++
		case c.Expected.OK || v.Passed():
			t.Errorf("case %d (%s %s, %+v): verdict %v, code %s (%s); upstream wants ok=%v %s", i, c.Group, c.Version, c.Args, v.Passed(), f.Code, f.Message, c.Expected.OK, c.Expected.Error)
		default:
			refused[c.Expected.Error]++
			want, known := upstreamErrors[c.Expected.Error]
			if got := upstreamError(f); !known || !errors.Is(got, want) {
				t.Errorf("case %d (%s %s, %+v): code %s, %+v is upstream's %v; wanted %s", i, c.Group, c.Version, c.Args, f.Code, f.Found, got, c.Expected.Error)
			}
		}
	}
	if len(facts) != 15 {
		t.Errorf("authenticated %d pieces of evidence; wanted 15", len(facts))
	}
	t.Logf("accepted %d, refused %v", accepted, refused)
	if accepted != 120 {
		t.Errorf("accepted %d; wanted 120", accepted)
	}
}

func finding(t testing.TB, v verify.Verdict, id string) verify.Finding {
	t.Helper()
	for _, f := range v.Checks {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("the verdict has no check %q", id)
	return verify.Finding{}
}
