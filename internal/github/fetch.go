package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/verify"
)

// apiVersion is the version of the REST API that is asked for
// (https://docs.github.com/rest/about-the-rest-api/api-versions). Servers refuse versions
// that they do not know; this one is the first, and supported until March 2028 at least.
const apiVersion = "2022-11-28"

// asked is a GET that is under way or done: nothing is asked for twice.
type asked struct {
	once sync.Once
	got  answer
	bad  *trouble
}

// answer is a body that was read whole.
type answer struct {
	body []byte
	link []string
}

// once runs one fetch for a key, however often it is called.
func (a *Attestations) once(key string, fetch func() (answer, *trouble)) (answer, *trouble) {
	a.mu.Lock()
	it, ok := a.asked[key]
	if !ok {
		it = &asked{}
		a.asked[key] = it
	}
	a.mu.Unlock()
	it.once.Do(func() { it.got, it.bad = fetch() })
	return it.got, it.bad
}

// get asks the API for a URL once.
func (a *Attestations) get(ctx context.Context, p purpose, at *url.URL, most int64) (answer, *trouble) {
	// With the token and the API's headers, so another request than for a bundle.
	return a.once("api "+at.String(), func() (answer, *trouble) { return a.fetch(ctx, p, at, most) })
}

// fetch sends one GET and reads its body.
func (a *Attestations) fetch(ctx context.Context, p purpose, at *url.URL, most int64) (answer, *trouble) {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, purposeKey{}, p), http.MethodGet, at.String(), nil)
	if err != nil {
		return answer{}, definitive(Malformed, "%v", plainly(err))
	}
	if p.listing {
		req.Header.Set("Accept", "application/vnd.github+json")
		req.Header.Set("X-GitHub-Api-Version", apiVersion)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return answer{}, troubleOf(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return answer{}, statusTrouble(resp)
	}
	body, bad := read(resp, most)
	return answer{body: body, link: resp.Header.Values("Link")}, bad
}

// read reads a whole body. An announcement alone costs no memory.
func read(resp *http.Response, most int64) ([]byte, *trouble) {
	over := definitive(verify.LimitExceeded, "the answer is longer than the %d bytes that are read", most)
	if resp.ContentLength > most {
		return nil, over
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, bodyTrouble(err)
	case int64(len(body)) > most:
		return nil, over
	}
	return slices.Clip(body), nil
}

// nextPage finds the next page in the Link headers (RFC 8288) of the page at from, or
// returns nil. GitHub writes it with the repository's number, so the path may differ,
// but it is a page of attestations about the same digest at the same API.
func nextPage(links []string, from, api *url.URL, digest string) (*url.URL, *trouble) {
	for _, header := range links {
		for header != "" {
			var target, parameters string
			var ok bool
			if target, parameters, header, ok = cutLink(header); !ok {
				return nil, definitive(Malformed, "the link to the next page cannot be read")
			}
			if !isNext(parameters) {
				continue
			}
			next, err := from.Parse(target)
			switch {
			case err != nil:
				return nil, definitive(Malformed, "the link to the next page is %q", target)
			case !sameOrigin(next, api) || next.User != nil || next.Fragment != "" ||
				!strings.HasPrefix(next.Path, api.Path+"/") || !strings.HasSuffix(next.Path, "/attestations/"+digest):
				return nil, definitive(Insecure, "the next page lies elsewhere, at %s%s", next.Host, next.Path)
			}
			return next, nil
		}
	}
	return nil, nil
}

// cutLink takes the first link off a Link header.
func cutLink(header string) (target, parameters, rest string, ok bool) {
	before, after, open := strings.Cut(header, "<")
	target, after, closed := strings.Cut(after, ">")
	if !open || !closed || strings.Trim(before, " \t,") != "" {
		return "", "", "", false
	}
	if i := strings.Index(after, "<"); i >= 0 {
		return target, strings.TrimRight(after[:i], " \t,"), after[i:], true
	}
	return target, after, "", true
}

// isNext reports whether the parameters of a link say rel="next".
func isNext(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		return slices.Contains(strings.Fields(strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))), "next")
	}
	return false
}
