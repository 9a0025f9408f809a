package policy

import (
	"regexp"
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
		"digests":  func(n *yaml.Node) { r.listed(n, "deny.digests", func(n *yaml.Node) { r.deniedDigest(n, d) }) },
		"versions": func(n *yaml.Node) { r.listed(n, "deny.versions", func(n *yaml.Node) { r.deniedVersion(n, d) }) },
		"signed":   func(n *yaml.Node) { r.listed(n, "deny.signed", func(n *yaml.Node) { r.deniedSigner(n, d) }) },
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
	seen := r.mapping(n, "deny.versions", map[string]func(*yaml.Node){
		"match": func(n *yaml.Node) { v.Match = r.match(n) },
		"version": func(n *yaml.Node) {
			v.Version = r.text(n, "deny.versions.version")
			if strings.ContainsAny(v.Version, "*?{} ") {
				r.fail(n, "deny.versions.version is %q; wanted one version, without wildcards and variables", v.Version)
			}
		},
		"reason": func(n *yaml.Node) { v.Reason = r.text(n, "deny.versions.reason") },
	})
	if seen != nil && !(seen["match"] && seen["version"]) {
		r.fail(n, "deny.versions has an entry without match or version; wanted {match, version, reason}")
	}
	d.Versions = append(d.Versions, v)
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
