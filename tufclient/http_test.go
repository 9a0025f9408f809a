package tufclient

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
)

func TestFetchKinds(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    FetchKind
		status  int
	}{
		"404":               {status(404), NotFound, 404},
		"410":               {status(410), NotFound, 410},
		"401":               {status(401), Forbidden, 401},
		"403":               {status(403), Forbidden, 403},
		"403 rate limit":    {status(403, "X-RateLimit-Remaining", "0"), RateLimited, 403},
		"408":               {status(408), Timeout, 408},
		"429":               {status(429), RateLimited, 429},
		"500":               {status(500), ServerError, 500},
		"503":               {status(503), ServerError, 503},
		"206":               {status(206), ServerError, 206},
		"304":               {status(304), ServerError, 304},
		"gzip":              {status(200, "Content-Encoding", "gzip"), ServerError, 200},
		"redirect for ever": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, RedirectLoop, 0},
		"redirect to http":  {status(302, "Location", "http://example.com/x"), Insecure, 0},
		"redirect to ftp":   {status(302, "Location", "ftp://example.com/x"), Insecure, 0},
		"redirect with credentials": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://user:secret@"+r.Host+"/x", http.StatusFound)
		}, Insecure, 0},
		"redirect nowhere": {status(302), ServerError, 302},
		"too much":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 101)) }, TooMuch, 0},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			_, _ = io.WriteString(w, "x")
		}, Truncated, 0},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable, 0},
		"hung up within": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, Truncated, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			_, err := (&HTTP{}).Fetch(t.Context(), server.URL+"/x", 100)
			wantFetch(t, err, test.kind)
			var e *FetchError
			if errors.As(err, &e) && (e.Status != test.status || e.URL != server.URL+"/x") {
				t.Errorf("got status %d of %s, want %d", e.Status, e.URL, test.status)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells a secret", err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for url, kind := range map[string]FetchKind{
		"http://example.com/x":           Insecure,
		"https://user:pw@example.com/x":  Insecure,
		"ftp://example.com/x":            Insecure,
		"/x":                             Insecure,
		"https://exa mple.com/x":         Insecure,
		"https://example.com/x":          Unreachable, // the transport fails
		"http://127.0.0.1/x":             Unreachable,
		"http://[::1]/x":                 Unreachable,
		"http://localhost/x":             Unreachable,
		"http://127.0.0.1.example.com/x": Insecure,
	} {
		h := &HTTP{Transport: broken{errors.New("no network")}}
		_, err := h.Fetch(t.Context(), url, 100)
		wantFetch(t, err, kind)
	}
	_, err := (&HTTP{Transport: broken{errors.New("no network")}, PlainHTTP: true}).Fetch(t.Context(), "http://example.com/x", 100)
	wantFetch(t, err, Unreachable)
}

// broken is a transport that fails.
type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

// TestHops: a redirect neither leaves https nor enters this machine.
func TestHops(t *testing.T) {
	hop := func(to string) http.RoundTripper {
		return answers(func(req *http.Request) *http.Response {
			if req.URL.Path != "/x" {
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("ok")), Request: req}
			}
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: req}
		})
	}
	for to, kind := range map[string]FetchKind{
		"https://cdn.example/y": "", "http://cdn.example/y": Insecure,
		"https://127.0.0.1/y": Insecure, "http://localhost/y": Insecure,
	} {
		b, err := (&HTTP{Transport: hop(to), PlainHTTP: true}).Fetch(t.Context(), "https://example.com/x", 100)
		if kind != "" {
			wantFetch(t, err, kind)
		} else if err != nil || string(b) != "ok" {
			t.Errorf("got %q, %v", b, err)
		}
	}
}

// answers is a transport that answers.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) { return a(req), nil }

func TestHeaders(t *testing.T) {
	var got http.Header
	h := &HTTP{UserAgent: "assay/test", Transport: answers(func(req *http.Request) *http.Response {
		got = req.Header
		return &http.Response{StatusCode: 200, Header: http.Header{"Set-Cookie": {"a=b"}}, Body: http.NoBody, Request: req}
	})}
	for range 2 {
		if _, err := h.Fetch(t.Context(), "https://example.com/x", 100); err != nil {
			t.Fatal(err)
		}
	}
	if got.Get("User-Agent") != "assay/test" || got.Get("Accept-Encoding") != "identity" || got.Get("Cookie") != "" || got.Get("If-None-Match") != "" {
		t.Errorf("got %v", got)
	}
}

// TestBudget: what a budget refuses says so.
func TestBudget(t *testing.T) {
	r := newRepo(t)
	for name, test := range map[string]struct {
		set  func(*budget.Limits)
		kind FetchKind
	}{
		"requests": {func(l *budget.Limits) { l.Requests = 2 }, TooMuch},
		"bytes":    {func(l *budget.Limits) { l.Bytes = 300 }, TooMuch},
		"time":     {func(l *budget.Limits) { l.Time = 0 }, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			limits := budget.Default()
			test.set(&limits)
			o := r.options(t.TempDir())
			o.Fetcher = &HTTP{Transport: budget.New(limits, budget.Clock{}).Transport(http.DefaultTransport)}
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			err = c.Refresh(t.Context())
			wantFetch(t, err, test.kind)
			var over *budget.Exceeded
			if !errors.As(err, &over) {
				t.Errorf("got %v, want budget.Exceeded in it", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, err = (&HTTP{}).Fetch(t.Context(), "http://"+address+"/x", 100)
	wantFetch(t, err, Unreachable)

	secure := httptest.NewTLSServer(status(200))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer secure.Close()
	_, err = (&HTTP{}).Fetch(t.Context(), secure.URL, 100) // of an authority nobody knows
	wantFetch(t, err, Unreachable)

	plain := httptest.NewServer(status(200))
	defer plain.Close()
	_, err = (&HTTP{}).Fetch(t.Context(), strings.Replace(plain.URL, "http:", "https:", 1), 100)
	wantFetch(t, err, Insecure)

	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }))
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = (&HTTP{}).Fetch(ctx, silent.URL, 100)
	wantFetch(t, err, Timeout)
}

// TestConditional: a timestamp that has not changed is not sent again, but it is only
// asked for so if the kept one is the one that the server meant.
func TestConditional(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	unchanged := 0
	serve := tagged(r)
	r.faults["metadata/timestamp.json"] = func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
		recorder := httptest.NewRecorder()
		serve(recorder, req)
		if recorder.Code == http.StatusNotModified {
			unchanged++
			if req.Header.Get("If-Modified-Since") == "" {
				t.Error("Last-Modified was not sent back")
			}
		}
		serve(w, req)
	}
	r.refreshed(t, dir)
	if r.refreshed(t, dir); unchanged != 1 {
		t.Errorf("%d answers of 304, want 1", unchanged)
	}
	r.update("targets")
	c := r.refreshed(t, dir)
	if role, _ := c.Trusted().Role("targets"); role.Version != 2 || unchanged != 1 {
		t.Errorf("got targets %d after %d answers of 304", role.Version, unchanged)
	}
	path := filepath.Join(dir, "timestamp.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(good)+" ") // still verifies, but is not what the server sent
	if r.refreshed(t, dir); unchanged != 1 {
		t.Error("a timestamp other than the server's was asked for on condition")
	}
	remove(t, path)
	if r.refreshed(t, dir); unchanged != 1 {
		t.Error("a timestamp that is gone was asked for on condition")
	}
	if r.refreshed(t, dir); unchanged != 2 {
		t.Errorf("%d answers of 304, want 2", unchanged)
	}
	c = r.client(t, dir)
	c.memory.Validator.URL = "x"
	if err := c.remember(); err != nil {
		t.Fatal(err)
	}
	if r.refreshed(t, dir); unchanged != 2 {
		t.Error("a validator of another file was used")
	}

	// A server that says 304 to everything has nothing to say.
	r.faults["metadata/timestamp.json"] = status(304)
	remove(t, path)
	wantFetch(t, r.client(t, dir).Refresh(t.Context()), ServerError)
}
