package policy

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

func (r *reader) rule(n *yaml.Node, p *Policy) Rule {
	rule := Rule{Places: []string{PlaceRegistry}, Evidence: []string{EvidenceSame}}
	var sources []Source
	var own mode
	var spared grace
	var source, places, evidence, signature, provenance, bom, attestations, release *yaml.Node
	seen := r.mapping(n, "images", map[string]func(*yaml.Node){
		"match":      func(n *yaml.Node) { rule.Match = r.match(n) },
		"tags":       func(n *yaml.Node) { rule.Tags = r.tags(n) },
		"mirrors":    func(n *yaml.Node) { rule.Mirrors = r.mirrors(n) },
		"places":     func(n *yaml.Node) { places, rule.Places = n, r.places(n) },
		"evidence":   func(n *yaml.Node) { evidence, rule.Evidence = n, r.evidence(n) },
		"source":     func(n *yaml.Node) { source, sources = n, r.sources(n, "source") },
		"signature":  func(n *yaml.Node) { signature = n },
		"provenance": func(n *yaml.Node) { provenance = n },
		"release":    func(n *yaml.Node) { release = n },

		"sbom":         func(n *yaml.Node) { bom = n },
		"attestations": func(n *yaml.Node) { attestations = n },
		"platforms":    func(n *yaml.Node) { rule.Platforms = r.platforms(n) },
		"consistency":  func(n *yaml.Node) { rule.Consistency = r.consistency(n) },
		"freshness":    func(n *yaml.Node) { rule.Freshness = r.freshness(n) },
		"mode":         func(n *yaml.Node) { own = r.mode(n) },
		"grace":        func(n *yaml.Node) { spared = r.grace(n) },
	})
	if seen == nil {
		return rule
	}
	defer func() { r.checkPlaces(places, rule) }()
	if !seen["match"] {
		r.fail(n, "the rule has no %q; wanted a pattern over image names, such as ghcr.io/owner/name", "match")
	}
	own = r.in.mode.stricter(own)
	rule.Audit, rule.AuditUntil = own.audit, own.until
	rule.Grace = r.in.grace.stricter(spared).span
	used, before := false, len(r.errs)
	if signature != nil {
		rule.Signature = r.signature(signature, sources, &used, p)
	}
	if provenance != nil {
		rule.Provenance = r.provenance(provenance, sources, &used, p)
	}
	if bom != nil {
		rule.SBOM = r.sbom(bom, sources, &used, p)
	}
	if attestations != nil {
		rule.Attestations = r.attestations(attestations, sources, &used, p)
	}
	if s, b := rule.Signature, rule.SBOM; s != nil && b != nil && b.BuildKit && s.Trust != b.Trust {
		r.fail(bom, "sbom takes what BuildKit kept on the word of the signature, whose trust is %q, and its own trust is %q; wanted the same for both, or no buildkit", s.Trust, b.Trust)
	}
	if release != nil {
		rule.Release = r.release(release, p)
		r.checkEvidence(places, evidence, rule)
	}
	if !seen["consistency"] && rule.authenticating() > 1 {
		rule.Consistency = &Consistency{Claims: StoryClaims()}
	}
	switch {
	case !seen["signature"] && !seen["provenance"] && !seen["sbom"] && !seen["attestations"] && !seen["release"]:
		r.fail(n, "the rule demands no evidence; wanted at least one of signature, provenance, sbom, attestations and release")
	case source != nil && !used && len(r.errs) == before && !slices.ContainsFunc(rule.Demands(), unsigned):
		r.fail(source, "the rule's source is judged by nothing, since each demand has its own source, is met by a key or is for a release; leave it out")
	}
	return rule
}

// unsigned reports whether nobody is known who signs: then a fault was found where
// signers are defined.
func unsigned(d Demand) bool { return len(d.Signers) == 0 }
