package verify

import (
	"fmt"
	"time"

	"github.com/releaseassay/assay/policy"
)

// freshnessCheck demands that nothing denies a release and that it was signed recently,
// by the newest verified time of a statement that met a required check. A version that
// the project's TUF repository still lists is spared its age, unless the policy says
// otherwise; nothing is spared a denial.
type freshnessCheck struct{}

func (freshnessCheck) id() string { return "freshness" }

func (freshnessCheck) required(r policy.Rule) bool { return r.Freshness != nil || !r.Deny.IsZero() }

func (freshnessCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

// judge implements check: what is denied, then whether the clock can be believed, then age.
func (freshnessCheck) judge(q *question) Finding {
	f := Finding{ID: "freshness", Required: true, Result: Passed, Wanted: []map[string]string{describeDeny(q.rule.Deny)}}
	f.deniedVersion = q.deniedCandidate()
	var age time.Duration
	if want := q.rule.Freshness; want != nil && want.MaxAge > 0 {
		age = want.MaxAge
		f.Wanted[0]["max_age"], f.Wanted[0]["listed"] = age.String(), fmt.Sprint(want.Listed)
	}
	for _, step := range []func() *trouble{
		q.refuseDenied,
		q.refuseClock,
		func() *trouble { return q.refuseAge(age) },
	} {
		if t := step(); t != nil {
			f.refuse(t)
			return f
		}
	}
	return f
}

// refuseDenied judges the policy's list of what never passes.
func (q *question) refuseDenied() *trouble {
	what, unread := q.deniedDigest()
	if what != "" {
		return refused(FreshnessDeniedDigest, "%s", what)
	}
	what, unknown := q.deniedVersion()
	switch {
	case what != "":
		return refused(FreshnessDeniedVersion, "%s", what)
	case unread != nil: // which may hide what is denied: that is open, whatever else fails
		return unread
	case unknown:
		return refused(PolicyNoVersion, "deny.versions names versions of this image, and it is not known which version it is")
	}
	return nil
}

// refuseClock finds evidence by the right signer that was made after the time of
// judgement. A log saw it, so that it is the clock that is behind.
func (q *question) refuseClock() *trouble {
	for _, f := range q.evidenceFindings() {
		for _, c := range f.Found {
			if c.Difference == nil || c.Difference.problem != problemFuture {
				continue
			}
			message := fmt.Sprintf("evidence for %s was signed at %s, after the time of judgement, %s", f.ID, c.Difference.Found, stamp(q.at))
			if q.hypothetical {
				return refused(FreshnessClock, "%s", message)
			}
			return undecided(FreshnessClock, Transient, "%s", message)
		}
	}
	return nil
}

// refuseAge judges how long ago the newest of the evidence that counts was signed.
func (q *question) refuseAge(most time.Duration) *trouble {
	if most <= 0 || q.spared() {
		return nil
	}
	newest, ends := q.newest()
	age := q.at.Sub(newest)
	if !newest.IsZero() && age <= most {
		q.until(newest.Add(most))
		q.until(ends)
		return nil
	}
	if f, ok := q.undecided(); ok { // which could have been newer, or listed
		return undecided(f.Code, f.Class, "the check %s is undecided, so it is not known when the release was signed last", f.ID)
	}
	if newest.IsZero() {
		return refused(FreshnessNoTime, "no evidence that counts has a verified time; the policy wants one at most %s old", most)
	}
	return refused(FreshnessTooOld, "the newest evidence that counts was signed at %s, %s ago; wanted at most %s", stamp(newest), age, most)
}

// spared reports whether the TUF repository lists the version, which its age then does
// not refuse.
func (q *question) spared() bool {
	if q.rule.Freshness.Listed || q.rule.Release == nil {
		return false
	}
	f, m := q.released()
	return f.Result == Passed && m != nil
}

// newest is the latest verified time of a statement that met a required check, zero where
// there is none, and when that statement no longer meets it. Of what is about several
// platforms it is that of the one that was signed longest ago: each of them runs.
func (q *question) newest() (at, ends time.Time) {
	type dated struct{ at, ends time.Time }
	by := map[string]dated{}
	for _, c := range checks(q.rule) {
		check, ok := c.(statements)
		if !ok || !c.required(q.rule) {
			continue
		}
		j := q.statements(check)
		for _, s := range j.met {
			about := q.about(s)
			for _, t := range s.times {
				if t.Time.After(by[about].at) {
					by[about] = dated{t.Time, j.ends[s]}
				}
			}
		}
	}
	whole := by[q.facts.image.Digest] // which speaks for each platform
	if q.facts.index != nil && by[q.facts.index.image.Digest].at.After(whole.at) {
		whole = by[q.facts.index.image.Digest]
	}
	for _, d := range by {
		if d.at.Before(whole.at) {
			d = whole
		}
		if at.IsZero() || d.at.Before(at) {
			at = d.at
		}
		ends = earlierEnd(ends, d.ends)
	}
	return at, ends
}

// evidenceFindings are those of the required checks over statements.
func (q *question) evidenceFindings() []Finding {
	var all []Finding
	for _, c := range checks(q.rule) {
		if check, ok := c.(statements); ok && c.required(q.rule) {
			all = append(all, q.statements(check).finding)
		}
	}
	return all
}
