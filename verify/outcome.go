package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// outcome is one candidate with how it fared.
type outcome struct {
	statement *Statement
	candidate Candidate
	problem   problem
	met       bool
	accepted  accepted
	until     time.Time // at which its content is too old, zero if never
	text      []byte    // of the candidate, to compare
}

// sortOutcomes orders candidates by how close they came, then by what they are,
// and drops those that are the same in everything: neither the order in which
// evidence was found nor how often changes anything.
func sortOutcomes(outcomes []outcome) []outcome {
	for i := range outcomes {
		// The digest alone does not do: legacy signatures by many are over one payload.
		outcomes[i].text, _ = json.Marshal(outcomes[i].candidate)
	}
	slices.SortFunc(outcomes, func(a, b outcome) int {
		return cmp.Or(
			-compareBools(a.met, b.met),
			-compareBools(a.candidate.Authenticated, b.candidate.Authenticated),
			-cmp.Compare(a.problem, b.problem),
			cmp.Compare(a.candidate.Layout, b.candidate.Layout),
			cmp.Compare(a.candidate.Evidence, b.candidate.Evidence),
			cmp.Compare(a.candidate.Trust, b.candidate.Trust),
			bytes.Compare(a.text, b.text),
		)
	})
	return slices.CompactFunc(outcomes, func(a, b outcome) bool { return a.problem == b.problem && bytes.Equal(a.text, b.text) })
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// candidate writes a statement for the verdict.
func (s *Statement) candidate() Candidate {
	return Candidate{
		Evidence: s.evidence, Layout: s.layout, Type: s.predicateType, Authenticated: true, Trust: s.root,
		Claims: s.claims, Key: s.keySHA256, Times: s.times, Log: s.log, DockerReference: s.dockerReference,
	}
}

// candidate writes a rejected piece for the verdict.
func (r Rejected) candidate(subject string) Candidate {
	return Candidate{
		Evidence: r.evidence, Layout: r.layout, Type: r.predicateType, Trust: r.root, Claims: r.claims,
		Code: codeOf(subject, r.problem), Reason: r.reason,
	}
}

// message says in one sentence why a candidate did not count.
func (c Candidate) message() string {
	d := c.Difference
	switch {
	case d == nil:
		return c.Reason
	case d.text != "":
		return d.text
	case d.Found == "":
		return "the " + d.Field + " is missing; wanted " + d.Wanted
	}
	return "the " + d.Field + " is " + d.Found + "; wanted " + d.Wanted
}
