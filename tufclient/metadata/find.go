package metadata

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Find looks a target up (5.6.7), in pre-order through the delegations that are there.
// Where a role that is not there comes first, it says which one is needed; call it
// again once that was given to UpdateDelegated. Beside the error that the target is not
// listed, the target has its path and the roles that were asked.
func (t *Trusted) Find(path string) (Target, *Need, error) {
	top, ok := t.files[Targets]
	if !ok {
		return Target{}, nil, outOfTurn(Targets, "5.6.7", "the top-level targets before a lookup")
	}
	if len(path) > maxPath {
		return Target{}, nil, &Error{
			Kind: TooLarge, Role: Targets, Step: "5.6.7",
			Wanted: fmt.Sprintf("a target path of at most %d bytes", maxPath), Found: fmt.Sprintf("%d", len(path)),
		}
	}
	w := &walk{t: t, subject: newSubject(path), visited: map[string]bool{}}
	way := []Role{t.roles[edge{Root, Targets}]}
	found, need, err := w.visit(Targets, top, way)
	switch {
	case err != nil || need != nil:
		return Target{}, need, err
	case found == nil:
		return Target{Path: path, Visited: w.asked}, nil, &Error{
			Kind: NotListed, Role: Targets, Step: "5.7.2",
			Wanted: "the target " + quote(path),
			Found:  "it in none of the roles that may list it: " + shortList(namesOf(w.asked)),
		}
	}
	return *found, nil, nil
}

// walk is one lookup.
type walk struct {
	t *Trusted
	subject
	visited map[string]bool
	asked   []Role
	// stop is set once a terminating delegation was followed in vain.
	stop bool
}

// visit looks at a role and at those below it. A role is visited once (5.6.7.1): its file is
// the same by whichever way it is reached.
func (w *walk) visit(name string, f *targetsFile, way []Role) (*Target, *Need, error) {
	w.visited[name] = true
	w.asked = append(w.asked, way[len(way)-1])
	if l, ok := f.targets[w.path]; ok {
		return &Target{Path: w.path, Length: l.length, Hashes: maps.Clone(l.hashes), Roles: way, Visited: w.asked}, nil, nil
	}
	for _, c := range f.delegations.children(&w.subject) {
		if !w.visited[c.name] {
			found, need, err := w.child(name, c.name, way)
			if found != nil || need != nil || err != nil || w.stop {
				return found, need, err
			}
		}
		if c.terminating {
			w.stop = true
			return nil, nil, nil
		}
	}
	return nil, nil, nil
}

func (w *walk) child(delegator, name string, way []Role) (*Target, *Need, error) {
	if len(w.visited) > w.t.o.Limits.Delegations {
		return nil, nil, &Error{
			Kind: TooLarge, Role: name, Step: "5.6.7.1",
			Wanted: fmt.Sprintf("at most %d delegated roles on the way to %s", w.t.o.Limits.Delegations, quote(w.path)),
			Found:  "more",
		}
	}
	need, err := w.t.need(delegator, name)
	if need != nil || err != nil {
		return nil, need, err
	}
	// Siblings must not share the end of one array.
	way = append(slices.Clip(way), w.t.roles[edge{delegator, name}])
	return w.visit(name, w.t.files[name], way)
}

// need says what must be fetched before a delegated role can be used, or nil.
func (t *Trusted) need(delegator, name string) (*Need, error) {
	if _, ok := t.roles[edge{delegator, name}]; ok {
		return nil, nil
	}
	m, ok := t.snapshot.meta[name]
	if !ok {
		return nil, notInSnapshot(name, t.snapshot.version)
	}
	return &Need{Role: name, Delegator: delegator, Version: m.version, Length: m.length}, nil
}

func notInSnapshot(role string, version int64) *Error {
	return &Error{
		Kind: NotDelegated, Role: role, Step: "5.6.4",
		Wanted: "an entry in the snapshot for " + quote(fileName(role)), Found: fmt.Sprintf("none in version %d", version),
	}
}

func namesOf(roles []Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.Name)
	}
	return names
}

// shortList joins names for a message.
func shortList(names []string) string {
	const most = 10
	var all []string
	for i, n := range names {
		if i == most {
			all = append(all, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		all = append(all, shorten(n))
	}
	return strings.Join(all, ", ")
}
