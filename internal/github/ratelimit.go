package github

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// secondaryPause is how long GitHub asks callers to wait at least after a
	// secondary limit that names no time.
	secondaryPause = time.Minute
	// maxSaid is how much of an error's body is read.
	maxSaid = 64 << 10
	// maxPause stands for every longer wait, none of which fits into a budget.
	maxPause = 1 << 30
	// maxTime is the last second that can be written as a date.
	maxTime = 253402300799
)

// rateLimits turns each of the ways in which GitHub says that a rate limit was reached
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api) into
// the standard one, a 429 with Retry-After, which the budget above waits out if it can.
// GitHub bans clients that go on asking, so a 429 never passes without that header.
type rateLimits struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l *rateLimits) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil || !purposeOf(req.Context()).listing {
		return resp, err
	}
	if wait, limited := pauseOf(resp); limited {
		resp.StatusCode, resp.Status = http.StatusTooManyRequests, "429 Too Many Requests"
		resp.Header.Set("Retry-After", wait)
	}
	return resp, nil
}

// pauseOf returns the Retry-After that an answer means, if it is a rate limit.
func pauseOf(resp *http.Response) (string, bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return "", false
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		return after, true
	}
	if resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			return untilReset(reset, resp.Header.Get("Date")), true
		}
		return seconds(secondaryPause), true
	}
	return seconds(secondaryPause), resp.StatusCode == http.StatusTooManyRequests || saysRateLimit(resp)
}

// untilReset counts from the server's own clock where it shows it: ours may be wrong.
func untilReset(reset int64, date string) string {
	now, err := http.ParseTime(date)
	if err != nil {
		return time.Unix(min(max(0, reset), maxTime), 0).UTC().Format(http.TimeFormat)
	}
	left := min(max(0, min(reset, maxTime)-now.Unix()), maxPause-1) + 1 // the whole of the last second
	return strconv.FormatInt(left, 10)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// saysRateLimit looks for the words in a 403 without headers, and leaves its body as it was.
func saysRateLimit(resp *http.Response) bool {
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(said), rest), resp.Body}
	return strings.Contains(strings.ToLower(string(said)), "rate limit")
}

// failing is a reader of an error that came before.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
