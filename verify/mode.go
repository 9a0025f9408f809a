package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/policy"
)

// noticeAhead is how long before an end people are told of it.
const noticeAhead = 14 * 24 * time.Hour

// mode writes whether a refusal is enforced for an image of this name, and which ends
// are near. Audit mode changes nothing else. It is for finding out what would be refused,
// so that it speaks of every refusal, undecided ones and images without a rule too, but
// for what the policy denies and for its own end.
func (v *Verdict) mode(p *policy.Policy, name string, at time.Time) {
	audit, until := p.Audit, p.AuditUntil
	if rule, ok := p.Rule(name); ok {
		audit, until = rule.Audit, rule.AuditUntil
	}
	if audit && at.Before(until) {
		enforced := false
		from := until.UTC()
		v.Enforced, v.EnforcedFrom = &enforced, &from
		v.notice(PolicyAuditEnds, until, at, "audit mode ends soon, and refusals are enforced from then on")
	}
	if !p.Expires.IsZero() && at.Before(p.Expires) {
		v.notice(PolicyExpiresSoon, p.Expires, at, "the policy ends soon, and nothing passes from then on")
	}
}

// enforce takes back that the verdict is not enforced.
func (v *Verdict) enforce() {
	v.Enforced, v.EnforcedFrom = nil, nil
	v.Notices = slices.DeleteFunc(v.Notices, func(n Notice) bool { return n.Code == PolicyAuditEnds })
}

// notice says that something ends, if it ends soon.
func (v *Verdict) notice(code Code, until, at time.Time, message string) {
	if until.Sub(at) > noticeAhead {
		return
	}
	until = until.UTC()
	v.Notices = append(v.Notices, Notice{Code: code, Until: &until, Message: message})
}

// expired turns v into the verdict under a policy that has ended, and is false where it
// has not. It needs no evidence.
func (v *Verdict) expired(p *policy.Policy, at time.Time) bool {
	if p.Expires.IsZero() || at.Before(p.Expires) {
		return false
	}
	v.Checks = []Finding{{
		ID: "policy", Required: true, Result: Failed, Code: PolicyExpired, Next: next(PolicyExpired),
		Message: fmt.Sprintf("the policy ended at %s; nothing passes under it", p.Expires.UTC().Format(time.RFC3339)),
	}}
	v.decide()
	return true
}
