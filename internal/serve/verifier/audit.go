package verifier

import (
	"sync"
	"time"
)

// afterAudit is for how long after audit mode ended it counts as not long ago: what was
// admitted against the policy may still be there as it was.
const afterAudit = 24 * time.Hour

// maxAudits is how many replaced sets of policies are remembered for that.
const maxAudits = 32

// audits are sets of policies of which one was in audit mode when they were replaced.
type audits struct {
	mu   sync.Mutex
	past []replaced
}

type replaced struct {
	policies snapshot
	at       time.Time
}

// changed notes the policies that a new snapshot replaces.
func (a *audits) changed(old *snapshot, now time.Time) {
	if old == nil {
		return
	}
	for _, m := range old.all() {
		if m.auditedAt(now) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.past = append(a.past, replaced{snapshot{mapped: old.mapped, fallback: old.fallback}, now})
			a.past = a.past[max(0, len(a.past)-maxAudits):]
			return
		}
	}
}

// auditedAt reports whether the policy, or a rule of it, is in audit mode or was so not
// long before.
func (m *mapping) auditedAt(at time.Time) bool {
	if m.Audit && at.Before(m.AuditUntil.Add(afterAudit)) {
		return true
	}
	for _, r := range m.Rules {
		if r.Audit && at.Before(r.AuditUntil.Add(afterAudit)) {
			return true
		}
	}
	return false
}

// Audited implements serve.Policies.
func (v *Verifier) Audited(namespace string) bool {
	now := v.Now()
	if m := v.current.Load().mapping(namespace); m != nil && m.auditedAt(now) {
		return true
	}
	v.audits.mu.Lock()
	defer v.audits.mu.Unlock()
	for i := range v.audits.past {
		p := &v.audits.past[i]
		if m := p.policies.mapping(namespace); now.Before(p.at.Add(afterAudit)) && m != nil && m.auditedAt(p.at) {
			return true
		}
	}
	return false
}
