package verifier

import (
	"context"
	"fmt"
	"sync"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// sameRoot reports whether the policy in force and the shadow mean one trusted root by a
// name.
func (v *Verifier) sameRoot(t task) func(string) bool {
	return func(name string) bool {
		second := t.conf.shadow
		return second != nil && sameRoot(t.by.Policy.Policy.Trust[name], second.Policy.Trust[name])
	}
}

func sameRoot(a, b policy.Trust) bool {
	return a.Builtin == b.Builtin && a.SHA256 == b.SHA256 && a.Thresholds == b.Thresholds
}

// shadow judges by a second policy what the first has judged, on the same evidence, once
// the answer was given. Whatever comes of it is counted and changes nothing.
func (v *Verifier) shadow(ctx context.Context, t task, k *kept, heard judged) {
	second := t.conf.shadow
	if second == nil || v.background.Err() != nil {
		return
	}
	result, found := "error", ""
	defer func() {
		if p := recover(); p != nil {
			v.Log.Error("the shadow policy ended in a panic", "image", t.requested, "panic", fmt.Sprint(p))
			result = "error"
		}
		v.Metrics.Shadowed(named(second.Name), result)
	}()
	// Who has read much keeps others from it until the end, and one of those may have a
	// turn here: it waits for none. There is one such at a time.
	if heard.bytes < freeBytes {
		leave, err := v.shadows.enter(ctx, t.party)
		if err != nil {
			return
		}
		defer leave()
	}
	result, found = v.compare(ctx, t, heard, second)
	if result != "same" && v.differed.first(keyOf(t.name, t.digest, second.Digest, found)) {
		v.Log.Info("the shadow policy answers otherwise", "image", t.asked.Reference.Pinned(t.digest), "shadow", second.Name, "found", found,
			"policy", t.by.Name, "in_force", k.answer.Outcome.String())
	}
}

// compare says how the second verdict differs from the first: "same", "stricter",
// "laxer", or "error" where one of them is undecided, with the second's code.
func (v *Verifier) compare(ctx context.Context, t task, heard judged, second *load.Policy) (result, found string) {
	verdict := verify.Verify(ctx, heard.recorder, t.asked.Reference, second.Policy, second.Trust, t.options(heard.verdict.Run.JudgedAt))
	found = "pass"
	if problems := problemsOf(verdict); len(problems) > 0 {
		found = problems[0].Code
	}
	first := heard.verdict
	switch {
	case first.Passed() == verdict.Passed() && first.Conclusive == verdict.Conclusive:
		return "same", found
	case !first.Conclusive || !verdict.Conclusive:
		return "error", found
	case first.Passed():
		return "stricter", found
	}
	return "laxer", found
}

// differences are verdicts that were said to differ already.
type differences struct {
	mu   sync.Mutex
	seen map[cache.Key]bool
}

// maxDifferences is how many are remembered.
const maxDifferences = 4096

// first reports whether a difference was not said yet.
func (d *differences) first(key cache.Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[key] {
		return false
	}
	if d.seen == nil || len(d.seen) >= maxDifferences {
		d.seen = map[cache.Key]bool{}
	}
	d.seen[key] = true
	return true
}
