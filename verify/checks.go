package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// check is one thing that a policy can demand. Checks do not know of each other,
// and each writes exactly one finding.
type check interface {
	id() string
	// authenticates reports whether a pass rests on authenticated evidence of this
	// layout that names the image's digest; a verdict needs at least one such check.
	authenticates(Layout) bool
	required(policy.Rule) bool
	// judge is asked only where the check is required.
	judge(*question) Finding
	// versions lists, sorted, the versions with which certificates meet the check;
	// needed is false where it does not depend on the version.
	versions(*question, policy.Tags) (versions []string, needed bool)
}

// checks lists every check, in the order of the verdict.
func checks() []check {
	return []check{statements{signatureCheck{}}, statements{provenanceCheck{}}, releaseCheck{}}
}

// judge runs one check over the facts.
func (q *question) judge(c check) Finding {
	if !c.required(q.rule) {
		return Finding{ID: c.id(), Result: NotRequired}
	}
	return c.judge(q)
}

// statements is a check that statements of one kind can meet.
type statements struct{ kind }

// authenticates implements check.
func (statements) authenticates(l Layout) bool { return l != TUFTarget }

// kind is what tells one check over statements from the next.
type kind interface {
	id() string
	required(policy.Rule) bool
	// layouts are where the check's evidence can lie: a failure to read one of them
	// leaves the check undecided.
	layouts() []Layout
	root(policy.Rule) string
	demands(policy.Rule) []demand
	concerns(Layout, string) bool
	describe(policy.Rule, demand, policy.Vars) map[string]string
	// meets compares one statement with one demand.
	meets(*question, *Statement, demand, policy.Vars) (accepted, *Difference)
}

// accepted is what a statement that met a demand adds to the finding.
type accepted struct {
	builder       string
	level         *int
	unconstrained []string
}

// question is everything that judging depends on.
type question struct {
	facts  Facts
	policy *policy.Policy
	rule   policy.Rule
	at     time.Time
	limits Limits
	// vars hold the version, if one is known; noVersion says why none is.
	vars      policy.Vars
	noVersion string
	// versionFrom says what gave the version, as the verdict does. misnamed is true
	// where the caller or the tag name one that is none.
	versionFrom  string
	misnamed     bool
	hypothetical bool
	// catalogue is what was found of the versions that a TUF repository lists.
	catalogue *catalogue
	// validUntil is when the release check would find something else.
	validUntil time.Time
}

// outcome is one candidate with how it fared.
type outcome struct {
	candidate Candidate
	problem   problem
	met       bool
	accepted  accepted
	text      []byte // of the candidate, to compare
}

// judge implements check.
func (c statements) judge(q *question) Finding {
	f := Finding{ID: c.id(), Required: true}
	demands := c.demands(q.rule)
	for _, d := range demands {
		f.Wanted = append(f.Wanted, c.describe(q.rule, d, q.vars))
	}
	f.Reproduce = reproduce(c.id(), q)
	var outcomes []outcome
	for _, s := range q.facts.statements {
		if s.root == c.root(q.rule) && c.concerns(s.layout, s.predicateType) {
			outcomes = append(outcomes, q.compare(c, s, demands))
		}
	}
	outcomes = sortOutcomes(outcomes)
	for _, o := range outcomes {
		if o.met {
			f.Found = append(f.Found, o.candidate)
			if f.Unconstrained == nil {
				f.Unconstrained = o.accepted.unconstrained
			}
		}
	}
	if len(f.Found) > 0 {
		f.Result = Passed
		return f
	}
	for _, r := range q.facts.rejected {
		if r.root == c.root(q.rule) && c.concerns(r.layout, r.predicateType) {
			outcomes = append(outcomes, outcome{candidate: r.candidate(c.id()), problem: r.problem})
		}
	}
	outcomes = sortOutcomes(outcomes)
	for _, o := range outcomes {
		f.Found = append(f.Found, o.candidate)
	}
	q.refuse(c, &f, outcomes, demands)
	return f
}

// refuse gives a finding that is not a pass its result and code: undecided if
// something that might have met the demand could not be read, else by the
// candidate that came closest.
func (q *question) refuse(c statements, f *Finding, outcomes []outcome, demands []demand) {
	if failure, ok := q.failure(c); ok {
		f.Result, f.Code, f.Class = Errored, failure.Code, failure.Class
		f.Message = "the evidence could not be read completely, so nothing is decided"
		f.Next = next(f.Code)
		return
	}
	f.Result = Failed
	switch {
	case len(outcomes) == 0:
		f.Code = Code(c.id() + ".missing")
		f.Message = q.bystanders(c)
	case q.noVersion != "" && usesVersion(demands) && outcomes[0].candidate.Authenticated:
		f.Code, f.Message = PolicyNoVersion, q.noVersion
	default:
		f.Code = outcomes[0].candidate.Code
		f.Message = outcomes[0].candidate.message()
		if f.Code == InternalPanic { // a fault of ours says nothing of the evidence
			f.Result, f.Class = Errored, Definitive
		}
	}
	f.Next = next(f.Code)
}

// compare finds the first demand that a statement meets, or the closest difference.
func (q *question) compare(c statements, s *Statement, demands []demand) outcome {
	o := outcome{candidate: s.candidate()}
	var closest *Difference
	for i, d := range demands {
		a, diff := c.meets(q, s, d, q.vars)
		if a.builder != "" {
			o.candidate.Builder, o.candidate.Level = a.builder, a.level
		}
		if diff == nil {
			o.met, o.accepted, o.candidate.Met = true, a, &i
			return o
		}
		if closest == nil || diff.problem > closest.problem {
			closest = diff
		}
	}
	if closest == nil { // no demand at all is never met
		closest = differ(problemIdentity, "signer", "", "")
	}
	o.problem = closest.problem
	o.candidate.Difference = closest
	o.candidate.Code = codeOf(c.id(), closest.problem)
	return o
}

// failure returns the first failure that could have hidden evidence for c.
func (q *question) failure(c statements) (Failure, bool) {
	var found []Failure
	for _, f := range q.facts.failures {
		for _, l := range c.layouts() {
			if len(f.Layouts) == 0 || hasLayout(f.Layouts, l) {
				found = append(found, f)
				break
			}
		}
	}
	if len(found) == 0 {
		return Failure{}, false
	}
	sortFailures(found)
	return found[0], true
}

func hasLayout(layouts []Layout, l Layout) bool {
	for _, x := range layouts {
		if x == l {
			return true
		}
	}
	return false
}

func usesVersion(demands []demand) bool {
	for _, d := range demands {
		if d.usesVersion() {
			return true
		}
	}
	return false
}

// bystanders says what else is attached to an image that lacks this evidence: a
// signed SBOM is no signature, and people should see that it was not overlooked.
func (q *question) bystanders(c statements) string {
	types := map[string]bool{}
	note := func(layout Layout, predicateType string) {
		if predicateType != "" && !c.concerns(layout, predicateType) {
			types[predicateType] = true
		}
	}
	for _, s := range q.facts.statements {
		note(s.layout, s.predicateType)
	}
	for _, r := range q.facts.rejected {
		note(r.layout, r.predicateType)
	}
	if len(types) == 0 {
		return "nothing that could be one is attached to the image"
	}
	names := make([]string, 0, len(types))
	for t := range types {
		names = append(names, t)
	}
	sort.Strings(names)
	return "only other evidence is attached to the image: " + strings.Join(names, ", ")
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
func (r Rejected) candidate(id string) Candidate {
	return Candidate{
		Evidence: r.evidence, Layout: r.layout, Type: r.predicateType, Trust: r.root, Claims: r.claims,
		Code: codeOf(id, r.problem), Reason: r.reason,
	}
}

// message says in one sentence why a candidate did not count.
func (c Candidate) message() string {
	d := c.Difference
	switch {
	case d == nil:
		return c.Reason
	case d.Found == "":
		return "the " + d.Field + " is missing; wanted " + d.Wanted
	}
	return "the " + d.Field + " is " + d.Found + "; wanted " + d.Wanted
}
