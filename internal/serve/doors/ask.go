package doors

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/verify"
)

// parallel is how many images of one request are judged at once.
const parallel = 16

// ask judges questions, each distinct one once, and answers before the deadline of ctx
// or a moment after, whatever the verifier does. Every question has an answer.
func (d *doors) ask(ctx context.Context, questions []serve.Question) map[serve.Question]serve.Answer {
	answers := make(map[serve.Question]serve.Answer, len(questions))
	var distinct []serve.Question
	for _, q := range questions {
		if _, twice := answers[q]; twice {
			continue
		}
		a, remembered := d.recall(ctx, q)
		if !remembered {
			a = late(q)
			distinct = append(distinct, q)
		}
		answers[q] = a
	}
	if len(distinct) == 0 {
		return answers
	}
	type one struct {
		q serve.Question
		a serve.Answer
	}
	done := make(chan one, len(distinct)) // has room for all: nobody is left waiting
	var next atomic.Int64
	for range min(parallel, len(distinct)) {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(distinct) || ctx.Err() != nil {
					return
				}
				done <- one{distinct[i], d.judge(ctx, distinct[i])}
			}
		}()
	}
	expired := ctx.Done()
	var over <-chan time.Time
	for range distinct {
		for answered := false; !answered; {
			select {
			case o := <-done:
				answers[o.q] = o.a
				answered = true
			case <-expired:
				expired = nil
				t := time.NewTimer(slack)
				defer t.Stop()
				over = t.C
			case <-over:
				return answers
			}
		}
	}
	return answers
}

// rememberer is a verifier that says at once what it remembers, so that nobody has to
// watch over the time that it takes.
type rememberer interface {
	Remembered(q serve.Question) (a serve.Answer, ok bool)
}

// recall answers from what the verifier remembers. A panic is an answer that is undecided.
func (d *doors) recall(ctx context.Context, q serve.Question) (a serve.Answer, ok bool) {
	v, can := d.Verifier.(rememberer)
	if !can || ctx.Err() != nil {
		return serve.Answer{}, false
	}
	defer func() {
		if p := recover(); p != nil {
			a, ok = d.panicked(q, p), true
		}
	}()
	if a, ok = v.Remembered(q); !ok {
		return serve.Answer{}, false
	}
	_, traced := observe.Verifying(ctx, q.Reference.String())
	a = d.held(q, a)
	traced(a.Outcome.String(), codesOf(a), a.Remembered)
	return a, true
}

// judge asks the verifier about one image. A panic is an answer that is undecided.
func (d *doors) judge(ctx context.Context, q serve.Question) (a serve.Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = d.panicked(q, p)
		}
	}()
	ctx, traced := observe.Verifying(ctx, q.Reference.String())
	defer func() { traced(a.Outcome.String(), codesOf(a), a.Remembered) }()
	return d.held(q, d.Verifier.Verify(ctx, q))
}

// panicked is the answer where the verifier panicked.
func (d *doors) panicked(q serve.Question, p any) serve.Answer {
	d.Log.Error("the verifier panicked", "image", report.Escape(q.Reference.String(), maxText), "panic", report.Escape(fmt.Sprint(p), maxText), "stack", string(debug.Stack()))
	return troubled(q, "the verifier panicked; this is a fault of assay, please report it")
}

// held is an answer, if it is about what was asked.
func (d *doors) held(q serve.Question, a serve.Answer) serve.Answer {
	if err := about(q, a); err != nil {
		d.Log.Error("the verifier's answer is about another image", "image", report.Escape(q.Reference.String(), maxText), "error", report.Escape(err.Error(), maxText))
		return troubled(q, err.Error()+"; this is a fault of assay, please report it")
	}
	return a
}

// codesOf are the codes of an answer's problems.
func codesOf(a serve.Answer) []string {
	var codes []string
	for _, p := range a.Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

// about holds an answer that lets an image in against the question: it has to be about
// that very image.
func about(q serve.Question, a serve.Answer) error {
	if !a.Outcome.Admits() || a.Outcome == serve.Audited && a.Digest == "" {
		return nil
	}
	switch asked := q.Reference.Digest(); {
	case !verify.IsDigest(a.Digest):
		return fmt.Errorf("the answer has no digest")
	case asked != "" && asked != a.Digest:
		return fmt.Errorf("the answer is about %s, and %s was asked about", a.Digest, asked)
	case a.Pinned != q.Reference.Pinned(a.Digest):
		return fmt.Errorf("the answer pins %s, and %s was asked about", a.Pinned, q.Reference)
	}
	return nil
}

// late is the answer to a question whose verdict is not there yet.
func late(q serve.Question) serve.Answer {
	a := undecided(q, verify.ServerLate, "a verdict before the answer was due", "the judgement goes on, and the next answer may be there at once")
	a.Late = true
	return a
}

func troubled(q serve.Question, what string) serve.Answer {
	return undecided(q, verify.InternalPanic, "a verdict", what)
}

func undecided(q serve.Question, code verify.Code, wanted, found string) serve.Answer {
	return serve.Answer{
		Outcome: serve.Undecided, Requested: q.Reference.String(), Name: q.Reference.Name(), Tag: q.Reference.Tag(),
		Problems: []serve.Problem{{Check: "server", Code: string(code), Message: found, Wanted: wanted, Found: found, Next: "ask again", Undecided: true}},
	}
}
