package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is how often one request may be redirected: a renamed repository is
// redirected once, a blob seldom at all.
const maxRedirects = 5

// purpose is what a request is for. It travels in the request's context, so that each
// hop of it is known.
type purpose struct {
	// api is the root of the API, token what it gets.
	api   *url.URL
	token string
	// listing tells a request to the API from one for a bundle.
	listing bool
}

type purposeKey struct{}

func purposeOf(ctx context.Context) purpose {
	p, _ := ctx.Value(purposeKey{}).(purpose)
	return p
}

// refusal is a hop that is not taken.
type refusal struct{ trouble *trouble }

// Error implements error.
func (r *refusal) Error() string { return r.trouble.detail }

// door is what every hop passes, redirects too, above the budget. It alone adds the
// token, to requests for the API at the API's own origin.
type door struct {
	next      http.RoundTripper
	userAgent string
}

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	p := purposeOf(req.Context())
	if t := refuse(req, p); t != nil {
		return nil, &refusal{t}
	}
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	for _, name := range []string{"Authorization", "Cookie", "Referer"} {
		out.Header.Del(name)
	}
	out.Header.Set("User-Agent", d.userAgent)
	out.Header.Set("Accept-Encoding", "identity")
	if p.listing && p.token != "" && sameOrigin(out.URL, p.api) {
		out.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := d.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		_ = resp.Body.Close()
		return nil, &refusal{definitive(Malformed, "the answer is encoded as %q although only identity was accepted", encoding)}
	}
	return resp, nil
}

// refuse says why a hop must not be taken, or nil.
func refuse(req *http.Request, p purpose) *trouble {
	at := req.URL
	switch {
	case p.api == nil:
		return definitive(Insecure, "a request of no known purpose is refused")
	case at.Scheme != "https" && (at.Scheme != "http" || !loopback(at.Hostname())):
		return definitive(Insecure, "%s to %s is refused: only https is spoken", at.Scheme, at.Host)
	case at.User != nil:
		return definitive(Insecure, "credentials in a URL to %s are refused", at.Host)
	case loopback(at.Hostname()) && !loopback(p.api.Hostname()):
		return definitive(Insecure, "%s is this machine, where GitHub stores nothing", at.Host)
	case p.listing && !sameOrigin(at, p.api):
		return definitive(Insecure, "the API sends its caller elsewhere, to %s", at.Host)
	}
	if req.Response == nil {
		return nil
	}
	hops := 0
	for r := req; r.Response != nil && r.Response.Request != nil; hops++ {
		r = r.Response.Request
	}
	switch {
	case hops > maxRedirects:
		return definitive(RedirectLoop, "redirected more than %d times", maxRedirects)
	case req.Response.Request.URL.Scheme == "https" && at.Scheme != "https":
		return definitive(Insecure, "the downgrade from https to plain HTTP at %s is refused", at.Host)
	}
	return nil
}

// sameOrigin compares scheme, host and port as they are written.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// parseBase reads the root of an API.
func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("read the API's address %q: it is not a plain URL", base)
	}
	return u, nil
}
