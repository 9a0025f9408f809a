package budget

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxHosts is how many hosts a Rate remembers at most. Those beyond share one limit.
const maxHosts = 1024

// Late is a request that was not sent, since its turn would have come after its end.
type Late struct{ Host string }

// Error implements error.
func (l *Late) Error() string {
	return "too many requests to " + l.Host + " are waiting here for their turn"
}

// Unwrap makes it a deadline that has passed.
func (l *Late) Unwrap() error { return context.DeadlineExceeded }

// Rate is an http.RoundTripper that sends each host so many requests a second. It
// stands below a Budget, whose retries it counts too, and serves many verifications.
type Rate struct {
	next  http.RoundTripper
	rate  rate.Limit
	burst int
	clock Clock

	mu     sync.Mutex
	hosts  map[string]*rate.Limiter
	others *rate.Limiter
}

// NewRate lets perSecond requests a second through to each host, and burst at once
// (at least 1). The zero Clock is the real one; its Jitter is not used.
func NewRate(next http.RoundTripper, perSecond float64, burst int, clock Clock) *Rate {
	r := &Rate{next: next, rate: rate.Limit(perSecond), burst: max(burst, 1), clock: clock, hosts: map[string]*rate.Limiter{}}
	if r.clock.Now == nil {
		r.clock.Now = time.Now
	}
	if r.clock.Sleep == nil {
		r.clock.Sleep = sleep
	}
	r.others = rate.NewLimiter(r.rate, r.burst)
	return r
}

// RoundTrip implements http.RoundTripper. A request that would wait beyond its context
// is not sent, and takes no other's place.
func (r *Rate) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := r.wait(req.Context(), req.URL.Host); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	return r.next.RoundTrip(req)
}

// CloseIdleConnections closes what no request uses.
func (r *Rate) CloseIdleConnections() { (&http.Client{Transport: r.next}).CloseIdleConnections() }

func (r *Rate) wait(ctx context.Context, host string) error {
	now := r.clock.Now()
	turn := r.limiter(host, now).ReserveN(now, 1)
	pause := turn.DelayFrom(now)
	if !turn.OK() || pause == math.MaxInt64 {
		return &Late{Host: host}
	}
	if pause == 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok && now.Add(pause).After(end) {
		turn.CancelAt(now)
		return &Late{Host: host}
	}
	if err := r.clock.Sleep(ctx, pause); err != nil {
		turn.CancelAt(r.clock.Now())
		return err
	}
	return nil
}

// limiter is that of a host. Where there are too many, those that have waited for
// nothing are forgotten, which changes nothing for them.
func (r *Rate) limiter(host string, now time.Time) *rate.Limiter {
	host = strings.ToLower(host)
	r.mu.Lock()
	defer r.mu.Unlock()
	if l, ok := r.hosts[host]; ok {
		return l
	}
	if len(r.hosts) >= maxHosts {
		for h, l := range r.hosts {
			if l.TokensAt(now) >= float64(r.burst) {
				delete(r.hosts, h)
			}
		}
	}
	if len(r.hosts) >= maxHosts {
		return r.others
	}
	l := rate.NewLimiter(r.rate, r.burst)
	r.hosts[host] = l
	return l
}
