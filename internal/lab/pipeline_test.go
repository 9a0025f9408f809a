package lab_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

var update = flag.Bool("update", false, "write the example of the documentation anew")

// proxyRoot is the digest of the first root of the real repository.
const proxyRoot = "eaa0c6d7887faeeb744dc259bdb57ed3884aadd06bd591f154692d4c53d55139"

// TestPipelinePolicyIsTheExample: the documentation shows the policy that the lab's
// release is judged by, with the root of the real repository.
func TestPipelinePolicyIsTheExample(t *testing.T) {
	const file = "../../docs/examples/sd-proxy.yaml"
	want := lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: proxyRoot})
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what lab.PipelinePolicy writes; -update writes it anew", file)
	}
	p, err := policy.Parse(file, got)
	if err != nil {
		t.Fatal(err)
	}
	rule, ok := p.Rule(lab.PipelineName)
	if !ok || rule.Signature == nil || rule.Provenance == nil || rule.SBOM == nil || len(rule.Attestations) != 1 || rule.Release == nil ||
		rule.Platforms == nil || rule.Consistency == nil || rule.Freshness == nil {
		t.Errorf("the example does not demand everything: %+v", rule)
	}
	if _, err := policy.Parse(file, lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: proxyRoot, Everything: true})); err != nil {
		t.Error(err)
	}
}

// TestPipelineIsDeterministic: the image, and so every digest that a case may name, is the same in each run.
func TestPipelineIsDeterministic(t *testing.T) {
	digests := map[string]bool{}
	for range 2 {
		p, err := lab.NewPipeline(newSigstore(t, lab.Options{}), lab.PipelineOptions{Image: lab.PipelineImage{Labels: map[string]string{"b": "1", "a": "2"}}})
		digests[must(t, p, err).Image.Digest()] = true
	}
	if len(digests) != 1 {
		t.Errorf("found the digests %v", digests)
	}
}

func TestPipelineRefusesWhatItDoesNotKnow(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	for want, o := range map[string]lab.PipelineOptions{
		`the kind "nonsense"`:   {Parts: []lab.PipelinePart{{Kind: "nonsense"}}},
		`no platform "plan9/7"`: {Parts: []lab.PipelinePart{{Kind: lab.PartSBOM, On: "plan9/7"}}},
		`an index into it`:      {Parts: []lab.PipelinePart{{Kind: lab.PartSBOM, Set: map[string]any{"predicate.components.7.name": "x"}}}},
		`the form "paper"`:      {Parts: []lab.PipelinePart{{Kind: lab.PartSBOM, Form: "paper"}}},
		`by "nobody"`:           {Listing: lab.PipelineListing{By: "nobody"}},
	} {
		if _, err := lab.NewPipeline(s, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v; wanted %s", err, want)
		}
	}
}
