package verifier

import (
	"context"
	"fmt"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// Verify implements serve.Verifier. What is remembered is answered at once; everything
// else is work in the background that is waited for as long as the caller and the
// settings let it.
func (v *Verifier) Verify(ctx context.Context, q serve.Question) (a serve.Answer) {
	var t task
	defer func() {
		if p := recover(); p != nil {
			v.Log.Error("a question ended in a panic", "image", t.requested, "panic", fmt.Sprint(p))
			a = refusal(t, v.Now(), verify.InternalPanic, "answering ended in a panic")
		}
	}()
	t = v.task(q)
	if v.Client != nil {
		t.party.client = v.Client(ctx)
	}
	switch {
	case t.by == nil:
		return v.unnamed(t)
	case !t.under.ok, t.over(v.Now()):
		k, remembered := v.ruleless(t)
		return v.tell(t, k, remembered)
	case !q.Tenant.IsZero() && v.Tenants != nil:
		return v.wait(ctx, t)
	}
	if k := v.remembered(&t); k != nil {
		return v.tell(t, k, true)
	}
	return v.wait(ctx, t)
}

// Remembered is the answer that is in memory: it waits for nothing and asks nobody. ok is
// false where there is none, and wherever more has to be found out; then it is Verify's.
func (v *Verifier) Remembered(q serve.Question) (a serve.Answer, ok bool) {
	if q.Fresh || !q.Tenant.IsZero() && v.Tenants != nil {
		return serve.Answer{}, false
	}
	t, now := v.task(q), v.Now()
	if t.by == nil || !t.under.ok || t.over(now) {
		return serve.Answer{}, false
	}
	tagged := t.digest == ""
	if tagged {
		known, ok := v.tags.Get(t.tagKey())
		if !ok || known.at.After(now) {
			return serve.Answer{}, false
		}
		t.digest = known.digest
	}
	k, ok := v.verdicts.Get(t.key())
	if !ok || !k.lasts(now) {
		return serve.Answer{}, false
	}
	if tagged {
		v.Metrics.Cached("tag", "hit")
	}
	v.Metrics.Cached("memory", "hit")
	return v.tell(t, k, true), true
}

// ruleless is the answer about an image without a rule, or under a policy that has
// ended. Nothing is asked for it, and it is remembered apart: whoever names thousands of
// such images displaces no verdict that took work.
func (v *Verifier) ruleless(t task) (k *kept, remembered bool) {
	now := v.Now()
	if k, ok := v.unruled.Get(t.key()); ok && k.lasts(now) && !t.fresh {
		v.Metrics.Cached("memory", "hit")
		return k, true
	}
	k = v.finish(t, verify.Verify(context.Background(), nowhere{}, t.asked.Reference, t.by.Policy.Policy, t.by.Trust, t.options(now)), now)
	if !k.until.IsZero() {
		v.unruled.Set(t.key(), k, k.weight(), k.until)
	}
	return k, false
}

// nowhere is a source that is never asked.
type nowhere struct{}

func (nowhere) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return verify.Image{}, &verify.Failure{Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: ref.Name(), Detail: "nothing is asked for this image"}
}

func (n nowhere) Collect(ctx context.Context, image verify.Image, _ verify.Want) verify.Evidence {
	_, err := n.Resolve(ctx, image.Reference)
	f, _ := err.(*verify.Failure) //nolint:errorlint // made above
	return verify.Evidence{Failures: []verify.Failure{*f}}
}

// remembered is the answer that is remembered, nil where there is none. It completes the
// question by the digest of its tag, where that is remembered.
func (v *Verifier) remembered(t *task) *kept {
	if t.fresh {
		return nil
	}
	if t.digest == "" {
		if d, ok := v.tag(*t); ok {
			t.digest = d
		}
	}
	k, ok := v.verdicts.Get(t.key())
	switch {
	case !ok:
		v.Metrics.Cached("memory", "miss")
		return nil
	case !k.lasts(v.Now()):
		v.Metrics.Cached("memory", "stale")
		return nil
	}
	v.Metrics.Cached("memory", "hit")
	return k
}

// wait gets the answer from work in the background, or answers that it is late.
func (v *Verifier) wait(ctx context.Context, t task) serve.Answer {
	ctx, cancel := v.patience(ctx)
	defer cancel()
	if !t.asked.Tenant.IsZero() && v.Tenants != nil {
		if k := v.identify(ctx, &t); k != nil {
			return v.tell(t, k, false)
		}
		if k := v.remembered(&t); k != nil {
			return v.tell(t, k, true)
		}
	}
	f, first := v.work(t)
	if f == nil {
		return v.tell(t, v.undecided(t, verify.ServerBusy, verify.Transient, "the server is being stopped"), false)
	}
	defer f.leave()
	select {
	case <-f.done:
		return v.landed(t, f, !first)
	case <-ctx.Done():
	}
	select {
	case <-f.done:
		return v.landed(t, f, !first)
	default:
	}
	if t.digest == "" && !t.fresh {
		t.digest, _ = v.tag(t) // it may have been resolved by now
	}
	k := v.undecided(t, verify.ServerLate, verify.Transient, "the answer was due before the judgement was made; it goes on, and the next answer may be there at once")
	a := v.tell(t, k, false)
	a.Late = true
	return a
}

// landed is the answer that a piece of work came to.
func (v *Verifier) landed(t task, f *flight[*kept], shared bool) serve.Answer {
	if f.value == nil {
		v.Log.Error("a verification ended in a panic", "image", t.requested, "panic", fmt.Sprint(f.panicked))
		return v.tell(t, v.undecided(t, verify.InternalPanic, verify.Definitive, "judging ended in a panic"), false)
	}
	return v.tell(t, f.value, shared)
}

// work starts to judge, or joins whoever does.
func (v *Verifier) work(t task) (f *flight[*kept], first bool) {
	whole := func(f *flight[*kept]) (*kept, func()) { return v.judge(t, f, nil) }
	if t.digest == "" {
		whole = func(f *flight[*kept]) (*kept, func()) { return v.resolveAndJudge(t, f), nil }
	}
	switch {
	case t.fresh:
		return alone(v.spawn, nil, whole), true
	case t.digest == "":
		return v.asking.join(t.key(), v.spawn, nil, whole)
	}
	return v.judging.join(t.key(), v.spawn, nil, whole)
}

// margin is what is left of a caller's deadline for making the answer that it is late.
// The way back to who asked is the doors' to think of.
const margin = 100 * time.Millisecond

// patience bounds the wait by the caller's deadline and the settings'.
func (v *Verifier) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithTimeout(ctx, v.limits.Deadline)
	}
	earlier, cancel := context.WithDeadline(ctx, end.Add(-margin))
	ctx, stop := context.WithTimeout(earlier, v.limits.Deadline)
	return ctx, func() { stop(); cancel() }
}

// tell gives an answer to one who asked, and counts it.
func (v *Verifier) tell(t task, k *kept, remembered bool) serve.Answer {
	a := k.answer
	a.Remembered = remembered || k.elsewhere
	if k.private && !t.asked.Tenant.IsZero() {
		a = discreet(a)
	}
	switch a.Outcome {
	case serve.Graced:
		v.Metrics.Graced(named(a.Policy))
	case serve.Excepted:
		v.Metrics.Excepted(named(a.Policy))
	case serve.Audited:
		v.Metrics.Audited(named(a.Policy))
	default:
	}
	return a
}

// escaped is foreign text for a log.
func escaped(s string) string { return report.Escape(s, 500) }
