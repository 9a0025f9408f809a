package budget

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// Transport returns next with this budget in front of it: each request is counted,
// ends with the budget's time, and is retried where that can help.
func (b *Budget) Transport(next http.RoundTripper) http.RoundTripper {
	return &transport{budget: b, next: next}
}

type transport struct {
	budget *Budget
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper. Its errors, and those of reading the
// body, are *Exceeded when a bound was reached.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := t.send(req)
		wait, again := t.budget.again(req, attempt, resp, err)
		if !again {
			return resp, err
		}
		if resp != nil {
			discard(resp.Body)
		}
		if err := t.budget.clock.Sleep(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// send sends req once.
func (t *transport) send(req *http.Request) (*http.Response, error) {
	number, err := t.budget.begin(req.Method, req.URL.Host, req.URL.Path)
	if err != nil {
		return nil, err
	}
	over := &Exceeded{Resource: Time, Limit: int64(t.budget.limits.Time)}
	ctx, cancel := context.WithDeadlineCause(req.Context(), t.budget.deadline, over)
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		err = orCause(ctx, err)
		cancel()
		t.budget.end(number, 0)
		return nil, err
	}
	resp.Request = req
	t.budget.answered(number, resp.StatusCode)
	resp.Body = &body{ctx: ctx, life: req.Context(), cancel: cancel, inner: resp.Body, budget: t.budget, number: number}
	return resp, nil
}

// orCause replaces err by the budget's own reason where that ended the request.
func orCause(ctx context.Context, err error) error {
	var over *Exceeded
	if ctx.Err() != nil && errors.As(context.Cause(ctx), &over) {
		return over
	}
	return err
}

// discard reads a little of an answer that is not wanted, so that its connection
// may be used again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 4<<10)
	_ = body.Close()
}

// body counts what is read of a response.
type body struct {
	ctx context.Context
	// life is the request's context, which does not end with the body.
	life   context.Context
	cancel context.CancelFunc
	inner  io.ReadCloser
	budget *Budget
	number int
	read   int64
	once   sync.Once
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if err := b.budget.wait(b.ctx, b.life); err != nil {
		return 0, err
	}
	n, err := b.inner.Read(p)
	b.read += int64(n)
	if over := b.budget.spend(n); over != nil {
		return n, over
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = orCause(b.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.inner.Close()
	b.once.Do(func() {
		b.cancel()
		b.budget.end(b.number, b.read)
	})
	return err
}
