package cache

import (
	"sync"
	"time"
)

const (
	// breakAfter is the number of failures in a row after which nobody is asked any more.
	breakAfter = 3
	// minBreak and maxBreak bound how long, until one request tries again.
	minBreak = 500 * time.Millisecond
	maxBreak = 10 * time.Second
)

// breaker keeps requests from something that does not answer, so that it costs nothing.
// Its zero value lets them through.
type breaker struct {
	mu       sync.Mutex
	failures int
	wait     time.Duration
	until    time.Time
	trying   bool // one request is on its way to see
}

// allow reports whether a request may be made. Whoever is allowed calls done.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wait == 0 {
		return true
	}
	left := b.until.Sub(now)
	if b.trying || left > 0 && left <= b.wait { // more is a clock that was set back
		return false
	}
	b.trying = true
	return true
}

// result is what came of a request.
type result int

const (
	answered result = iota
	failed
	abandoned // by whoever made it: it says nothing
)

func (b *breaker) done(r result, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r {
	case answered:
		b.failures, b.wait, b.trying = 0, 0, false
	case abandoned:
		b.trying = false
	case failed:
		b.failures++
		if b.failures < breakAfter {
			return
		}
		if b.wait == 0 || b.trying { // others that were on their way do not count again
			b.wait = min(max(2*b.wait, minBreak), maxBreak)
			b.until = now.Add(b.wait)
		}
		b.trying = false
	}
}
