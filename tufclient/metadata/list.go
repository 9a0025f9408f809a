package metadata

import (
	"fmt"
	"maps"
	"slices"
)

// Listing is what an enumeration found.
type Listing struct {
	// Paths are the targets, sorted.
	Paths []string
	// Roles are those in which they were sought: the top-level targets first, and each
	// delegated role once for every delegator by which a lookup could come to it.
	Roles []Role
}

// List names every target, of those that match wants, in every role that a
// path for which reach is true could lead to. Each must still be looked up with
// Find: another role may come before the one that lists it. reach gets the path
// patterns of a delegation; delegations by hash are always reached.
//
// enter says whether a delegated role counts, with all that it lists and delegates to. It
// gets the role as its delegator names it: its name, and who may sign it at what
// threshold; its metadata is not needed where enter is false. A nil function is always
// true.
func (t *Trusted) List(wants func(path string) bool, reach func(patterns []string) bool, enter func(Role) bool) (Listing, *Need, error) {
	top, ok := t.roles[edge{Root, Targets}]
	if !ok {
		return Listing{}, nil, outOfTurn(Targets, "5.6.7", "the top-level targets before an enumeration")
	}
	e := &enumeration{t: t, reach: reach, enter: enter, by: map[string][]string{}, found: Listing{Roles: []Role{top}}}
	need, err := e.visit()
	if need != nil || err != nil {
		return Listing{}, need, err
	}
	need, err = e.again()
	if need != nil || err != nil {
		return Listing{}, need, err
	}
	paths := map[string]bool{}
	for name := range e.by {
		for path := range t.files[name].targets {
			if !paths[path] && (wants == nil || wants(path)) {
				paths[path] = true
			}
		}
	}
	e.found.Paths = slices.Sorted(maps.Keys(paths))
	return e.found, nil, nil
}

// enumeration is one walk over the roles.
type enumeration struct {
	t     *Trusted
	reach func([]string) bool
	enter func(Role) bool
	// by are the roles to which a role that was visited delegates.
	by    map[string][]string
	later []edge // to roles that were visited by another delegator
	found Listing
}

// visit goes to every role once.
func (e *enumeration) visit() (*Need, error) {
	visited := map[string]bool{Targets: true}
	for queue := []string{Targets}; len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		children, ok := e.children(name)
		if !ok {
			return nil, e.t.tooMany(name)
		}
		e.by[name] = children
		for _, c := range children {
			if visited[c] {
				e.later = append(e.later, edge{name, c})
				continue
			}
			visited[c] = true
			if need, err := e.take(edge{name, c}); need != nil || err != nil {
				return need, err
			}
			queue = append(queue, c)
		}
	}
	return nil, nil
}

// again takes the delegations to roles that were visited already, where a lookup could
// come that way: each delegator has its own word on who signs the role.
func (e *enumeration) again() (*Need, error) {
	for _, to := range e.later {
		if !e.around(to) {
			continue
		}
		if need, err := e.take(to); need != nil || err != nil {
			return need, err
		}
	}
	return nil, nil
}

// around reports whether the delegator, which is another role, can be reached without going
// through the role: a lookup visits no role twice.
func (e *enumeration) around(to edge) bool {
	seen := map[string]bool{Targets: true, to.role: true}
	for queue := []string{Targets}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to.delegator {
			return true
		}
		for _, c := range e.by[queue[0]] {
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	return false
}

func (e *enumeration) take(to edge) (*Need, error) {
	if len(e.found.Roles) > e.t.o.Limits.Listed {
		return nil, e.t.tooMany(to.role)
	}
	if need, err := e.t.need(to.delegator, to.role); need != nil || err != nil {
		return need, err
	}
	e.found.Roles = append(e.found.Roles, e.t.roles[to])
	return nil, nil
}

func (t *Trusted) tooMany(role string) *Error {
	return &Error{
		Kind: TooLarge, Role: role, Step: "5.6.7",
		Wanted: fmt.Sprintf("an enumeration over at most %d delegated roles", t.o.Limits.Listed), Found: "more",
	}
}

// children are the delegations of a role that are entered, and false if the bins alone
// are more than may be.
func (e *enumeration) children(name string) ([]string, bool) {
	f := e.t.files[name]
	d := &f.delegations
	var names []string
	enters := func(role string, s signers) bool {
		return e.enter == nil || e.enter(Role{Name: role, Authorizations: []Authorization{
			{By: name, ByVersion: f.version, Threshold: s.threshold, Keys: s.holders()},
		}})
	}
	if d.bins != nil {
		if !enters(d.bins.name(0), d.bins.signers) {
			return nil, true
		}
		if d.bins.count() > uint64(max(e.t.o.Limits.Listed, 0)) {
			return nil, false
		}
		for i := range d.bins.count() {
			names = append(names, d.bins.name(i))
		}
	}
	for i := range d.roles {
		role := &d.roles[i]
		reached := role.byHash || len(role.paths) > 0 && (e.reach == nil || e.reach(slices.Clone(role.paths)))
		if reached && enters(role.name, role.signers) {
			names = append(names, role.name)
		}
	}
	return names, true
}
