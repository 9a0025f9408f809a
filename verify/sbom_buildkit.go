package verify

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
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
		var by judged
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
				by, reason = q.vouchers(index)
				asked = true
			}
			outcomes = append(outcomes, q.compareContained(c, s, demands, by, reason)...)
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

// vouchers returns what the policy's demand made of the signatures over an index itself:
// those that met it, or the reason why there are none.
func (q *question) vouchers(index *Facts) (judged, string) {
	switch {
	case !q.rule.SBOM.BuildKit:
		return judged{}, "BuildKit's statement is not signed, and the policy does not accept it (buildkit: true)"
	case q.rule.Signature == nil:
		return judged{}, "BuildKit's statement is not signed, and the policy demands no signature that could vouch for it"
	case q.rule.Signature.Trust != q.rule.SBOM.Trust:
		return judged{}, "BuildKit's statement is not signed, and the signature that the policy demands is under another root of trust"
	}
	j := q.here(statements{signatureCheck{}}, index)
	if j.finding.Result != Passed || len(j.met) == 0 {
		return judged{}, "BuildKit's statement is not signed, and the index has no signature of its own that counts: " + string(j.finding.Code)
	}
	return j, ""
}

// compareContained compares one statement of BuildKit's with the demands, as if whoever
// signed the index had signed it. It comes out once for each of the signatures with which
// it meets one, since those may be of several releases; else once.
func (q *question) compareContained(c statements, s *Statement, demands []demand, by judged, reason string) []outcome {
	best := outcome{statement: s, candidate: s.candidate(), problem: problemKeySigned}
	best.candidate.Authenticated, best.candidate.Code, best.candidate.Reason = false, SBOMUnsigned, reason
	var met []outcome
	for i, v := range by.met {
		signed := *s
		signed.claims, signed.keySHA256, signed.times, signed.log = v.claims, v.keySHA256, v.times, v.log
		o := q.compare(c, &signed, demands)
		// The statement itself goes on without claims: they are the signature's.
		plain := *s
		plain.times, plain.log, plain.voucher = v.times, v.log, v
		o.statement = &plain
		if o.until = by.ends[v]; q.rule.Signature.Select != policy.SelectAny {
			o.until = earlierEnd(o.until, by.until)
		}
		if o.met {
			met = append(met, o)
		}
		if i == 0 || o.problem > best.problem {
			best = o
		}
	}
	if len(met) == 0 {
		met = []outcome{best}
	}
	for i := range met {
		if s.about != q.facts.image.Digest {
			met[i].candidate.About, met[i].candidate.Platform = s.about, s.platform
		}
	}
	return met
}

// covered takes back what BuildKit's statements met unless each image of the index has
// one: each is about one platform, and one without would hide behind the others. Only its
// bytes show that an entry is no image. unread is why they are not known, where that
// alone is in the way.
func (q *question) covered(outcomes []outcome) (left []outcome, unread *Failure) {
	have := map[string]bool{}
	for _, o := range outcomes {
		if o.met && o.statement.layout == BuildKit {
			have[o.statement.about] = true
		}
	}
	if len(have) == 0 || have[q.facts.image.Digest] {
		return outcomes, nil
	}
	without, unread := q.facts.uncovered(have, q.limits)
	reason := "an entry of the index says that it is no image, and its bytes are not known"
	switch {
	case len(without) > 0:
		unread = nil
		reason = "BuildKit keeps none that counts about " + brief(strings.Join(without, ", "))
	case unread == nil:
		return outcomes, nil
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.met && o.statement.layout == BuildKit {
			o.met, o.candidate.Met, o.problem = false, nil, problemSpoilt
			o.candidate.Code, o.candidate.Reason = SBOMIncomplete, reason
		}
	}
	return sortOutcomes(outcomes), unread
}

// uncovered lists what could be run of an index and is not among what have names, and
// why nothing is known of the first entry of which it is not known whether it could be.
func (f *Facts) uncovered(have map[string]bool, limits Limits) (without []string, unread *Failure) {
	known := map[string]*childFacts{}
	for i := range f.children {
		known[f.children[i].child.Image.Digest] = &f.children[i]
	}
	entries := f.lists(limits).entries
	for _, e := range entries {
		attests := e.candidate(entries)
		if have[e.digest] || attests && f.attesting[e.digest] {
			continue
		}
		n := newNode(e, entries, known[e.digest], limits)
		switch {
		case n.proved:
		case !attests || n.impostor != "":
			without = append(without, strings.TrimSpace(e.platform.String()+" "+e.digest))
		case unread == nil:
			bad := n.unread()
			unread = &bad
		}
	}
	return without, unread
}

// attesting names the attestation manifests whose bytes came with a statement of
// BuildKit's and show that each is one.
func attesting(pieces []Piece, limits Limits) map[string]bool {
	shown := map[string]bool{}
	for _, p := range pieces {
		if p.Layout == BuildKit && len(p.Manifest) > 0 && onlyInToto(p.Manifest, limits) == nil {
			shown[digestOf(p.Manifest)] = true
		}
	}
	return shown
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
