package verifier

import (
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// lifetime is until when an answer may be remembered, if what it rests on was seen at
// the moment seen: the zero time where it may not at all. It ends when the verdict says
// so itself, and when the policy, an exception, the audit mode or grace ends.
func (v *Verifier) lifetime(t task, verdict verify.Verdict, k *kept, seen time.Time) time.Time {
	life := v.limits.CacheFail
	switch {
	case verdict.Hypothetical:
		return time.Time{}
	case !k.conclusive || k.answer.Outcome == serve.Graced:
		life = v.limits.CacheError
	case k.answer.Outcome == serve.Passed:
		life = v.limits.CachePass
	}
	if life <= 0 {
		return time.Time{}
	}
	until := seen.Add(life)
	ends := []time.Time{k.answer.Until}
	if t.by != nil && t.by.Expires.After(k.judged) {
		ends = append(ends, t.by.Expires)
	}
	for _, end := range []*time.Time{verdict.ValidUntil, verdict.EnforcedFrom} {
		if end != nil {
			ends = append(ends, *end)
		}
	}
	if verdict.Exception != nil {
		ends = append(ends, verdict.Exception.Expires)
	}
	for _, end := range ends {
		if !end.IsZero() && end.Before(until) {
			until = end
		}
	}
	return until
}

// lasts reports whether an answer may still be given.
func (k *kept) lasts(now time.Time) bool {
	return now.Before(k.until) && !k.judged.After(now)
}
