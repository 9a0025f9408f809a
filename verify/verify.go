// Package verify decides whether a release image may run.
//
// It is five steps: a [Source] resolves a reference once and collects evidence
// once; [Authenticate] turns bytes into statements in memory, under named trusted
// roots; [Judge] compares statements with a policy; the [Verdict] is the one
// answer. Nothing here touches network, disk or clock: those are the Source's and
// the caller's. "No error" never means "verified": a verdict is a value whose zero
// is a denial.
//
// Start with [Verify].
package verify

import (
	"context"
	"errors"

	"github.com/releaseassay/assay/policy"
)

// Verify runs the five steps over one image. It never returns an error: what
// could not be decided is a verdict that says so.
func Verify(ctx context.Context, source Source, ref Reference, p *policy.Policy, trust Trust, o Options) Verdict {
	rule, ok := p.Rule(ref.Name())
	if !ok {
		return noRule(newVerdict(ref, p, o), ref, p) // nothing is asked of the registry
	}
	want := WantOf(rule, ref.Name())
	release := releaseWant(rule, ref, trust, o)
	releases := askReleases(ctx, source, release)
	image, err := source.Resolve(ctx, ref)
	if err != nil {
		releases.resolved(Image{}, false)
		releases.wait()
		failure := &Failure{}
		if !errors.As(err, &failure) {
			failure = &Failure{Code: RegistryServerError, Class: Transient, Place: ref.Name(), Detail: err.Error()}
		}
		return Undecided(ref, p, trust, failure, o)
	}
	releases.resolved(image, true)
	evidence := source.Collect(ctx, image, want)
	evidence.Want, evidence.Release = want, releases.wait()
	if release != nil {
		evidence.sigstore = release.Sigstore
	}
	v := Judge(Authenticate(image, evidence, trust.only(rule.Roots()), o.Limits), p, trust, o)
	v.Run.Requests, v.Run.Bytes = evidence.Requests, evidence.Bytes
	if r := evidence.Release; r != nil { // both count the whole, and one of them ended last
		v.Run.Requests, v.Run.Bytes = max(r.Requests, evidence.Requests), max(r.Bytes, evidence.Bytes)
	}
	return v
}

// WantOf says what a rule needs of the collection for an image of this name.
func WantOf(rule policy.Rule, name string) Want {
	repositories := rule.Repositories(name)
	registry := len(repositories) > 0
	var types []string
	if rule.Signature != nil {
		types = append(types, PredicateCosignSign)
	}
	if rule.Provenance != nil {
		types = append(types, PredicateProvenanceV02, PredicateProvenanceV1)
	}
	return Want{
		Types:        types,
		Signatures:   registry && rule.Signature != nil,
		Attestations: registry && rule.Provenance != nil,
		Bundles:      registry && (rule.Signature != nil || rule.Provenance != nil),
		Repositories: repositories,
		GitHub:       rule.GitHub(),
		Release:      rule.Release,
	}
}

// only keeps the roots that are named.
func (t Trust) only(names []string) Trust {
	kept := Trust{Keys: t.Keys, Pinned: t.Pinned}
	for _, name := range names {
		if r, ok := t.root(name); ok {
			kept.Roots = append(kept.Roots, r)
		}
	}
	return kept
}
