package tufclient_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mirrorKinds are attacks by whoever serves the files, without any key.
func mirrorKinds() []kind {
	return []kind{
		{"missing", 3, refused(http.StatusNotFound)},
		{"server-error", 1, refused(http.StatusInternalServerError)},
		{"garbage", 2, damaged(func(*rand.Rand, []byte) []byte { return []byte("{\"signed\": garbage") })},
		{"empty", 2, damaged(func(*rand.Rand, []byte) []byte { return []byte{} })},
		{"truncated", 2, damaged(func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] })},
		{"padded", 2, damaged(func(_ *rand.Rand, b []byte) []byte { return append(bytes.Clone(b), " \n"...) })},
		{"bit-flip", 3, ordinary(damaged(flipBit))},
		{"changed-value", 3, damaged(changeVersion)},
		{"trailing-data", 1, damaged(func(_ *rand.Rand, b []byte) []byte { return append(bytes.Clone(b), "{}"...) })},
		{"endless", 2, endless},
		{"swapped", 3, swapped},
		{"mix", 3, mixed},
		{"old-timestamp", 3, oldFiles("timestamp")},
		{"old-snapshot", 3, oldFiles("snapshot")},
		{"old-targets", 3, oldFiles("targets")},
		{"old-state", 4, oldState},
		{"withheld-root", 3, withheldRoot},
		{"freeze", 3, freeze},
		{"forbidden-root", 1, forbiddenRoot},
		{"root-gap", 2, rootGap},
		{"root-again", 2, rootAgain},
		{"target-changed", 2, targetDamaged(func(b []byte) []byte { b = bytes.Clone(b); b[0] ^= 1; return b })},
		{"target-longer", 1, targetDamaged(func(b []byte) []byte { return append(bytes.Clone(b), "more"...) })},
		{"target-shorter", 1, targetDamaged(func(b []byte) []byte { return b[:len(b)-1] })},
		{"target-missing", 1, targetDamaged(func([]byte) []byte { return nil })},
	}
}

// fetched are the names under which a client could fetch a role's newest file.
func (s *simulator) fetched(role string) []string {
	numbered := "m/" + strconv.FormatInt(s.listed[role].version, 10) + "." + role + ".json"
	if role == "root" {
		return []string{numbered}
	}
	return []string{"m/" + role + ".json", numbered}
}

// fresh publishes something new of a role and returns its name.
func (h *history) fresh(st *step) {
	st.role = h.anyRole(h.sim)
	if st.role == "root" {
		h.rotate(h.sim, pick(h, []string{"root", "timestamp", "snapshot", "targets"}))
	} else if h.chance(80) {
		h.putTarget(h.sim, "targets")
		h.sim.touch(st.role)
	}
	h.publish()
	st.view = newView(h.sim.files)
}

// refused answers with an HTTP status instead of a file.
func refused(status int) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		h.fresh(st)
		for _, name := range h.sim.fetched(st.role) {
			st.view.status[name] = status
		}
		return true
	}
}

// damaged serves a file of metadata with changed bytes.
func damaged(change func(*rand.Rand, []byte) []byte) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		h.fresh(st)
		names := h.sim.fetched(st.role)
		// Lengths differ with the keys, so this must not use up the history's own choices.
		side := rand.New(rand.NewPCG(h.rng.Uint64(), 5)) //nolint:gosec // a test's choices
		b := change(side, st.view.files[names[0]])
		for _, name := range names {
			st.view.files[name] = b
		}
		return true
	}
}

// flipBit changes one bit of a letter or digit, so that JSON mostly stays JSON.
func flipBit(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for {
		i := r.IntN(len(b))
		if c := b[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
			b[i] ^= 1
			return b
		}
	}
}

// changeVersion raises the version and leaves the signatures as they are.
func changeVersion(_ *rand.Rand, b []byte) []byte {
	var m map[string]json.RawMessage
	must(json.Unmarshal(b, &m))
	m["signed"] = edited(m["signed"], func(signed map[string]any) {
		n, err := signed["version"].(json.Number).Int64()
		must(err)
		signed["version"] = n + 1
	})
	out, err := json.Marshal(m)
	must(err)
	return out
}

// indented is the same JSON with white space.
func indented(b []byte) []byte {
	var out bytes.Buffer
	must(json.Indent(&out, b, " ", "\t"))
	return out.Bytes()
}

// endless serves a file that does not end.
func endless(h *history, st *step) bool {
	h.fresh(st)
	for _, name := range h.sim.fetched(st.role) {
		st.view.endless[name] = true
	}
	return true
}

// swapped serves the file of one role as that of another.
func swapped(h *history, st *step) bool {
	h.fresh(st)
	other := h.anyRole(h.sim)
	if other == st.role {
		return false
	}
	b := h.sim.files[h.sim.fetched(other)[0]]
	for _, name := range h.sim.fetched(st.role) {
		st.view.files[name] = b
	}
	return true
}

// old returns an earlier state.
func (h *history) old() map[string][]byte {
	return h.states[h.rng.IntN(max(1, len(h.states)-1))]
}

// mixed takes each role's file from some state.
func mixed(h *history, st *step) bool {
	h.advance()
	st.view = newView(h.sim.files)
	for _, role := range []string{"timestamp", "snapshot", "targets"} {
		old := pick(h, h.states)
		for _, name := range h.sim.fetched(role) {
			st.view.files[name] = old["m/"+role+".json"]
		}
	}
	return true
}

// oldFiles serves an old file of one role, under its new names too.
func oldFiles(role string) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = role
		h.advance()
		st.view = newView(h.sim.files)
		b := h.old()["m/"+role+".json"]
		for _, name := range h.sim.fetched(role) {
			st.view.files[name] = b
		}
		return true
	}
}

// oldState serves everything as it once was, but every root.
func oldState(h *history, st *step) bool {
	if h.chance(50) {
		h.advance()
	}
	st.view = newView(h.old())
	for name, b := range h.sim.files {
		if strings.HasSuffix(name, ".root.json") {
			st.view.files[name] = b
		}
	}
	return true
}

// withheldRoot serves everything as it once was, roots too.
func withheldRoot(h *history, st *step) bool {
	if h.sim.rootVersion < 2 {
		h.rotate(h.sim, pick(h, []string{"root", "timestamp"}))
		h.publish()
	}
	st.view = newView(h.old())
	if h.chance(50) { // the present, without the newest roots
		st.view = newView(h.sim.files)
		from := 2 + h.rng.Int64N(h.sim.rootVersion-1)
		for v := from; v <= h.sim.rootVersion; v++ {
			delete(st.view.files, "m/"+strconv.FormatInt(v, 10)+".root.json")
		}
	}
	return true
}

// freeze serves the newest state that clients may know while time goes by, and the
// repository goes on elsewhere.
func freeze(h *history, st *step) bool {
	st.view = newView(h.sim.files)
	h.sim.now = h.sim.now.Add(time.Duration(h.rng.IntN(15*24)) * time.Hour)
	h.advance()
	return true
}

// forbiddenRoot is an object store that answers 403 for what is not there.
func forbiddenRoot(h *history, st *step) bool {
	h.advance()
	st.view = newView(h.sim.files)
	st.view.status["m/"+strconv.FormatInt(h.sim.rootVersion+1, 10)+".root.json"] = http.StatusForbidden
	return true
}

// rootGap hides one root of several.
func rootGap(h *history, st *step) bool {
	first := h.sim.rootVersion + 1
	for range 2 + h.rng.IntN(2) {
		h.rotate(h.sim, pick(h, []string{"root", "timestamp", "targets"}))
		h.sim.publishRoot()
	}
	h.publish()
	st.view = newView(h.sim.files)
	delete(st.view.files, "m/"+strconv.FormatInt(first+h.rng.Int64N(h.sim.rootVersion-first), 10)+".root.json")
	return true
}

// rootAgain serves an old root as the next one.
func rootAgain(h *history, st *step) bool {
	h.advance()
	st.view = newView(h.sim.files)
	v := 1 + h.rng.Int64N(h.sim.rootVersion)
	st.view.files["m/"+strconv.FormatInt(h.sim.rootVersion+1, 10)+".root.json"] = h.sim.files["m/"+strconv.FormatInt(v, 10)+".root.json"]
	return true
}

// targetDamaged serves changed bytes for every target.
func targetDamaged(change func([]byte) []byte) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		h.advance()
		st.view = newView(maps.Clone(h.sim.files))
		for name, b := range st.view.files {
			if !strings.HasPrefix(name, "t/") {
				continue
			}
			if st.view.files[name] = change(b); st.view.files[name] == nil {
				delete(st.view.files, name)
			}
		}
		st.paths = append(st.paths, sortedKeys(h.sim.roles["targets"].files)...)
		return true
	}
}
