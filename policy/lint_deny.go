package policy

import "slices"

// includes looks for fragments that anybody who can change them can loosen the policy by.
func (t *linter) includes(l *loading, r *reader) {
	for _, i := range r.includes {
		if i.sha256 != "" {
			continue
		}
		if what := l.brings(l.included(r, i), nil); what != "" {
			t.warn(i.at, "", "loose-include", "the fragment %s brings %s, and whoever can change it changes what passes; wanted its sha256 beside file", i.path, what)
		}
	}
}

// brings names what a fragment, or one that it includes, adds that can let more pass; ""
// where there is nothing. seen are fragments that have been looked at.
func (l *loading) brings(f *reader, seen []*reader) string {
	if f == nil || slices.Contains(seen, f) {
		return ""
	}
	for _, key := range []string{"trust", "builders", "images"} {
		if has(f.root, key) {
			return key
		}
	}
	for _, i := range f.includes {
		if what := l.brings(l.included(f, i), append(seen, f)); what != "" {
			return what
		}
	}
	return ""
}

// denied looks for denials in one file that touch nothing.
func (t *linter) denied(r *reader) {
	all := t.policy.reaches()
	for _, d := range r.denied {
		switch use := useOf(d.DeniedVersion, all); {
		case !use.ruled:
			t.warn(d.at, "match", "never", "no rule is for an image of the name %s, so that this denies nothing; wanted a name that a rule is for", d.Match)
		case !use.given:
			t.warn(d.at, "version", "never", "%s is no version by the grammar of the rules for %s, so that this denies nothing; wanted one version exactly", d.Version, d.Match)
		}
	}
	deny, _ := child(t.root, "deny")
	signed, ok := child(deny, "signed")
	if !ok {
		return
	}
	issuers := t.policy.issuers()
	for _, n := range signed.Content {
		if issuer, ok := child(n, "issuer"); ok && !slices.Contains(issuers, issuer.Value) {
			t.warn(n, "issuer", "never", "no signer has the issuer %s, which is compared letter by letter, so that this denies nothing; wanted a signer's issuer, or none", issuer.Value)
		}
	}
}

// issuers are those that the signers of all rules have.
func (p *Policy) issuers() []string {
	var all []string
	for _, rule := range p.Rules {
		for _, d := range rule.Demands() {
			for _, s := range d.Signers {
				if s.Issuer != "" && !slices.Contains(all, s.Issuer) {
					all = append(all, s.Issuer)
				}
			}
		}
	}
	return all
}
