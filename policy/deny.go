package policy

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var imageDigest = regexp.MustCompile(`\Asha256:[0-9a-f]{64}\z`)

// digest reads the digest of an image.
func (r *reader) digest(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && !imageDigest.MatchString(s) {
		r.fail(n, "%s is %q; wanted sha256: and 64 lower-case hexadecimal digits", what, s)
		return ""
	}
	return s
}

// deny reads what never passes, and adds it to what other files deny.
func (r *reader) deny(n *yaml.Node, d *Deny) {
	r.mapping(n, "deny", map[string]func(*yaml.Node){
		"digests": func(n *yaml.Node) { r.listed(n, "deny.digests", func(n *yaml.Node) { r.deniedDigest(n, d) }) },
		"versions": func(n *yaml.Node) {
			if len(d.Versions)+len(n.Content) > maxRules {
				r.fail(n, "deny.versions brings the policy to %d entries; wanted at most %d in all its files", len(d.Versions)+len(n.Content), maxRules)
				return
			}
			r.listed(n, "deny.versions", func(n *yaml.Node) { r.deniedVersion(n, d) })
		},
		"signed": func(n *yaml.Node) { r.listed(n, "deny.signed", func(n *yaml.Node) { r.deniedSigner(n, d) }) },
	})
}

func (r *reader) deniedDigest(n *yaml.Node, d *Deny) {
	var digest, reason string
	if n.Kind == yaml.ScalarNode {
		digest = r.digest(n, "deny.digests")
	} else {
		seen := r.mapping(n, "deny.digests", map[string]func(*yaml.Node){
			"digest": func(n *yaml.Node) { digest = r.digest(n, "deny.digests.digest") },
			"reason": func(n *yaml.Node) { reason = r.text(n, "deny.digests.reason") },
		})
		if seen != nil && !seen["digest"] {
			r.fail(n, "deny.digests has an entry without a digest; wanted the digest, or {digest, reason}")
		}
	}
	if digest == "" {
		return
	}
	d.Digests = append(d.Digests, digest)
	if d.Reasons == nil {
		d.Reasons = map[string]string{}
	}
	if d.Reasons[digest] == "" {
		d.Reasons[digest] = reason
	}
}

func (r *reader) deniedVersion(n *yaml.Node, d *Deny) {
	var v DeniedVersion
	var version *yaml.Node
	before := len(r.errs)
	seen := r.mapping(n, "deny.versions", map[string]func(*yaml.Node){
		"match": func(n *yaml.Node) { v.Match = r.match(n) },
		"version": func(n *yaml.Node) {
			version, v.Version = n, r.text(n, "deny.versions.version")
			if strings.ContainsAny(v.Version, "<>=~^/*?{} ") {
				r.fail(n, "deny.versions.version is %q; wanted one version exactly, such as 1.2.3", v.Version)
			}
		},
		"reason": func(n *yaml.Node) { v.Reason = r.text(n, "deny.versions.reason") },
	})
	if seen != nil && !(seen["match"] && seen["version"]) {
		r.fail(n, "deny.versions has an entry without match or version; wanted {match, version, reason}")
	}
	d.Versions = append(d.Versions, v)
	if len(r.errs) == before {
		r.denied = append(r.denied, denial{at: n, version: version, DeniedVersion: v})
	}
}

// denial is a denied version and where it stands: its entry, and the version in it.
type denial struct {
	at, version *yaml.Node
	DeniedVersion
}

// checkDenied refuses denied versions that no image can have by the rules for such
// images. Where one of them has a grammar of its own, [Lint] says so instead.
func (l *loading) checkDenied() {
	var all []reach
	for _, r := range l.files {
		for _, d := range r.denied {
			if all == nil {
				all = l.policy.reaches()
			}
			if u := useOf(d.DeniedVersion, all); u.ruled && !u.own && !u.given {
				r.fail(d.version, "deny.versions.version is %q, which is no version of such an image; wanted one version exactly, such as 1.2.3", d.Version)
			}
		}
	}
}

// use is what the rules make of a denied version: whether there is one for such images,
// one with a grammar of its own, and one by whose grammar it is a version.
type use struct{ ruled, own, given bool }

func useOf(d DeniedVersion, all []reach) use {
	var u use
	for _, r := range all {
		if !slices.ContainsFunc(r.names, func(p Pattern) bool { return meets(p, d.Match) }) {
			continue
		}
		u.ruled, u.own = true, u.own || r.own
		if r.grammar != nil && (isVersion(r.grammar, d.Version) || isVersion(r.grammar, strings.TrimPrefix(d.Version, "v"))) {
			u.given = true
			break
		}
	}
	return u
}

// reach is which names the images of a rule can have, their own or those under which
// mirrors keep them, and which versions; own says that the grammar is the rule's.
type reach struct {
	names   []Pattern
	grammar *regexp.Regexp
	own     bool
}

func (p *Policy) reaches() []reach {
	all := make([]reach, 0, len(p.Rules))
	for _, rule := range p.Rules {
		r := reach{names: []Pattern{rule.Match}, grammar: compileGrammar(rule.Tags.Grammar), own: rule.Tags.Grammar != ""}
		for _, m := range rule.Mirrors {
			if under, err := ParsePattern(m.Prefix + "**"); err == nil {
				r.names = append(r.names, under)
			}
		}
		all = append(all, r)
	}
	return all
}

func (r *reader) deniedSigner(n *yaml.Node, d *Deny) {
	const what = "deny.signed"
	var s DeniedSigner
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"issuer":   func(n *yaml.Node) { s.Issuer = r.issuer(n, what+".issuer") },
		"identity": func(n *yaml.Node) { s.Identity = r.pattern(n, what+".identity") },
		"from":     func(n *yaml.Node) { s.Window.From = r.time(n, what+".from") },
		"until":    func(n *yaml.Node) { s.Window.Until = r.time(n, what+".until") },
		"reason":   func(n *yaml.Node) { s.Reason = r.text(n, what+".reason") },
	})
	switch w := s.Window; {
	case seen == nil:
	case !seen["identity"]:
		r.fail(n, "%s has an entry without identity; wanted {issuer, identity, from, until, reason}", what)
	case !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until):
		r.fail(n, "%s ends before it begins", what)
	}
	d.Signed = append(d.Signed, s)
}
