package lab

import (
	"net/http"
	"strconv"
	"time"
)

// githubWindow is the hour for which requests are counted.
type githubWindow struct {
	used  int
	reset time.Time
}

// githubSecondary is a secondary rate limit that is in force.
type githubSecondary struct {
	left, status int
	retryAfter   time.Duration
}

// LimitSecondary answers the next n requests to the API with a secondary rate limit of a status, 403 or 429. It names
// a time to wait unless that is 0: GitHub does not always.
func (g *GitHubAPI) LimitSecondary(n, status int, retryAfter time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.secondary = githubSecondary{left: n, status: status, retryAfter: retryAfter}
}

// LimitPrimary uses the hour's requests up, without a token and with one, until a time.
func (g *GitHubAPI) LimitPrimary(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, known := range []bool{false, true} {
		g.limits[known] = &githubWindow{used: g.hourly(known), reset: until}
	}
}

// hourly is how many requests an hour are answered.
func (g *GitHubAPI) hourly(known bool) int {
	switch {
	case g.opts.RateLimit > 0:
		return g.opts.RateLimit
	case known:
		return 5000
	}
	return 60
}

// admit counts a request against the rate limits, and answers it if one is reached.
func (g *GitHubAPI) admit(w http.ResponseWriter, known bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.secondary.left > 0 {
		g.secondary.left--
		if g.secondary.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(g.secondary.retryAfter/time.Second)))
		}
		githubError(w, g.secondary.status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
		return false
	}
	now, limit := g.opts.Clock(), g.hourly(known)
	window := g.limits[known]
	if window == nil || !now.Before(window.reset) {
		window = &githubWindow{reset: now.Add(time.Hour)}
		g.limits[known] = window
	}
	over := window.used >= limit
	if !over {
		window.used++
	}
	for name, value := range map[string]int64{
		"Limit": int64(limit), "Remaining": int64(limit - window.used), "Used": int64(window.used), "Reset": window.reset.Unix(),
	} {
		w.Header().Set("X-Ratelimit-"+name, strconv.FormatInt(value, 10))
	}
	w.Header().Set("X-Ratelimit-Resource", "core")
	if over {
		githubError(w, http.StatusForbidden, "API rate limit exceeded for 127.0.0.1.")
	}
	return !over
}
