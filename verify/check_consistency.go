package verify

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// consistencyCheck demands that all evidence tells one story: what the statements that
// met a required check, the accepted release manifest and the reference say of the claims
// that the policy compares is the same. Each can be valid by itself and still be of
// another release than the next. All statements that met a check take part, where the
// policy selects any of them too; nothing else does.
type consistencyCheck struct{}

func (consistencyCheck) id() string { return "consistency" }

func (consistencyCheck) required(r policy.Rule) bool { return r.Consistency != nil }

func (consistencyCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

// judge implements check. A disagreement stands whatever else could not be read; short of
// one, the check is undecided where another is.
func (consistencyCheck) judge(q *question) Finding {
	want := comparison(*q.rule.Consistency)
	t, _ := q.tell()
	f := Finding{ID: "consistency", Required: true, Result: Passed, Wanted: []map[string]string{want.describe()}}
	var refused, texts []string
	for _, claim := range want.claims {
		if !t.agree(claim) {
			refused, texts = append(refused, claim), append(texts, t.disagreement(claim))
		}
	}
	if len(refused) > 0 {
		f.Result, f.Code, f.Message = Failed, ConsistencyDisagreement, strings.Join(texts, "; ")
	}
	for _, claim := range want.required {
		if t.pieces(claim) < 2 {
			refused, texts = append(refused, claim), append(texts, t.lonely(claim))
		}
	}
	undecided, found := q.undecided()
	if labels, missing := q.withheld(); !found && missing {
		undecided, found = labels, true
	}
	switch {
	case f.Result == Failed:
		f.partly = found
	case found:
		f.Result, f.Code, f.Class = Errored, undecided.Code, undecided.Class
		f.Message = undecided.ID + " could not be decided, so it is not known whether all evidence tells one story"
	case len(texts) > 0:
		f.Result, f.Code, f.Message = Failed, ConsistencyNothingToCompare, strings.Join(texts, "; ")
	case t.evidence(want.claims) < 2:
		f.Result, f.Code = Failed, ConsistencyNothingToCompare
		f.Message = "fewer than two pieces of evidence that count say anything of " + strings.Join(want.claims, ", ")
	}
	f.Story, f.Next = t.table(want.claims, refused), next(f.Code)
	return f
}

// undecided finds the first required check over evidence that could not be decided.
func (q *question) undecided() (Finding, bool) {
	for _, c := range checks(q.rule) {
		if !c.required(q.rule) {
			continue
		}
		var f Finding
		switch c := c.(type) {
		case statements:
			f = q.statements(c).finding
		case releaseCheck:
			f, _ = q.released()
		default:
			continue
		}
		if f.Result == Errored {
			return f, true
		}
	}
	return Finding{}, false
}

// compared is what a policy wants to be compared.
type compared struct {
	claims, required []string
	labels           bool
}

// comparison reads a demand. Repositories are told apart by name and, as far as evidence
// has it, by number: a repository that was made again has the name of the old one.
func comparison(c policy.Consistency) compared {
	claims := slices.Clone(c.Claims)
	if slices.Contains(claims, "repository") && !slices.Contains(claims, "repository_id") {
		claims = append(claims, "repository_id")
	}
	for _, claim := range c.Required { // which no parser leaves out of claims
		if !slices.Contains(claims, claim) {
			claims = append(claims, claim)
		}
	}
	slices.SortStableFunc(claims, func(a, b string) int {
		all := policy.ConsistencyClaims()
		return slices.Index(all, a) - slices.Index(all, b)
	})
	return compared{slices.Compact(claims), c.Required, c.Labels}
}

func (c compared) describe() map[string]string {
	w := map[string]string{"claims": strings.Join(c.claims, ", ")}
	if len(c.required) > 0 {
		w["required"] = strings.Join(c.required, ", ")
	}
	if c.labels {
		w["labels"] = "true"
	}
	return w
}

// lonely says that too few sources make a claim.
func (t *story) lonely(claim string) string {
	var sources []string
	for _, s := range t.counted(claim) {
		if !slices.Contains(sources, s.Source) {
			sources = append(sources, s.Source)
		}
	}
	if len(sources) == 0 {
		return "nothing that counts says the " + claim
	}
	return "the " + claim + " is said by one piece of evidence alone (" + enumerate(sources) + ")"
}
