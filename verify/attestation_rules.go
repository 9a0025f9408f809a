package verify

import "github.com/releaseassay/assay/policy"

// matchRules evaluates the policy's rules over a predicate. One that does not hold and
// one that cannot be evaluated refuse alike, with codes of their own.
func matchRules(q *question, s *Statement, rules []policy.Expression) *Difference {
	var first *Difference
	var violations []Violation
	vars := q.variables(s).Bind()
	for _, r := range rules {
		q.untilLooked(r)
		holds, err := r.Holds(vars)
		if holds && err == nil {
			continue
		}
		code, found, problem := AttestationRuleViolated, "false", "wanted "+r.Source
		if err != nil {
			code, found = AttestationRuleFailed, brief(err.Error())
			problem = "it could not be evaluated: " + found
		}
		violations = append(violations, Violation{Rule: r.Name, Problem: problem})
		if first == nil {
			first = violated(problemRule, code, "rule "+r.Name, r.Source, found)
		}
	}
	if first != nil {
		first.violations = boundViolations(violations)
	}
	return first
}
