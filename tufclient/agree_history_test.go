package tufclient_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// histories is how many the tests go through.
const histories = 2000

// TestHistoriesAgainstGoTUF lets go-tuf's client and this one live through the same
// histories of repositories. They must decide alike at each step, refresh and lookups,
// but for the differences that are listed by name.
func TestHistoriesAgainstGoTUF(t *testing.T) {
	n := number(t, histories)
	counts, kinds, dir := newTally(), schedule(), scratch(t)
	eachSeed(t, n, func(seed uint64) {
		runPair(t, seed, kinds, filepath.Join(dir, fmt.Sprint(seed)), counts)
	})
	counts.log(t)
	counts.complain(t)
	if os.Getenv("ASSAY_SEED") != "" || n < histories {
		return
	}
	for _, k := range kinds {
		if counts.accepted[k.name]+counts.refused[k.name] == 0 {
			t.Errorf("no history had a step %s", k.name)
		}
	}
	for _, d := range differences() {
		if counts.names[d.name] == 0 {
			t.Errorf("difference %q never came: is it mended?", d.name)
		}
	}
}

// runPair lets both clients live through one history.
func runPair(t *testing.T, seed uint64, kinds []kind, base string, counts *tally) {
	t.Helper()
	defer os.RemoveAll(base)
	h := newHistory(seed, rings()["ordinary"], false)
	p := &pair{h: h, base: base}
	p.reset()
	var path []string
	for range h.length() {
		st := h.nextStep(kinds)
		path = append(path, st.name)
		c, points := p.step(st)
		counts.count(st, c.ours)
		if c.ours.panicked != nil {
			t.Errorf("seed %d, %v: ours panics: %v", seed, path, c.ours.panicked)
			return
		}
		if name := asksTwice(c.ours.served); name != "" {
			t.Errorf("seed %d, %v: ours asks twice for %s", seed, path, name)
			return
		}
		for _, c.find = range points {
			name := nameOf(&c)
			if name == "" {
				counts.unexplained(seed, &c, path)
				return
			}
			counts.difference(name)
		}
		if len(points) > 0 {
			p.reset()
		}
	}
	counts.mu.Lock()
	counts.histories++
	counts.mu.Unlock()
}

// asksTwice returns a file of metadata that was given twice in one run, or "".
func asksTwice(served []string) string {
	seen := map[string]bool{}
	for _, name := range served {
		if strings.HasPrefix(name, "m/") && seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

// nameOf returns the name of a difference, or "".
func nameOf(c *comparison) string {
	for _, d := range differences() {
		if d.is(c) {
			return d.name
		}
	}
	return ""
}
