package verify_test

import (
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestBuildKitServed verifies an index from a registry with what BuildKit keeps in it,
// wherever the policy wants the bill of materials, and one of its images through it.
func TestBuildKitServed(t *testing.T) {
	s := newShelf(t)
	built := must(lab.NewBuildKitIndex("widget", spdxAbout))
	s.push(t, built.Image, built.Digest())
	index := func(o *verify.Options) { o.Index = must(verify.ParseReference(s.repository + "@" + built.Digest())) }
	for _, on := range []policy.On{policy.OnEither, policy.OnIndex, policy.OnPlatforms} {
		p := s.demanding(t, policy.OnIndex, sbomYAML("buildkit: true"))
		p.Rules[0].SBOM.On = on
		v := s.ask(t, p, built.Digest())
		wantPass(t, v)
		if f := finding(t, v, "sbom"); len(f.Found) != 2 || f.Found[0].Layout != verify.BuildKit || f.Found[0].Claims == nil {
			t.Errorf("on: %s: %+v", on, f)
		}
		s.registry.ResetRequests()
		p.Rules[0].SBOM.BuildKit = false
		if f := finding(t, s.ask(t, p, built.Digest()), "sbom"); f.Result != verify.Failed || f.Code != verify.SBOMMissing {
			t.Errorf("on: %s: found %s %s: %s", on, f.Result, f.Code, f.Message)
		}
		s.registry.ResetRequests()
	}
	p := s.demanding(t, policy.OnEither, sbomYAML("buildkit: true"))
	v := s.ask(t, p, built.Attestations[1].About, index)
	if f := finding(t, v, "sbom"); f.Result != verify.Passed {
		t.Errorf("an image of the index: found %s %s: %s\n%s", f.Result, f.Code, f.Message, reasons(f))
	}
}
