package github_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/github"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

func TestCollect(t *testing.T) {
	for name, inline := range map[string]bool{"inline": true, "by address": false} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lab.GitHubOptions{Inline: inline})
			s.attest(repo, `{"a":1}`)
			s.attest(repo, `{"b":2}`)
			s.attest(repo, `{"a":1}`)
			s.attest("acme/secret", `{"c":3}`)
			e := s.collect(repo)
			got := bundles(t, e)
			slices.Sort(got)
			if fmt.Sprint(got) != `[{"a":1} {"b":2}]` || len(e.Failures) != 0 {
				t.Errorf("bundles %q, failures %+v", got, e.Failures)
			}
			if fmt.Sprint(e.Places) != "["+place+"]" {
				t.Errorf("places %q", e.Places)
			}
			if want := len(s.Requests()); e.Requests != want || e.Bytes == 0 {
				t.Errorf("%d requests and %d bytes; %d were sent", e.Requests, e.Bytes, want)
			}
			first := s.Requests()[0]
			if first.Path != listPath+"?per_page=100" || first.Header.Get("X-Github-Api-Version") != "2022-11-28" ||
				first.Header.Get("Accept") != "application/vnd.github+json" || first.Header.Get("User-Agent") != "assay" {
				t.Errorf("asked %s with %v", first.Path, first.Header)
			}
		})
	}
}

func TestInlineBytesAreKept(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	const bundle = "{ \"a\" : \"<&>\\u00e9\",\n \"n\": 1e2}"
	s.answers(listPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"attestations":[{"bundle": %s , "bundle_url":""}]}`, bundle)
	})
	if got := bundles(t, s.collect(repo)); len(got) != 1 || got[0] != bundle {
		t.Errorf("%q", got)
	}
}

func TestPlainBlob(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	s.attest(repo, `{"a":1}`)
	s.answers("/attestations/1001/1.json.sn", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"plain":1}`)) })
	if got := bundles(t, s.collect(repo)); len(got) != 1 || got[0] != `{"plain":1}` {
		t.Errorf("%q", got)
	}
}

func TestPages(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{PageSize: 2})
	for i := range 7 {
		s.attest(repo, fmt.Sprintf(`{"i":%d}`, i))
	}
	e := s.collect(repo)
	if got := bundles(t, e); len(got) != 7 || len(e.Failures) != 0 {
		t.Errorf("%d bundles, failures %+v", len(got), e.Failures)
	}
	if n := len(s.Requests()); n != 4+7 {
		t.Errorf("%d requests", n)
	}
	again := s.collect(repo)
	if fmt.Sprint(again.Pieces) != fmt.Sprint(e.Pieces) {
		t.Error("the order changes")
	}
}

func TestEachURLOnce(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	s.attest(repo, `{"a":1}`)
	s.collect(repo)
	client := github.New(s.options)
	before := len(s.Requests())
	for range 3 {
		client.Collect(t.Context(), repo, digest)
	}
	if n := len(s.Requests()) - before; n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestNone(t *testing.T) {
	t.Run("404", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		wantNone(t, s.collect(repo))
		if n := len(s.Requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("empty list", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.answers(listPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"attestations":[]}`)) })
		wantNone(t, s.collect(repo))
	})
	t.Run("private with a token", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.options.Token = token
		wantNone(t, s.collect("acme/secret"))
	})
}

// TestHiddenIsNotAbsent: GitHub says 404 of what one may not see.
func TestHiddenIsNotAbsent(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	s.attest("acme/secret", `{"a":1}`)
	wantFailure(t, s.collect("acme/secret"), github.NotFound, verify.Definitive, "no token was sent")
	wantFailure(t, s.collect("acme/nothing"), github.NotFound, verify.Definitive, "there is no repository github.com/acme/nothing")
	s.options.Token = token
	if got := bundles(t, s.collect("acme/secret")); len(got) != 1 {
		t.Errorf("%q", got)
	}
	wantFailure(t, s.collect("acme/nothing"), github.NotFound, verify.Definitive, "the token may not read it")
	s.options.Token = "wrong"
	wantFailure(t, s.collect(repo), github.Unauthorized, verify.Definitive, "Bad credentials")
}

func TestRenamed(t *testing.T) {
	for _, base := range []string{"", "/api/v3"} {
		s := newStage(t, lab.GitHubOptions{PageSize: 1})
		s.options.Token, s.options.BaseURL = token, s.URL()+base
		s.attest("acme/secret", `{"a":1}`)
		s.attest("acme/secret", `{"b":1}`)
		s.Rename("acme/secret", "acme/mystery")
		if e := s.collect("acme/secret"); len(bundles(t, e)) != 2 {
			t.Errorf("%s: %+v", base, e.Failures)
		}
	}
}

func TestTokenStaysWithTheAPI(t *testing.T) {
	for name, test := range map[string]func(s *stage, elsewhere string){
		"bundle on another host": func(*stage, string) {},
		"bundle at the API's host": func(s *stage, _ string) {
			s.answers(listPath, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"attestations":[{"bundle":null,"bundle_url":"%s/attestations/1001/1.json.sn?sig=c2lnbmVk"}]}`, s.URL())
			})
		},
		"bundle redirected": func(s *stage, elsewhere string) {
			s.answers("/attestations/1001/1.json.sn", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) })
		},
		"bundle redirected to the API": func(s *stage, _ string) {
			s.answers("/attestations/1001/1.json.sn", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, s.URL()+"/repos/acme/widget", http.StatusFound)
			})
		},
		"list redirected": func(s *stage, elsewhere string) {
			s.answers(listPath, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) })
		},
		"next page elsewhere": func(s *stage, elsewhere string) {
			s.answers(listPath, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "<"+elsewhere+listPath+`>; rel="next"`)
				_, _ = w.Write([]byte(`{"attestations":[]}`))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lab.GitHubOptions{})
			s.options.Token = token
			s.attest(repo, `{"a":1}`)
			var leaked []string
			elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				leaked = append(leaked, r.Header.Get("Authorization")+r.Header.Get("Referer")+r.Header.Get("Cookie"))
			}))
			defer elsewhere.Close()
			test(s, elsewhere.URL)
			s.collect(repo)
			elsewhere.Close()
			if got := strings.Join(leaked, ""); got != "" {
				t.Errorf("another host was told %q", got)
			}
			for i, r := range s.Requests() {
				want := ""
				if i == 0 {
					want = "Bearer " + token
				}
				if got := r.Header.Get("Authorization"); got != want {
					t.Errorf("request %d, %s %s, had Authorization %q", i, r.Host, r.Path, got)
				}
			}
		})
	}
}

// TestTokenOfAnotherHost: a token of github.com is not shown to whatever host a policy names.
func TestTokenOfAnotherHost(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	s.options.Token, s.options.BaseURL = token, ""
	s.attest(repo, `{"a":1}`)
	e := s.collect(s.URL() + "/acme/widget")
	if len(bundles(t, e)) != 1 || s.Requests()[0].Header.Get("Authorization") != "" || !strings.HasPrefix(s.Requests()[0].Path, "/api/v3/repos/") {
		t.Errorf("%+v %+v", e.Failures, s.Requests()[0])
	}
	s.options.TokenHost = strings.TrimPrefix(s.URL(), "http://")
	before := len(s.Requests())
	s.collect(s.URL() + "/acme/widget")
	if got := s.Requests()[before].Header.Get("Authorization"); got != "Bearer "+token {
		t.Errorf("Authorization %q", got)
	}
}

func TestRateLimitWithinTheBudget(t *testing.T) {
	for name, test := range map[string]struct {
		limit func(s *stage)
		slept time.Duration
	}{
		"primary":                  {func(s *stage) { s.LimitPrimary(then.Add(40 * time.Second)) }, 41 * time.Second},
		"secondary":                {func(s *stage) { s.LimitSecondary(1, 403, 7*time.Second) }, 7 * time.Second},
		"secondary, 429":           {func(s *stage) { s.LimitSecondary(1, 429, 7*time.Second) }, 7 * time.Second},
		"secondary without a time": {func(s *stage) { s.LimitSecondary(1, 403, 0) }, time.Minute},
		"429 without a time":       {func(s *stage) { s.LimitSecondary(1, 429, 0) }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lab.GitHubOptions{})
			s.attest(repo, `{"a":1}`)
			test.limit(s)
			if e := s.collect(repo); len(bundles(t, e)) != 1 || len(e.Failures) != 0 {
				t.Errorf("failures %+v", e.Failures)
			}
			if len(s.clock.slept) != 1 || s.clock.slept[0] != test.slept {
				t.Errorf("slept %v; wanted %s", s.clock.slept, test.slept)
			}
		})
	}
}

func TestRateLimitBeyondTheBudget(t *testing.T) {
	for name, test := range map[string]struct {
		limit func(s *stage)
		says  string
	}{
		"primary":                  {func(s *stage) { s.LimitPrimary(then.Add(time.Hour)) }, "API rate limit exceeded for 127.0.0.1.; the limit resets at 2200-06-01T13:00:00Z"},
		"secondary":                {func(s *stage) { s.LimitSecondary(9, 403, time.Hour) }, "secondary rate limit"},
		"secondary without a time": {func(s *stage) { s.LimitSecondary(9, 403, 0) }, "secondary rate limit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lab.GitHubOptions{})
			s.attest(repo, `{"a":1}`)
			s.limits.Time = time.Minute
			test.limit(s)
			wantFailure(t, s.collect(repo), github.RateLimited, verify.Transient, test.says)
			if n := len(s.Requests()); n != 1 || len(s.clock.slept) != 0 {
				t.Errorf("%d requests, slept %v", n, s.clock.slept)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	huge := snappy.Encode(nil, make([]byte, 3000))
	for name, test := range map[string]struct {
		path  string
		h     http.HandlerFunc
		code  verify.Code
		class verify.Class
		says  string
	}{
		"forbidden":         {listPath, status(403, `{"message":"Resource not accessible by integration"}`), github.Forbidden, verify.Definitive, "Resource not accessible"},
		"server error":      {listPath, status(500, ``), github.ServerError, verify.Transient, "500"},
		"unknown status":    {listPath, status(418, `{"message":"a\u001b[31mb"}`), github.ServerError, verify.Definitive, "a [31mb"},
		"unprocessable":     {listPath, status(422, ``), github.ServerError, verify.Definitive, "422"},
		"not JSON":          {listPath, status(200, `{"attestations":[`), github.Malformed, verify.Definitive, "not JSON"},
		"no list":           {listPath, status(200, `{"message":"hello"}`), github.Malformed, verify.Definitive, "no list"},
		"null list":         {listPath, status(200, `{"attestations":null}`), github.Malformed, verify.Definitive, "no list"},
		"no bundle":         {listPath, status(200, `{"attestations":[{"bundle":null}]}`), github.Malformed, verify.Definitive, "neither"},
		"list too long":     {listPath, status(200, strings.Repeat(" ", 5<<20)), verify.LimitExceeded, verify.Definitive, "longer than"},
		"list truncated":    {listPath, truncated, github.Truncated, verify.Transient, "ended early"},
		"compressed":        {listPath, encoded, github.Malformed, verify.Definitive, "gzip"},
		"list redirects":    {listPath, loop, github.RedirectLoop, verify.Definitive, "redirected"},
		"insecure redirect": {listPath, to("http://example.com/"), github.Insecure, verify.Definitive, "only https"},
		"list elsewhere":    {listPath, to("https://example.com/"), github.Insecure, verify.Definitive, "elsewhere"},
		"list to other key": {listPath, to("//u:p@" + "127.0.0.1:1/"), github.Insecure, verify.Definitive, "credentials"},
		"page loop":         {listPath, link(""), github.RedirectLoop, verify.Definitive, "back to one"},
		"endless pages":     {listPath, endless(), github.RedirectLoop, verify.Definitive, "more than 32 pages"},
		"page of other":     {listPath, link("/user"), github.Insecure, verify.Definitive, "elsewhere"},
		"page elsewhere":    {listPath, link("https://example.com" + listPath), github.Insecure, verify.Definitive, "example.com"},
		"page unreadable":   {listPath, linkHeader(`/x; rel="next"`), github.Malformed, verify.Definitive, "cannot be read"},

		"blob gone":           {blobPath, status(404, `<Error/>`), github.NotFound, verify.Definitive, "404"},
		"blob expired":        {blobPath, status(403, `<Error/>`), github.Forbidden, verify.Transient, "expired"},
		"blob server error":   {blobPath, status(500, ``), github.ServerError, verify.Transient, "500"},
		"blob truncated":      {blobPath, truncated, github.Truncated, verify.Transient, "ended early"},
		"blob too long":       {blobPath, status(200, strings.Repeat("x", 5000)), verify.LimitExceeded, verify.Definitive, "longer than"},
		"blob empty":          {blobPath, status(200, ``), github.Malformed, verify.Definitive, "neither JSON nor"},
		"not snappy":          {blobPath, status(200, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), github.Malformed, verify.Definitive, "snappy"},
		"snappy corrupt":      {blobPath, status(200, "\x05\xff\xff"), github.Malformed, verify.Definitive, "decompress"},
		"snappy bomb":         {blobPath, status(200, string(huge)), verify.LimitExceeded, verify.Definitive, "more than 2048 bytes"},
		"snappy liar":         {blobPath, status(200, "\x80\x08\x00a"), github.Malformed, verify.Definitive, "announces 1024 bytes"},
		"JSON too long":       {blobPath, status(200, `"`+strings.Repeat("x", 2100)+`"`), verify.LimitExceeded, verify.Definitive, "more than 2048"},
		"blob redirects":      {blobPath, loop, github.RedirectLoop, verify.Definitive, "redirected"},
		"blob insecure":       {blobPath, to("http://example.com/"), github.Insecure, verify.Definitive, "only https"},
		"blob file":           {blobPath, to("file:///etc/passwd"), github.Insecure, verify.Definitive, "only https"},
		"blob not over https": {listPath, entry("http://example.com/x"), github.Insecure, verify.Definitive, "only https"},
		"blob with a user":    {listPath, entry("http://u:p@127.0.0.1:1/x"), github.Insecure, verify.Definitive, "credentials"},
		"blob relative":       {listPath, entry("/x"), github.Malformed, verify.Definitive, "neither"},
		"blob unreachable":    {listPath, entry("http://127.0.0.1:1/x?sig=c"), github.Unreachable, verify.Transient, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, lab.GitHubOptions{})
			s.options.Limits.PieceBytes = 2048
			s.limits.AllRetries = 0
			s.attest(repo, `{"a":1}`)
			s.answers(test.path, test.h)
			wantFailure(t, s.collect(repo), test.code, test.class, test.says)
		})
	}
}

const blobPath = "/attestations/1001/1.json.sn"

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte(`{"att`))
}

func encoded(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") }

func loop(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
}

func to(where string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", where)
		w.WriteHeader(http.StatusFound)
	}
}

func link(where string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next := where
		if next == "" {
			next = r.URL.RequestURI()
		}
		linkHeader(`<x>; rel="last", <`+next+`>; rel=next`)(w, r)
	}
}

func linkHeader(value string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", value)
		_, _ = w.Write([]byte(`{"attestations":[]}`))
	}
}

// endless links to ever another page.
func endless() http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		n++
		link(fmt.Sprintf("%s?after=%d", r.URL.Path, n))(w, r)
	}
}

func entry(address string) http.HandlerFunc {
	return status(200, `{"attestations":[{"bundle":null,"bundle_url":"`+address+`"}]}`)
}

func TestBounds(t *testing.T) {
	t.Run("attestations", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{PageSize: 3, Inline: true})
		s.options.Limits.Pieces = 4
		for i := range 9 {
			s.attest(repo, fmt.Sprintf(`{"i":%d}`, i))
		}
		e := s.collect(repo)
		if len(bundles(t, e)) != 4 || len(e.Failures) != 1 || e.Failures[0].Code != verify.LimitExceeded {
			t.Errorf("%d pieces, failures %+v", len(e.Pieces), e.Failures)
		}
	})
	t.Run("inline bytes", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{Inline: true})
		s.options.Limits.PieceBytes = 10
		s.attest(repo, `{"long":"xxxxxxxxxx"}`)
		wantFailure(t, s.collect(repo), verify.LimitExceeded, verify.Definitive, "more than 10 bytes")
	})
	t.Run("requests", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.limits.Requests = 1
		s.attest(repo, `{"a":1}`)
		wantFailure(t, s.collect(repo), verify.LimitExceeded, verify.Definitive, "requests")
	})
	t.Run("bytes", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.limits.Bytes = 20
		s.attest(repo, `{"a":1}`)
		wantFailure(t, s.collect(repo), verify.LimitExceeded, verify.Definitive, "bytes")
	})
	t.Run("time", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.limits.Time = 0
		s.options.Budget = budget.New(s.limits, budget.Clock{})
		wantFailure(t, github.New(s.options).Collect(t.Context(), repo, digest), github.Timeout, verify.Transient, "time")
	})
	t.Run("unpacked bytes", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		for i := range 3 {
			s.attest(repo, fmt.Sprintf(`{"i":%d}`, i))
		}
		s.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/attestations/") {
				return false
			}
			_, _ = w.Write(snappy.Encode(nil, append(make([]byte, 30<<20), r.URL.Path...)))
			return true
		})
		e := s.collect(repo)
		if len(e.Pieces) != 2 || len(e.Failures) != 1 || e.Failures[0].Code != verify.LimitExceeded || !strings.Contains(e.Failures[0].Detail, "together") {
			t.Errorf("%d pieces, failures %+v", len(e.Pieces), e.Failures)
		}
	})
	t.Run("one bad bundle hides no other", func(t *testing.T) {
		s := newStage(t, lab.GitHubOptions{})
		s.attest(repo, `{"a":1}`)
		s.attest(repo, `{"b":1}`)
		s.answers(blobPath, status(404, ""))
		e := s.collect(repo)
		if got := bundles(t, e); len(got) != 1 || len(e.Failures) != 1 || e.Failures[0].Place != place+", number 2" {
			t.Errorf("%q %+v", got, e.Failures)
		}
	})
}

func TestUnusableNames(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	for _, name := range []string{"", "acme", "acme/", "/widget", "acme/..", "acme/.", "../widget", "a/b/c", "acme/wid get", "acme/w%2e",
		"acme/w?x", "http://github.com/acme/widget", "https://u:p@github.com/acme/widget", "https://github.com/acme/widget?q=1",
		"https://github.com/acme%2Fx/widget", "https://github.com/acme/widget/tree", "ssh://git@github.com/acme/widget", "acme/*"} {
		if e := s.collect(name); len(e.Failures) != 1 || e.Failures[0].Code != github.UnusableName {
			t.Errorf("%q: %+v", name, e.Failures)
		}
	}
	for _, bad := range []string{"", "sha256:", "sha512:" + strings.Repeat("a", 64), "sha256:" + strings.Repeat("A", 64), digest + "/../x"} {
		if e := github.New(s.options).Collect(t.Context(), repo, bad); len(e.Failures) != 1 || e.Failures[0].Code != github.UnusableName {
			t.Errorf("%q: %+v", bad, e.Failures)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestAPI(t *testing.T) {
	for in, want := range map[string][2]string{
		"acme/widget":                              {"github.com/acme/widget", "https://api.github.com"},
		"https://github.com/acme/widget.git":       {"github.com/acme/widget", "https://api.github.com"},
		"https://GitHub.com/acme/widget/":          {"github.com/acme/widget", "https://api.github.com"},
		"https://octo.ghe.com/acme/widget":         {"octo.ghe.com/acme/widget", "https://api.octo.ghe.com"},
		"https://github.corp.example/acme/.github": {"github.corp.example/acme/.github", "https://github.corp.example/api/v3"},
		"https://ghes.example:8443/a_b/c":          {"ghes.example:8443/a_b/c", "https://ghes.example:8443/api/v3"},
		"https://evilghe.com/a/b":                  {"evilghe.com/a/b", "https://evilghe.com/api/v3"},
		"http://127.0.0.1:81/a/b":                  {"127.0.0.1:81/a/b", "http://127.0.0.1:81/api/v3"},
	} {
		r, err := github.ParseRepository(in)
		if err != nil || r.String() != want[0] || r.API() != want[1] {
			t.Errorf("%s: %s, %s, %v", in, r, r.API(), err)
		}
	}
}

func FuzzCollect(f *testing.F) {
	f.Add([]byte(`{"attestations":[{"bundle":{"a":1}},{"bundle_url":"https://example.com/x"}]}`), `<https://api.github.com/x>; rel="next"`, []byte("\x05\x10hello"))
	f.Fuzz(func(t *testing.T, list []byte, next string, blob []byte) {
		client := github.New(github.Options{Transport: roundTripper(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if r.URL.Host != "api.github.com" {
				_, _ = w.Write(blob)
				return w.Result()
			}
			w.Header()["Link"] = []string{next}
			_, _ = w.Write(list)
			return w.Result()
		})})
		for _, p := range client.Collect(t.Context(), repo, digest).Pieces {
			if p.Digest != digestOf(string(p.Bytes)) {
				t.Errorf("%+v", p)
			}
		}
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }
