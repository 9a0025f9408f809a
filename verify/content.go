package verify

import (
	"fmt"
	"time"

	"github.com/releaseassay/assay/policy"
)

// maxViolations is how many violations a finding lists at most, the last of which
// counts the rest.
const maxViolations = 50

// violated returns a difference in content that has a code of its own, for the first of
// what is violated. found says in words what the content is.
func violated(p problem, code Code, field, wanted, found string, violations ...Violation) *Difference {
	return &Difference{Field: field, Wanted: wanted, Found: found, problem: p, code: code, violations: boundViolations(violations)}
}

// under gives a difference its code under the check whose codes begin with subject.
func (d *Difference) under(subject string) Code {
	if d.code != "" {
		return d.code
	}
	return codeOf(subject, d.problem)
}

// boundViolations cuts a list to what a finding shows, with its texts.
func boundViolations(all []Violation) []Violation {
	if len(all) == 0 {
		return nil
	}
	shown := make([]Violation, 0, min(len(all), maxViolations))
	for i, v := range all {
		if i == maxViolations-1 && len(all) > maxViolations {
			shown = append(shown, Violation{Rule: v.Rule, Problem: fmt.Sprintf("and %d more", len(all)-i)})
			break
		}
		v.Rule, v.Component, v.Path, v.Problem = brief(v.Rule), brief(v.Component), brief(v.Path), brief(v.Problem)
		shown = append(shown, v)
	}
	return shown
}

// maxText is how many bytes of a text that somebody else wrote a violation shows.
const maxText = 300

// brief cuts a text to what a violation shows.
func brief(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && s[end]&0xc0 == 0x80 { // not inside a character
		end--
	}
	return s[:end] + "…"
}

// nowLasts is how long a pass is good that rests on an expression over the time of
// judgement: nothing says when such an expression turns.
const nowLasts = time.Hour

func (q *question) untilLooked(e policy.Expression) {
	if e.OfNow() {
		q.until(q.at.Add(nowLasts))
	}
}

// variables are what an expression over a statement may speak of. The signer of what
// BuildKit keeps is the one whose signature vouches for it.
func (q *question) variables(s *Statement) policy.Variables {
	v := policy.Variables{
		Name: q.rule.Canonical, Digest: q.facts.image.Digest, Tag: q.facts.image.Reference.Tag(), Version: q.vars.Version,
		Signed: s.Time(), Now: q.at, Predicate: s.predicate,
	}
	c := s.claims
	if c == nil && s.voucher != nil {
		c = s.voucher.claims
	}
	if c == nil {
		return v
	}
	v.Signer = policy.SignerVariables{
		Issuer: c.Issuer, Identity: c.Identity, Trigger: c.Trigger, Runner: c.Runner, Visibility: c.Visibility,
		Workflow: c.ConfigURI, Run: c.RunURI,
	}
	if id, ok := parseIdentity(c); ok {
		v.Signer.Workflow = id.path
	}
	v.Source = policy.SourceVariables{Repository: c.Repository, RepositoryID: c.RepositoryID, OwnerID: c.OwnerID, Ref: c.Ref, Commit: c.Commit}
	return v
}
