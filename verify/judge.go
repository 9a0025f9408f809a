package verify

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// Options are what a judgement needs beside facts and policy.
type Options struct {
	// At is the time of judgement.
	At time.Time
	// Hypothetical says that At is not now.
	Hypothetical bool
	// Version is the version under judgement, where the caller names it; "" takes
	// the tag's, or the one that the accepted certificate's ref gives.
	Version string
	// Index is a reference to an index that holds the image, whose evidence then counts
	// for it; the zero Reference is none.
	Index  Reference
	Limits Limits
}

// Judge decides: a pure function of facts, policy, trust and time. trust is only
// named in the verdict; it was used up in [Authenticate].
func Judge(facts Facts, p *policy.Policy, trust Trust, o Options) Verdict {
	v := newVerdict(facts.image.Reference, p, o)
	v.Image.Digest, v.Image.MediaType = facts.image.Digest, facts.image.MediaType
	if facts.image.Digest != "" {
		v.Image.Pinned = facts.image.Reference.Pinned(facts.image.Digest)
	}
	if v.expired(p, o.At) {
		return v
	}
	rule, ok := p.Rule(facts.image.Reference.Name())
	if !ok {
		return noRule(v, facts.image.Reference, p)
	}
	v.Policy.Rule, v.Image.Name = rule.Match.String(), rule.Canonical
	v.Trust = describeTrust(rule, trust)
	q := newQuestion(facts, p, rule, o)
	q.versionFrom = q.resolveVersion(o.Version)
	v.Image.Version, v.Image.VersionFrom = q.vars.Version, q.versionFrom
	for _, c := range checks(rule) {
		v.Checks = append(v.Checks, q.judge(c))
	}
	v.decide()
	q.until(p.Expires)
	if v.Passed() && !q.validUntil.IsZero() {
		v.ValidUntil = q.validUntil
	}
	v.Run.record(facts)
	v.Run.recordRelease(facts.release, v)
	return v
}

// Undecided is the verdict about an image that could not be resolved: every
// demanded check is an error with the failure's code.
func Undecided(ref Reference, p *policy.Policy, trust Trust, failure *Failure, o Options) Verdict {
	v := newVerdict(ref, p, o)
	if v.expired(p, o.At) {
		return v
	}
	rule, ok := p.Rule(ref.Name())
	if !ok {
		return noRule(v, ref, p)
	}
	v.Policy.Rule, v.Image.Name = rule.Match.String(), rule.Canonical
	v.Trust = describeTrust(rule, trust)
	for _, c := range checks(rule) {
		f := Finding{ID: c.id(), Required: c.required(rule), Result: NotRequired}
		if f.Required {
			f.Result, f.Code, f.Class = Errored, failure.Code, failure.Class
			f.Message, f.Next = "the image could not be resolved, so nothing is decided", next(failure.Code)
		}
		if f.ID == (freshnessCheck{}).id() && slices.Contains(rule.Deny.Digests, ref.Digest()) { // which needs no image
			f.Required = true
			f.refuse(refused(FreshnessDeniedDigest, "the policy denies %s%s", ref.Digest(), because(rule.Deny.Reasons[ref.Digest()])))
		}
		v.Checks = append(v.Checks, f)
	}
	v.decide()
	v.Run.record(Facts{failures: []Failure{*failure}})
	return v
}

func newVerdict(ref Reference, p *policy.Policy, o Options) Verdict {
	v := Verdict{
		Schema: VerdictSchema, Hypothetical: o.Hypothetical,
		Image:  VerdictImage{Requested: ref.String(), Name: ref.Name(), Tag: ref.Tag()},
		Policy: VerdictPolicy{Name: p.Name, BuiltIn: p.BuiltIn, Digest: p.Digest},
		Trust:  []VerdictRoot{}, Checks: []Finding{},
		Run: Run{JudgedAt: o.At.UTC()},
	}
	v.mode(p, ref.Name(), o.At)
	return v
}

func noRule(v Verdict, ref Reference, p *policy.Policy) Verdict {
	var patterns []string
	for _, r := range p.Rules {
		patterns = append(patterns, r.Match.String())
	}
	v.Checks = []Finding{{
		ID: "policy", Required: true, Result: Failed, Code: PolicyNoRule, Next: next(PolicyNoRule),
		Message: fmt.Sprintf("no rule of the policy matches %s; its rules match %s", ref.Name(), strings.Join(patterns, ", ")),
	}}
	v.decide()
	if slices.Contains(p.Deny.Digests, ref.Digest()) {
		v.enforce()
	}
	return v
}

// decide turns findings into the decision. Nothing but a pass of every required
// check, of which at least one counted an authenticated statement or TUF target, is a
// pass.
func (v *Verdict) decide() {
	v.Verdict, v.Conclusive = Fail, true
	authenticated, failed, errored := 0, 0, 0
	for _, f := range v.Checks {
		if !f.Required {
			continue
		}
		switch f.Result {
		case Passed:
			switch {
			case !authenticating(f.ID):
			case f.authenticated():
				authenticated++
			default:
				failed++
			}
		case Errored:
			errored++
		default:
			failed++
		}
	}
	switch {
	case failed > 0:
	case errored > 0:
		v.Conclusive = false
	case authenticated > 0 && v.Image.Digest != "":
		v.Verdict = Pass
	}
	if slices.ContainsFunc(v.Checks, Finding.denied) {
		v.enforce() // audit mode lets in nothing that is denied
	}
}

// authenticating reports whether a check of this id passes by authenticated evidence
// alone. The other checks only refuse.
func authenticating(id string) bool {
	switch id {
	case "signature", "provenance", "sbom", "release":
		return true
	}
	return strings.HasPrefix(id, attestationPrefix)
}

// authenticated reports whether a finding of an authenticating check counted at
// least one authenticated statement or TUF target.
func (f Finding) authenticated() bool {
	for _, found := range f.Found {
		if found.Authenticated && found.Met != nil && found.Code == "" && (found.Layout == TUFTarget) == (f.ID == "release") {
			return true
		}
	}
	return false
}

// Passed reports whether the verdict is a pass.
func (v Verdict) Passed() bool { return v.Verdict == Pass }

func describeTrust(rule policy.Rule, trust Trust) []VerdictRoot {
	roots := []VerdictRoot{}
	for _, name := range rule.Roots() {
		r, ok := trust.root(name)
		if !ok {
			roots = append(roots, VerdictRoot{Name: name, Source: "missing"})
			continue
		}
		roots = append(roots, VerdictRoot{
			Name: r.name, Digest: r.digest, Source: r.source,
			LogEntries: r.thresholds.LogEntries, SCTs: r.thresholds.SCTs, Timestamps: r.thresholds.Timestamps,
		})
	}
	return roots
}

// record writes what a run looked at.
func (r *Run) record(facts Facts) {
	all := append([]*Facts{&facts}, facts.others()...)
	for _, f := range all {
		r.Looked = append(r.Looked, f.places...)
	}
	slices.Sort(r.Looked)
	r.Looked = slices.Compact(r.Looked)
	seen := map[Place]bool{}
	note := func(p Place) {
		if p.Evidence != "" && !seen[p] {
			seen[p] = true
			r.Places = append(r.Places, p)
		}
	}
	for _, f := range all {
		for _, s := range f.statements {
			note(Place{Evidence: s.evidence, Place: s.place})
		}
		for _, x := range f.rejected {
			note(Place{Evidence: x.evidence, Place: x.place})
		}
		for _, x := range f.failures {
			r.Failed = append(r.Failed, FailedFetch{Code: x.Code, Class: x.Class, Place: x.Place, Detail: x.Detail})
		}
	}
	sort.Slice(r.Places, func(i, j int) bool {
		if r.Places[i].Place != r.Places[j].Place {
			return r.Places[i].Place < r.Places[j].Place
		}
		return r.Places[i].Evidence < r.Places[j].Evidence
	})
}

// recordRelease writes what a run looked at of a TUF repository.
func (r *Run) recordRelease(release *Release, v Verdict) {
	if release == nil {
		return
	}
	r.Looked = append(r.Looked, release.places...)
	for _, f := range release.failures {
		r.Failed = append(r.Failed, FailedFetch{Code: f.Code, Class: f.Class, Place: f.Place, Detail: f.Detail})
	}
	for _, f := range v.Checks {
		for _, c := range f.Found {
			if c.Layout == TUFTarget && c.Evidence != "" {
				r.Places = append(r.Places, Place{Evidence: c.Evidence, Place: "the TUF target " + c.Type})
			}
		}
	}
}
