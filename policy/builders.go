package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

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
				default:
					r.define(n, "the builder "+b.ID)
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
