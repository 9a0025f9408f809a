package trial

import (
	"bytes"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestEveryKindOfDemand tries the demands of a policy that makes all kinds of them: what
// the table of mutations holds for impossible has to be. A moving tag is for what is
// demanded of those.
func TestEveryKindOfDemand(t *testing.T) {
	authority, err := lab.NewSigstore(lab.Options{Now: now.Add(-5 * time.Minute), Name: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := lab.NewPipeline(authority, lab.PipelineOptions{Tags: []string{"latest"}, Parts: append(lab.StandardParts(), lab.OptionalParts()...)})
	if err != nil {
		t.Fatal(err)
	}
	text := lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: made.RootSHA256(), Everything: true})
	for _, more := range []struct{ at, with string }{
		{"describes: image", "describes: image\n      on: index\n      max_age: 9d\n      max_size: 1MiB\n      min_components: 1\n      purl_coverage: 0.1\n      unknown_versions: 0.9\n      max_document_age: 2000d"},
		{"owner_id:", "signed: {from: 2020-01-01, until: 2029-01-01}\n      owner_id:"},
	} {
		if !bytes.Contains(text, []byte(more.at)) {
			t.Fatalf("the policy has no %q", more.at)
		}
		text = bytes.Replace(text, []byte(more.at), []byte(more.with), 1)
	}
	s := stage(t, string(text))
	s.Trust = func(p *policy.Policy, _ policy.Case) (verify.Trust, error) {
		b, err := authority.TrustedRoot()
		if err != nil {
			return verify.Trust{}, err
		}
		root, err := verify.NewTrustedRoot(policy.PublicGood, "lab", b, p.Trust[policy.PublicGood].Thresholds)
		if err != nil {
			return verify.Trust{}, err
		}
		pinned, err := verify.NewPinnedRoot(made.TUF.FirstRoot(), made.RootSHA256())
		return verify.Trust{Roots: []*verify.TrustedRoot{root}, Pinned: []verify.PinnedRoot{pinned}}, err
	}
	mirror := t.TempDir()
	if err := made.TUF.WriteDir(mirror); err != nil {
		t.Fatal(err)
	}
	s.scenes = map[string]*scene{}
	var results []Result
	for _, tag := range []string{lab.DefaultTag, "latest"} {
		ref, err := verify.ParseReference(lab.PipelineName + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		c := policy.Case{Name: tag, Want: policy.WantedVerdict{Verdict: policy.WantPass}}
		s.scenes[tag] = &scene{
			stage: s, spec: c, ref: ref, options: verify.Options{At: now, Limits: verify.DefaultLimits()},
			open: func() (verify.Source, func(), error) {
				spent := budget.New(budget.Default(), budget.Clock{})
				return &places.Source{
					Image:    registry.New(registry.Options{Transport: made.Transport(), Budget: spent}),
					Releases: release.New(release.Options{Mirror: mirror, Offline: true}),
				}, func() {}, nil
			},
		}
		r, err := s.Run(t.Context(), c)
		if err != nil || !r.Right {
			t.Fatalf("%s: got %s, %v", tag, r.Got, err)
		}
		results = append(results, r)
	}
	c, err := s.Mutate(t.Context(), text, results)
	if err != nil || c.Untried > 0 || c.Demands < 70 {
		t.Errorf("%d demands, %d untried, %v", c.Demands, c.Untried, err)
	}
	for _, i := range c.Idle {
		t.Errorf("%d:%d: %s turns nothing: %s", i.Position.Line, i.Position.Column, i.Path, i.Why)
	}
}
