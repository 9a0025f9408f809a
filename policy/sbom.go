package policy

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/sbom"
)

// maxPatterns bounds a list of licences, components or names, maxComponents the least
// number of components.
const (
	maxPatterns   = 256
	maxComponents = 100_000
)

// sbom reads a demand for a bill of materials; shared and used are as in signed.
func (r *reader) sbom(n *yaml.Node, shared []Source, used *bool, p *Policy) *SBOM {
	s := &SBOM{Demand: Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}, MinComponents: 1}
	seen := r.signed(n, "sbom", &s.Demand, shared, used, p, map[string]func(*yaml.Node){
		"format": func(n *yaml.Node) {
			s.Format = sbom.Format(r.choice(n, "sbom.format", string(sbom.CycloneDX), string(sbom.SPDX)))
		},
		"schema": func(n *yaml.Node) {
			s.Schema = SchemaMode(r.choice(n, "sbom.schema", string(SchemaStrict), string(SchemaWarn)))
		},
		"buildkit":         func(n *yaml.Node) { s.BuildKit = r.boolean(n, "sbom.buildkit") },
		"max_size":         func(n *yaml.Node) { s.MaxBytes = r.bytes(n, "sbom.max_size", sbom.DefaultLimits().Bytes) },
		"deny_licenses":    func(n *yaml.Node) { s.DenyLicenses = r.licenses(n, "sbom.deny_licenses") },
		"require_licenses": func(n *yaml.Node) { s.RequireLicenses = r.licenses(n, "sbom.require_licenses") },
		"deny_components":  func(n *yaml.Node) { s.DenyComponents = r.components(n, "sbom.deny_components") },
		"min_components":   func(n *yaml.Node) { s.MinComponents = r.number(n, "sbom.min_components", 0, maxComponents) },
		"ntia":             func(n *yaml.Node) { s.NTIA = r.boolean(n, "sbom.ntia") },
		"purl_coverage":    func(n *yaml.Node) { s.PURLCoverage = r.share(n, "sbom.purl_coverage", 0) },
		"hash_coverage":    func(n *yaml.Node) { s.HashCoverage = r.share(n, "sbom.hash_coverage", 0) },
		"unknown_versions": func(n *yaml.Node) {
			most := r.share(n, "sbom.unknown_versions", 1)
			s.UnknownVersions = &most
		},
		"max_document_age": func(n *yaml.Node) { s.MaxDocumentAge = r.age(n, "sbom.max_document_age", longestMaxAge) },
		"describes":        func(n *yaml.Node) { s.Describes = r.choice(n, "sbom.describes", "image") != "" },
		"rules":            func(n *yaml.Node) { s.Rules = r.expressions(n, "sbom.rules", documentEnv) },
	})
	r.checkNewest(n, "sbom", &s.Demand, seen)
	return s
}

// patterns reads a list of one to maxPatterns texts, each once.
func (r *reader) patterns(n *yaml.Node, what string, each func(*yaml.Node) string) []string {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxPatterns {
		r.fail(n, "%s has %d entries; wanted at most %d", what, len(n.Content), maxPatterns)
		return nil
	}
	var texts []string
	seen := map[string]bool{}
	r.list(n, what, func(n *yaml.Node) {
		s := each(n)
		if s == "" {
			return
		}
		if seen[s] {
			r.fail(n, "%s has %q twice", what, s)
		}
		seen[s] = true
		texts = append(texts, s)
	})
	return texts
}

// license is an SPDX id in which * stands for any characters, with an exception or
// without.
var license = regexp.MustCompile(`\A[0-9A-Za-z.*-]+\+?( (?i:WITH) [0-9A-Za-z.*-]+)?\z`)

func (r *reader) licenses(n *yaml.Node, what string) []string {
	return r.patterns(n, what, func(n *yaml.Node) string {
		s := r.text(n, what)
		switch {
		case s == "":
		case !license.MatchString(s):
			r.fail(n, "%s is %q; wanted the SPDX id of a licence, such as MIT or GPL-3.0*, and not an expression", what, s)
		case onlyStars(s):
			r.fail(n, "%s is %q, which is every licence; wanted the beginning of an id before the star, such as GPL-*", what, s)
		default:
			return s
		}
		return ""
	})
}

// onlyStars reports whether a pattern leaves everything open.
func onlyStars(s string) bool {
	for _, c := range s {
		if c != '*' {
			return false
		}
	}
	return true
}

// components reads patterns over packages and their versions.
func (r *reader) components(n *yaml.Node, what string) []sbom.Pattern {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxPatterns {
		r.fail(n, "%s has %d entries; wanted at most %d", what, len(n.Content), maxPatterns)
		return nil
	}
	var patterns []sbom.Pattern
	r.list(n, what, func(n *yaml.Node) {
		if p, ok := r.component(n, what); ok {
			patterns = append(patterns, p)
		}
	})
	return patterns
}

func (r *reader) component(n *yaml.Node, what string) (sbom.Pattern, bool) {
	var purl, versions string
	var purlNode, versionsNode *yaml.Node
	before := len(r.errs)
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"purl":     func(n *yaml.Node) { purlNode, purl = n, r.text(n, what+".purl") },
		"versions": func(n *yaml.Node) { versionsNode, versions = n, r.text(n, what+".versions") },
	})
	if seen != nil && !seen["purl"] {
		r.fail(n, "%s has an entry without %q; wanted {purl, versions}, such as {purl: \"pkg:npm/event-stream\", versions: \"<4.0.0\"}", what, "purl")
	}
	if seen == nil || len(r.errs) > before {
		return sbom.Pattern{}, false
	}
	if _, err := sbom.ParseRange(versions); err != nil {
		r.fail(versionsNode, "%s.versions: %s; wanted a range such as \">=1.0, <1.2.3\"", what, err)
		return sbom.Pattern{}, false
	}
	p, err := sbom.ParsePattern(purl, versions)
	if err != nil {
		r.fail(purlNode, "%s.purl: %s; wanted a package URL without version, such as pkg:npm/event-stream", what, err)
	}
	return p, err == nil
}

// decimal is a number from 0 to 1 as people write it.
var decimal = regexp.MustCompile(`\A(0|1|0\.[0-9]{1,6}|1\.0{1,6})\z`)

// share reads a part of a whole, 0 to 1, as a decimal. The end that would demand
// nothing is refused.
func (r *reader) share(n *yaml.Node, what string, nothing float64) float64 {
	if !r.plain(n) {
		return 0
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!float" && n.Tag != "!!int" || !decimal.MatchString(n.Value) {
		r.fail(n, "%s is %s; wanted a share from 0 to 1, such as 0.9", what, valueOf(n))
		return 0
	}
	f, _ := strconv.ParseFloat(n.Value, 64) // of what decimal matches
	if f == nothing {
		r.fail(n, "%s is %s, which demands nothing; leave it out, or say which share is wanted", what, n.Value)
	}
	return f
}

// bytes reads a size with its unit, or a number of bytes, of at most most.
func (r *reader) bytes(n *yaml.Node, what string, most int) int {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!int" {
		return r.number(n, what, 1, most)
	}
	return r.size(n, what, most)
}
