package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAttestations bounds the named attestations of a rule, maxMembers how deep a path
// in a predicate goes.
const (
	maxAttestations = 32
	maxMembers      = 16
)

// attestations reads demands for named attestations; shared and used are as in signed.
func (r *reader) attestations(n *yaml.Node, shared []Source, used *bool, p *Policy) []Attestation {
	if n.Kind == yaml.MappingNode && len(n.Content) > 2*maxAttestations {
		r.fail(n, "attestations has %d names; wanted at most %d", len(n.Content)/2, maxAttestations)
		return nil
	}
	var all []Attestation
	r.entries(n, "attestations", func(name string, n *yaml.Node) {
		if !shortName.MatchString(name) {
			r.fail(n, "the name of an attestation is %q; wanted lower-case letters, digits and '-', at most 63", name)
			return
		}
		all = append(all, r.attestation(n, name, shared, used, p))
	})
	slices.SortFunc(all, func(a, b Attestation) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// attestation reads a demand for one. Without a shape and rules it is that the
// statement exists, signed by whom it names.
func (r *reader) attestation(n *yaml.Node, name string, shared []Source, used *bool, p *Policy) Attestation {
	what := "attestations." + name
	a := Attestation{Demand: Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}, Name: name}
	shape := ""
	// one notes which shape is read, and refuses a second.
	one := func(key string, read func(*yaml.Node, string)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if shape != "" {
				r.fail(n, "%s has %s beside %s; wanted one shape, and another attestation for the other", what, key, shape)
				return
			}
			shape = key
			read(n, what+"."+key)
		}
	}
	seen := r.signed(n, what, &a.Demand, shared, used, p, map[string]func(*yaml.Node){
		"type":     func(n *yaml.Node) { a.Type = r.uri(n, what+".type") },
		"metadata": one("metadata", func(n *yaml.Node, what string) { a.Metadata = r.releaseMetadata(n, what) }),
		"scan":     one("scan", func(n *yaml.Node, what string) { a.Scan = r.scan(n, what) }),
		"vex":      one("vex", func(n *yaml.Node, what string) { a.VEX = r.vex(n, what) }),
		"vsa":      one("vsa", func(n *yaml.Node, what string) { a.VSA = r.vsa(n, what) }),
		"tests":    one("tests", func(n *yaml.Node, what string) { a.Tests = r.tests(n, what) }),
		"rules":    func(n *yaml.Node) { a.Rules = r.expressions(n, what+".rules", statementEnv) },
	})
	if seen != nil && !seen["type"] {
		r.fail(n, "%s has no %q; wanted the predicate type, such as https://in-toto.io/attestation/vulns/v0.2", what, "type")
	}
	if (shape == "scan" || shape == "vex") && !seen["select"] {
		a.Select = SelectNewest // what was found later takes back what was said before
	}
	r.checkNewest(n, what, &a.Demand, seen)
	return a
}

var absoluteURI = regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9+.-]*:[!-~]+\z`)

// uri reads an absolute URI that is compared letter by letter.
func (r *reader) uri(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && (!absoluteURI.MatchString(s) || strings.ContainsAny(s, "*{}<>\"\\^`|") || strings.HasSuffix(s, "://")) {
		r.fail(n, "%s is %q; wanted a whole URI, such as https://example.com/release/v1, without wildcards", what, s)
		return ""
	}
	return s
}

// memberPath is where a predicate holds something: names of members with dots between.
var memberPath = regexp.MustCompile(`\A[0-9A-Za-z_$@-]+(\.[0-9A-Za-z_$@-]+)*\z`)

func (r *reader) member(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && (!memberPath.MatchString(s) || strings.Count(s, ".") >= maxMembers) {
		r.fail(n, "%s is %q; wanted the names of members with dots between, such as build.timestamp", what, s)
		return ""
	}
	return s
}

func (r *reader) releaseMetadata(n *yaml.Node, what string) *Metadata {
	var m Metadata
	fields := map[string]func(*yaml.Node){}
	for key, into := range map[string]*string{
		"image": &m.Image, "digest": &m.Digest, "version": &m.Version, "tag": &m.Tag, "repository": &m.Repository,
		"ref": &m.Ref, "commit": &m.Commit, "workflow": &m.Workflow, "run": &m.Run, "time": &m.Time,
	} {
		fields[key] = func(n *yaml.Node) { *into = r.member(n, what+"."+key) }
	}
	r.mapping(n, what, fields)
	return &m
}

func (r *reader) scan(n *yaml.Node, what string) *Scan {
	var s Scan
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"scanners": func(n *yaml.Node) {
			s.Scanners = r.patterns(n, what+".scanners", func(n *yaml.Node) string { return r.uri(n, what+".scanners") })
		},
		"max_age":      func(n *yaml.Node) { s.MaxAge = r.age(n, what+".max_age", longestMaxAge) },
		"database_age": func(n *yaml.Node) { s.DatabaseAge = r.age(n, what+".database_age", longestMaxAge) },
		"deny": func(n *yaml.Node) {
			s.Deny = r.patterns(n, what+".deny", func(n *yaml.Node) string {
				return r.choice(n, what+".deny", "critical", "high", "medium", "low", "unknown")
			})
		},
		"allow": func(n *yaml.Node) {
			s.Allow = r.patterns(n, what+".allow", func(n *yaml.Node) string { return r.exactText(n, what+".allow") })
		},
	})
	if seen["allow"] && !seen["deny"] {
		r.fail(n, "%s allows vulnerabilities and denies none; wanted deny beside allow, such as deny: [critical, high]", what)
	}
	return &s
}

func (r *reader) vex(n *yaml.Node, what string) *VEX {
	var v VEX
	r.mapping(n, what, map[string]func(*yaml.Node){
		"statuses": func(n *yaml.Node) {
			v.Statuses = r.patterns(n, what+".statuses", func(n *yaml.Node) string {
				return r.choice(n, what+".statuses", "not_affected", "affected", "fixed", "under_investigation")
			})
		},
		"authors": func(n *yaml.Node) {
			v.Authors = r.patterns(n, what+".authors", func(n *yaml.Node) string { return r.text(n, what+".authors") })
		},
	})
	return &v
}

// level is a level that a verifier grants: SLSA's own, or one of another name.
var level = regexp.MustCompile(`\A(SLSA_LEVEL_[0-4]|SLSA_BUILD_LEVEL_[0-3]|SLSA_SOURCE_LEVEL_[0-4]|SLSA_DEP_LEVEL_[0-3])\z`)

func (r *reader) vsa(n *yaml.Node, what string) *VSA {
	var v VSA
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"verifier": func(n *yaml.Node) { v.Verifier = r.uri(n, what+".verifier") },
		"policy":   func(n *yaml.Node) { v.Policy = r.uri(n, what+".policy") },
		"levels": func(n *yaml.Node) {
			v.Levels = r.patterns(n, what+".levels", func(n *yaml.Node) string {
				s := r.exactText(n, what+".levels")
				if s == "FAILED" || strings.HasPrefix(s, "SLSA_") && !level.MatchString(s) {
					r.fail(n, "%s is %q; wanted a level such as SLSA_BUILD_LEVEL_3", what+".levels", s)
					return ""
				}
				return s
			})
		},
	})
	if seen != nil && !seen["verifier"] {
		r.fail(n, "%s has no %q; wanted the URI of who verified, as verifier.id says", what, "verifier")
	}
	return &v
}

// tests reads {passed: [NAME]}, or the word passed for all tests, whatever their names.
func (r *reader) tests(n *yaml.Node, what string) *Tests {
	var t Tests
	if n.Kind == yaml.ScalarNode {
		r.choice(n, what, "passed")
		return &t
	}
	r.mapping(n, what, map[string]func(*yaml.Node){
		"passed": func(n *yaml.Node) {
			t.Passed = r.patterns(n, what+".passed", func(n *yaml.Node) string { return r.text(n, what+".passed") })
		},
	})
	return &t
}
