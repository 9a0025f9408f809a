package places_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/draft"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// draftOf writes a policy from what a release of the pipeline carries.
func draftOf(t *testing.T, s *lab.Sigstore, reference string, options lab.PipelineOptions, workflow string) (draft.Draft, error) {
	t.Helper()
	made, err := lab.NewPipeline(s, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = made.Close() }()
	p, err := policy.Parse("pipeline", made.Policy())
	if err != nil {
		t.Fatal(err)
	}
	ref, err := verify.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	trust := pipelineTrust(t, made, p)
	source := registry.New(registry.Options{Transport: made.Transport()})
	everything := verify.Want{Signatures: true, Attestations: true, Bundles: true, BuildKit: true}
	image, evidence, err := verify.Gather(context.Background(), source, ref, everything, true, verify.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return draft.Write(image, verify.Authenticate(image, evidence, trust, verify.DefaultLimits()), draft.Options{
		Trust: trust, Limits: verify.DefaultLimits(), At: released.Add(time.Hour), Workflow: workflow,
	})
}

const pipelineTag = lab.PipelineName + ":" + lab.DefaultTag

// TestDraftRefusesDeviations: the policy that is written from the pipeline's release
// passes on it and on none of the releases that are another one's, or a tampered one's.
func TestDraftRefusesDeviations(t *testing.T) {
	s := newPipelineSigstore(t)
	d, err := draftOf(t, s, pipelineTag, lab.PipelineOptions{Parts: append(lab.StandardParts(), lab.OptionalParts()...)}, "")
	if err != nil {
		t.Fatal(err)
	}
	parts := lab.PipelineOptions{Parts: append(lab.StandardParts(), lab.OptionalParts()...)}
	if again, err := draftOf(t, s, pipelineTag, parts, ""); err != nil || string(again.Text) != string(d.Text) {
		t.Errorf("found another draft the second time: %v\n%s\n%s", err, d.Text, again.Text)
	}
	drafted := func(q *pipelineQuestion) { q.policy = d.Text }
	if v := askPipeline(t, s, drafted); !v.Passed() {
		t.Fatalf("the release does not pass under its own draft: %s\n%s", failures(v), d.Text)
	}
	// What no policy that is written from one release could know.
	beyond := []string{
		"SBOM with the GPL", "SBOM with the LGPL, which a rule refuses", "SBOM with a denied component", // all of them by the project itself
		"a platform was added", "provenance of a lower level", "denied signer", "nothing says the claim twice",
	}
	refused := 0
	for _, dev := range deviations() {
		if slices.Contains(beyond, dev.name) || slices.Contains([]string{"release", "freshness", "policy"}, dev.check) {
			continue
		}
		refused++
		t.Run(dev.name, func(t *testing.T) {
			t.Parallel()
			v := askPipeline(t, s, func(q *pipelineQuestion) {
				drafted(q)
				dev.edit(q)
			})
			if v.Passed() {
				t.Errorf("it passes")
			}
		})
	}
	if refused < 40 {
		t.Errorf("only %d deviations were tried", refused)
	}
}

// TestDraftOfDeviations: whatever a release carries, what is written passes on it or
// nothing is written.
func TestDraftOfDeviations(t *testing.T) {
	s := newPipelineSigstore(t)
	// Of what does not meet the strictest demand, a weaker one is written.
	weaker := map[string]string{
		"SBOM that its schema refuses": "schema: warn", "SBOM that describes nothing": "schema: strict\n      signer:", "SBOM of another format": "format: spdx",
		"scan that found something critical": `scanners: ["pkg:github/aquasecurity/trivy"]` + "\n          max_age: 7d\n          database_age: 7d\n        signer:", "metadata of another commit": `metadata: {digest: "digest", tag: "tag"`,
		"VEX that says affected": "statuses: [not_affected, fixed, under_investigation]", "the tag was moved between two jobs": "consistency: {claims: [",
		"VSA of a lower level": `levels: ["SLSA_BUILD_LEVEL_1"]`, "tests that were not run": `tests: {passed: ["unit"]}`,
	}
	written := 0
	for _, dev := range deviations() {
		if slices.Contains([]string{"release", "freshness", "policy"}, dev.check) || slices.Contains([]string{"provenance of a lower level", "denied signer", "nothing says the claim twice"}, dev.name) {
			continue
		}
		q := pipelineQuestion{options: lab.PipelineOptions{Parts: append(lab.StandardParts(), lab.OptionalParts()...)}}
		dev.edit(&q)
		d, err := draftOf(t, s, pipelineTag, q.options, "")
		if err != nil {
			t.Logf("%s: %v", dev.name, err)
			continue
		}
		written++
		v := askPipeline(t, s, func(again *pipelineQuestion) {
			again.options = q.options
			again.policy = d.Text
		})
		if !v.Passed() {
			t.Errorf("%s: its draft refuses it: %s\n%s", dev.name, failures(v), d.Text)
		}
		if want := weaker[dev.name]; !strings.Contains(uncommented(string(d.Text)), want) {
			t.Errorf("%s: wanted %q in\n%s", dev.name, want, d.Text)
		}
		delete(weaker, dev.name)
	}
	if len(weaker) > 0 {
		t.Errorf("never met: %v", weaker)
	}
	if written < 30 {
		t.Errorf("only %d drafts were written", written)
	}
}

// TestDraftOfStrangers: whoever can push can sign on their own behalf. Less than the
// project's is listed and not demanded; as much has to be told apart by a person.
func TestDraftOfStrangers(t *testing.T) {
	s := newPipelineSigstore(t)
	with := func(more ...lab.PipelinePart) lab.PipelineOptions {
		return lab.PipelineOptions{Parts: append(lab.StandardParts(), more...)}
	}
	less, err := draftOf(t, s, pipelineTag, with(lab.PipelinePart{Kind: lab.PartSBOM, By: evil}), "")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(less.Text); !strings.Contains(text, "evil/fork") || strings.Contains(uncommented(text), "evil") {
		t.Errorf("the stranger is not listed, or demanded:\n%s", text)
	}
	everything := []lab.PipelinePart{{Kind: lab.PartSignature, By: evil}, {Kind: lab.PartSBOM, By: evil}, {Kind: lab.PartMetadata, By: evil}, {Kind: lab.PartScan, By: evil}}
	// Of several parties the one in the image's name is demanded, however much others add.
	if d, err := draftOf(t, s, pipelineTag, with(everything...), ""); err != nil || strings.Contains(uncommented(string(d.Text)), "evil") || !strings.Contains(string(d.Text), "evil/fork") {
		t.Errorf("found %v and\n%s", err, d.Text)
	}
	d, err := draftOf(t, s, pipelineTag, with(everything...), lab.PipelineRepo+"/"+lab.PipelineWorkflow)
	if err != nil || strings.Contains(uncommented(string(d.Text)), "evil") || !strings.Contains(uncommented(string(d.Text)), "provenance:") {
		t.Errorf("found %v and\n%s", err, d.Text)
	}
	if _, err := draftOf(t, s, pipelineTag, with(), ".github/workflows/none.yml"); err == nil {
		t.Error("a workflow that did not sign is demanded")
	}
}

// TestDraftOfOthers: a tag that moves, a digest, a platform, evidence on the platforms,
// and what BuildKit keeps.
func TestDraftOfOthers(t *testing.T) {
	s := newPipelineSigstore(t)
	var below []lab.PipelinePart
	for _, on := range []string{"linux/amd64", "linux/arm64"} {
		for _, p := range lab.StandardParts() {
			p.On = on
			below = append(below, p)
		}
	}
	for name, c := range map[string]struct {
		reference string
		options   lab.PipelineOptions
		want      []string
	}{
		"moving tag":       {lab.PipelineName + ":latest", lab.PipelineOptions{Tags: []string{"latest"}}, []string{`moving: ["latest"]`, `ref: "refs/tags/v{version}"`}},
		"minor tag":        {lab.PipelineName + ":1.2", lab.PipelineOptions{Tags: []string{"1.2"}}, []string{`moving: ["{major}.{minor}"]`}},
		"on the platforms": {pipelineTag, lab.PipelineOptions{Parts: below}, []string{"signature:", "provenance:", "sbom:", "release-metadata:", `platforms: {require: ["linux/amd64", "linux/arm64"]}`}},
		"BuildKit's SBOM":  {pipelineTag, lab.PipelineOptions{Parts: []lab.PipelinePart{{Kind: lab.PartSignature}}}, []string{"signature:", "buildkit: true", "format: spdx"}},
		"scan alone":       {pipelineTag, lab.PipelineOptions{Parts: []lab.PipelinePart{{Kind: lab.PartScan}}}, []string{"scan:", "deny: [critical, high]", "max_age: 7d"}},
		"a person's": {pipelineTag, lab.PipelineOptions{Parts: []lab.PipelinePart{{Kind: lab.PartSignature, By: lab.PipelineHand{Person: "alice@example.com"}}}},
			[]string{`identity: "alice@example.com"`}},
	} {
		d, err := draftOf(t, s, c.reference, c.options, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := uncommented(string(d.Text))
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: wanted %s in\n%s", name, want, d.Text)
			}
		}
	}
	for _, bare := range []bool{true, false} { // what BuildKit keeps is nobody's word
		d, err := draftOf(t, s, pipelineTag, lab.PipelineOptions{Parts: []lab.PipelinePart{}, Image: lab.PipelineImage{NoBuildKit: bare}}, "")
		if err != nil || !d.Vouches || !strings.Contains(string(d.Text), "cosign sign --yes "+lab.PipelineName+"@sha256:") || strings.Contains(string(d.Text), "BuildKit") == bare {
			t.Errorf("found %v and\n%s", err, d.Text)
		}
	}
}

// uncommented leaves out the lines that are comments.
func uncommented(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
