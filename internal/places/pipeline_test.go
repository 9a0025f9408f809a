package places_test

import (
	"context"
	"slices"
	"strings"
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

// released is when the pipeline ran.
var released = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pipelineQuestion is what is asked about one release of the pipeline.
type pipelineQuestion struct {
	options   lab.PipelineOptions
	policy    []byte
	reference string
	after     time.Duration
	// between happens between two runs; nil asks once.
	between func(*lab.Pipeline) error
}

// askPipeline publishes a release on loopback and asks about it over HTTP, by its names
// in the world, with the collectors that the program uses.
func askPipeline(t *testing.T, s *lab.Sigstore, edit func(*pipelineQuestion)) verify.Verdict {
	t.Helper()
	q := pipelineQuestion{
		options:   lab.PipelineOptions{Parts: append(lab.StandardParts(), lab.OptionalParts()...), Tags: []string{"latest"}},
		reference: lab.PipelineName + ":" + lab.DefaultTag, after: time.Hour,
	}
	q.policy = lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: rootPlaceholder, Everything: true})
	if edit != nil {
		edit(&q)
	}
	made, err := lab.NewPipeline(s, q.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	text := strings.ReplaceAll(string(q.policy), rootPlaceholder, made.RootSHA256())
	text = strings.ReplaceAll(text, imagePlaceholder, made.Image.Digest())
	p, err := policy.Parse("sd-proxy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	trust := pipelineTrust(t, made, p)
	ref, err := verify.ParseReference(q.reference)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	run := func() verify.Verdict {
		spent := budget.New(budget.Default(), budget.Clock{})
		source := &places.Source{
			Image:    registry.New(registry.Options{Transport: made.Transport(), Budget: spent}),
			Releases: release.New(release.Options{Dir: state, Transport: made.Transport(), Budget: spent}),
		}
		return verify.Verify(context.Background(), source, ref, p, trust, verify.Options{At: released.Add(q.after), Limits: verify.DefaultLimits()})
	}
	if q.between != nil {
		if v := run(); !v.Passed() {
			t.Fatalf("the first run does not pass: %s", failures(v))
		}
		if err := q.between(made); err != nil {
			t.Fatal(err)
		}
	}
	v := run()
	if len(made.Registry.Requests()) == 0 {
		t.Error("nothing was asked of the registry")
	}
	return v
}

// What stands in a policy for what is known only once the release is made.
const (
	rootPlaceholder  = "0000000000000000000000000000000000000000000000000000000000000000"
	imagePlaceholder = "IMAGE-DIGEST"
)

func pipelineTrust(t *testing.T, made *lab.Pipeline, p *policy.Policy) verify.Trust {
	t.Helper()
	raw, err := made.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "lab", raw, p.Trust[policy.PublicGood].Thresholds)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := verify.NewPinnedRoot(made.TUF.FirstRoot(), made.RootSHA256())
	if err != nil {
		t.Fatal(err)
	}
	return verify.Trust{Roots: []*verify.TrustedRoot{root}, Pinned: []verify.PinnedRoot{pinned}}
}

// failures lists what did not pass: "sbom sbom.missing, platforms platforms.missing".
func failures(v verify.Verdict) string {
	var all []string
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			all = append(all, f.ID+" "+string(f.Code))
		}
	}
	return strings.Join(all, ", ")
}

// TestPipelinePasses: the policy of the documentation's example passes on a release made
// exactly so, with the optional evidence and without.
func TestPipelinePasses(t *testing.T) {
	s := newPipelineSigstore(t)
	for name, edit := range map[string]func(*pipelineQuestion){
		"example": func(q *pipelineQuestion) {
			q.options.Parts = nil
			q.policy = lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: rootPlaceholder})
		},
		"everything":          nil,
		"moving tag":          func(q *pipelineQuestion) { q.reference = lab.PipelineName + ":latest" },
		"listed with commit":  func(q *pipelineQuestion) { q.options.Listing.Commit = "same" },
		"a stranger's beside": func(q *pipelineQuestion) { q.add(lab.PipelinePart{Kind: lab.PartSBOM, By: evil}) },
	} {
		t.Run(name, func(t *testing.T) {
			v := askPipeline(t, s, edit)
			if !v.Passed() || v.ValidUntil == nil || v.Image.Version != lab.DefaultTag {
				t.Errorf("found %s; valid until %v, version %q", failures(v), v.ValidUntil, v.Image.Version)
			}
			for _, f := range v.Checks {
				if !f.Required {
					t.Errorf("%s is not required", f.ID)
				}
			}
		})
	}
}

func newPipelineSigstore(t *testing.T) *lab.Sigstore {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: released})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// part is the release's part of a kind, to be changed.
func (q *pipelineQuestion) part(kind string) *lab.PipelinePart {
	i := slices.IndexFunc(q.options.Parts, func(p lab.PipelinePart) bool { return p.Kind == kind })
	return &q.options.Parts[i]
}

func (q *pipelineQuestion) drop(kind string) {
	q.options.Parts = slices.DeleteFunc(q.options.Parts, func(p lab.PipelinePart) bool { return p.Kind == kind })
}

func (q *pipelineQuestion) add(p lab.PipelinePart) { q.options.Parts = append(q.options.Parts, p) }

// set writes one value into the statement of a part.
func (q *pipelineQuestion) set(kind, path string, value any) {
	q.part(kind).Set = map[string]any{path: value}
}

// write replaces text of the policy, which must be there.
func (q *pipelineQuestion) write(old, by string) {
	if !strings.Contains(string(q.policy), old) {
		panic("the policy does not say " + old)
	}
	q.policy = []byte(strings.Replace(string(q.policy), old, by, 1))
}
