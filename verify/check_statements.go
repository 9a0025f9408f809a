package verify

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// statements is a check that statements of one kind can meet.
type statements struct{ kind }

// kind is what tells one check over statements from the next.
type kind interface {
	id() string
	// subject is what the check's codes begin with.
	subject() string
	required(policy.Rule) bool
	demand(policy.Rule) policy.Demand
	// layouts are where the check's evidence can lie: a failure to read one of them
	// leaves the check undecided.
	layouts() []Layout
	demands(policy.Rule) []demand
	concerns(Layout, string) bool
	describe(policy.Rule, demand, policy.Vars) map[string]string
	// meets compares one statement with one demand: who signed what was built from where.
	meets(*question, *Statement, demand, policy.Vars) (accepted, *Difference)
	// content judges what a statement that met a demand says; nil where it is good.
	content(*question, *Statement, *accepted) *Difference
}

// accepted is what a statement that met a demand adds to the finding.
type accepted struct {
	builder       string
	level         *int
	unconstrained []string
	// notice is a code that the pass should be read with, message says it in words.
	notice  Code
	message string
	// violations are what the notice is about.
	violations []Violation
	// document is what a bill of materials is.
	document *VerdictDocument
}

// judged is what a check made of the evidence about one image: its finding, and the
// statements that met it.
type judged struct {
	finding Finding
	met     []*Statement
	// until is when a pass would be something else, zero if never; ends is when each
	// statement that met the check no longer does.
	until time.Time
	ends  map[*Statement]time.Time
	// spoilt is true where statements met a demand, and none was left after its content
	// was judged.
	spoilt bool
	// unread is true where it was not known whether entries of the index are images.
	unread bool
}

// judgeHere judges the evidence about the one image that q.facts is of.
func (c statements) judgeHere(q *question) judged {
	f := Finding{ID: c.id(), Required: true}
	demands := c.demands(q.rule)
	for _, d := range demands {
		f.Wanted = append(f.Wanted, c.describe(q.rule, d, q.vars))
	}
	f.Reproduce = reproduce(c.id(), q)
	var outcomes []outcome
	for _, s := range q.facts.statements {
		if s.layout != BuildKit && s.root == c.demand(q.rule).Trust && c.concerns(s.layout, s.predicateType) {
			outcomes = append(outcomes, q.compare(c, s, demands))
		}
	}
	outcomes = append(outcomes, q.contained(c, demands)...)
	counts := func(o outcome) bool { return o.met }
	spoilt := slices.ContainsFunc(outcomes, counts)
	outcomes = q.choose(c, outcomes)
	spoilt = spoilt && !slices.ContainsFunc(outcomes, counts)
	outcomes, unread := q.covered(outcomes)
	var met []*Statement
	for _, o := range outcomes {
		if o.met {
			f.Found, met = append(f.Found, o.candidate), append(met, o.statement)
			if f.Unconstrained == nil {
				f.Unconstrained = o.accepted.unconstrained
			}
			if f.Notice == "" {
				f.Notice, f.Message, f.Violations = o.accepted.notice, o.accepted.message, o.accepted.violations
			}
		}
	}
	failure, failed := q.failure(c)
	if unread != nil && !failed {
		failure, failed = *unread, true
	} else {
		unread = nil
	}
	if len(f.Found) > 0 && !(failed && c.demand(q.rule).Select != policy.SelectAny) {
		f.Result = Passed
		return judged{finding: f, met: met, until: lifetime(c.demand(q.rule), outcomes), ends: ends(c.demand(q.rule), outcomes)}
	}
	f.Found, f.Unconstrained, f.Notice, f.Message, f.Violations = nil, nil, "", "", nil
	if failed {
		f.Result, f.Code, f.Class = Errored, failure.Code, failure.Class
		f.Message = "the evidence could not be read completely, so nothing is decided"
	}
	for _, r := range q.facts.rejected {
		if r.root == c.demand(q.rule).Trust && c.concerns(r.layout, r.predicateType) {
			outcomes = append(outcomes, outcome{candidate: r.candidate(c.subject()), problem: r.problem})
		}
	}
	outcomes = sortOutcomes(outcomes)
	for _, o := range outcomes {
		o.candidate.Met = nil
		f.Found = append(f.Found, o.candidate)
	}
	if !failed {
		q.refuse(c, &f, outcomes, demands)
	}
	f.Next = next(f.Code)
	return judged{finding: f, spoilt: spoilt, unread: unread != nil}
}

// choose judges the content of the statements that met a demand, as the policy
// selects among them, and sorts all outcomes. What is left as met counts.
func (q *question) choose(c statements, outcomes []outcome) []outcome {
	selected := func(outcome) bool { return true }
	if c.demand(q.rule).Select == policy.SelectNewest {
		var newest time.Time
		for _, o := range outcomes {
			if o.met && o.statement.Time().After(newest) {
				newest = o.statement.Time()
			}
		}
		selected = func(o outcome) bool { return o.statement.Time().Equal(newest) }
	}
	spoilt := false
	for i := range outcomes {
		o := &outcomes[i]
		switch {
		case !o.met:
		case !selected(*o):
			o.met, o.candidate.Met, o.problem = false, nil, problemOlder
			o.candidate.Code = codeOf(c.subject(), problemOlder)
			o.candidate.Reason = "a newer one counts"
		default:
			diff := c.content(q.noting(&o.until), o.statement, &o.accepted)
			o.candidate.Document = o.accepted.document
			if diff != nil {
				o.met, o.candidate.Met, o.problem = false, nil, diff.problem
				o.candidate.Difference, o.candidate.Code = diff, diff.under(c.subject())
				spoilt = true
			}
		}
	}
	if spoilt && c.demand(q.rule).Select != policy.SelectAny { // each that was selected has to be good
		for i := range outcomes {
			if o := &outcomes[i]; o.met {
				o.met, o.candidate.Met, o.problem = false, nil, problemSpoilt
				o.candidate.Reason, o.candidate.Code = "it would count, but another that was selected does not", codeOf(c.subject(), problemSpoilt)
			}
		}
	}
	return sortOutcomes(outcomes)
}

// refuse gives a finding that is not a pass its result and code, by the candidate
// that came closest.
func (q *question) refuse(c statements, f *Finding, outcomes []outcome, demands []demand) {
	f.Result = Failed
	switch {
	case len(outcomes) == 0:
		f.Code = Code(c.subject() + ".missing")
		f.Message = q.bystanders(c)
	case q.noVersion != "" && usesVersion(demands) && outcomes[0].candidate.Authenticated:
		f.Code, f.Message = PolicyNoVersion, q.noVersion
	default:
		f.Code = outcomes[0].candidate.Code
		f.Message = outcomes[0].candidate.message()
		if d := outcomes[0].candidate.Difference; d != nil {
			f.Violations = d.violations
		}
		if f.Code == InternalPanic { // a fault of ours says nothing of the evidence
			f.Result, f.Class = Errored, Definitive
		}
	}
}

// compare finds the first demand that a statement meets, or the closest difference.
func (q *question) compare(c statements, s *Statement, demands []demand) outcome {
	o := outcome{statement: s, candidate: s.candidate()}
	var closest *Difference
	for i, d := range demands {
		a, diff := c.meets(q, s, d, q.vars)
		if diff == nil {
			diff = q.denied(s)
		}
		if diff == nil {
			diff = matchAge(s, c.demand(q.rule).MaxAge, q.at)
		}
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
	o.candidate.Code = closest.under(c.subject())
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
	if found = append(found, q.containedFailures(c)...); len(found) == 0 {
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
