package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/policy"
)

// passBytes bounds what is remembered of passes for grace: some 30,000 of them.
const passBytes = 8 << 20

// graceOf is for how long after a pass a rule lets an image in that cannot be judged, 0
// for not at all.
func graceOf(r policy.Rule) time.Duration { return r.Grace }

// grace lets in what could not be decided where the same question was answered with a
// pass within the rule's grace. The same question is the same image under the same name,
// tag and version, by the same policy with all that it rests on and the same rule, with
// the same credentials: an edit of the policy ends all grace under it, so that nothing
// that was added to deny, and no stricter rule, is ever graced past.
func (v *Verifier) grace(t task, k *kept) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || k.answer.Outcome != serve.Undecided || t.digest == "" {
		return
	}
	passed, ok := v.passes.Get(t.passKey())
	end := passed.Add(grace)
	if !ok || passed.After(k.judged) || !k.judged.Before(end) {
		return
	}
	k.answer.Outcome, k.answer.Until = serve.Graced, end
	k.answer.Notices = append(k.answer.Notices, fmt.Sprintf("it could not be judged now; it passed at %s, and the policy lets it in until %s", passed.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339)))
}

// passed remembers a pass for grace.
func (v *Verifier) passed(ctx context.Context, t task, at time.Time) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || t.digest == "" {
		return
	}
	key := t.passKey()
	if before, ok := v.passes.Get(key); ok && before.After(at) {
		return
	}
	v.passes.Set(key, at, 0, at.Add(grace))
	if v.Store == nil {
		return
	}
	if b, err := json.Marshal(at.UTC()); err == nil {
		v.Store.Set(ctx, key, b, at.Add(grace))
	}
}

// recall looks for a pass that another replica saw, so that grace needs no store when
// the time has come.
func (v *Verifier) recall(ctx context.Context, t task) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || v.Store == nil || t.digest == "" {
		return
	}
	key := t.passKey()
	if _, ok := v.passes.Get(key); ok {
		return
	}
	b, ok := v.Store.Get(ctx, key)
	var at time.Time
	if !ok || json.Unmarshal(b, &at) != nil || at.After(v.Now()) {
		return
	}
	v.passes.Set(key, at, 0, at.Add(grace))
}
