package trial

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// plain is a policy that the laboratory's release meets, by all that it says.
const plain = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: lab}
images:
  - match: registry.example/acme/widget
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}
      max_age: 2d
    provenance: {builder: {level: 3}}
`

// listed demands a release besides. The pinned root is not looked at for the laboratory.
const listed = plain + `    release:
      tuf:
        metadata_url: https://tuf.example/metadata
        targets_url: https://tuf.example/targets
        root: {file: root.json, sha256: "1111111111111111111111111111111111111111111111111111111111111111"}
        min: {root: 12}
      target: products/widget-{version}.json
      fields: {digest: sha256, commit: revision}
      signers: {class: human, people: 2}
`

func stage(t *testing.T, text string) *Stage {
	t.Helper()
	p, err := policy.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &Stage{Policy: p, Folder: t.TempDir(), Now: now, Trust: func(p *policy.Policy, c policy.Case) (verify.Trust, error) {
		if c.TrustedRoot == "" {
			return verify.Trust{}, nil // the laboratory brings its own
		}
		b, err := os.ReadFile(c.TrustedRoot)
		if err != nil {
			return verify.Trust{}, err
		}
		root, err := verify.NewTrustedRoot(policy.PublicGood, "test", b, p.Trust[policy.PublicGood].Thresholds)
		return verify.Trust{Roots: []*verify.TrustedRoot{root}}, err
	}}
	t.Cleanup(s.Close)
	return s
}

func read(t *testing.T, cases string) []policy.Case {
	t.Helper()
	all, err := Read("p.test.yaml", []byte("cases:\n"+cases))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func run(t *testing.T, s *Stage, cases string) []Result {
	t.Helper()
	var results []Result
	for _, c := range read(t, cases) {
		r, err := s.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results
}

// idle lists the demands that turn nothing.
func idle(t *testing.T, s *Stage, text string, results []Result) string {
	t.Helper()
	c, err := s.Mutate(t.Context(), []byte(text), results)
	if err != nil {
		t.Fatal(err)
	}
	if c.Untried > 0 {
		t.Errorf("%d demands were not tried", c.Untried)
	}
	var paths []string
	for _, i := range c.Idle {
		paths = append(paths, i.Path)
	}
	return strings.Join(paths, " ")
}

const attacks = `
- {name: good, lab: good, want: {verdict: pass}}
- {name: unsigned, lab: unsigned, want: {verdict: fail, codes: [signature.missing]}}
- {name: stranger, lab: signed-by-stranger, want: {verdict: fail, codes: [signature.identity_mismatch]}}
- {name: another, lab: provenance-of-another, want: {verdict: fail, codes: [provenance.subject_mismatch]}}
- {name: sbom, lab: sbom-for-signature, want: {verdict: fail, codes: [signature.missing]}}
- {name: branch, lab: built-from-branch, want: {verdict: fail, codes: [provenance.source_mismatch]}}
- {name: unknown, lab: unknown-authority, want: {verdict: fail, codes: [trust.unknown_authority]}}
`

// The laboratory's catalogue is judged under its own policy, and of a policy that says
// no more than that every demand counts.
func TestLaboratory(t *testing.T) {
	s := stage(t, plain)
	results := run(t, s, attacks+"- {name: nobody, lab: released-by-nobody, want: {verdict: pass}}\n")
	for _, r := range results {
		if !r.Right {
			t.Errorf("%s: wanted %s, got %s", r.Case.Name, r.Wanted, r.Got)
		}
	}
	if got := idle(t, s, plain, results); got != "" {
		t.Errorf("%s turns nothing", got)
	}
}

// Where the policy demands a release, the laboratory lists its good one as demanded.
func TestLaboratoryLists(t *testing.T) {
	s := stage(t, listed)
	results := run(t, s, attacks+"- {name: nobody, lab: released-by-nobody, want: {verdict: fail, codes: [release.not_listed]}}\n")
	for _, r := range results {
		if !r.Right {
			t.Errorf("%s: wanted %s, got %s", r.Case.Name, r.Wanted, r.Got)
		}
	}
	if got := results[7].Got; got != "fail (release.not_listed)" {
		t.Errorf("the release that nobody listed: %s; wanted that alone", got)
	}
	c, err := s.Mutate(t.Context(), []byte(listed), results)
	if err != nil || len(c.Idle) != 0 || len(c.Unseen) != 2 || c.Demands < 25 {
		t.Errorf("%+v, %v", c, err)
	}
}

// A wrong wish is said, with what there was instead.
func TestWrongWish(t *testing.T) {
	s := stage(t, plain)
	for _, r := range run(t, s, `
- {name: a, lab: unsigned, want: {verdict: pass}}
- {name: b, lab: good, want: {verdict: fail}}
- {name: c, lab: unsigned, want: {verdict: undecided}}
- {name: d, lab: unsigned, want: {verdict: fail, codes: [sbom.missing, signature.missing]}}
- {name: e, lab: good, image: registry.example/acme/other, want: {verdict: pass}}
- {name: f, lab: good, repository: acme/other, want: {verdict: pass}}
- {name: g, lab: good, version: 9.9.9, image: "registry.example/acme/widget:latest", want: {verdict: pass}}
- {name: h, lab: good, at: 2026-02-01, want: {verdict: fail}}
`) {
		if r.Right || r.Got == "" || r.Wanted == "" {
			t.Errorf("%s: wanted %s, got %s, which is right", r.Case.Name, r.Wanted, r.Got)
		}
	}
}

func TestDemandsThatTurnNothing(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"a tag that no case has":       {"    signature:", "    tags: {moving: [latest]}\n    signature:", "images[0].tags.moving"},
		"a signer that nobody is":      {"signer: {issuer: \"https://token.actions.githubusercontent.com\", workflow: .github/workflows/release.yml}", "signer: [{issuer: \"https://token.actions.githubusercontent.com\", workflow: .github/workflows/release.yml}, {issuer: \"https://accounts.google.com\", identity: a@example.com}]", "images[0].signature.signer[1].issuer images[0].signature.signer[1].identity"},
		"a builder that built no case": {"images:", "builders: [{id: \"https://github.com/a/b/.github/workflows/c.yml\", level: 3}]\nimages:", "builders[0].id builders[0].level"},
		"a rule without a case":        {"images:", "images:\n  - {match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}}", "images[0]"},
		"nothing":                      {"    signature:", "    places: [registry]\n    signature:", ""},
	} {
		text := strings.Replace(plain, c.from, c.to, 1)
		s := stage(t, text)
		if got := idle(t, s, text, run(t, s, "- {name: good, lab: good, want: {verdict: pass}}\n")); got != c.want {
			t.Errorf("%s: %q turns nothing; wanted %q", name, got, c.want)
		}
	}
}

// saved writes the laboratory's release as somebody would save it, and its root.
func saved(t *testing.T, dir string) string {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: now.Add(-time.Hour), Name: "saved"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: "registry.example/acme/widget"})
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.WriteLayout(filepath.Join(dir, "saved"), r.Publication); err != nil {
		t.Fatal(err)
	}
	root, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root.json"), root, 0o600); err != nil {
		t.Fatal(err)
	}
	return "registry.example/acme/widget:1.2.3@" + r.Image.Digest()
}

func TestSavedEvidence(t *testing.T) {
	text := strings.Replace(plain, "images:", "trust: {public-good: {builtin: public-good, thresholds: {log_entries: 1, scts: 1, timestamps: 1}}}\nimages:", 1)
	s := stage(t, text)
	image := saved(t, s.Folder)
	root := filepath.Join(s.Folder, "root.json")
	results := run(t, s, `
- {name: saved, image: "`+image+`", layout: saved, trusted_root: "`+root+`", want: {verdict: pass}}
- {name: then, image: "`+image+`", layout: saved, trusted_root: "`+root+`", at: 2026-03-04, want: {verdict: fail, codes: [signature.too_old]}}
- {name: untrusted, image: "`+image+`", layout: saved, want: {verdict: fail, codes: [signature.missing]}}
- {name: gone, image: "`+image+`", layout: elsewhere, trusted_root: "`+root+`", want: {verdict: undecided, codes: [layout.unreadable]}}
`)
	for _, r := range results {
		if !r.Right {
			t.Errorf("%s: wanted %s, got %s", r.Case.Name, r.Wanted, r.Got)
		}
	}
	if got := idle(t, s, text, results); got != "" {
		t.Errorf("%s turns nothing", got)
	}
}

func TestCasesThatCannotBeTried(t *testing.T) {
	s := stage(t, plain)
	for text, want := range map[string]string{
		`{name: a, lab: better, want: {verdict: pass}}`:                                                             `lab is "better"; wanted one of built-from-branch, good,`,
		`{name: a, lab: good, image: "x.example/a@sha256:` + strings.Repeat("0", 64) + `", want: {verdict: pass}}`:  "the laboratory makes a new image",
		`{name: a, lab: good, image: "UPPER", want: {verdict: pass}}`:                                               "UPPER",
		`{name: a, layout: x, image: "::", want: {verdict: pass}}`:                                                  "parse image reference",
		`{name: a, layout: x, image: "a.example/b:1.2.3", index: "a.example/c:1.2.3", want: {verdict: pass}}`:       "wanted the image's own, a.example/b",
		`{name: a, layout: x, image: "a.example/b:1.2.3", tuf_mirror: nowhere, want: {verdict: pass}}`:              "wanted a folder with metadata/ and targets/",
		`{name: a, layout: x, image: "registry.example/acme/widget:1.2.3", tuf_mirror: ".", want: {verdict: pass}}`: "the policy demands no release",
		`{name: a, layout: x, image: "registry.example/acme/widget:1.2.3", version: 1.2.4, want: {verdict: pass}}`:  "version:",
	} {
		if _, err := s.Run(t.Context(), read(t, "- "+text+"\n")[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; wanted %q", text, err, want)
		}
	}
	if _, err := Read("p", []byte("cases: [{name: a, lab: good, want: {verdict: fail, codes: [signature.lost]}}]")); err == nil || !strings.Contains(err.Error(), "signature.lost, which no verdict has") {
		t.Errorf("a code that there is not: %v", err)
	}
}

// What there was no time for is never counted as turned.
func TestNoTime(t *testing.T) {
	s := stage(t, plain)
	results := run(t, s, "- {name: good, lab: good, want: {verdict: pass}}\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := s.Mutate(ctx, []byte(plain), results)
	if err != nil || c.Untried == 0 || c.Demands != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
