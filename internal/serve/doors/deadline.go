package doors

import (
	"net/url"
	"time"
)

// Of what the caller gives, the answer's own way back takes a tenth, within bounds.
const (
	leastMargin = 200 * time.Millisecond
	mostMargin  = time.Second
)

// defaultWait is the longest wait where the settings say none.
const defaultWait = 8 * time.Second

// slack is how much later than its deadline a verifier is still heard: part of the
// margin, and enough for an answer that was written at the last moment.
const slack = 50 * time.Millisecond

// patience is how long the verifier may take: the least of the `timeout` query
// parameter and the deadline of the request, less a margin for the way back, and the
// server's own maximum.
func (c *call) patience(own time.Duration, now time.Time) (time.Duration, *fault) {
	if own <= 0 {
		own = defaultWait
	}
	query, err := url.ParseQuery(c.http.URL.RawQuery)
	if err != nil {
		return 0, malformed("the query cannot be read: %v", err)
	}
	wait := own
	if values, ok := query["timeout"]; ok {
		asked, err := time.ParseDuration(values[0])
		if err != nil || asked <= 0 || len(values) > 1 {
			return 0, malformed("found timeout=%q in the query; wanted one duration, such as 10s", values)
		}
		wait = min(wait, asked-margin(asked))
	}
	if due, ok := c.http.Context().Deadline(); ok {
		left := due.Sub(now)
		wait = min(wait, left-margin(left))
	}
	return max(wait, 0), nil
}

// margin is what is kept for the way back. Of a short time it is half.
func margin(of time.Duration) time.Duration {
	return min(max(of/10, leastMargin), mostMargin, max(of/2, 0))
}
