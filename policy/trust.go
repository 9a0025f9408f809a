package policy

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

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
		if name == PublicGood && r.from != nil {
			r.fail(n, "the fragment gives trust.%s, which demands mean that name no root; wanted it in the policy itself, or a root of another name", name)
			return
		}
		r.define(n, "trust."+name)
		into[name] = t
	})
}

func (r *reader) trustedRoot(n *yaml.Node, name string) Trust {
	what := "trust." + name
	t := Trust{Thresholds: DefaultThresholds()}
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"builtin": func(n *yaml.Node) { t.Builtin = r.choice(n, what+".builtin", PublicGood) != "" },
		"file":    func(n *yaml.Node) { t.File = r.localFile(n, what+".file") },
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
