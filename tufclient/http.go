package tufclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/releaseassay/assay/internal/budget"
)

// maxRedirects is how often one request may be redirected: a release asset is once.
const maxRedirects = 5

// HTTP fetches over HTTPS, and over plain HTTP from loopback. It sends no cookies and
// no credentials, and never retries: that, like a budget, is its Transport's business.
type HTTP struct {
	// Transport sends each request. Nil is http.DefaultTransport.
	Transport http.RoundTripper
	UserAgent string
	// PlainHTTP allows http to any host. What TUF verifies it verifies all the same,
	// but whoever sits on the line can freeze it.
	PlainHTTP bool
}

var (
	_ Conditional = (*HTTP)(nil)
	_ Streamer    = (*HTTP)(nil)
)

// Fetch implements [Fetcher].
func (h *HTTP) Fetch(ctx context.Context, at string, limit int64) ([]byte, error) {
	a, err := h.FetchIf(ctx, at, limit, Validator{})
	return a.Bytes, err
}

// FetchIf implements [Conditional].
func (h *HTTP) FetchIf(ctx context.Context, at string, limit int64, v Validator) (Answer, error) {
	var b bytes.Buffer
	a, err := h.get(ctx, at, limit, v, &b)
	if err != nil {
		return Answer{}, err
	}
	a.Bytes = b.Bytes()
	return a, nil
}

// Stream implements [Streamer].
func (h *HTTP) Stream(ctx context.Context, at string, limit int64, w io.Writer) error {
	_, err := h.get(ctx, at, limit, Validator{}, w)
	return err
}

func (h *HTTP) get(ctx context.Context, at string, limit int64, v Validator, w io.Writer) (Answer, error) {
	resp, err := h.send(ctx, at, v)
	if err != nil {
		return Answer{}, requestError(at, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotModified && v != (Validator{}) {
		return Answer{Unchanged: true, Validator: v}, nil
	}
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection may be used again
		return Answer{}, statusError(at, resp)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return Answer{}, &FetchError{Kind: ServerError, URL: at, Status: resp.StatusCode, Err: fmt.Errorf("the answer is encoded as %q although only identity was accepted", e)}
	}
	if resp.ContentLength > limit {
		return Answer{}, tooMuch(at, limit)
	}
	more, err := copyLimited(w, resp.Body, limit)
	if err != nil {
		return Answer{}, bodyError(at, err)
	}
	if more {
		return Answer{}, tooMuch(at, limit)
	}
	return Answer{Validator: Validator{ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}}, nil
}

// send sends one request and follows its redirects.
func (h *HTTP) send(ctx context.Context, at string, v Validator) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, &refusal{Insecure, "it is not a plain URL"}
	}
	if err := h.allow(req.URL); err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if h.UserAgent != "" {
		req.Header.Set("User-Agent", h.UserAgent)
	}
	if v.ETag != "" {
		req.Header.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		req.Header.Set("If-Modified-Since", v.LastModified)
	}
	client := &http.Client{Transport: h.Transport, CheckRedirect: h.redirect}
	return client.Do(req)
}

// refusal is a request that is not sent.
type refusal struct {
	kind FetchKind
	text string
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// allow refuses addresses that are not asked.
func (h *HTTP) allow(u *url.URL) error {
	switch {
	case u.Host == "":
		return &refusal{Insecure, "it is not a plain URL"}
	case u.User != nil:
		return &refusal{Insecure, "credentials in a URL are refused"}
	case u.Scheme == "https", u.Scheme == "http" && (h.PlainHTTP || loopback(u.Hostname())):
		return nil
	}
	return &refusal{Insecure, fmt.Sprintf("%s to %s is refused: only https is spoken, and http with this machine", u.Scheme, u.Host)}
}

// redirect refuses hops that are not taken.
func (h *HTTP) redirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer")
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return &refusal{RedirectLoop, fmt.Sprintf("redirected more than %d times", maxRedirects)}
	case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
		return &refusal{Insecure, fmt.Sprintf("the downgrade from https to %s at %s is refused", req.URL.Scheme, req.URL.Host)}
	case loopback(req.URL.Hostname()) && !loopback(first.Hostname()):
		return &refusal{Insecure, fmt.Sprintf("%s sends its caller to this machine, at %s", first.Host, req.URL.Host)}
	}
	return h.allow(req.URL)
}

// loopback reports whether host, without port, is this machine by its name.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// statusError says what a status other than 200 means.
func statusError(at string, resp *http.Response) error {
	kind := ServerError
	switch status := resp.StatusCode; status {
	case http.StatusNotFound, http.StatusGone:
		kind = NotFound
	case http.StatusUnauthorized:
		kind = Forbidden
	case http.StatusForbidden:
		kind = Forbidden
		if resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Ratelimit-Remaining") == "0" {
			kind = RateLimited
		}
	case http.StatusRequestTimeout:
		kind = Timeout
	case http.StatusTooManyRequests:
		kind = RateLimited
	}
	return &FetchError{Kind: kind, URL: at, Status: resp.StatusCode, Err: fmt.Errorf("the answer is %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
}

// requestError says why there is no answer.
func requestError(at string, err error) error {
	var (
		over    *budget.Exceeded
		refused *refusal
		network net.Error
		outer   *url.Error
	)
	kind := Unreachable
	switch {
	case errors.As(err, &refused):
		return &FetchError{Kind: refused.kind, URL: at, Err: refused}
	case errors.As(err, &over) && over.Resource == budget.Time:
		kind = Timeout
	case errors.As(err, &over):
		kind = TooMuch
	case errors.Is(err, http.ErrSchemeMismatch):
		kind = Insecure
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		kind = Timeout
	}
	for errors.As(err, &outer) { // its URL may be of a redirect, with a signature in it
		err = outer.Err
	}
	return &FetchError{Kind: kind, URL: at, Err: err}
}

// bodyError says why a body that had begun did not end.
func bodyError(at string, err error) error {
	var e *FetchError
	if errors.As(requestError(at, err), &e) && e.Kind == Unreachable {
		e.Kind = Truncated
	}
	return e
}
