package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// namedIdentities reads signers and sources that demands refer to by name.
func (r *reader) namedIdentities(n *yaml.Node) {
	r.mapping(n, "identities", map[string]func(*yaml.Node){
		"signers": func(n *yaml.Node) {
			r.named(n, "identities.signers", func(name, what string, n *yaml.Node) {
				if s, ok := r.signer(n, what); ok {
					r.in.signers[name] = s
				}
			})
		},
		"sources": func(n *yaml.Node) {
			r.named(n, "identities.sources", func(name, what string, n *yaml.Node) {
				r.in.sources[name] = r.source(n, what)
			})
		},
	})
}

// named reads a mapping from names of our own to what they stand for.
func (r *reader) named(n *yaml.Node, what string, each func(name, what string, n *yaml.Node)) {
	r.entries(n, what, func(name string, n *yaml.Node) {
		if !trustName.MatchString(name) {
			r.fail(n, "the name in %s is %q; wanted lower-case letters, digits, '.', '_' and '-'", what, name)
			return
		}
		r.define(n, what+"."+name)
		each(name, what+"."+name, n)
	})
}

// signerOrName reads a signer, or the name of one under identities.
func (r *reader) signerOrName(n *yaml.Node, what string) (Signer, bool) {
	if r.in == nil || n.Kind != yaml.ScalarNode {
		return r.signer(n, what)
	}
	return lookUp(r, n, what, "identities.signers", r.in.signers)
}

// sourceOrName reads a source, or the name of one under identities.
func (r *reader) sourceOrName(n *yaml.Node, what string) Source {
	if r.in == nil || n.Kind != yaml.ScalarNode {
		return r.source(n, what)
	}
	s, _ := lookUp(r, n, what, "identities.sources", r.in.sources)
	return s
}

// lookUp finds what a name stands for. A definition that was refused has been reported.
func lookUp[V any](r *reader, n *yaml.Node, what, table string, known map[string]V) (v V, ok bool) {
	name := r.text(n, what)
	if name == "" {
		return v, false
	}
	v, ok = known[name]
	if _, defined := r.in.defined[table+"."+name]; !ok && !defined {
		names := ", where none is"
		if len(known) > 0 {
			names = ": " + strings.Join(sortedKeys(known), ", ")
		}
		r.fail(n, "%s is %q; wanted a mapping, or a name under %s%s", what, name, table, names)
	}
	return v, ok
}
