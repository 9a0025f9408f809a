package tufclient_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// length is how many steps a history has.
func (h *history) length() int { return 4 + h.rng.IntN(6) }

// schedule lists kinds as often as they weigh.
func schedule() []kind {
	var out []kind
	for _, k := range allKinds() {
		for range k.weight {
			out = append(out, k)
		}
	}
	return out
}

// nextStep makes the next step of a history.
func (h *history) nextStep(kinds []kind) *step {
	for {
		if st, ok := h.next(pick(h, kinds)); ok {
			return st
		}
	}
}

// reason is why ours refused, as a kind of error.
func reason(o outcome) string {
	var m *metadata.Error
	var f *tufclient.FetchError
	var s *tufclient.StateError
	switch {
	case o.panicked != nil:
		return "panic"
	case o.err == nil:
		return "accepted"
	case errors.As(o.err, &m):
		return string(m.Kind)
	case errors.As(o.err, &f):
		return "fetch " + string(f.Kind)
	case errors.As(o.err, &s):
		return "state"
	}
	return "other"
}

// eachSeed calls f for many seeds on several goroutines, or for the one of ASSAY_SEED.
func eachSeed(t *testing.T, n int, f func(seed uint64)) {
	t.Helper()
	if one := os.Getenv("ASSAY_SEED"); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			t.Fatalf("read ASSAY_SEED: %v", err)
		}
		f(seed)
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // many short lives
	var next atomic.Uint64
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for seed := next.Add(1); seed <= uint64(n) && !t.Failed(); seed = next.Add(1) { //nolint:gosec // small
				f(seed)
			}
		})
	}
	group.Wait()
}

// number is how many histories a test goes through: fewer with -short, and as many as
// ASSAY_HISTORIES says, for a long run by hand.
func number(t *testing.T, n int) int {
	t.Helper()
	if testing.Short() {
		n = max(1, n/10)
	}
	if many, err := strconv.Atoi(os.Getenv("ASSAY_HISTORIES")); err == nil {
		n = many
	}
	t.Log(shown(n))
	return n
}

// shown are the seeds of a run in words.
func shown(n int) string {
	if one := os.Getenv("ASSAY_SEED"); one != "" {
		return "seed " + one
	}
	return fmt.Sprintf("seeds 1 to %d; ASSAY_SEED=N runs one", n)
}

// scratch is a folder for what clients keep, in memory where the system has such a place:
// both clients write many small files.
func scratch(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		if dir, err := os.MkdirTemp(memory, "histories"); err == nil {
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return dir
		}
	}
	return filepath.Join(t.TempDir(), "histories")
}
