package policy

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var platform = regexp.MustCompile(`\A[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?\z`)

// platforms reads which platforms an index must and may hold.
func (r *reader) platforms(n *yaml.Node) *Platforms {
	p := &Platforms{}
	var required *yaml.Node
	r.mapping(n, "platforms", map[string]func(*yaml.Node){
		"require": func(n *yaml.Node) { required, p.Require = n, r.platformList(n, "platforms.require") },
		"only":    func(n *yaml.Node) { p.Only = r.platformList(n, "platforms.only") },
	})
	if len(p.Only) > 0 {
		for _, name := range p.Require {
			if !slices.ContainsFunc(p.Only, samePlatform(name)) {
				r.fail(required, "platforms.require has %s, which platforms.only does not allow", name)
			}
		}
	}
	return p
}

func (r *reader) platformList(n *yaml.Node, what string) []string {
	var names []string
	r.list(n, what, func(n *yaml.Node) {
		s := r.text(n, what)
		switch {
		case s == "":
		case !platform.MatchString(s) || strings.HasPrefix(s, "unknown/"):
			r.fail(n, "%s is %q; wanted os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7", what, s)
		case slices.Contains(names, s):
			r.fail(n, "%s has %q twice", what, s)
		case slices.ContainsFunc(names, samePlatform(s)):
			r.fail(n, "%s has %s twice: it is also written %s", what, s, names[slices.IndexFunc(names, samePlatform(s))])
		default:
			names = append(names, s)
		}
	})
	return names
}

func samePlatform(name string) func(string) bool {
	return func(other string) bool { return NormalPlatform(other) == NormalPlatform(name) }
}

// NormalPlatform writes "os/architecture" or "os/architecture/variant" as images for it
// are found: the variants that container runtimes take for granted are left out or added.
func NormalPlatform(s string) string {
	switch os, rest, _ := strings.Cut(s, "/"); rest {
	case "arm64/v8", "aarch64":
		return os + "/arm64"
	case "amd64/v1", "x86_64":
		return os + "/amd64"
	case "arm":
		return os + "/arm/v7"
	default:
		return s
	}
}

// consistency reads which claims all evidence must agree on; nil where it is off.
func (r *reader) consistency(n *yaml.Node) *Consistency {
	if n.Kind == yaml.ScalarNode {
		if r.plain(n) && n.Value != "off" {
			r.fail(n, "consistency is %s; wanted off, or a mapping with claims, labels, required", valueOf(n))
		}
		return nil
	}
	c := &Consistency{Claims: StoryClaims()}
	var required *yaml.Node
	r.mapping(n, "consistency", map[string]func(*yaml.Node){
		"claims":   func(n *yaml.Node) { c.Claims = r.claims(n, "consistency.claims") },
		"required": func(n *yaml.Node) { required, c.Required = n, r.claims(n, "consistency.required") },
		"labels":   func(n *yaml.Node) { c.Labels = r.boolean(n, "consistency.labels") },
	})
	for _, claim := range c.Required {
		if !slices.Contains(c.Claims, claim) {
			r.fail(required, "consistency.required has %s, which is not compared; wanted it under consistency.claims too", claim)
		}
	}
	return c
}

func (r *reader) claims(n *yaml.Node, what string) []string {
	var claims []string
	r.list(n, what, func(n *yaml.Node) {
		s := r.choice(n, what, ConsistencyClaims()...)
		switch {
		case s == "":
		case slices.Contains(claims, s):
			r.fail(n, "%s has %q twice", what, s)
		default:
			claims = append(claims, s)
		}
	})
	return claims
}

// freshness reads how long ago a release may have been signed.
func (r *reader) freshness(n *yaml.Node) *Freshness {
	f := &Freshness{}
	seen := r.mapping(n, "freshness", map[string]func(*yaml.Node){
		"max_age": func(n *yaml.Node) { f.MaxAge = r.age(n, "freshness.max_age", longestMaxAge) },
		"listed":  func(n *yaml.Node) { f.Listed = r.boolean(n, "freshness.listed") },
	})
	if seen != nil && !seen["max_age"] {
		r.fail(n, "freshness has no %q; wanted how long ago a release may have been signed, such as 180d", "max_age")
	}
	return f
}

// authenticating counts the checks of r that authenticated evidence alone can meet.
func (r Rule) authenticating() int {
	n := len(r.Demands())
	if r.Release != nil {
		n++
	}
	return n
}
