package verifier

import (
	"context"
	"encoding/json"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// keep remembers an answer in memory. One that is undecided displaces none that is not,
// and none displaces one that was made later.
func (v *Verifier) keep(t task, k *kept) {
	if k.until.IsZero() {
		return
	}
	if old, ok := v.verdicts.Get(t.key()); ok && old.conclusive && (!k.conclusive || old.judged.After(k.judged)) && old.lasts(v.Now()) {
		return
	}
	v.verdicts.Set(t.key(), k, k.weight(), k.until)
}

// remember notes what is to be known of an answer later: for grace, and for people.
func (v *Verifier) remember(t task, k *kept) {
	ctx, cancel := context.WithTimeout(v.background, time.Second)
	defer cancel()
	v.judgedBefore(ctx, t, k)
	if t.asked.Tenant.IsZero() && t.principal == "" {
		v.past.add(k.answer)
	}
}

// weight is what an answer takes, in bytes, about.
func (k *kept) weight() int64 {
	a := &k.answer
	n := a.Verdict.Size() + 512
	for _, s := range []string{a.ID, a.Requested, a.Name, a.Tag, a.Digest, a.Pinned, a.Policy, a.PolicyDigest, a.Rule, a.Approver, a.Reason} {
		n += len(s)
	}
	for _, p := range a.Problems {
		n += 128 + len(p.Check) + len(p.Code) + len(p.Message) + len(p.Wanted) + len(p.Found) + len(p.Next)
	}
	for _, s := range a.Notices {
		n += 16 + len(s)
	}
	return int64(n)
}

// entry is an answer in the store that replicas share. It is the verdict alone, packed:
// everything else is read out of it again.
type entry struct {
	Judged  time.Time `json:"judged"`
	Until   time.Time `json:"until"`
	Private bool      `json:"private,omitempty"`
	Verdict []byte    `json:"verdict"`
}

// share puts an answer into the store.
func (v *Verifier) share(ctx context.Context, t task, k *kept) {
	if v.Store == nil || k.until.IsZero() {
		return
	}
	packed, err := k.answer.Verdict.MarshalBinary()
	if err != nil {
		return
	}
	if b, err := json.Marshal(entry{k.judged.UTC(), k.until.UTC(), k.private, packed}); err == nil {
		v.Store.Set(ctx, t.key(), b, k.until)
	}
}

// fetch gets an answer from the store, nil if there is none that can be used. The store
// vouches for who wrote it; that it is about this question is looked at again.
func (v *Verifier) fetch(ctx context.Context, t task) *kept {
	if v.Store == nil {
		return nil
	}
	b, ok := v.Store.Get(ctx, t.key())
	if !ok {
		return nil
	}
	k := v.unpack(t, b)
	if k == nil {
		v.Metrics.Cached("shared", "stale")
	}
	return k
}

func (v *Verifier) unpack(t task, b []byte) *kept {
	var e entry
	var document serve.Document
	if json.Unmarshal(b, &e) != nil || document.UnmarshalBinary(e.Verdict) != nil {
		return nil
	}
	text, err := document.JSON()
	if err != nil {
		return nil
	}
	var verdict verify.Verdict
	if json.Unmarshal(text, &verdict) != nil {
		return nil
	}
	image := verdict.Image
	if image.Requested != t.requested || image.Digest != t.digest || image.Tag != t.tag || verdict.Schema != verify.VerdictSchema ||
		verdict.Policy.Rule != t.rule || verdict.Policy.Digest != t.by.Policy.Policy.Digest || !verdict.Conclusive || verdict.Hypothetical {
		return nil
	}
	a, err := answerOf(verdict)
	if err != nil {
		return nil
	}
	k := &kept{answer: a, judged: e.Judged, private: e.Private, elsewhere: true, conclusive: true}
	k.until = v.lifetime(t, verdict, k, e.Judged)
	if e.Until.Before(k.until) {
		k.until = e.Until
	}
	if !k.lasts(v.Now()) {
		return nil
	}
	return k
}
