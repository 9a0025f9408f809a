package policy

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// longestGrace bounds grace: what runs on an old verdict for longer than that is not an
// outage any more.
const longestGrace = 14 * day

// grace is how long one place of a policy spares an outage. The zero value says nothing.
type grace struct {
	said bool
	span time.Duration
}

// stricter joins what a policy and one of its rules say: the shorter.
func (g grace) stricter(o grace) grace {
	if !g.said || o.said && o.span < g.span {
		return o
	}
	return g
}

// grace reads for how long a pass stands in for what cannot be decided.
func (r *reader) grace(n *yaml.Node) grace {
	g := grace{said: true}
	if n.Kind == yaml.ScalarNode {
		if r.plain(n) && n.Value != "off" {
			r.fail(n, "grace is %s; wanted off, or {undecided: SPAN} with how long ago an image may have passed, such as {undecided: 72h}", valueOf(n))
		}
		return g
	}
	r.mapping(n, "grace", map[string]func(*yaml.Node){
		"undecided": func(n *yaml.Node) { g.span = r.age(n, "grace.undecided", longestGrace) },
	})
	return g
}
