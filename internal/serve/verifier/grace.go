package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// passBytes bounds what is remembered of passes for grace: some 30,000 of them.
const passBytes = 8 << 20

// outageMemory is for how long after an outage was seen an answer that is late is put
// down to it.
const outageMemory = 5 * time.Minute

// standing is how a question was judged before, for grace. Replicas share it.
type standing struct {
	// Passed is when it last passed, Ended when it was last judged to anything else.
	Passed time.Time `json:"passed,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	// outage is when it could last not be judged, as this replica saw it.
	outage time.Time
}

// with is what two replicas know together.
func (s standing) with(o standing) standing {
	return standing{newest(s.Passed, o.Passed), newest(s.Ended, o.Ended), newest(s.outage, o.outage)}
}

func newest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// clocks is by how much those of replicas may differ.
const clocks = time.Minute

// graces reports whether a pass stands for what cannot be judged at a moment: one of not
// long before, after which nothing else was found by anybody's clock.
func (s standing) graces(grace time.Duration, at time.Time) bool {
	return !s.Passed.IsZero() && s.Passed.After(s.Ended.Add(clocks)) && !s.Passed.After(at) && at.Before(s.Passed.Add(grace))
}

// graceOf is for how long after a pass a rule lets an image in that cannot be judged, 0
// for not at all.
func graceOf(r policy.Rule) time.Duration { return r.Grace }

// grace lets in what could not be decided where the same question was answered with a
// pass within the rule's grace, and with nothing else since. The same question is the
// same image under the same name, tag and version, by the same policy with all that it
// rests on and the same rule, with the same credentials: an edit of the policy ends all
// grace under it, so that nothing that was added to deny, and no stricter rule, is ever
// graced past.
func (v *Verifier) grace(t task, k *kept, verdict verify.Verdict) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || k.answer.Outcome != serve.Undecided || t.digest == "" {
		return
	}
	before, ok := v.passes.Get(t.passKey())
	if !ok || !before.graces(grace, k.judged) || !outage(verdict, before.outage) {
		return
	}
	end := before.Passed.Add(grace)
	k.answer.Outcome, k.answer.Until = serve.Graced, end
	k.answer.Notices = append(k.answer.Notices, fmt.Sprintf("it could not be judged now; it passed at %s, and the policy lets it in until %s", before.Passed.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339)))
}

// outages are the codes of places that could not be asked. An answer that is of no use,
// too large or a place's word that there is nothing is no outage: whoever may write
// there can make it. Nor is a server that is busy, which whoever asks can make.
var outages = []verify.Code{
	verify.RegistryUnauthorized, verify.RegistryForbidden, verify.RegistryRateLimited, verify.RegistryServerError,
	verify.RegistryUnreachable, verify.RegistryTimeout, verify.RegistryTruncated,
	verify.GitHubUnauthorized, verify.GitHubForbidden, verify.GitHubRateLimited, verify.GitHubServerError,
	verify.GitHubUnreachable, verify.GitHubTimeout, verify.GitHubTruncated,
	verify.TUFForbidden, verify.TUFRateLimited, verify.TUFServerError, verify.TUFUnreachable, verify.TUFTimeout, verify.TUFTruncated,
}

// outage reports whether a verdict is undecided because places could not be asked. One
// that is only late is, where such an outage was seen a moment ago: otherwise the work
// may still find that the image is refused.
func outage(verdict verify.Verdict, seen time.Time) bool {
	undecided := 0
	for _, f := range verdict.Checks {
		switch late := f.Code == verify.ServerLate && !seen.IsZero() && verdict.Run.JudgedAt.Before(seen.Add(outageMemory)); {
		case f.Required && f.Result == verify.Failed:
			return false // which makes the verdict conclusive, and is no outage by itself either
		case !f.Required || f.Result != verify.Errored:
			continue
		case late, slices.Contains(outages, f.Code), f.Code == verify.ReleaseStateUnreadable && f.Class == verify.Transient:
			undecided++
		default:
			return false
		}
	}
	return undecided > 0
}

// judgedBefore remembers for grace what a judgement came to.
func (v *Verifier) judgedBefore(ctx context.Context, t task, k *kept) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || t.digest == "" {
		return
	}
	if k.judgedHere() {
		v.recall(ctx, t) // another replica may have refused meanwhile
	}
	key := t.passKey()
	v.standing.Lock()
	before, known := v.passes.Get(key)
	now := before
	switch {
	case k.conclusive && k.answer.Outcome == serve.Passed:
		now = before.with(standing{Passed: k.judged})
	case k.conclusive && known:
		now = before.with(standing{Ended: k.judged})
	case k.answer.Outcome == serve.Graced:
		now = before.with(standing{outage: k.judged})
	}
	end := newest(now.Passed, now.Ended).Add(grace)
	if now != before {
		v.passes.Set(key, now, 0, end)
	}
	v.standing.Unlock()
	if now == before {
		return
	}
	if v.Store == nil || !k.conclusive || k.elsewhere {
		return
	}
	if b, err := json.Marshal(standing{Passed: now.Passed.UTC(), Ended: now.Ended.UTC()}); err == nil {
		v.Store.Set(ctx, key, b, end)
	}
}

// recall looks for what another replica judged, so that grace needs no store when the
// time has come, and no replica grants it after another has refused.
func (v *Verifier) recall(ctx context.Context, t task) {
	grace := graceOf(t.under.rule)
	if grace <= 0 || v.Store == nil || t.digest == "" {
		return
	}
	key := t.passKey()
	b, ok := v.Store.Get(ctx, key)
	var other standing
	if !ok || json.Unmarshal(b, &other) != nil {
		return
	}
	if other.Passed.After(v.Now()) { // by another clock; a refusal counts all the same
		other.Passed = time.Time{}
	}
	v.standing.Lock()
	defer v.standing.Unlock()
	before, _ := v.passes.Get(key)
	if now := before.with(other); now != before {
		v.passes.Set(key, now, 0, newest(now.Passed, now.Ended).Add(grace))
	}
}
