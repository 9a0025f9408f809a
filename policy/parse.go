package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// APIVersion and Kind are the first two keys of every policy.
const (
	APIVersion = "assay/v1"
	Kind       = "ReleasePolicy"
)

// notJudged are keys of the policy language that this version refuses because it
// does not judge them yet.
var notJudged = map[string]bool{
	"sbom": true, "attestations": true, "release": true, "platforms": true, "consistency": true, "freshness": true,
	"deny": true, "on": true, "select": true, "max_age": true, "places": true, "mirrors": true, "evidence": true,
	"requires": true, "include": true, "identities": true, "expires": true,
}

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
		Origin: file,
		Digest: "sha256:" + hex.EncodeToString(sum[:]),
		Trust:  map[string]Trust{PublicGood: {Builtin: true, Thresholds: DefaultThresholds()}},
	}
	seen := r.mapping(root, "the policy", map[string]func(*yaml.Node){
		"apiVersion": func(n *yaml.Node) { r.choice(n, "apiVersion", APIVersion) },
		"kind":       func(n *yaml.Node) { r.choice(n, "kind", Kind) },
		"metadata":   func(n *yaml.Node) { p.Name = r.metadata(n) },
		"mode":       func(n *yaml.Node) { r.mode(n) },
		"trust":      func(n *yaml.Node) { r.trust(n, p.Trust) },
		"builders":   func(n *yaml.Node) { p.Builders = r.builders(n) },
		"images": func(n *yaml.Node) {
			r.list(n, "images", func(n *yaml.Node) { p.Rules = append(p.Rules, r.rule(n, p)) })
		},
	})
	for _, key := range []string{"apiVersion", "kind", "metadata", "images"} {
		if !seen[key] && len(r.errs) == 0 {
			r.fail(root, "the policy has no %q", key)
		}
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return p, nil
}

func (r *reader) metadata(n *yaml.Node) string {
	var name string
	seen := r.mapping(n, "metadata", map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) { name = r.text(n, "metadata.name") },
	})
	if !seen["name"] {
		r.fail(n, "metadata has no %q", "name")
	}
	return name
}

func (r *reader) mode(n *yaml.Node) {
	switch s := r.text(n, "mode"); s {
	case "", "enforce":
	case "audit":
		r.fail(n, "mode: audit is not judged by this version of assay yet, so it is refused rather than ignored")
	default:
		r.fail(n, "mode is %q; wanted enforce", s)
	}
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
	r.list(n, "builders", func(n *yaml.Node) {
		var b Builder
		seen := r.mapping(n, "a builder", map[string]func(*yaml.Node){
			"id": func(n *yaml.Node) {
				b.ID = r.text(n, "builders.id")
				if !strings.HasPrefix(b.ID, "https://") || strings.Contains(b.ID, "@") {
					r.fail(n, "builders.id is %q; wanted the https URL of a workflow file without @ref", b.ID)
				}
			},
			"level": func(n *yaml.Node) { b.Level = r.number(n, "builders.level", 0, 3) },
		})
		if !seen["id"] || !seen["level"] {
			r.fail(n, "a builder lacks its id or its level")
		}
		builders = append(builders, b)
	})
	return builders
}

func (r *reader) rule(n *yaml.Node, p *Policy) Rule {
	var rule Rule
	var sources []Source
	var signature, provenance *yaml.Node
	seen := r.mapping(n, "images", map[string]func(*yaml.Node){
		"match":      func(n *yaml.Node) { rule.Match = r.pattern(n, "match") },
		"tags":       func(n *yaml.Node) { rule.Tags = r.tags(n) },
		"source":     func(n *yaml.Node) { sources = r.sources(n, "source") },
		"signature":  func(n *yaml.Node) { signature = n },
		"provenance": func(n *yaml.Node) { provenance = n },
	})
	if !seen["match"] {
		r.fail(n, "the rule has no %q; wanted a pattern over image names, such as ghcr.io/owner/name", "match")
	}
	if signature != nil {
		rule.Signature = r.signature(signature, sources, p)
	}
	if provenance != nil {
		rule.Provenance = r.provenance(provenance, sources, p)
	}
	if signature == nil && provenance == nil {
		r.fail(n, "the rule demands no evidence; wanted signature, provenance or both")
	}
	return rule
}

func (r *reader) tags(n *yaml.Node) Tags {
	var t Tags
	r.mapping(n, "tags", map[string]func(*yaml.Node){
		"moving": func(n *yaml.Node) {
			r.oneOrList(n, "tags.moving", func(n *yaml.Node) {
				t.Moving = append(t.Moving, r.pattern(n, "tags.moving", "major", "minor", "patch"))
			})
		},
		"version": func(n *yaml.Node) {
			r.oneOrList(n, "tags.version", func(n *yaml.Node) {
				p := r.pattern(n, "tags.version", "version")
				if !p.IsZero() && !p.UsesVersion() {
					r.fail(n, "tags.version is %q; wanted a pattern with {version}", p)
				}
				t.Version = append(t.Version, p)
			})
		},
		"version_regexp": func(n *yaml.Node) { t.Grammar = r.regexp(n, "tags.version_regexp").String() },
	})
	return t
}
