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
	"slices"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

// Verify runs the five steps over one image. It never returns an error: what
// could not be decided is a verdict that says so.
func Verify(ctx context.Context, source Source, ref Reference, p *policy.Policy, trust Trust, o Options) Verdict {
	v, _ := Examine(ctx, source, ref, p, trust, o)
	return v
}

// Examine is [Verify], and also returns the facts, by which [Judge] can judge the image
// again. They are nil where nothing was collected.
func Examine(ctx context.Context, source Source, ref Reference, p *policy.Policy, trust Trust, o Options) (Verdict, *Facts) {
	v := newVerdict(ref, p, o)
	if v.expired(p, o.At) {
		return v, nil // nothing is asked of the registry
	}
	rule, ok := p.Rule(ref.Name())
	if !ok {
		return noRule(v, ref, p), nil // nor here
	}
	want := WantOf(rule, ref.Name())
	release := releaseWant(rule, ref, trust, o)
	releases := askReleases(ctx, source, release)
	var image Image
	var err error
	func() {
		ok := false
		defer func() { releases.resolved(image, ok) }() // a panic too: somebody waits for it
		image, err = source.Resolve(ctx, ref)
		ok = err == nil
	}()
	if err != nil {
		releases.wait()
		return Undecided(ref, p, trust, failureOf(err, ref), o), nil
	}
	named := askIndex(ctx, source, image, o, rule.Platforms != nil)
	evidence := source.Collect(ctx, image, want)
	evidence.Want, evidence.Release = want, releases.wait()
	if release != nil {
		evidence.sigstore = release.Sigstore
	}
	evidence.Index = <-named
	roots := trust.only(rule.Roots())
	facts := Authenticate(image, evidence, roots, o.Limits)
	if more := needs(facts, p, o); more.any(facts) {
		more.collect(ctx, source, image, rule, &evidence, o.Limits)
		facts = facts.extend(evidence, roots, o.Limits)
	}
	v = Judge(facts, p, trust, o)
	v.Run.Requests, v.Run.Bytes = evidence.costs()
	if r := evidence.Release; r != nil { // both count the whole, and one of them ended last
		v.Run.Requests, v.Run.Bytes = max(r.Requests, v.Run.Requests), max(r.Bytes, v.Run.Bytes)
	}
	return v, &facts
}

// WantOf says what a rule needs of the collection for an image of this name.
func WantOf(rule policy.Rule, name string) Want {
	var required []statements
	for _, c := range checks(rule) {
		if s, ok := c.(statements); ok && s.required(rule) {
			required = append(required, s)
		}
	}
	want := wantOf(rule, name, required)
	want.BuildKit = rule.SBOM != nil && rule.SBOM.BuildKit
	want.Config = rule.Consistency != nil && rule.Consistency.Labels
	want.Release = rule.Release
	return want
}

// wantOf says what some checks over statements need of the collection.
func wantOf(rule policy.Rule, name string, list []statements) Want {
	want := Want{Repositories: rule.Repositories(name), GitHub: rule.GitHub()}
	registry, all := len(want.Repositories) > 0, false
	for _, c := range list {
		types := typesOf(c)
		all = all || len(types) == 0
		want.Types = append(want.Types, types...)
		for _, layout := range c.layouts() {
			switch layout {
			case LegacySignature:
				want.Signatures = registry
			case LegacyAttestation:
				want.Attestations = registry
			case Bundle:
				want.Bundles = registry
			}
		}
	}
	slices.Sort(want.Types)
	if want.Types = slices.Compact(want.Types); all {
		want.Types = nil
	}
	return want
}

// typesOf lists the predicate types that a check over statements judges.
func typesOf(c statements) []string {
	switch k := c.kind.(type) {
	case signatureCheck:
		return []string{PredicateCosignSign}
	case provenanceCheck:
		return []string{PredicateProvenanceV02, PredicateProvenanceV1}
	case sbomCheck:
		return sbom.PredicateTypes("") // one of the wrong format is shown as such
	case attestationCheck:
		return []string{k.want.Type}
	}
	return nil
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
