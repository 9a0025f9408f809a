package tufclient_test

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// universe are the paths that targets have and clients ask for.
var universe = []string{
	"top.txt", "a/one.txt", "a/two.txt", "b/one.txt", "b/deep/x.txt", "b/sp ace.txt", "b/ü.txt", "rel/v1.json", "rel/v2.json",
}

// history is a repository that goes through steps, honest ones and attacks. It is made
// of its seed alone: nothing in it depends on what clients answer.
type history struct {
	seed uint64
	rng  *rand.Rand
	sim  *simulator
	// states are the files of every honest publication, oldest first.
	states []map[string][]byte
	// portable leaves steps out that have no meaning for identities.
	portable bool
	// keepRoot hands go-tuf the newest root that it kept, as careful users do; without
	// it go-tuf gets the pinned one every time.
	keepRoot bool
	pinned   []byte
	names    int
}

// step is one thing that happens, and what both clients then see.
type step struct {
	name string
	// role is whose metadata it is about, if it is about one.
	role  string
	view  *view
	paths []string
	// cache changes the file of the role that a client keeps; nil for the result means
	// that it is removed.
	cache func([]byte) []byte
	// forked is the repository that the view shows, where it is not the honest one.
	forked *simulator
}

// view is what a mirror serves.
type view struct {
	files  map[string][]byte
	status map[string]int
	// endless makes a file longer than any limit.
	endless map[string]bool
}

func newView(files map[string][]byte) *view {
	return &view{files: maps.Clone(files), status: map[string]int{}, endless: map[string]bool{}}
}

// get returns a file or an HTTP status.
func (v *view) get(name string) ([]byte, int) {
	if status := v.status[name]; status != 0 {
		return nil, status
	}
	if b, ok := v.files[name]; ok {
		return b, http.StatusOK
	}
	return nil, http.StatusNotFound
}

// newestRoot is the last root of the unbroken chain that is served.
func (v *view) newestRoot() int64 {
	n := int64(1)
	for {
		if _, status := v.get("m/" + strconv.FormatInt(n+1, 10) + ".root.json"); status != http.StatusOK {
			return n
		}
		n++
	}
}

// newHistory begins a history with a small repository.
func newHistory(seed uint64, r *ring, portable bool) *history {
	h := &history{seed: seed, rng: rand.New(rand.NewPCG(seed, 4)), portable: portable} //nolint:gosec // a test's choices
	h.keepRoot = h.chance(50)
	h.sim = newSimulator(r, h.rng.IntN(ringSize))
	h.sim.consistent, h.sim.metaHashes, h.sim.metaLengths = h.chance(70), h.chance(60), h.chance(40)
	h.sim.lengthsAlone = !portable
	for range 1 + h.rng.IntN(3) {
		h.putTarget(h.sim, "targets")
	}
	if h.chance(60) {
		h.delegate(h.sim, "targets")
	}
	h.sim.publish()
	h.pinned = h.sim.files["m/1.root.json"]
	h.remember()
	return h
}

func (h *history) chance(percent int) bool { return h.rng.IntN(100) < percent }

// pick returns one of a list.
func pick[T any](h *history, list []T) T { return list[h.rng.IntN(len(list))] }

// remember keeps the honest repository's state for mirrors that show old ones.
func (h *history) remember() { h.states = append(h.states, maps.Clone(h.sim.files)) }

// next makes one step of a kind and says whether there can be one now.
func (h *history) next(k kind) (*step, bool) {
	h.sim.now = h.sim.now.Add(time.Duration(h.rng.IntN(36*60)) * time.Minute)
	st := &step{name: k.name}
	if !k.make(h, st) {
		return nil, false
	}
	if st.view == nil {
		st.view = newView(h.sim.files)
	}
	for len(st.paths) < 2 {
		st.paths = append(st.paths, pick(h, universe))
	}
	return st, true
}

// publish publishes honestly.
func (h *history) publish() {
	h.sim.publish()
	h.remember()
}

// advance changes a little and publishes, so that clients have something to fetch.
func (h *history) advance() {
	for range 1 + h.rng.IntN(2) {
		h.putTarget(h.sim, h.targetsRole(h.sim))
	}
	h.publish()
}

// fork is the repository in the hands of an attacker. Publish it with [history.show].
func (h *history) fork() *simulator { return h.sim.clone() }

// show publishes a fork, and serves it in this step alone.
func (h *history) show(st *step, f *simulator) {
	f.publish()
	st.forked, st.view = f, newView(f.files)
}

// adopt makes a fork the repository: it then signs everything anew.
func (h *history) adopt(f *simulator) {
	h.sim = f
	for name := range f.roles {
		f.touch(name)
	}
	f.touch("snapshot")
}

// delegated returns a delegated role that someone delegates to, or "".
func (h *history) delegated(s *simulator) string {
	var names []string
	for _, name := range sortedKeys(s.roles) {
		if name != "targets" && len(s.signers(name)) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return pick(h, names)
}

// targetsRole returns targets or a delegated role.
func (h *history) targetsRole(s *simulator) string {
	if name := h.delegated(s); name != "" && h.chance(50) {
		return name
	}
	return "targets"
}

// lowRole returns a role that is not root.
func (h *history) lowRole(s *simulator) string {
	if h.chance(30) {
		return h.targetsRole(s)
	}
	return pick(h, []string{"timestamp", "snapshot", "targets"})
}

// anyRole returns any role, root now and then.
func (h *history) anyRole(s *simulator) string {
	if h.chance(25) {
		return "root"
	}
	return h.lowRole(s)
}

// putTarget adds or changes a target in a role.
func (h *history) putTarget(s *simulator, role string) {
	p := pick(h, universe)
	content := "content of " + p // mostly the same wherever it is listed: plain names are shared
	if h.chance(30) {
		content = "content " + strconv.Itoa(h.rng.IntN(1000)) + strings.Repeat(".", h.rng.IntN(40))
	}
	s.roles[role].files[p] = simFile{content: content, sha512: h.chance(20)}
	s.touch(role)
}

// newName is a name for a delegated role.
func (h *history) newName() string {
	h.names++
	n := strconv.Itoa(h.names)
	return pick(h, []string{"r" + n, "r" + n, "r" + n, "team/r" + n, "r ü" + n, "..r" + n})
}

// globs are patterns for delegations, wide and narrow.
var globs = []string{"a/*", "b/*", "*", "*/*", "b/deep/*", "*.txt", "a/one.txt", "rel/v?.json", "?/one.txt", "rel/*", "b/[a-o]*.txt", "*/*/*"}

// delegate adds a delegation by path patterns to a role and returns the new role's name.
func (h *history) delegate(s *simulator, to string) string {
	d := simDelegation{name: h.newName(), role: s.newRole(1, 1), terminating: h.chance(15)}
	for range 1 + h.rng.IntN(2) {
		d.paths = append(d.paths, pick(h, globs))
	}
	h.addDelegation(s, to, d)
	return d.name
}

// addDelegation adds a delegation, and the role with a target or two.
func (h *history) addDelegation(s *simulator, to string, d simDelegation) {
	r := s.roles[to]
	r.bins = nil
	r.delegations = append(r.delegations, d)
	if s.roles[d.name] == nil {
		s.roles[d.name] = &simTargets{files: map[string]simFile{}}
		h.putTarget(s, d.name)
		h.putTarget(s, d.name)
	}
	s.touch(to, d.name)
}
