package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// testsShape judges an in-toto test result:
// https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md.
type testsShape struct{ want policy.Tests }

// testResult is what such a predicate says.
type testResult struct {
	result                 string
	passed, warned, failed []string
}

func (t testsShape) describe(set func(name, value string)) {
	if len(t.want.Passed) == 0 {
		set("tests.result", "PASSED")
	}
	set("tests.passed", strings.Join(t.want.Passed, " and "))
}

func (t testsShape) judge(_ *question, s *Statement) *Difference {
	r, err := parseTestResult(s)
	if err != nil {
		return misshapen("an in-toto test result", err)
	}
	if len(t.want.Passed) == 0 {
		return r.allPassed()
	}
	var failed, missing []Violation
	for _, name := range t.want.Passed {
		switch {
		case slices.Contains(r.failed, name):
			failed = append(failed, Violation{Rule: "tests.passed", Component: name, Problem: "it failed"})
		case slices.Contains(r.warned, name):
			missing = append(missing, Violation{Rule: "tests.passed", Component: name, Problem: "it passed with warnings alone"})
		case !slices.Contains(r.passed, name):
			missing = append(missing, Violation{Rule: "tests.passed", Component: name, Problem: "it is not among those that passed"})
		}
	}
	wanted := strings.Join(t.want.Passed, ", ") + " passed"
	switch {
	case len(failed) > 0:
		return violated(problemContent, AttestationTestsFailed, "test "+failed[0].Component, wanted, "failed", append(failed, missing...)...)
	case len(missing) > 0:
		return violated(problemContent, AttestationTestsMissing, "test "+missing[0].Component, wanted, missing[0].Problem, missing...)
	}
	return nil
}

// allPassed wants the whole run to have passed.
func (r testResult) allPassed() *Difference {
	var violations []Violation
	for _, name := range r.failed {
		violations = append(violations, Violation{Rule: "tests.result", Component: name, Problem: "it failed"})
	}
	switch {
	case r.result != "PASSED":
		return violated(problemContent, AttestationTestsFailed, "result", "PASSED", r.result, violations...)
	case len(r.failed) > 0:
		return violated(problemContent, AttestationTestsFailed, "failedTests", "none", fmt.Sprintf("%d", len(r.failed)), violations...)
	}
	return nil
}

func parseTestResult(s *Statement) (testResult, error) {
	o, err := readPredicate(s, maxShape, "result", "passedTests", "warnedTests", "failedTests")
	if err != nil {
		return testResult{}, err
	}
	var r testResult
	if r.result, err = o.text("result"); err != nil {
		return testResult{}, err
	}
	if !slices.Contains([]string{"PASSED", "WARNED", "FAILED"}, r.result) {
		return testResult{}, fmt.Errorf("its result is %q; wanted PASSED, WARNED or FAILED", r.result)
	}
	if r.passed, err = o.words("passedTests"); err != nil {
		return testResult{}, err
	}
	if r.warned, err = o.words("warnedTests"); err != nil {
		return testResult{}, err
	}
	r.failed, err = o.words("failedTests")
	return r, err
}
