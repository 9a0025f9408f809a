package tufclient_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

// kind is a kind of step. make changes the history and says whether it could.
type kind struct {
	name   string
	weight int
	make   func(h *history, st *step) bool
}

// honestKinds are what repositories do of themselves.
func honestKinds() []kind {
	return []kind{
		{"idle", 2, func(*history, *step) bool { return true }},
		{"publish", 6, func(h *history, _ *step) bool { h.advance(); return true }},
		{"timestamp", 2, func(h *history, _ *step) bool { h.publish(); return true }},
		{"snapshot", 1, func(h *history, _ *step) bool { h.sim.touch("snapshot"); h.publish(); return true }},
		{"jump-versions", 1, jumpVersions},
		{"remove-target", 2, removeTarget},
		{"rotate-root", 2, rotateTop("root")},
		{"rotate-timestamp", 2, rotateTop("timestamp")},
		{"rotate-snapshot", 2, rotateTop("snapshot")},
		{"rotate-targets", 2, rotateTop("targets")},
		{"rotate-delegated", 2, rotateDelegated},
		{"rotate-part", 2, rotatePart},
		{"several-roots", 2, severalRoots},
		{"threshold", 3, changeThreshold},
		{"consistent", 2, func(h *history, _ *step) bool { return toggle(h, &h.sim.consistent, "root") }},
		{"meta-hashes", 1, func(h *history, _ *step) bool { return toggle(h, &h.sim.metaHashes, "snapshot") }},
		{"meta-lengths", 1, func(h *history, _ *step) bool { return toggle(h, &h.sim.metaLengths, "snapshot") }},
		{"delegate", 3, delegateStep},
		{"delegate-nested", 3, delegateNested},
		{"delegate-terminating", 2, delegateTerminating},
		{"delegate-prefix", 1, delegatePrefix},
		{"delegate-bins", 2, delegateBins},
		{"delegate-diamond", 2, delegateDiamond},
		{"delegate-cycle", 1, delegateCycle},
		{"undelegate", 1, undelegate},
		{"clock", 3, clockForward},
		{"extra-signature", 1, extraSignature},
		{"unknown-fields", 1, unknownFields},
		{"reformat", 1, reformat},
	}
}

func jumpVersions(h *history, _ *step) bool {
	n := int64(1 + h.rng.IntN(20))
	h.sim.timestampVersion += n
	h.sim.snapshotVersion += n
	h.sim.roles[h.targetsRole(h.sim)].version += n
	h.advance()
	return true
}

func removeTarget(h *history, _ *step) bool {
	role := h.targetsRole(h.sim)
	files := h.sim.roles[role].files
	if len(files) == 0 {
		return false
	}
	delete(files, pick(h, sortedKeys(files)))
	h.sim.touch(role)
	h.publish()
	return true
}

// rotateTop replaces every key of a top-level role, and its threshold.
func rotateTop(role string) func(*history, *step) bool {
	return func(h *history, _ *step) bool {
		h.rotate(h.sim, role)
		h.publish()
		return true
	}
}

func (h *history) rotate(s *simulator, role string) {
	n := 1 + h.rng.IntN(3)
	s.top[role] = s.newRole(n, 1+h.rng.IntN(n))
	s.touch("root", role)
}

// rotateDelegated replaces a delegated role's keys at every delegator.
func rotateDelegated(h *history, _ *step) bool {
	role := h.delegated(h.sim)
	if role == "" {
		return false
	}
	n := 1 + h.rng.IntN(2)
	h.setDelegated(h.sim, role, h.sim.newRole(n, 1+h.rng.IntN(n)))
	h.publish()
	return true
}

// setDelegated gives a delegated role, by all its delegators, other keys.
func (h *history) setDelegated(s *simulator, role string, to simRole) {
	for _, name := range sortedKeys(s.roles) {
		r := s.roles[name]
		for i, d := range r.delegations {
			if d.name == role {
				r.delegations = slices.Clone(r.delegations)
				r.delegations[i].role = to
				s.touch(name, role)
			}
		}
		if r.bins != nil && slices.Contains(r.bins.names(), role) {
			r.bins = &simBins{prefix: r.bins.prefix, bits: r.bins.bits, role: to}
			s.touch(name)
			s.touch(r.bins.names()...)
		}
	}
}

// setRole gives any role other keys.
func (h *history) setRole(s *simulator, role string, to simRole) {
	if _, ok := s.top[role]; ok {
		s.top[role] = to
		s.touch("root", role)
		return
	}
	h.setDelegated(s, role, to)
}

// roleOf returns the keys of a role by one of its delegators.
func (s *simulator) roleOf(role string) simRole {
	if r, ok := s.top[role]; ok {
		return r
	}
	for _, name := range sortedKeys(s.roles) {
		r := s.roles[name]
		for _, d := range r.delegations {
			if d.name == role {
				return d.role
			}
		}
		if r.bins != nil && slices.Contains(r.bins.names(), role) {
			return r.bins.role
		}
	}
	return simRole{}
}

// rotatePart replaces one key of several.
func rotatePart(h *history, _ *step) bool {
	role := pick(h, []string{"timestamp", "snapshot", "root", "targets"})
	r := h.sim.top[role]
	if len(r.holders) < 2 {
		h.sim.top[role] = simRole{holders: append(slices.Clone(r.holders), h.sim.newHolder()), threshold: 1}
	} else {
		r.holders = slices.Clone(r.holders)
		r.holders[h.rng.IntN(len(r.holders))] = h.sim.newHolder()
		h.sim.top[role] = r
	}
	h.sim.touch("root", role)
	h.publish()
	return true
}

func severalRoots(h *history, _ *step) bool {
	for range 2 + h.rng.IntN(3) {
		h.rotate(h.sim, pick(h, []string{"root", "root", "timestamp", "snapshot", "targets"}))
		h.sim.publishRoot()
	}
	h.publish()
	return true
}

func changeThreshold(h *history, _ *step) bool {
	role := h.anyRole(h.sim)
	n := 1 + h.rng.IntN(3)
	h.setRole(h.sim, role, h.sim.newRole(n, n))
	h.publish()
	return true
}

func toggle(h *history, flag *bool, touch string) bool {
	*flag = !*flag
	h.sim.touch(touch)
	h.advance()
	return true
}

func delegateStep(h *history, _ *step) bool {
	if len(h.sim.roles) > 12 {
		return false
	}
	h.delegate(h.sim, "targets")
	h.publish()
	return true
}

func delegateNested(h *history, _ *step) bool {
	role := h.delegated(h.sim)
	if role == "" || len(h.sim.roles) > 12 {
		return false
	}
	h.delegate(h.sim, role)
	h.publish()
	return true
}

// delegateTerminating puts a delegation, terminating or not, in front of another to the
// same paths that lists the target which is asked for.
func delegateTerminating(h *history, st *step) bool {
	if len(h.sim.roles) > 10 {
		return false
	}
	s, to, p := h.sim, h.targetsRole(h.sim), pick(h, universe)
	for _, r := range s.roles {
		delete(r.files, p)
	}
	for i := range 2 {
		d := simDelegation{name: h.newName(), role: s.newRole(1, 1), paths: []string{"*", "*/*", "*/*/*"}, terminating: i == 0 && h.chance(70)}
		h.addDelegation(s, to, d)
		if delete(s.roles[d.name].files, p); i == 1 {
			s.roles[d.name].files[p] = simFile{content: "behind"}
		}
	}
	s.touch(sortedKeys(s.roles)...)
	st.role, st.paths = to, []string{p}
	h.publish()
	return true
}

// delegatePrefix delegates by hash prefixes, in hexadecimal as 4.5 has them.
func delegatePrefix(h *history, _ *step) bool {
	if len(h.sim.roles) > 12 {
		return false
	}
	d := simDelegation{name: h.newName(), role: h.sim.newRole(1, 1)}
	for range 1 + h.rng.IntN(4) {
		sum := sha256.Sum256([]byte(pick(h, universe)))
		d.prefixes = append(d.prefixes, hex.EncodeToString(sum[:])[:1+h.rng.IntN(3)])
	}
	h.addDelegation(h.sim, h.targetsRole(h.sim), d)
	h.publish()
	return true
}

// delegateBins replaces a role's delegations by hashed bins.
func delegateBins(h *history, _ *step) bool {
	if len(h.sim.roles) > 12 {
		return false
	}
	role := h.targetsRole(h.sim)
	h.names++
	b := &simBins{prefix: "bin" + strconv.Itoa(h.names), bits: 1 + h.rng.IntN(3), role: h.sim.newRole(1, 1)}
	r := h.sim.roles[role]
	r.delegations, r.bins = nil, b
	for _, name := range b.names() {
		h.sim.roles[name] = &simTargets{files: map[string]simFile{}}
		h.putTarget(h.sim, name)
		h.putTarget(h.sim, name)
	}
	h.sim.touch(role)
	h.publish()
	return true
}

// delegateDiamond makes one role a delegate of two, by other keys, and signs with the
// keys of both or of one. The lookups come by both ways.
func delegateDiamond(h *history, st *step) bool {
	if len(h.sim.roles) > 10 {
		return false
	}
	s := h.sim
	bottom := h.newName()
	var middle []string
	for _, paths := range [][]string{{"a/*"}, {"b/*"}} {
		d := simDelegation{name: h.newName(), role: s.newRole(1, 1), paths: paths}
		h.addDelegation(s, "targets", d)
		h.addDelegation(s, d.name, simDelegation{name: bottom, role: s.newRole(1, 1), paths: []string{"a/*", "b/*"}})
		middle = append(middle, d.name)
	}
	if h.chance(70) {
		keep := s.roles[pick(h, middle)].delegations[0].role.holders
		s.twists[bottom] = twist{holders: func([]holder) []holder { return keep }}
	}
	st.role = bottom
	for range 2 {
		st.paths = append(st.paths, pick(h, []string{"a/one.txt", "a/two.txt"}), pick(h, []string{"b/one.txt", "b/ü.txt"}))
	}
	h.publish()
	return true
}

// delegateCycle lets a delegated role delegate back to one above it.
func delegateCycle(h *history, _ *step) bool {
	role := h.delegated(h.sim)
	if role == "" {
		return false
	}
	child := h.delegate(h.sim, role)
	h.addDelegation(h.sim, child, simDelegation{name: role, role: h.sim.roleOf(role), paths: []string{"*", "*/*"}})
	h.publish()
	return true
}

// undelegate ends a delegation; the snapshot still lists the role.
func undelegate(h *history, _ *step) bool {
	for _, name := range sortedKeys(h.sim.roles) {
		if r := h.sim.roles[name]; len(r.delegations) > 0 {
			r.delegations = slices.Delete(slices.Clone(r.delegations), 0, 1)
			h.sim.touch(name)
			h.publish()
			return true
		}
	}
	return false
}

// clockForward lets days or months go by, with or without a new timestamp.
func clockForward(h *history, _ *step) bool {
	h.sim.now = h.sim.now.Add(time.Duration(1+h.rng.IntN(pick(h, []int{10, 40, 100, 400}))) * 24 * time.Hour)
	if h.chance(60) {
		h.publish()
	}
	return true
}

// extraSignature adds a signature by someone who is no key of the role.
func extraSignature(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	stranger := h.sim.newHolder()
	h.sim.touch(st.role)
	h.sim.twists[st.role] = twist{holders: func(l []holder) []holder { return union([]holder{stranger}, l) }}
	h.publish()
	return true
}

// unknownFields adds members that no specification knows, which are signed.
func unknownFields(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	h.sim.touch(st.role)
	h.sim.twists[st.role] = twist{edit: func(m map[string]any) {
		m["x-note"] = map[string]any{"words": []any{"ü", "\u2028", "<&>", true, nil, 3}}
	}}
	h.publish()
	return true
}

// reformat changes white space, which no signature covers.
func reformat(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	h.sim.touch(st.role)
	h.sim.twists[st.role] = twist{bytes: indented}
	h.publish()
	return true
}
