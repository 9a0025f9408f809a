package policy

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// mode reads whether refusals are enforced.
func (r *reader) mode(n *yaml.Node, audit *bool, until *time.Time) {
	if s := r.text(n, "mode"); s != "" && s != "enforce" {
		r.fail(n, "mode is %q; wanted enforce", s)
	}
}

// requires reads the lowest version of assay that may judge by the policy.
func (r *reader) requires(n *yaml.Node) string {
	r.fail(n, "requires is not judged yet")
	return ""
}
