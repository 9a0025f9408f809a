package verify_test

import (
	"cmp"
	"context"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// The release that these tests judge: built by a reusable workflow that the policy
// vouches for, started by hand with inputs, under every demand that can be made.
const (
	vouchedRepo = "acme/build"
	vouchedPath = ".github/workflows/build.yml"
	vouchedID   = "https://github.com/acme/build/.github/workflows/build.yml"
)

func vouched() lab.Identity {
	return reusable(vouchedRepo, vouchedPath, "refs/tags/v3.2.1").WithTrigger("workflow_dispatch")
}

// demanding is a policy with every demand that can stand beside the others.
const demanding = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: everything}
mode: enforce
trust: {public-good: {builtin: public-good, thresholds: {log_entries: 1, scts: 1, timestamps: 1}}}
builders: [{id: "` + vouchedID + `", level: 3}]
images:
  - match: ` + imageName + `
    tags: {version: ["{version}"], moving: [latest], version_regexp: "[0-9]+[.][0-9]+[.][0-9]+"}
    source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: ["refs/tags/v{version}"], ref_regexp: "refs/tags/v.*",
             versioned_tag: v1.2, commit: ` + lab.DefaultCommit + `, signed: {from: 2025-01-01, until: 2026-01-01}}
    signature:
      trust: public-good
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml, repository: acme/widget, ref: ["refs/tags/v{version}"],
               trigger: [push], runner: github-hosted, visibility: public, signed: {from: 2025-01-01, until: 2026-01-01}}
    provenance:
      trust: public-good
      builder: {id: ["` + vouchedID + `"], level: 3}
      inputs: {channel: stable}
      source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: ["refs/tags/v{version}"], ref_regexp: "refs/tags/v.*", branch: main,
               versioned_tag: v1.2, commit: ` + lab.DefaultCommit + `, signed: {from: 2025-01-01, until: 2026-01-01}}
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/build.yml, repository: acme/build, ref: [refs/tags/v3.2.1],
               trigger: [workflow_dispatch], runner: github-hosted, visibility: public, signed: {from: 2025-01-01, until: 2026-01-01}}
`

// demand is a policy with the evidence that passes under it.
type demand struct {
	name   string
	text   string
	ref    string
	source memory
	// release and root are of a TUF repository, if one is demanded.
	release *verify.ReleaseEvidence
	root    []byte
	// images take the place of source where there are several, or bytes of one.
	images *cabinet
	// focus matches what the policy is here for: the fields and keys that are changed
	// under it; nil is all.
	focus *regexp.Regexp
}

// from is where the evidence is got.
func (d demand) from() verify.Source {
	switch {
	case d.images != nil:
		return d.images
	case d.release == nil:
		return d.source
	}
	return library{memory: d.source, release: d.release}
}

// digest is the image's.
func (d demand) digest() string {
	_, digest, _ := strings.Cut(d.ref, "@")
	return cmp.Or(digest, d.source.resolve)
}

func (d demand) trust(s *stage, p *policy.Policy) verify.Trust {
	trust := s.trust(p)
	if d.root != nil {
		trust.Pinned = []verify.PinnedRoot{pinnedRoot(d.root)}
	}
	return trust
}

// memory is evidence that lies in one repository, or with GitHub, and is handed out
// only to who wants it of there.
type memory struct {
	repository, gitHub string
	pieces             []verify.Piece
	// resolve is the digest behind a tag.
	resolve string
	// failures are of what else could have been there.
	failures []verify.Failure
}

// Resolve implements verify.Source.
func (m memory) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return verify.Image{Reference: ref, Digest: cmp.Or(ref.Digest(), m.resolve)}, nil
}

// Collect implements verify.Source.
func (m memory) Collect(_ context.Context, image verify.Image, want verify.Want) verify.Evidence {
	e := verify.Evidence{Failures: m.failures}
	for _, p := range m.pieces {
		asked := want.Bundles
		switch p.Layout {
		case verify.LegacySignature:
			asked = want.Signatures
		case verify.LegacyAttestation:
			asked = want.Attestations
		case verify.BuildKit:
			asked = want.BuildKit
		}
		here := slices.Contains(want.Repositories, m.repository) || (len(want.Repositories) == 0 && image.Reference.Name() == m.repository)
		if (asked && here) || slices.Contains(want.GitHub, m.gitHub) {
			e.Pieces = append(e.Pieces, p)
		}
	}
	return e
}

// demands are policies that differ in the keys that exclude each other.
func demands(s *stage) []demand {
	signer, key := s.keySigner()
	provenance := bundleBy(s.issue(vouched()), must(lab.ProvenanceGitHub(built(builderID(vouched().SAN), func(o *lab.ProvenanceOptions) {
		o.Event, o.Inputs = "workflow_dispatch", map[string]any{"channel": "stable"}
		o.Edit = func(st map[string]any) {
			set(map[string]any{"channel": "stable"}, "predicate", "buildDefinition", "externalParameters", "inputs")(st)
		}
	}))))
	identities := regexp.MustCompile(`workflow: (\S+), repository: (\S+), ref: \[(\S+)\],\n`)
	byName := func(key string, quote func(string) string) string {
		text := identities.ReplaceAllStringFunc(demanding, func(m string) string {
			part := identities.FindStringSubmatch(m)
			return key + ": '" + quote("https://github.com/"+part[2]+"/"+part[1]+"@"+strings.ReplaceAll(strings.Trim(part[3], `"`), "{version}", "1.2.3")) + "',\n"
		})
		return noBranch(text)
	}
	both := memory{repository: imageName, pieces: []verify.Piece{s.sig(workflow()), provenance}}
	mirror := strings.Replace(noBranch(demanding), "    tags:", "    mirrors: [{prefix: mirror.example/lab, of: registry.example}]\n    evidence: [origin]\n    tags:", 1)
	return slices.Concat(releaseDemands(s), contentDemands(s), []demand{
		{name: "workflows", text: noBranch(demanding), ref: imageRef, source: both},
		{name: "a moving tag", text: noBranch(demanding), ref: imageName + ":latest@" + imageDigest, source: both},
		{name: "an identity", text: byName("identity", func(s string) string { return s }), ref: imageRef, source: both},
		{name: "a regular expression", text: byName("identity_regexp", regexp.QuoteMeta), ref: imageRef, source: both},
		{name: "a branch", text: `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: branch}
images:
  - match: ` + imageName + `
    source: {repository: acme/widget, branch: main}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}}
    provenance: {builder: {id: "` + runnerID + `"}}
`, ref: imageRef, source: memory{repository: imageName, pieces: []verify.Piece{
			s.sig(atRef("refs/heads/main")), bundleBy(s.issue(atRef("refs/heads/main")), must(lab.ProvenanceGitHub(built(func(o *lab.ProvenanceOptions) { o.Ref = "refs/heads/main" })))),
		}}},
		{name: "a mirror", text: mirror, ref: strings.Replace(imageRef, "registry.example", "mirror.example/lab", 1), source: both},
		{name: "kept by GitHub", text: strings.Replace(noBranch(demanding), "    tags:", "    places: [github]\n    tags:", 1), ref: imageRef,
			source: memory{gitHub: "https://github.com/acme/widget", pieces: []verify.Piece{s.signature(), provenance}}},
		{name: "a key", text: `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: key}
images:
  - match: ` + imageName + `
    signature: {signer: {key: {file: cosign.pub, sha256: "` + key + `"}, signed: {from: 2025-01-01, until: 2026-01-01}}}
    sbom: {signer: {key: {file: cosign.pub, sha256: "` + key + `"}}}
    attestations: {tests: {type: "` + lab.TestResultPredicateType + `", signer: {key: {file: cosign.pub, sha256: "` + key + `"}}}}
`, ref: imageRef, source: memory{repository: imageName, pieces: []verify.Piece{sigBy(signer), bundleBy(signer, bom()), bundleBy(signer, must(lab.TestResult(imageName, imageDigest)))}}},
	})
}

// noBranch takes the demand of a branch away: GitHub's provenance of a tag names none.
func noBranch(text string) string { return strings.ReplaceAll(text, " branch: main,", "") }

// skips reports whether a field's path or a key's name is none of what d is here for.
func (d demand) skips(path string) bool { return d.focus != nil && !d.focus.MatchString(path) }

// ground is a demand's policy as it is written, with the facts under which it passes.
type ground struct {
	demand
	policy *policy.Policy
	roots  verify.Trust
	facts  verify.Facts
}

// grounds wants a demand to pass.
func (d demand) grounds(t *testing.T, s *stage) ground {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(d.text))
	if err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	trust := d.trust(s, p)
	v, facts := verify.Examine(t.Context(), d.from(), reference(t, d.ref), p, trust, options())
	if wantPass(t, v); facts == nil {
		t.Fatalf("%s: nothing was collected", d.name)
	}
	return ground{d, p, trust, *facts}
}

// judge is verify.Verify under a changed policy, which authenticates again only what
// the change wants otherwise.
func (g ground) judge(t *testing.T, s *stage, p *policy.Policy) verify.Verdict {
	t.Helper()
	ref, trust := reference(t, g.ref), g.roots
	if !reflect.DeepEqual(g.policy.Trust, p.Trust) {
		trust = g.trust(s, p)
	}
	if !g.wantsAlike(p, ref.Name()) {
		return verify.Verify(t.Context(), g.from(), ref, p, trust, options())
	}
	v := verify.Judge(g.facts, p, trust, options())
	if g.images == nil && g.release == nil {
		assertSound(t, v, g.source.pieces)
	}
	return v
}

// wantsAlike reports whether the same evidence is collected under p, and verified alike.
func (g ground) wantsAlike(p *policy.Policy, name string) bool {
	was, _ := g.policy.Rule(name)
	rule, ok := p.Rule(name)
	where := func(r policy.Rule) (all []policy.On) {
		for _, d := range r.Demands() {
			all = append(all, d.On)
		}
		return all
	}
	return ok && reflect.DeepEqual(g.policy.Trust, p.Trust) && slices.Equal(was.Roots(), rule.Roots()) && slices.Equal(where(was), where(rule)) &&
		reflect.DeepEqual(was.Tags, rule.Tags) && reflect.DeepEqual(verify.WantOf(was, name), verify.WantOf(rule, name))
}
