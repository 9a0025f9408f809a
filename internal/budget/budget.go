// Package budget bounds what one verification may ask of the network: requests,
// bytes, wall time and retries. One [Budget] is shared by everything that a
// verification fetches (registry, token server, TUF repository), so that no single
// one of them can spend more than all may together.
//
// It decides nothing about what the bytes mean, and opens no connection of its own:
// [Budget.Transport] wraps the http.RoundTripper that does. Start with [New].
package budget

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bounds one verification. A zero field is a limit of zero, not "no limit":
// start from [Default].
type Limits struct {
	// Requests is the number of HTTP requests, with pings, tokens, redirects and
	// retries. Four lists of 1,024 pieces of evidence are the most that a
	// collection asks for; an honest verification asks for 10 to 20.
	Requests int
	// Bytes is the size of all response bodies together. The largest piece of
	// evidence that is read has 32 MiB; twice that still fits in a container of 256 MiB.
	Bytes int64
	// Time is the wall time from New to the last byte: what a deploy job waits
	// for without complaint. A context may end sooner.
	Time time.Duration
	// Retries is how often one request is sent again, after a lost connection, a
	// 5xx or a 429. A third answer of the same kind is seldom another one.
	Retries int
	// AllRetries is how often requests are sent again in all, so that a registry
	// which fails throughout is not asked thrice for everything.
	AllRetries int
	// Backoff is the pause before the first retry, where the answer names none.
	// It doubles with each retry, and half of it is random.
	Backoff time.Duration
	// Room is shared with others that read much at the same time; nil is not.
	Room *Room
}

// Default returns the limits that every command uses unless told otherwise.
func Default() Limits {
	return Limits{
		Requests:   4096,
		Bytes:      64 << 20,
		Time:       time.Minute,
		Retries:    2,
		AllRetries: 32,
		Backoff:    200 * time.Millisecond,
	}
}

// Clock is the time a Budget lives in. A nil field means the real thing.
type Clock struct {
	Now func() time.Time
	// Sleep returns early, with the context's error, when the context ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// Jitter returns a number in [0,1).
	Jitter func() float64
}

// Budget is what one verification may still spend. It is safe for concurrent use.
type Budget struct {
	limits   Limits
	clock    Clock
	deadline time.Time

	bytes   atomic.Int64
	retries atomic.Int64
	turn    turn

	mu      sync.Mutex
	records []Record
}

// New returns a Budget whose time starts now. The zero Clock is the real one.
func New(limits Limits, clock Clock) *Budget {
	if clock.Now == nil {
		clock.Now = time.Now
	}
	if clock.Sleep == nil {
		clock.Sleep = sleep
	}
	if clock.Jitter == nil {
		clock.Jitter = rand.Float64
	}
	return &Budget{limits: limits, clock: clock, deadline: clock.Now().Add(limits.Time)}
}

// Requests returns how many requests were sent so far.
func (b *Budget) Requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.records)
}

// Bytes returns how many bytes of response bodies were read so far.
func (b *Budget) Bytes() int64 { return b.bytes.Load() }

// Deadline returns when the time is over.
func (b *Budget) Deadline() time.Time { return b.deadline }

// spend takes n bytes that were read, and reports what is exceeded by them.
func (b *Budget) spend(n int) error {
	if b.bytes.Add(int64(n)) > b.limits.Bytes {
		return &Exceeded{Resource: Bytes, Limit: b.limits.Bytes}
	}
	return nil
}

// left returns how long a request in ctx may still take.
func (b *Budget) left(ctx context.Context) time.Duration {
	end := b.deadline
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	return end.Sub(b.clock.Now())
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
