package tufclient_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	tuf "github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// pair are both clients, each with a folder of its own.
type pair struct {
	h          *history
	base       string
	resets     int
	goDir, dir string
	// agreed are the keys of timestamp and snapshot with which both last accepted the same;
	// unsettled says that one of them has gone since.
	agreed    map[string]bool
	unsettled bool
	// spoilt are go-tuf's files that a step changed, with what it put there; lost says that
	// both have not accepted the same since.
	spoilt map[string][]byte
	lost   bool
}

// reset gives both clients empty folders.
func (p *pair) reset() {
	p.resets++
	base := filepath.Join(p.base, fmt.Sprint(p.resets))
	p.goDir, p.dir = filepath.Join(base, "go"), filepath.Join(base, "our")
	p.unsettled, p.lost, p.agreed, p.spoilt = false, false, nil, map[string][]byte{}
	for _, d := range []string{p.goDir, p.dir} {
		must(os.MkdirAll(d, 0o700))
	}
}

// comparison is one step as both clients decided it.
type comparison struct {
	p  *pair
	st *step
	// theirs is go-tuf's decision, ours this project's.
	theirs, ours outcome
	// spoilt says that go-tuf met a file that a step had changed or removed; lost and
	// unsettled are the pair's.
	spoilt, lost, unsettled bool
	// took says that go-tuf keeps the step's file of the role, which ours refused.
	took bool
	// find is the target about which they differ, or -1 where it is the refresh.
	find int
}

func (c *comparison) String() string {
	s := fmt.Sprintf("step %s (%s): go-tuf %s, ours %s", c.st.name, c.st.role, c.theirs.word(), c.ours.word())
	if c.find >= 0 {
		a, b := c.theirs.finds[c.find], c.ours.finds[c.find]
		s += fmt.Sprintf("\n  %s\n  go-tuf %s %s (%v)\n  ours   %s %s (%v)", a.path, a.answer, a.bytes, a.err, b.answer, b.bytes, b.err)
	}
	return s + fmt.Sprintf("\n  requests of go-tuf %v\n  requests of ours   %v", c.theirs.requests, c.ours.requests)
}

func (o outcome) word() string {
	switch {
	case o.panicked != nil:
		return fmt.Sprintf("panics (%v)", o.panicked)
	case o.err != nil:
		return fmt.Sprintf("refuses (%v)", o.err)
	}
	return fmt.Sprintf("accepts %v", o.versions)
}

// step lets both clients see a step and returns every point on which they differ.
func (p *pair) step(st *step) (c comparison, points []int) {
	c = comparison{p: p, st: st}
	if st.cache != nil {
		if name := spoil(p.goDir, st.role, st.cache); name != "" {
			p.spoilt[name], _ = os.ReadFile(name)
			p.lost = true
		}
		spoil(p.dir, st.role, st.cache)
	}
	c.spoilt = p.meetsSpoilt()
	c.theirs, c.ours = p.h.askGo(p.goDir, st), p.h.ask(p.dir, st, nil)
	c.took = c.tookRefused()
	now := p.rootHolders()
	for holder := range p.agreed {
		p.unsettled = p.unsettled || !now[holder]
	}
	c.lost, c.unsettled = p.lost, p.unsettled
	defer func() {
		both := !c.theirs.refused() && !c.ours.refused()
		if p.agreed == nil || both {
			p.agreed, p.unsettled = now, false
		}
		p.lost = p.lost && !both
	}()
	if c.refreshDiffers() {
		return c, []int{-1}
	}
	for i, a := range c.theirs.finds {
		if b := c.ours.finds[i]; a.answer != b.answer || a.bytes != b.bytes {
			points = append(points, i)
		}
	}
	return c, points
}

// meetsSpoilt reports whether a changed file is still as a step left it.
func (p *pair) meetsSpoilt() bool {
	for name, b := range p.spoilt {
		now, _ := os.ReadFile(name) // nil where it was removed
		if bytes.Equal(now, b) {
			return true
		}
		delete(p.spoilt, name)
	}
	return false
}

// refreshDiffers compares the decisions, and what is trusted in the end, which matters
// to the next step even where both refuse.
func (c *comparison) refreshDiffers() bool {
	a, b := c.theirs, c.ours
	switch {
	case a.panicked != nil, c.took, staleSnapshot(c), a.refused() != b.refused(), !maps.Equal(a.versions, b.versions), !maps.Equal(a.digests, b.digests):
		return true
	case a.trusted == nil || b.root == 0:
		return false
	}
	const timestamp = "m/timestamp.json"
	one, other := slices.Contains(a.requests, timestamp), slices.Contains(b.requests, timestamp)
	return a.rootSHA256 != b.rootSHA256 || other && !one && b.timestamp > 0 || one && other && a.timestamp != b.timestamp
}

// tookRefused reports whether go-tuf keeps a file that ours refused for its form.
func (c *comparison) tookRefused() bool {
	var why *metadata.Error
	if c.st.forked == nil || !errors.As(c.ours.err, &why) || why.Role != c.st.role || why.Kind != metadata.Malformed && why.Kind != metadata.TooLarge {
		return false
	}
	kept, err := os.ReadFile(filepath.Join(c.p.goDir, "m", url.PathEscape(c.st.role)+".json"))
	return err == nil && bytes.Equal(kept, c.st.view.files[c.st.forked.fetched(c.st.role)[0]])
}

// rootHolders are the keys of timestamp and snapshot by the root that ours keeps.
func (p *pair) rootHolders() map[string]bool {
	out := map[string]bool{}
	b, _ := os.ReadFile(filepath.Join(p.dir, "root.json"))
	root, err := tuf.Root().FromBytes(b)
	if err != nil {
		return out
	}
	for _, role := range []string{"timestamp", "snapshot"} {
		if root.Signed.Roles[role] == nil {
			continue
		}
		for _, id := range root.Signed.Roles[role].KeyIDs {
			if key := root.Signed.Keys[id]; key != nil {
				out[role+" "+key.Value.PublicKey] = true
			}
		}
	}
	return out
}

// tally counts what histories went through.
type tally struct {
	mu        sync.Mutex
	histories int
	// accepted and refused are by kind of step, names by difference.
	accepted, refused, names map[string]int
	finds                    map[string]int
	// reasons are the kinds of errors by kind of step.
	reasons map[string]map[string]int
	// strange are differences without a name, by what they have in common.
	strange map[string][]string
}

func newTally() *tally {
	return &tally{accepted: map[string]int{}, refused: map[string]int{}, names: map[string]int{}, finds: map[string]int{}, reasons: map[string]map[string]int{}, strange: map[string][]string{}}
}

// count adds our decision of one step.
func (t *tally) count(st *step, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.refused() {
		t.refused[st.name]++
	} else {
		t.accepted[st.name]++
	}
	for _, f := range o.finds {
		word, _, _ := strings.Cut(f.answer, " ")
		t.finds[word]++
	}
	if t.reasons[st.name] == nil {
		t.reasons[st.name] = map[string]int{}
	}
	t.reasons[st.name][reason(o)]++
}

func (t *tally) difference(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[name]++
}

// unexplained notes a difference that has no name.
func (t *tally) unexplained(seed uint64, c *comparison, path []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	class := fmt.Sprintf("%s (go-tuf %s, ours %s)", c.st.name, theirReason(c.theirs), reason(c.ours))
	if c.find >= 0 {
		a, _, _ := strings.Cut(c.theirs.finds[c.find].answer, " ")
		b, _, _ := strings.Cut(c.ours.finds[c.find].answer, " ")
		class += fmt.Sprintf(": go-tuf finds %s, ours %s", a, b)
	}
	t.strange[class] = append(t.strange[class], fmt.Sprintf("seed %d, %s: %s", seed, strings.Join(path, ", "), c))
}

func theirReason(o outcome) string {
	switch {
	case o.panicked != nil:
		return "panics"
	case o.err != nil:
		return fmt.Sprintf("%T", o.err)
	}
	return "accepted"
}

// complain fails the test for each class of differences that have no name.
func (t *tally) complain(tb testing.TB) {
	tb.Helper()
	for _, class := range sortedKeys(t.strange) {
		list := t.strange[class]
		tb.Errorf("%d times: %s\n%s", len(list), class, strings.Join(list[:min(2, len(list))], "\n"))
	}
}

// log writes the table of steps.
func (t *tally) log(tb testing.TB) {
	tb.Helper()
	var accepted, refused int
	for _, k := range allKinds() {
		accepted += t.accepted[k.name]
		refused += t.refused[k.name]
		tb.Logf("%-26s accepted %5d  refused %5d  %s", k.name, t.accepted[k.name], t.refused[k.name], listed(t.reasons[k.name]))
	}
	tb.Logf("%d histories, %d steps: %d accepted, %d refused; targets: %s", t.histories, accepted+refused, accepted, refused, listed(t.finds))
	for _, name := range sortedKeys(t.names) {
		tb.Logf("difference %-30s %5d", name, t.names[name])
	}
}

// listed shows counts, largest first.
func listed(m map[string]int) string {
	names := sortedKeys(m)
	sort.SliceStable(names, func(i, j int) bool { return m[names[i]] > m[names[j]] })
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%s %d", n, m[n]))
	}
	return strings.Join(out, ", ")
}

// allKinds are the steps of every history.
func allKinds() []kind {
	var out []kind
	for _, l := range [][]kind{honestKinds(), mirrorKinds(), signedKinds(), formKinds(), cacheKinds()} {
		out = append(out, l...)
	}
	return out
}
