package verify

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

// A library that panics over a piece of evidence refuses that piece and no more.
// A root without its material stands for the library here.
func TestPanicIsARefusal(t *testing.T) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	s, err := lab.NewSigstore(lab.Options{Now: at})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.Issue(lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow), at)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := signer.LegacySignature("registry.example/acme/widget", fuzzDigest, at.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("p.yaml", []byte(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: panic}
images:
  - match: registry.example/acme/widget
    source: {repository: acme/widget, ref: "refs/tags/v*"}
    signature: {signer: {issuer: https://token.actions.githubusercontent.com, workflow: .github/workflows/release.yml}}
`))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := ParseReference("registry.example/acme/widget:1.2.3@" + fuzzDigest)
	if err != nil {
		t.Fatal(err)
	}
	material, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := NewTrustedRoot(policy.PublicGood, "lab", material, policy.DefaultThresholds())
	if err != nil {
		t.Fatal(err)
	}
	piece := Piece{Layout: LegacySignature, Digest: "sha256:x", Bytes: layer.Bytes, Annotations: layer.Annotations}
	judge := func(root *TrustedRoot) Verdict {
		trust := Trust{Roots: []*TrustedRoot{root}}
		facts := Authenticate(Image{Reference: ref, Digest: fuzzDigest}, Evidence{Pieces: []Piece{piece}}, trust, DefaultLimits())
		return Judge(facts, p, trust, Options{At: at.Add(time.Hour), Limits: DefaultLimits()})
	}
	if v := judge(whole); !v.Passed() {
		t.Fatalf("the good signature does not pass: %+v", v.Checks)
	}
	v := judge(&TrustedRoot{name: policy.PublicGood, thresholds: policy.DefaultThresholds()})
	if v.Passed() || v.Conclusive || v.Checks[0].Result != Errored || v.Checks[0].Code != InternalPanic {
		t.Errorf("found %+v", v.Checks)
	}
}

// brokenCheck is a check of ours that has a fault.
type brokenCheck struct{ where string }

func (brokenCheck) id() string { return "signature" }

func (c brokenCheck) required(policy.Rule) bool {
	if c.where == "required" {
		panic("a fault")
	}
	return true
}

func (brokenCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

func (brokenCheck) judge(*question) Finding {
	var none *Statement
	return Finding{ID: none.place}
}

// A check that panics leaves itself undecided, and there is a verdict with what the others say.
func TestPanicInACheckIsUndecided(t *testing.T) {
	for _, where := range []string{"judge", "required"} {
		f := (&question{}).judge(brokenCheck{where})
		if f.ID != "signature" || !f.Required || f.Result != Errored || f.Code != InternalPanic || f.Class != Definitive || f.Message == "" || f.Next == "" {
			t.Errorf("in %s: found %+v", where, f)
		}
		v := Verdict{Image: VerdictImage{Digest: fuzzDigest}, Checks: []Finding{f, {ID: "platforms", Required: true, Result: Passed}}}
		if v.decide(); v.Passed() || v.Conclusive {
			t.Errorf("in %s: the verdict is %v, conclusive %t", where, v.Verdict, v.Conclusive)
		}
		v.Checks[1].Result = Failed
		if v.decide(); v.Passed() || !v.Conclusive {
			t.Errorf("in %s, beside a refusal: the verdict is %v, conclusive %t", where, v.Verdict, v.Conclusive)
		}
	}
}
