package front

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxClients is how many clients are remembered; the one that was silent longest is
// forgotten first, and begins anew when it comes back.
const maxClients = 4096

// limiter holds each client to a rate.
type limiter struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu     sync.Mutex
	byName map[string]*list.Element
	recent *list.List // of *allowance, the last to ask in front
}

type allowance struct {
	name string
	*rate.Limiter
}

// newLimiter allows perSecond requests of each client, and burst at once. 0 allows all.
func newLimiter(perSecond float64, burst int, now func() time.Time) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: max(burst, 1), now: now, byName: map[string]*list.Element{}, recent: list.New()}
}

// take counts a request of a client, and returns 0, or how long it has to wait.
func (l *limiter) take(name string) time.Duration {
	if l.rate <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byName[name]
	if e == nil {
		e = l.recent.PushFront(&allowance{name, rate.NewLimiter(l.rate, l.burst)})
		l.byName[name] = e
	}
	l.recent.MoveToFront(e)
	if l.recent.Len() > maxClients {
		last := l.recent.Back()
		delete(l.byName, last.Value.(*allowance).name)
		l.recent.Remove(last)
	}
	a, now := e.Value.(*allowance), l.now()
	if a.AllowN(now, 1) {
		return 0
	}
	missing := 1 - a.TokensAt(now)
	return max(time.Duration(missing/float64(l.rate)*float64(time.Second)), time.Millisecond)
}
