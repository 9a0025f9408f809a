package budget

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// again tells whether req is worth sending once more after this outcome, and after
// which pause. It is not where the pause would outlive the deadline: the caller
// then gets the answer as it is.
func (b *Budget) again(req *http.Request, attempt int, resp *http.Response, err error) (time.Duration, bool) {
	if attempt >= b.limits.Retries || !repeatable(req) || req.Context().Err() != nil {
		return 0, false
	}
	wait := b.pause(attempt)
	switch {
	case err != nil:
		if !cutOff(err) {
			return 0, false
		}
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		if asked, ok := retryAfter(resp.Header.Get("Retry-After"), b.clock.Now()); ok {
			wait = asked
		}
	case resp.StatusCode == http.StatusInternalServerError, resp.StatusCode == http.StatusBadGateway,
		resp.StatusCode == http.StatusGatewayTimeout:
	default:
		return 0, false
	}
	if wait >= b.left(req.Context()) || b.retries.Add(1) > int64(b.limits.AllRetries) {
		return 0, false
	}
	return wait, true
}

// pause returns the wait before retry number attempt: doubled each time, half random.
func (b *Budget) pause(attempt int) time.Duration {
	full := b.limits.Backoff << attempt
	return full/2 + time.Duration(b.clock.Jitter()*float64(full/2))
}

// repeatable reports whether sending req twice is the same as sending it once.
func repeatable(req *http.Request) bool {
	return (req.Method == http.MethodGet || req.Method == http.MethodHead) && (req.Body == nil || req.Body == http.NoBody)
}

// cutOff reports whether a connection was made and then lost. A name that does not
// resolve, a certificate that does not verify or a time-out would be the same again.
func cutOff(err error) bool {
	var over *Exceeded
	if errors.As(err, &over) {
		return false
	}
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(0, date.Sub(now)), true
}
