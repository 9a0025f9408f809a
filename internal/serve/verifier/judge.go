package verifier

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/verify"
)

// tagged is the digest that a tag was resolved to, and when.
type tagged struct {
	digest string
	at     time.Time
}

// tagBytes bounds what is remembered of tags: some 15,000 of them.
const tagBytes = 4 << 20

// tag is the digest of the question's tag, if it is remembered.
func (v *Verifier) tag(t task) (string, bool) {
	known, ok := v.tags.Get(t.tagKey())
	if !ok || known.at.After(v.Now()) {
		v.Metrics.Cached("tag", "miss")
		return "", false
	}
	v.Metrics.Cached("tag", "hit")
	return known.digest, true
}

// resolution is how resolving a tag ended, and what it was resolved through, which the
// verification may go on with.
type resolution struct {
	image   verify.Image
	failure *verify.Failure
	at      time.Time
	opened  *opened
}

// opened is what one verification asks through: a session with each registry, a budget
// for all.
type opened struct {
	*load.Source
	budget *budget.Budget
	taken  atomic.Bool
}

// open begins to ask for a question.
func (v *Verifier) open(t task) *opened {
	limits := budget.Default()
	limits.Time, limits.Room = v.limits.Verification, v.room
	b := budget.New(limits, budget.Clock{})
	o := release.Options{Dir: v.tufDir()}
	if v.Floors != nil {
		o.Floors = v.Floors
	}
	if !t.fresh {
		o.Shared = v.shared
	}
	return &opened{budget: b, Source: t.conf.access.Source(load.SourceOptions{Budget: b, Tenant: t.secrets.keychain(), Release: o})}
}

// take is what was opened for whoever asks first, and nil for others.
func (o *opened) take() *opened {
	if o == nil || !o.taken.CompareAndSwap(false, true) {
		return nil
	}
	return o
}

// resolve asks the registry what the tag points to.
func (v *Verifier) resolve(t task) *resolution {
	if !t.fresh {
		if d, ok := v.tag(t); ok {
			return &resolution{image: verify.Image{Digest: d}}
		}
	}
	ctx, cancel := context.WithTimeout(v.background, v.limits.Verification)
	defer cancel()
	leave, err := v.line.enter(ctx, t.party)
	if err != nil {
		return &resolution{failure: busy(t)}
	}
	defer leave()
	r := &resolution{opened: v.open(t), at: v.Now()}
	defer r.opened.budget.Release()
	if r.image, err = r.opened.Resolve(ctx, t.asked.Reference); err != nil {
		if !errors.As(err, &r.failure) {
			r.failure = &verify.Failure{Code: verify.RegistryUnreachable, Class: verify.Transient, Place: t.requested, Detail: err.Error()}
		}
		return r
	}
	if life := v.limits.CacheTag; life > 0 {
		v.tags.Set(t.tagKey(), tagged{r.image.Digest, r.at}, int64(len(r.image.Digest)), r.at.Add(life))
	}
	return r
}

func busy(t task) *verify.Failure {
	return &verify.Failure{Code: verify.ServerBusy, Class: verify.Transient, Place: t.requested, Detail: errBusy.Error()}
}

// resolveAndJudge answers a question about a tag whose digest is not known.
func (v *Verifier) resolveAndJudge(t task, f *flight[*kept]) *kept {
	run := func(*flight[*resolution]) (*resolution, func()) { return v.resolve(t), nil }
	r := v.resolving.work(t.fresh, t.tagKey(), v.spawn, &f.waiting, run)
	if r == nil {
		return v.unresolved(t, busy(t), "")
	}
	<-r.done
	if r.value == nil {
		return v.undecided(t, verify.InternalPanic, verify.Definitive, fmt.Sprintf("resolving the image ended in a panic: %v", r.panicked))
	}
	if failure := r.value.failure; failure != nil {
		k := v.unresolved(t, failure, "")
		k.private = r.value.opened != nil && r.value.opened.Used(load.Server)
		if failure.Code == verify.ServerBusy {
			k.until = time.Time{}
		}
		v.keep(t, k)
		return k
	}
	t.digest = r.value.image.Digest
	goOn := func(one *flight[*kept]) (*kept, func()) { return v.judge(t, one, r.value) }
	one := v.judging.work(t.fresh, t.key(), v.spawn, &f.waiting, goOn)
	if one == nil {
		return v.unresolved(t, busy(t), "")
	}
	<-one.done
	if one.value == nil {
		return v.undecided(t, verify.InternalPanic, verify.Definitive, fmt.Sprintf("judging ended in a panic: %v", one.panicked))
	}
	return one.value
}

// judge answers a question whose digest is known: from what other replicas or an earlier
// flight have found, or by a verification.
func (v *Verifier) judge(t task, f *flight[*kept], r *resolution) (*kept, func()) {
	ctx, cancel := context.WithTimeout(v.background, v.limits.Verification)
	ended := func() { cancel() }
	if !t.fresh {
		if k, ok := v.verdicts.Get(t.key()); ok && k.lasts(v.Now()) {
			return k, ended
		}
		if k := v.fetch(ctx, t); k != nil {
			v.verdicts.Set(t.key(), k, k.weight(), k.until)
			v.judgedBefore(ctx, t, k)
			return k, ended
		}
	}
	v.recall(ctx, t)
	leave, err := v.line.enter(ctx, t.party)
	if err != nil {
		k := v.unresolved(t, busy(t), "")
		k.until = time.Time{}
		return k, ended
	}
	defer leave()
	began := v.Now()
	k, heard := v.verify(ctx, t, r)
	t.release = heard.release
	v.Metrics.Verified(k.answer.Outcome.String(), v.Now().Sub(began), heard.requests, heard.bytes, !f.awaited())
	if v.background.Err() != nil {
		k.until = time.Time{} // what was stopped says nothing about the image
	}
	v.keep(t, k)
	if k.judgedHere() {
		v.share(ctx, t, k)
	}
	v.remember(t, k)
	return k, func() {
		defer cancel()
		v.shadow(ctx, t, k, heard)
	}
}

// judged is what a verification leaves for a second policy.
type judged struct {
	verdict  verify.Verdict
	recorder *replay.Recorder
	// release is what was seen of the TUF repository.
	release  version
	requests int
	bytes    int64
}

// verify judges, by remembered evidence if there is some. What that alone refuses, or
// passes for no longer, is judged again by what is there now.
func (v *Verifier) verify(ctx context.Context, t task, r *resolution) (*kept, judged) {
	var o *opened
	if r != nil {
		o = r.opened.take()
	}
	from := v.told(t, o, r)
	k, heard, old := v.once(ctx, t, from)
	if old && k.conclusive && !k.lasts(v.Now()) {
		from.release() // what it read is dropped
		t.fresh = true
		k, heard, _ = v.once(ctx, t, v.told(t, o, r))
	}
	return k, heard
}

// once is one judgement. old says that it rests on remembered evidence.
func (v *Verifier) once(ctx context.Context, t task, from *told) (k *kept, heard judged, old bool) {
	context.AfterFunc(ctx, from.release)
	now := v.Now()
	heard.recorder = &replay.Recorder{Source: from, SameRoot: v.sameRoot(t)}
	heard.verdict = v.safely(ctx, t, heard.recorder, now)
	heard.requests, heard.bytes = from.spent()
	heard.verdict.Run.Requests, heard.verdict.Run.Bytes = heard.requests, heard.bytes
	heard.verdict.Run.DurationMS = v.Now().Sub(now).Milliseconds()
	heard.release = v.versions.note(t.under.rule, heard.verdict, t.release)
	k = v.finish(t, heard.verdict, now)
	seen, old := from.seen(now)
	k.until = v.lifetime(t, heard.verdict, k, seen)
	k.private = from.commit(heard.release)
	return k, heard, old
}

// safely is verify.Verify, which a panic makes undecided.
func (v *Verifier) safely(ctx context.Context, t task, source verify.Source, now time.Time) (verdict verify.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v.Log.Error("a verification ended in a panic", "image", t.requested, "panic", fmt.Sprint(p))
			verdict = verify.Undecided(t.asked.Reference, t.by.Policy.Policy, t.by.Trust, &verify.Failure{
				Code: verify.InternalPanic, Class: verify.Definitive, Place: t.requested, Detail: fmt.Sprintf("judging ended in a panic: %v", p),
			}, t.options(now))
		}
	}()
	return verify.Verify(ctx, source, t.asked.Reference, t.by.Policy.Policy, t.by.Trust, t.options(now))
}

// judgedHere reports whether the answer is a verdict of this replica's that others may
// use: one that was decided.
func (k *kept) judgedHere() bool { return k.conclusive && !k.elsewhere }
