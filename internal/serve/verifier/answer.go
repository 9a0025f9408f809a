package verifier

import (
	"bytes"
	"fmt"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// kept is an answer, and how long it may be remembered.
type kept struct {
	answer serve.Answer
	// judged is when the verdict was made, until when it is no longer believed; the zero
	// time is at once.
	judged, until time.Time
	// private is true where the server's own credentials read something for it.
	private bool
	// elsewhere is true where another replica judged.
	elsewhere bool
	// conclusive is false where asking again may help.
	conclusive bool
}

// answerOf writes a verdict as an answer. Grace is not the verdict's to give.
func answerOf(v verify.Verdict) (serve.Answer, error) {
	decision, err := report.Decision(v)
	if err != nil {
		return serve.Answer{}, err
	}
	var b bytes.Buffer
	if err := report.JSON(&b, v); err != nil {
		return serve.Answer{}, err
	}
	document, err := serve.Pack(b.Bytes())
	if err != nil {
		return serve.Answer{}, fmt.Errorf("pack the verdict: %w", err)
	}
	a := serve.Answer{
		Outcome: serve.OutcomeOf(v), ID: serve.Identify(decision),
		Requested: v.Image.Requested, Name: v.Image.Name, Tag: v.Image.Tag, Digest: v.Image.Digest, Pinned: v.Image.Pinned,
		Policy: v.Policy.Name, PolicyDigest: v.Policy.Digest, Rule: v.Policy.Rule,
		Problems: problemsOf(v), JudgedAt: v.Run.JudgedAt, Verdict: document,
	}
	for _, n := range v.Notices {
		a.Notices = append(a.Notices, noticeOf(n))
	}
	for _, f := range v.Checks {
		if f.Notice != "" {
			a.Notices = append(a.Notices, f.ID+": "+f.Message)
		}
	}
	switch {
	case a.Outcome == serve.Excepted:
		a.Until, a.Approver, a.Reason = v.Exception.Expires, v.Exception.Approver, v.Exception.Reason
	case a.Outcome == serve.Audited:
		a.Until = *v.EnforcedFrom
	}
	return a, nil
}

func noticeOf(n verify.Notice) string {
	if n.Until == nil {
		return string(n.Code) + ": " + n.Message
	}
	return string(n.Code) + ": " + n.Message + ", at " + n.Until.UTC().Format(time.RFC3339)
}

// problemsOf lists what stands against a pass.
func problemsOf(v verify.Verdict) []serve.Problem {
	var all []serve.Problem
	for _, s := range report.Shorts(v) {
		all = append(all, serve.Problem{
			Check: s.Check, Code: string(s.Code), Message: s.Message, Wanted: s.Wanted, Found: s.Found, Next: s.Next, Undecided: s.Undecided,
		})
	}
	return all
}

// refusal is an answer without a verdict, for what should not happen.
func refusal(t task, now time.Time, code verify.Code, message string) serve.Answer {
	return serve.Answer{
		Outcome: serve.Undecided, Requested: t.requested, Name: t.name, Tag: t.tag, Digest: t.digest, JudgedAt: now,
		Problems: []serve.Problem{{Check: "policy", Code: string(code), Message: message, Found: message, Wanted: "a verdict", Next: "ask again", Undecided: true}},
	}
}

// undecided is the answer where nothing could be judged, for a reason of the server's.
func (v *Verifier) undecided(t task, code verify.Code, class verify.Class, detail string) *kept {
	k := v.unresolved(t, &verify.Failure{Code: code, Class: class, Place: t.requested, Detail: detail}, detail)
	for i := range k.answer.Problems {
		if p := &k.answer.Problems[i]; p.Code == string(code) {
			p.Wanted, p.Found = "a judgement", detail
		}
	}
	return k
}

// unresolved is the answer where the image could not be resolved, or nothing could be
// asked about it. message is said of each check in place of the usual, "" for that.
func (v *Verifier) unresolved(t task, failure *verify.Failure, message string) *kept {
	now := v.Now()
	verdict := verify.Undecided(t.asked.Reference, t.by.Policy.Policy, t.by.Trust, failure, t.options(now))
	for i := range verdict.Checks {
		if f := &verdict.Checks[i]; message != "" && f.Result == verify.Errored {
			f.Message = message
		}
	}
	return v.finish(t, verdict, now)
}

// finish makes of a verdict what is answered, with exceptions and grace, and says how
// long it may be remembered if it rests on what was seen just now.
func (v *Verifier) finish(t task, verdict verify.Verdict, judged time.Time) *kept {
	verdict.Run.Assay = v.Version
	if e := t.conf.exceptions; e != nil {
		verify.Except(&verdict, e.List, e.Digest, judged)
	}
	a, err := answerOf(verdict)
	if err != nil {
		return &kept{answer: refusal(t, judged, verify.InternalPanic, err.Error()), judged: judged}
	}
	k := &kept{answer: a, judged: judged, conclusive: verdict.Conclusive}
	v.grace(t, k, verdict)
	if t.digest != "" && a.Digest == "" {
		k.answer.Digest, k.answer.Pinned = t.digest, t.asked.Reference.Pinned(t.digest)
	}
	k.until = v.lifetime(t, verdict, k, judged)
	return k
}

// unnamed is the answer for a namespace that no policy is for.
func (v *Verifier) unnamed(t task) serve.Answer {
	message := fmt.Sprintf("no policy is for the namespace %q, and there is no default policy", t.asked.Namespace)
	if t.asked.Namespace == "" {
		message = "there is no default policy, and the question names no namespace"
	}
	return serve.Answer{
		Outcome: serve.Refused, Requested: t.requested, Name: t.name, Tag: t.tag, Digest: t.digest, JudgedAt: v.Now(),
		Problems: []serve.Problem{{
			Check: "policy", Code: string(verify.PolicyNoRule), Message: report.Escape(message, 500), Wanted: "a policy for the namespace", Found: report.Escape(message, 500),
			Next: "name the namespace under policies: in the server's settings, or add a policy without namespaces",
		}},
	}
}

// discreet is an answer for a tenant whose own credentials would not have read what the
// server's did: what was wanted and the codes, and nothing of what was found.
func discreet(a serve.Answer) serve.Answer {
	problems := make([]serve.Problem, len(a.Problems))
	for i, p := range a.Problems {
		p.Message, p.Found = "", ""
		problems[i] = p
	}
	a.Problems, a.Notices, a.Verdict = problems, nil, serve.Document{}
	return a
}
