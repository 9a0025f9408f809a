package policy

import "go.yaml.in/yaml/v3"

// APIVersion and Kind are the first two keys of every policy.
const (
	APIVersion = "assay/v1"
	Kind       = "ReleasePolicy"
)

// Parse reads a policy that is one text and includes nothing; [Load] reads files. file is
// used in messages only. The error joins everything that is wrong, each as
// FILE:LINE:COLUMN: what was found and what was wanted.
func Parse(file string, b []byte) (*Policy, error) { return parse(file, b, nil) }

// top reads a policy file but for its rules, which it keeps.
func (r *reader) top(root *yaml.Node, p *Policy) {
	fields := r.shared(p)
	fields["kind"] = func(n *yaml.Node) { r.choice(n, "kind", Kind) }
	fields["metadata"] = func(n *yaml.Node) { p.Name = r.metadata(n) }
	fields["mode"] = func(n *yaml.Node) { r.in.mode = r.mode(n) }
	fields["grace"] = func(n *yaml.Node) { r.in.grace = r.grace(n) }
	fields["expires"] = func(n *yaml.Node) { p.Expires = r.time(n, "expires") }
	fields["requires"] = func(n *yaml.Node) { p.Requires = r.requires(n) }
	seen := r.mapping(root, "the policy", fields)
	p.Audit, p.AuditUntil, p.Grace = r.in.mode.audit, r.in.mode.until, r.in.grace.span
	for _, key := range []string{"apiVersion", "kind", "metadata", "images"} {
		if seen != nil && !seen[key] && !(key == "images" && seen["include"]) {
			r.fail(root, "the policy has no %q", key)
		}
	}
}

// shared are the fields that a policy and its fragments have in common.
func (r *reader) shared(p *Policy) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"apiVersion": func(n *yaml.Node) { r.choice(n, "apiVersion", APIVersion) },
		"include":    r.include,
		"identities": r.namedIdentities,
		"deny":       func(n *yaml.Node) { r.deny(n, &p.Deny) },
		"trust":      func(n *yaml.Node) { r.trust(n, p.Trust) },
		"builders":   func(n *yaml.Node) { p.Builders = append(p.Builders, r.builders(n)...) },
		"images":     func(n *yaml.Node) { r.rules = n },
	}
}

// images reads the rules and refuses one that no image can reach.
func (r *reader) images(n *yaml.Node, p *Policy) {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxRules {
		r.fail(n, "images has %d rules; wanted at most %d", len(n.Content), maxRules)
		return
	}
	if all := len(p.Rules) + len(n.Content); n.Kind == yaml.SequenceNode && all > maxRules {
		r.fail(n, "images brings the policy to %d rules; wanted at most %d in all its files", all, maxRules)
		return
	}
	r.list(n, "images", func(n *yaml.Node) {
		rule := r.rule(n, p)
		for _, earlier := range p.Rules {
			if covers(earlier.Match, rule.Match) {
				r.fail(n, "no image reaches the rule for %s: the rule for %s comes before it and matches them all", rule.Match, earlier.Match)
				break
			}
		}
		p.Rules = append(p.Rules, rule)
	})
}

// covers reports whether a matches whatever b does: b's stars are put as the four
// shortest things that two stars can stand for.
func covers(a, b Pattern) bool {
	if a.IsZero() || b.IsZero() {
		return false
	}
	for _, star := range []string{"", "x", "x/x", "x/x/x"} {
		if !a.Match(b.sample(star), Vars{}) {
			return false
		}
		if b.IsExact() {
			break
		}
	}
	return true
}

func (r *reader) metadata(n *yaml.Node) string {
	var name string
	seen := r.mapping(n, "metadata", map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) { name = r.text(n, "metadata.name") },
	})
	if seen != nil && !seen["name"] {
		r.fail(n, "metadata has no %q", "name")
	}
	return name
}
