package tufclient_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// formKinds are metadata, rightly signed, that parsers may read differently, or whose
// form the specification forbids.
func formKinds() []kind {
	return []kind{
		{"duplicate-member", 2, duplicateMember},
		{"unknown-key", 1, keyForm(unknownKey)},
		{"missing-key", 1, missingKey},
		{"short-key", 1, ordinary(keyForm(shortKey))},
		{"signature-form", 1, signatureForm},
		{"version-zero", 1, edits(func(m map[string]any) { m["version"] = 0 })},
		{"version-negative", 1, edits(func(m map[string]any) { m["version"] = -1 })},
		{"version-text", 1, edits(func(m map[string]any) { m["version"] = "7" })},
		{"version-fraction", 1, edits(func(m map[string]any) { m["version"] = json.RawMessage("7.5") })},
		{"spec-version", 1, edits(func(m map[string]any) { m["spec_version"] = "2.0.0" })},
		{"no-spec-version", 1, edits(func(m map[string]any) { delete(m, "spec_version") })},
		{"no-version", 1, edits(func(m map[string]any) { delete(m, "version") })},
		{"no-expires", 1, edits(func(m map[string]any) { delete(m, "expires") })},
		{"expires-null", 1, edits(func(m map[string]any) { m["expires"] = nil })},
		{"expires-words", 1, edits(func(m map[string]any) { m["expires"] = "next year" })},
		{"expires-offset", 1, edits(func(m map[string]any) { m["expires"] = "2030-01-01T00:00:00+02:00" })},
		{"expires-fraction", 1, edits(func(m map[string]any) { m["expires"] = "2030-01-01T00:00:00.500Z" })},
		{"case-folded", 1, edits(func(m map[string]any) { m["Version"] = 9 })},
		{"nested", 1, edits(func(m map[string]any) { m["x-deep"] = nested(40) })},
		{"no-members", 1, edits(func(m map[string]any) {
			for _, name := range []string{"meta", "targets", "roles"} {
				delete(m, name)
			}
		})},
		{"unknown-hash", 1, metaForm(func(e map[string]any) { e["hashes"] = map[string]any{"whirlpool": "00"} })},
		{"meta-version-zero", 1, metaForm(func(e map[string]any) { e["version"] = 0 })},
		{"meta-length-negative", 1, metaForm(func(e map[string]any) { e["length"] = -1 })},
		{"big-timestamp", 1, bigTimestamp},
		{"top-level-name", 1, topLevelName},
		{"long-chain", 1, longChain},
		{"target-without-hash", 1, targetForm(func(e map[string]any) { e["hashes"] = map[string]any{} })},
		{"target-unknown-hash", 1, targetForm(func(e map[string]any) { e["hashes"].(map[string]any)["whirlpool"] = "00" })},
		{"target-length-negative", 1, targetForm(func(e map[string]any) { e["length"] = -1 })},
		{"target-empty", 1, targetForm(emptyTarget)},
		{"unsafe-path", 1, unsafePath},
		{"paths-and-prefixes", 1, delegationForm(func(d map[string]any) { d["path_hash_prefixes"] = []any{"0"} })},
		{"no-paths", 1, delegationForm(func(d map[string]any) { delete(d, "paths"); delete(d, "path_hash_prefixes") })},
		{"bad-glob", 1, delegationForm(func(d map[string]any) { d["paths"] = []any{"[", "*", "*/*"} })},
		{"no-terminating", 1, delegationForm(func(d map[string]any) { delete(d, "terminating") })},
	}
}

// ordinary leaves a step out where keys may be identities.
func ordinary(make func(*history, *step) bool) func(*history, *step) bool {
	return func(h *history, st *step) bool { return !h.portable && make(h, st) }
}

// edits publishes a role with a changed signed value.
func edits(edit func(map[string]any)) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = h.anyRole(h.sim)
		f := h.fork()
		f.touch(st.role)
		f.twists[st.role] = twist{edit: edit}
		h.show(st, f)
		return true
	}
}

// duplicateMember names a member twice, with two values. Go's parser takes the last.
func duplicateMember(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.touch(st.role)
	outside := h.chance(50)
	f.twists[st.role] = twist{bytes: func(b []byte) []byte {
		if outside {
			return append([]byte(`{"signed":{"version":1},`), b[1:]...)
		}
		return bytes.Replace(b, []byte(`"spec_version":`), []byte(`"spec_version":"0.0.0","spec_version":`), 1)
	}}
	h.show(st, f)
	return true
}

// delegatorOf returns who names a role's keys.
func (s *simulator) delegatorOf(role string) string {
	if _, ok := s.top[role]; ok {
		return "root"
	}
	for _, name := range sortedKeys(s.roles) {
		r := s.roles[name]
		if slices.ContainsFunc(r.delegations, func(d simDelegation) bool { return d.name == role }) ||
			r.bins != nil && slices.Contains(r.bins.names(), role) {
			return name
		}
	}
	return ""
}

// edit changes all metadata of a role from now on until it is published again.
func (s *simulator) edit(role string, edit func(map[string]any)) {
	s.touch(role)
	s.twists[role] = twist{edit: edit}
}

// keyEntries calls f for the key list of a role and the keys beside it.
func keyEntries(signed map[string]any, role string, f func(entry, keys map[string]any)) {
	if roles, ok := signed["roles"].(map[string]any); ok {
		f(roles[role].(map[string]any), signed["keys"].(map[string]any))
		return
	}
	d := signed["delegations"].(map[string]any)
	keys := d["keys"].(map[string]any)
	if bins, ok := d["succinct_roles"].(map[string]any); ok {
		f(bins, keys)
		return
	}
	for _, r := range d["roles"].([]any) {
		if entry := r.(map[string]any); entry["name"] == role {
			f(entry, keys)
		}
	}
}

// keyForm adds a key of some form to a role, which has enough others or not.
func keyForm(form func() map[string]any) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = h.anyRole(h.sim)
		f := h.fork()
		needed := h.chance(30)
		f.edit(f.delegatorOf(st.role), func(m map[string]any) {
			keyEntries(m, st.role, func(entry, keys map[string]any) {
				keys["odd"] = form()
				entry["keyids"] = append(entry["keyids"].([]any), "odd")
				if needed {
					entry["threshold"] = len(entry["keyids"].([]any))
				}
			})
		})
		f.touch(st.role)
		h.show(st, f)
		return true
	}
}

func unknownKey() map[string]any {
	return map[string]any{"keytype": "sphincs", "scheme": "sphincs-shake-256", "keyval": map[string]any{"public": "00"}}
}

func shortKey() map[string]any {
	return map[string]any{"keytype": "ed25519", "scheme": "ed25519", "keyval": map[string]any{"public": "00"}}
}

// missingKey names a key id that has no key.
func missingKey(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.edit(f.delegatorOf(st.role), func(m map[string]any) {
		keyEntries(m, st.role, func(entry, _ map[string]any) { entry["keyids"] = append(entry["keyids"].([]any), "nobody") })
	})
	f.touch(st.role)
	h.show(st, f)
	return true
}

// signatureForm adds an entry that is no signature of any known form.
func signatureForm(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.touch(st.role)
	entry := pick(h, []map[string]any{
		{"keyid": "nobody", "sig": "no hex"}, {"keyid": "nobody", "sig": ""}, {"keyid": "nobody"}, {"sig": "00"}, {"keyid": "nobody", "sig": 7},
		{"keyid": "nobody", "sig": "ABCDEF"},
	})
	f.twists[st.role] = twist{signatures: func(l []any) []any { return append(l, entry) }}
	h.show(st, f)
	return true
}

// nested is a value of some depth.
func nested(depth int) any {
	return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
}

// metaForm changes an entry that timestamp or snapshot lists.
func metaForm(form func(map[string]any)) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		f := h.fork()
		st.role = pick(h, []string{"timestamp", "snapshot"})
		name := "snapshot.json"
		if st.role == "snapshot" {
			name = h.targetsRole(f) + ".json"
		}
		f.touch("snapshot")
		f.edit(st.role, func(m map[string]any) { form(m["meta"].(map[string]any)[name].(map[string]any)) })
		h.show(st, f)
		return true
	}
}

// bigTimestamp is more than go-tuf reads, and less than two Sigstore signatures take.
func bigTimestamp(h *history, st *step) bool {
	st.role = "timestamp"
	f := h.fork()
	f.edit("timestamp", func(m map[string]any) { m["x-padding"] = strings.Repeat("x", 20_000) })
	h.show(st, f)
	return true
}

// topLevelName delegates to a role whose name is a top-level one's.
func topLevelName(h *history, st *step) bool {
	f := h.fork()
	h.delegate(f, "targets")
	name := pick(h, []string{"root", "timestamp", "snapshot", "targets"})
	f.edit("targets", func(m map[string]any) {
		roles := m["delegations"].(map[string]any)["roles"].([]any)
		roles[len(roles)-1].(map[string]any)["name"] = name
	})
	st.role = name
	h.show(st, f)
	return true
}

// longChain delegates from role to role, about as far as clients go.
func longChain(h *history, st *step) bool {
	f := h.fork()
	last := "targets"
	f.roles[last].delegations, f.roles[last].bins = nil, nil
	for range 29 + h.rng.IntN(6) {
		d := simDelegation{name: h.newName(), role: f.newRole(1, 1), paths: []string{"*"}}
		f.roles[last].delegations = append(f.roles[last].delegations, d)
		f.roles[d.name] = &simTargets{files: map[string]simFile{}}
		f.touch(last, d.name)
		last = d.name
	}
	for _, r := range f.roles {
		delete(r.files, "top.txt")
	}
	f.touch(sortedKeys(f.roles)...)
	f.roles[last].files["top.txt"] = simFile{content: "deep"}
	st.paths = []string{"top.txt"}
	h.show(st, f)
	return true
}

// targetForm changes the entry of a target.
func targetForm(form func(map[string]any)) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		f := h.fork()
		f.roles["targets"].files["top.txt"] = simFile{content: "top"}
		st.role, st.paths = "targets", []string{"top.txt"}
		f.edit("targets", func(m map[string]any) { form(m["targets"].(map[string]any)["top.txt"].(map[string]any)) })
		h.show(st, f)
		return true
	}
}

// emptyTarget lists a target of no bytes, and keeps the hash of the real one.
func emptyTarget(e map[string]any) { e["length"] = 0 }

// unsafePaths are names that must never become a path or a URL as they are.
var unsafePaths = []string{"../up.txt", "/abs.txt", "a//b.txt", "a/../b.txt", `a\b.txt`, "a/./b.txt", "a/", "tab\t.txt"}

// unsafePath lists a target whose name leads elsewhere.
func unsafePath(h *history, st *step) bool {
	f := h.fork()
	p := pick(h, unsafePaths)
	f.roles["targets"].files[p] = simFile{content: "unsafe"}
	f.touch("targets")
	st.role, st.paths = "targets", []string{p}
	h.show(st, f)
	return true
}

// delegationForm changes the newest delegation of targets.
func delegationForm(form func(map[string]any)) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		f := h.fork()
		h.delegate(f, "targets")
		f.edit("targets", func(m map[string]any) {
			roles := m["delegations"].(map[string]any)["roles"].([]any)
			form(roles[len(roles)-1].(map[string]any))
		})
		st.role = "targets"
		h.show(st, f)
		return true
	}
}
