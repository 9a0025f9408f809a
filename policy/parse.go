package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// APIVersion and Kind are the first two keys of every policy.
const (
	APIVersion = "assay/v1"
	Kind       = "ReleasePolicy"
)

// Parse reads a policy. file is used in messages only. The error joins everything
// that is wrong, each as FILE:LINE:COLUMN: what was found and what was wanted.
func Parse(file string, b []byte) (*Policy, error) {
	r := &reader{file: file}
	root, err := r.document(b)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	p := &Policy{
		Digest: "sha256:" + hex.EncodeToString(sum[:]),
		Trust:  map[string]Trust{PublicGood: {Builtin: true, Thresholds: DefaultThresholds()}},
	}
	var images *yaml.Node
	seen := r.mapping(root, "the policy", map[string]func(*yaml.Node){
		"apiVersion": func(n *yaml.Node) { r.choice(n, "apiVersion", APIVersion) },
		"kind":       func(n *yaml.Node) { r.choice(n, "kind", Kind) },
		"metadata":   func(n *yaml.Node) { p.Name = r.metadata(n) },
		"mode":       func(n *yaml.Node) { r.mode(n, &p.Audit, &p.AuditUntil) },
		"expires":    func(n *yaml.Node) { p.Expires = r.time(n, "expires") },
		"requires":   func(n *yaml.Node) { p.Requires = r.requires(n) },
		"deny":       func(n *yaml.Node) { p.Deny = r.deny(n) },
		"trust":      func(n *yaml.Node) { r.trust(n, p.Trust) },
		"builders":   func(n *yaml.Node) { p.Builders = r.builders(n) },
		"images":     func(n *yaml.Node) { images = n },
	})
	for _, key := range []string{"apiVersion", "kind", "metadata", "images"} {
		if seen != nil && !seen[key] {
			r.fail(root, "the policy has no %q", key)
		}
	}
	if images != nil {
		r.images(images, p) // last, since rules name the roots of trust
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// images reads the rules and refuses one that no image can reach.
func (r *reader) images(n *yaml.Node, p *Policy) {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxRules {
		r.fail(n, "images has %d rules; wanted at most %d", len(n.Content), maxRules)
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

var trustName = regexp.MustCompile(`\A[a-z0-9][a-z0-9._-]{0,62}\z`)

func (r *reader) trust(n *yaml.Node, into map[string]Trust) {
	r.entries(n, "trust", func(name string, n *yaml.Node) {
		if !trustName.MatchString(name) {
			r.fail(n, "the name of a trusted root is %q; wanted lower-case letters, digits, '.', '_' and '-'", name)
			return
		}
		t := Trust{Thresholds: DefaultThresholds()}
		if n.Kind == yaml.ScalarNode {
			r.choice(n, "trust."+name, "builtin")
			t.Builtin = true
		} else {
			t = r.trustedRoot(n, name)
		}
		if t.Builtin && name != PublicGood {
			r.fail(n, "trust.%s is builtin; the program carries %s alone", name, PublicGood)
		}
		into[name] = t
	})
}

func (r *reader) trustedRoot(n *yaml.Node, name string) Trust {
	what := "trust." + name
	t := Trust{Thresholds: DefaultThresholds()}
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"builtin": func(n *yaml.Node) { t.Builtin = r.choice(n, what+".builtin", PublicGood) != "" },
		"file":    func(n *yaml.Node) { t.File = r.text(n, what+".file") },
		"sha256":  func(n *yaml.Node) { t.SHA256 = r.sha256(n, what+".sha256") },
		"thresholds": func(n *yaml.Node) {
			low := 0
			if name == PublicGood {
				low = 1
			}
			r.mapping(n, what+".thresholds", map[string]func(*yaml.Node){
				"log_entries": func(n *yaml.Node) { t.LogEntries = r.number(n, what+".thresholds.log_entries", low, 8) },
				"scts":        func(n *yaml.Node) { t.SCTs = r.number(n, what+".thresholds.scts", low, 8) },
				"timestamps":  func(n *yaml.Node) { t.Timestamps = r.number(n, what+".thresholds.timestamps", 1, 8) },
			})
		},
	})
	switch {
	case seen == nil:
	case seen["builtin"] && (seen["file"] || seen["sha256"]):
		r.fail(n, "%s has both builtin and a file; wanted one of them", what)
	case !seen["builtin"] && !(seen["file"] && seen["sha256"]):
		r.fail(n, "%s lacks a file or its sha256; wanted {file, sha256}, or builtin", what)
	}
	return t
}

var hex64 = regexp.MustCompile(`\A[0-9a-f]{64}\z`)

func (r *reader) sha256(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && !hex64.MatchString(s) {
		r.fail(n, "%s is %q; wanted 64 lower-case hexadecimal digits", what, s)
		return ""
	}
	return s
}

func (r *reader) builders(n *yaml.Node) []Builder {
	var builders []Builder
	ids := map[string]bool{}
	r.list(n, "builders", func(n *yaml.Node) {
		var b Builder
		seen := r.mapping(n, "a builder", map[string]func(*yaml.Node){
			"id": func(n *yaml.Node) {
				b.ID = r.text(n, "builders.id")
				switch {
				case b.ID == "":
				case !strings.HasPrefix(b.ID, "https://") || strings.ContainsAny(b.ID, "@*?#{} "):
					r.fail(n, "builders.id is %q; wanted the https URL of a workflow file without @ref", b.ID)
				case inTable(b.ID):
					r.fail(n, "builders.id is %q, whose level assay knows itself; wanted another builder, or provenance.builder to say which are accepted", b.ID)
				case ids[b.ID]:
					r.fail(n, "builders has %q twice", b.ID)
				}
				ids[b.ID] = true
			},
			"level": func(n *yaml.Node) { b.Level = r.number(n, "builders.level", 0, 3) },
		})
		if seen != nil && (!seen["id"] || !seen["level"]) {
			r.fail(n, "a builder lacks its id or its level")
		}
		builders = append(builders, b)
	})
	return builders
}

// inTable reports whether an id belongs to the table of known builders (package
// verify), which a policy extends and does not change.
func inTable(id string) bool {
	return strings.HasPrefix(id, "https://github.com/slsa-framework/slsa-github-generator/") ||
		strings.HasPrefix(id, "https://github.com/actions/runner/")
}

func (r *reader) rule(n *yaml.Node, p *Policy) Rule {
	rule := Rule{Places: []string{PlaceRegistry}, Evidence: []string{EvidenceSame}}
	var sources []Source
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
		"mode":         func(n *yaml.Node) { r.mode(n, &rule.Audit, &rule.AuditUntil) },
	})
	if seen == nil {
		return rule
	}
	defer func() { r.checkPlaces(places, rule) }()
	if !seen["match"] {
		r.fail(n, "the rule has no %q; wanted a pattern over image names, such as ghcr.io/owner/name", "match")
	}
	used := false
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
	if release != nil {
		rule.Release = r.release(release, p)
		r.checkEvidence(places, evidence, rule)
	}
	switch {
	case !seen["signature"] && !seen["provenance"] && !seen["sbom"] && !seen["attestations"] && !seen["release"]:
		r.fail(n, "the rule demands no evidence; wanted at least one of signature, provenance, sbom, attestations and release")
	case source != nil && !used:
		r.fail(source, "the rule's source is judged by nothing, since each demand has its own source, is met by a key or is for a release; leave it out")
	}
	return rule
}

// match reads a pattern over canonical image names and refuses one that no name
// can match: a rule that is passed over leaves its images to a later one.
func (r *reader) match(n *yaml.Node) Pattern {
	p := r.pattern(n, "match")
	s := p.String()
	host, path, ok := strings.Cut(s, "/")
	switch {
	case s == "" || strings.HasPrefix(s, "**"):
	case strings.ContainsAny(s, "@? ") || strings.Contains(path, ":"):
		r.fail(n, "match is %q; wanted an image's name without tag and digest", s)
	case !ok || !strings.ContainsAny(host, ".:*") && host != "localhost":
		r.fail(n, "match is %q; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/%s", s, s)
	case host == "index.docker.io" || host == "docker.io" && !strings.ContainsAny(path, "/*"):
		r.fail(n, "match is %q; wanted docker.io/owner/name, or docker.io/library/name for an official image", s)
	case path == "" || strings.ToLower(path) != path:
		r.fail(n, "match is %q; wanted a name in lower case", s)
	}
	return p
}
