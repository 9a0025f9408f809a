package verify

import (
	"slices"
	"strings"
)

// contained compares what BuildKit keeps about the image, in the index that is the image
// or that holds it, with the demands of the check over bills of materials. No other
// check is ever given one: nobody signed these, and the signatures that the policy
// demands and that the index itself carries have to vouch for them.
func (q *question) contained(c statements, demands []demand) []outcome {
	if _, ok := c.kind.(sbomCheck); !ok {
		return nil
	}
	var outcomes []outcome
	for _, index := range q.indexes() {
		if !index.keepsBuildKit() {
			continue
		}
		var vouchers []*Statement
		var reason string
		asked := false
		for _, s := range index.statements {
			if s.layout != BuildKit || s.root != c.demand(q.rule).Trust || !c.concerns(s.layout, s.predicateType) {
				continue
			}
			if index.image.Digest != q.facts.image.Digest && s.about != q.facts.image.Digest {
				continue
			}
			if !asked {
				vouchers, reason = q.vouchers(index)
				asked = true
			}
			outcomes = append(outcomes, q.compareContained(c, s, demands, vouchers, reason))
		}
	}
	return outcomes
}

// indexes lists the facts that may hold BuildKit's statements about the image: its own,
// and those of the index that holds it.
func (q *question) indexes() []*Facts {
	all := []*Facts{&q.facts}
	if h := q.holder(); h != nil {
		all = append(all, h)
	}
	return all
}

// holder returns the facts of the index whose bytes list the image, nil where there is
// none among what was collected.
func (q *question) holder() *Facts {
	for _, f := range append(slices.Clone(q.around), q.facts.index) {
		if f == nil || f.image.Digest == q.facts.image.Digest {
			continue
		}
		l := f.lists(q.limits)
		if _, ok := l.entry(q.facts.image.Digest); ok && l.digest == f.image.Digest {
			return f
		}
	}
	return nil
}

// vouchers returns the signatures over an index itself that met the policy's demand,
// or the reason why there are none.
func (q *question) vouchers(index *Facts) ([]*Statement, string) {
	switch {
	case !q.rule.SBOM.BuildKit:
		return nil, "BuildKit's statement is not signed, and the policy does not accept it (buildkit: true)"
	case q.rule.Signature == nil:
		return nil, "BuildKit's statement is not signed, and the policy demands no signature that could vouch for it"
	case q.rule.Signature.Trust != q.rule.SBOM.Trust:
		return nil, "BuildKit's statement is not signed, and the signature that the policy demands is under another root of trust"
	}
	j := q.here(statements{signatureCheck{}}, index)
	if j.finding.Result != Passed || len(j.met) == 0 {
		return nil, "BuildKit's statement is not signed, and the index has no signature of its own that counts: " + string(j.finding.Code)
	}
	return j.met, ""
}

// compareContained compares one statement of BuildKit's with the demands, as if whoever
// signed the index had signed it.
func (q *question) compareContained(c statements, s *Statement, demands []demand, vouchers []*Statement, reason string) outcome {
	best := outcome{statement: s, candidate: s.candidate(), problem: problemKeySigned}
	best.candidate.Authenticated, best.candidate.Code, best.candidate.Reason = false, SBOMUnsigned, reason
	for i, v := range vouchers {
		signed := *s
		signed.claims, signed.keySHA256, signed.times, signed.log = v.claims, v.keySHA256, v.times, v.log
		o := q.compare(c, &signed, demands)
		if o.met || i == 0 || o.problem > best.problem {
			best = o
		}
		// The statement itself goes on without claims: they are the signature's.
		plain := *s
		plain.times, plain.log, plain.voucher = v.times, v.log, v
		best.statement = &plain
		if o.met {
			break
		}
	}
	if s.about != q.facts.image.Digest {
		best.candidate.About, best.candidate.Platform = s.about, s.platform
	}
	return best
}

// covered takes back what BuildKit's statements met unless each image of the index has
// one: each is about one platform, and one without would hide behind the others.
func (q *question) covered(outcomes []outcome) []outcome {
	have := map[string]bool{}
	for _, o := range outcomes {
		if o.met && o.statement.layout == BuildKit {
			have[o.statement.about] = true
		}
	}
	if len(have) == 0 || have[q.facts.image.Digest] {
		return outcomes
	}
	var without []string
	entries := q.facts.lists(q.limits).entries
	for _, e := range entries { // that what says it is no image is none, the check platforms sees to
		if !e.candidate(entries) && !have[e.digest] {
			without = append(without, strings.TrimSpace(e.platform.String()+" "+e.digest))
		}
	}
	if len(without) == 0 {
		return outcomes
	}
	reason := "BuildKit keeps none that counts about " + brief(strings.Join(without, ", "))
	for i := range outcomes {
		if o := &outcomes[i]; o.met && o.statement.layout == BuildKit {
			o.met, o.candidate.Met, o.problem = false, nil, problemSpoilt
			o.candidate.Code, o.candidate.Reason = SBOMIncomplete, reason
		}
	}
	return sortOutcomes(outcomes)
}

// keepsBuildKit reports whether any of the statements is BuildKit's.
func (f *Facts) keepsBuildKit() bool {
	return slices.ContainsFunc(f.statements, func(s *Statement) bool { return s.layout == BuildKit })
}

// containedFailures lists what could have hidden a statement of BuildKit's, or the
// signature that vouches for it.
func (q *question) containedFailures(c statements) []Failure {
	if _, ok := c.kind.(sbomCheck); !ok || !q.rule.SBOM.BuildKit {
		return nil
	}
	var found []Failure
	for _, index := range q.indexes() {
		for _, f := range index.failures {
			if len(f.Layouts) == 0 || hasLayout(f.Layouts, BuildKit) {
				found = append(found, f)
			}
		}
		if index.keepsBuildKit() && q.rule.Signature != nil {
			if j := q.here(statements{signatureCheck{}}, index); j.finding.Result == Errored {
				found = append(found, Failure{Code: j.finding.Code, Class: j.finding.Class, Place: index.image.Reference.Name()})
			}
		}
	}
	return found
}
