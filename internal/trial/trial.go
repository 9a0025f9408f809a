// Package trial tries a policy on cases: saved evidence, or images of the laboratory,
// each with the verdict that is wanted. It opens no connection. It also tries the cases
// on the policy: a demand that no case depends on is one that nobody would miss.
//
// Start with [Read] and [Stage.Run]; [Stage.Mutate] is the other direction.
package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// Read reads a file of cases. Errors are FILE:LINE:COLUMN: what was found and what was
// wanted; a code that no verdict has is one.
func Read(file string, b []byte) ([]policy.Case, error) {
	cases, err := policy.ParseCases(file, b)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, c := range cases {
		for _, code := range c.Want.Codes {
			if !slices.ContainsFunc(verify.Reasons(), func(r verify.Reason) bool { return string(r.Code) == code }) {
				errs = append(errs, fmt.Errorf("%s:%d: the case %q wants the code %s, which no verdict has; wanted one of docs/reasons.md", file, c.Line, c.Name, code))
			}
		}
	}
	return cases, errors.Join(errs...)
}

// Stage is what cases are tried with. Close it when done.
type Stage struct {
	Policy *policy.Policy
	// Folder is where the paths of cases start from.
	Folder string
	// Now is the time of judgement of a case that names none.
	Now time.Time
	// Trust makes the trusted roots, keys and TUF roots that a policy names, with the
	// case's trusted root for the public-good one.
	Trust func(*policy.Policy, policy.Case) (verify.Trust, error)

	scenes map[string]*scene
	labs   map[string]*laboratory
	// dir holds the layouts of the laboratory's images.
	dir string
}

// Close removes what was written.
func (s *Stage) Close() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// Result is a case and what became of it.
type Result struct {
	Case policy.Case
	// Right is true if the verdict is the wanted one.
	Right bool
	// Wanted and Got are verdicts in words: "fail (signature.missing)".
	Wanted, Got string
	// Passed is true if the verdict was a pass, Rule which rule of the policy gave it,
	// counted from 0, -1 if none matched.
	Passed bool
	Rule   int
}

// Run judges one case. An error says that the case cannot be tried at all.
func (s *Stage) Run(ctx context.Context, c policy.Case) (Result, error) {
	scene, err := s.scene(c)
	if err != nil {
		return Result{}, fmt.Errorf("the case %q: %w", c.Name, err)
	}
	v, _, err := scene.examine(ctx, policy.Mutation{Policy: s.Policy})
	if err != nil {
		return Result{}, fmt.Errorf("the case %q: %w", c.Name, err)
	}
	verdict, codes := outcome(v)
	return Result{
		Case: c, Right: verdict == c.Want.Verdict && !slices.ContainsFunc(c.Want.Codes, func(code string) bool { return !slices.Contains(codes, code) }),
		Wanted: words(c.Want.Verdict, sorted(c.Want.Codes)), Got: words(verdict, codes),
		Passed: v.Passed(), Rule: ruleOf(s.Policy, scene.ref.Name()),
	}, nil
}

// outcome is a verdict with the reasons of all required checks that did not pass.
func outcome(v verify.Verdict) (verdict string, codes []string) {
	if v.Passed() {
		return policy.WantPass, nil
	}
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			codes = append(codes, string(f.Code))
		}
	}
	verdict = policy.WantFail
	if !v.Conclusive {
		verdict = policy.WantUndecided
	}
	return verdict, slices.Compact(sorted(codes))
}

func words(verdict string, codes []string) string {
	if len(codes) == 0 {
		return verdict
	}
	return verdict + " (" + strings.Join(codes, ", ") + ")"
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// ruleOf is which rule of a policy judges an image of a name, -1 for none.
func ruleOf(p *policy.Policy, name string) int {
	for i := range p.Rules {
		alone := *p
		alone.Rules = p.Rules[i : i+1]
		if _, ok := alone.Rule(name); ok {
			return i
		}
	}
	return -1
}
