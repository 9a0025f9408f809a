package policy

import (
	"maps"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// The spans of time above which a policy is said to last long.
const (
	longAudit  = 90 * 24 * time.Hour
	longPolicy = 400 * 24 * time.Hour
	longAge    = 400 * 24 * time.Hour
	longGrace  = 72 * time.Hour
)

// whole looks at what stands beside the rules of one file.
func (t *linter) whole(first bool) {
	if t.root == nil {
		return
	}
	if first {
		t.lasting()
	}
	for _, name := range slices.Sorted(maps.Keys(t.policy.Trust)) {
		d := t.policy.Trust[name]
		n, ok := child(t.root, "trust")
		if !ok || !has(n, name) {
			continue
		}
		for _, witness := range []struct {
			key   string
			count int
			what  string
		}{
			{"log_entries", d.LogEntries, "a signature need not be in a transparency log, so that nobody can notice a stolen identity"},
			{"scts", d.SCTs, "a certificate need not be in a certificate log, so that nobody can notice one that the authority should not have issued"},
		} {
			if witness.count < 1 {
				t.warn(t.root, "trust/"+name+"/thresholds/"+witness.key, "low-threshold", "under the root %s %s; wanted at least 1", name, witness.what)
			}
		}
	}
	if n, ok := child(t.root, "builders"); ok {
		for _, b := range n.Content {
			if level, ok := child(b, "level"); ok && level.Value == "3" {
				t.warn(b, "level", "granted-level", "the policy itself says that this builder is of level 3, which only an audit of the builder shows; wanted a builder that assay knows, or the audit in a comment")
			}
		}
	}
}

// lasting looks at how long the policy holds, and whether it is enforced.
func (t *linter) lasting() {
	switch p := t.policy; {
	case p.Expires.IsZero():
	case !p.Expires.After(t.options.Now):
		t.warn(t.root, "expires", "expired", "the policy has expired, so that nothing passes under it; wanted a date ahead")
	case p.Expires.Sub(t.options.Now) > longPolicy:
		t.warn(t.root, "expires", "long-expiry", "the policy expires in more than 400 days, when nobody will remember it; wanted a date within a year")
	}
	if has(t.root, "mode") {
		t.mode(t.root, t.policy.Audit, t.policy.AuditUntil)
	}
	t.grace(t.root, t.policy.Grace)
}

// grace looks at what is said of it at n; span is what holds there.
func (t *linter) grace(n *yaml.Node, span time.Duration) {
	if has(n, "grace") && span > longGrace {
		t.warn(n, "grace", "long-grace", "an image that passed once is let in for more than 72 hours while nothing can be asked, although it might fail by then; wanted no more than an outage lasts, such as 24h")
	}
}

func (t *linter) mode(n *yaml.Node, audit bool, until time.Time) {
	switch {
	case !audit:
	case !until.After(t.options.Now):
		t.warn(n, "mode", "audit-over", "the audit is over, so that this enforces; wanted mode: enforce, or a date ahead")
	case until.Sub(t.options.Now) > longAudit:
		t.warn(n, "mode", "audit", "refused images are let in for more than 90 days; wanted an earlier date")
	default:
		t.warn(n, "mode", "audit", "refused images are let in until %s; wanted mode: enforce", until.Format(time.DateOnly))
	}
}

// child returns the value of a key of a mapping.
func child(n *yaml.Node, key string) (*yaml.Node, bool) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1], true
		}
	}
	return nil, false
}

func has(n *yaml.Node, key string) bool {
	_, ok := child(n, key)
	return ok
}
