package doors

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

// closedPaths are the doors that decide, each with a question about an image that
// is good, and the words with which its answer admits.
var closedPaths = map[string]struct{ body, admits string }{
	"/admission/validate": {asked{object: pod(pinned("good"))}.String(), `"allowed":true`},
	"/admission/mutate":   {asked{object: pod(image("good"))}.String(), `"allowed":true`},
	"/imagereview":        {imageReviewOf("prod", pinned("good")), `"allowed":true`},
	"/gatekeeper":         {keysOf(pinned("good")), `"value":`},
	"/gatekeeper/mutate":  {keysOf(image("good")), `"value":`},
	"/v1/verify":          {`{"image":"` + pinned("good") + `"}`, `"verdict": "pass"`},
}

// TestEachDoorAdmits: the questions of closedPaths are answered yes, so that the tests
// below, which want no yes, could fail.
func TestEachDoorAdmits(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	for path, door := range closedPaths {
		if w := s.post(t, path, door.body); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), door.admits) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestRequestsOfAnotherForm are refused before anything is judged.
func TestRequestsOfAnotherForm(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	for path, door := range closedPaths {
		for _, c := range []struct {
			name   string
			method string
			header map[string]string
			body   string
			query  string
			status int // of an HTTP error; a review may say it in its body
		}{
			{"a GET", http.MethodGet, nil, door.body, "", 405},
			{"a PUT", http.MethodPut, nil, door.body, "", 405},
			{"no type", http.MethodPost, map[string]string{"Content-Type": ""}, door.body, "", 415},
			{"another type", http.MethodPost, map[string]string{"Content-Type": "application/yaml"}, door.body, "", 415},
			{"another charset", http.MethodPost, map[string]string{"Content-Type": "application/json; charset=utf-16"}, door.body, "", 415},
			{"compressed", http.MethodPost, map[string]string{"Content-Encoding": "gzip"}, door.body, "", 415},
			{"nothing", http.MethodPost, nil, "", "", 400},
			{"cut off", http.MethodPost, nil, door.body[:len(door.body)-1], "", 400},
			{"twice", http.MethodPost, nil, door.body + door.body, "", 400},
			{"a key twice", http.MethodPost, nil, strings.Replace(door.body, "{", `{"x":1,"x":2,`, 1), "", 400},
			{"a list", http.MethodPost, nil, "[" + door.body + "]", "", 400},
			{"not UTF-8", http.MethodPost, nil, strings.Replace(door.body, "good", "g\xffd", 1), "", 400},
			{"a strange timeout", http.MethodPost, nil, door.body, "?timeout=soon", 400},
			{"two timeouts", http.MethodPost, nil, door.body, "?timeout=1s&timeout=100s", 400},
			{"a negative timeout", http.MethodPost, nil, door.body, "?timeout=-1s", 400},
			{"too large", http.MethodPost, nil, door.body + strings.Repeat(" ", kube.MaxReview), "", 413},
			{"too large, of unknown length", http.MethodPost, nil, door.body + strings.Repeat(" ", kube.MaxReview), "", 413},
		} {
			r := httptest.NewRequest(c.method, path+c.query, strings.NewReader(c.body))
			if strings.HasSuffix(c.name, "unknown length") {
				r.ContentLength = -1
			}
			r.Header.Set("Content-Type", "application/json")
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), door.admits) || w.Body.Len() == 0 || w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s, %s: %d %s", path, c.name, w.Code, w.Body)
			}
			if w.Code != c.status && path != "/imagereview" {
				t.Errorf("%s, %s: status %d, wanted %d", path, c.name, w.Code, c.status)
			}
			if c.status == 405 && w.Header().Get("Allow") != http.MethodPost {
				t.Errorf("%s, %s: Allow is %q", path, c.name, w.Header().Get("Allow"))
			}
			if path == "/imagereview" && c.status != 405 && (w.Code != 200 || !strings.Contains(w.Body.String(), `"allowed":false`)) {
				t.Errorf("%s, %s: %d %s; an HTTP error is permission under defaultAllow", path, c.name, w.Code, w.Body)
			}
		}
	}
	if len(s.fake.asked) > 0 {
		t.Errorf("judged %d images", len(s.fake.asked))
	}
	for _, path := range []string{"/", "/admission", "/v1", "/v1/verdicts", "/v1/verdicts/a/b", "/admission/validate/"} {
		if w := s.get(t, path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/admission/validate") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestPatience: the least of what the caller gives, less its way back, and the server's
// own maximum.
func TestPatience(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		query    string
		own, ctx time.Duration
		want     time.Duration
	}{
		{"", 8 * time.Second, 0, 8 * time.Second},
		{"", 0, 0, defaultWait},
		{"?timeout=10s", 25 * time.Second, 0, 9 * time.Second},
		{"?timeout=30s", 25 * time.Second, 0, 25 * time.Second},
		{"?timeout=1s", 25 * time.Second, 0, 800 * time.Millisecond},
		{"?timeout=100ms", 25 * time.Second, 0, 50 * time.Millisecond},
		{"?timeout=10s", 25 * time.Second, 5 * time.Second, 4500 * time.Millisecond},
		{"", 25 * time.Second, -time.Second, 0},
	} {
		r := httptest.NewRequest(http.MethodPost, "/"+c.query, nil)
		if c.ctx != 0 {
			ctx, cancel := context.WithDeadline(r.Context(), now.Add(c.ctx))
			defer cancel()
			r = r.WithContext(ctx)
		}
		got, f := (&call{http: r}).patience(c.own, now)
		if f != nil || got != c.want {
			t.Errorf("%q, %s, %s: %s, %+v; wanted %s", c.query, c.own, c.ctx, got, f, c.want)
		}
	}
}

// TestLate is attack 40, slower than the deadline: every door says no by then, even of
// a verifier that does not look at its deadline, and what comes later changes nothing.
func TestLate(t *testing.T) {
	for path, door := range closedPaths {
		s := open(t, settings.Settings{Deadline: time.Millisecond}, nil)
		release := make(chan bool)
		s.fake.answer = func(_ context.Context, q serve.Question) serve.Answer {
			<-release
			return answerTo(q)
		}
		w := s.post(t, path, door.body)
		close(release)
		if strings.Contains(w.Body.String(), door.admits) || !strings.Contains(w.Body.String(), "server.late") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if name := strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/admission"), "/"), "/", "-"); s.counted(t, `assay_late_answers_total{door="`+name+`"}`) != "1" {
			t.Errorf("%s: a late answer was not counted", path)
		}
		if r := s.records(t); len(r) != 1 || !r[0].Late || r[0].Admitted || r[0].Outcome != "undecided" {
			t.Errorf("%s: records %+v", path, r)
		}
	}
}

// TestPanic: a panic anywhere is a denial in the form of the door, and is counted.
func TestPanic(t *testing.T) {
	for path, door := range closedPaths {
		s := open(t, settings.Settings{}, nil)
		s.fake.answer = func(context.Context, serve.Question) serve.Answer { panic("secret\nof the verifier") }
		w := s.post(t, path, door.body)
		if strings.Contains(w.Body.String(), door.admits) || !strings.Contains(w.Body.String(), "internal.panic") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s, in the verifier: %d %s", path, w.Code, w.Body)
		}
		if !strings.Contains(s.log.String(), `secret\\nof the verifier`) {
			t.Errorf("%s: the log has %s", path, s.log.String())
		}
		s = open(t, settings.Settings{}, func(o *Options) {
			o.Client = func(context.Context) string { panic("secret") }
		})
		w = s.post(t, path, door.body)
		if strings.Contains(w.Body.String(), door.admits) || !strings.Contains(w.Body.String(), "internal.panic") {
			t.Errorf("%s, in the door: %d %s", path, w.Code, w.Body)
		}
		if strings.HasPrefix(path, "/admission") && !strings.Contains(w.Body.String(), uid) {
			t.Errorf("%s: the denial is nobody's: %s", path, w.Body)
		}
		name := s.metricsOf(t, "assay_decisions_total", "internal.panic")
		if name == "" {
			t.Errorf("%s: the panic was not counted", path)
		}
	}
}

// metricsOf returns the first sample of a metric that holds a word.
func (s *server) metricsOf(t testing.TB, metric, word string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		if strings.HasPrefix(line, metric) && strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

// TestAnswersAboutAnother: an answer that is about another image than the one that was
// asked about admits nothing, and neither does one of no words.
func TestAnswersAboutAnother(t *testing.T) {
	other := pinned("good")
	for name, change := range map[string]func(*serve.Answer){
		"the zero answer":   func(a *serve.Answer) { *a = serve.Answer{} },
		"no digest":         func(a *serve.Answer) { a.Digest = "" },
		"another digest":    func(a *serve.Answer) { a.Digest, a.Pinned = badDigest, image("good")+"@"+badDigest },
		"another name":      func(a *serve.Answer) { a.Pinned = strings.Replace(a.Pinned, "acme", "evil", 1) },
		"another tag":       func(a *serve.Answer) { a.Pinned = strings.Replace(a.Pinned, "1.2.3", "1.2.4", 1) },
		"no pinned image":   func(a *serve.Answer) { a.Pinned = "" },
		"an unknown result": func(a *serve.Answer) { a.Outcome = 77 },
	} {
		for path, door := range closedPaths {
			if path == "/admission/mutate" || path == "/gatekeeper/mutate" {
				door.body = strings.ReplaceAll(door.body, image("good"), other)
			}
			s := open(t, settings.Settings{}, nil)
			s.fake.answer = func(_ context.Context, q serve.Question) serve.Answer {
				a := answerTo(q)
				change(&a)
				return a
			}
			if w := s.post(t, path, door.body); strings.Contains(w.Body.String(), door.admits) {
				t.Errorf("%s, %s: %d %s", name, path, w.Code, w.Body)
			}
			if path != "/admission/validate" {
				continue
			}
			if got := s.review(t, "validate", asked{kind: "Deployment", object: deployment(other)}.String()); got.Allowed {
				t.Errorf("%s, of a template: %+v", name, got)
			}
		}
	}
}

// TestNoPolicy is a namespace that no policy is for: nothing was judged, and that is no
// fault of assay's.
func TestNoPolicy(t *testing.T) {
	for path, door := range closedPaths {
		s := open(t, settings.Settings{}, nil)
		s.fake.answer = func(_ context.Context, q serve.Question) serve.Answer {
			return serve.Answer{Outcome: serve.Refused, Requested: q.Reference.String(), Problems: []serve.Problem{{
				Check: "policy", Code: string(verify.PolicyNoRule), Found: "no policy is for it", Next: "name it under policies",
			}}}
		}
		w := s.post(t, path, door.body)
		if text := w.Body.String(); strings.Contains(text, door.admits) || !strings.Contains(text, "policy.no_rule") || strings.Contains(text, "internal.panic") {
			t.Errorf("%s: %d %s", path, w.Code, text)
		}
		if path == "/v1/verify" && (w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "name it under policies")) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestLargeBodiesAtOnce is attack 40, oversized: bodies share one room, a full one
// turns them away in the form of the door, and all of it comes back.
func TestLargeBodiesAtOnce(t *testing.T) {
	handler := &doors{Options: Options{Now: time.Now}, room: newRoom(256 << 10)}
	padded := strings.Replace(asked{object: pod(pinned("good"))}.String(), `"dryRun"`, `"x":"`+strings.Repeat("y", 300<<10)+`","dryRun"`, 1)
	padded = strings.ReplaceAll(padded, "\n", "")
	try := func(body io.Reader) (*call, []byte, *fault) {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		c := &call{http: r, route: route{limit: kube.MaxReview}}
		b, done, f := handler.body(c)
		done()
		return c, b, f
	}
	c, _, f := try(strings.NewReader(padded))
	if f == nil || f.status != http.StatusServiceUnavailable || f.code != "server.busy" || c.uid != uid {
		t.Errorf("found %+v, uid %q", f, c.uid)
	}
	small := strings.Repeat("z", 200<<10)
	for range 3 {
		if _, b, f := try(iotestOneByOne{strings.NewReader(small)}); f != nil || string(b) != small {
			t.Errorf("found %+v, %d bytes", f, len(b))
		}
	}
	if left := handler.room.left.Load(); left != 256<<10 {
		t.Errorf("%d bytes of room are left", left)
	}
}

// iotestOneByOne gives few bytes at a time.
type iotestOneByOne struct{ r io.Reader }

func (o iotestOneByOne) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), 1000)]) }

// TestSniff: the UID of a review that was not read is taken only where it stands as an
// API server writes it.
func TestSniff(t *testing.T) {
	good := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"a-1","kind":{`
	for b, want := range map[string]string{
		good: "a-1", "": "", "{}": "", strings.Replace(good, "a-1", `a\u0022`, 1): "", strings.Replace(good, `"a-1"`, `"`+strings.Repeat("a", 200)+`"`, 1): "",
		strings.Replace(good, `"a-1"`, `"`+strings.Repeat("a", 600), 1): "", " " + good: "",
	} {
		if got := sniff([]byte(b)); got != want {
			t.Errorf("%.80q: %q", b, got)
		}
	}
}

// TestStrangersText is attack 40, terminal escapes: nothing that a registry, an object
// or a caller wrote reaches an answer as characters that a terminal acts on.
func TestStrangersText(t *testing.T) {
	evil := "\x1b]0;x\x07\u202e\u0085\u2028"
	s := open(t, settings.Settings{}, nil)
	s.fake.answer = func(_ context.Context, q serve.Question) serve.Answer {
		a := answerTo(q)
		a.Outcome = serve.Refused
		a.Rule, a.Policy = evil, evil
		a.Problems = []serve.Problem{{Check: "signature", Code: "signature.missing", Wanted: evil, Found: evil, Message: evil, Next: evil}}
		return a
	}
	marked, err := json.Marshal(evil)
	must(t, err)
	paths := []string{
		s.post(t, "/admission/validate", strings.Replace(asked{object: pod(pinned("bad"))}.String(), `"name":"c0"`, `"name":`+string(marked), 1)).Body.String(),
		s.post(t, "/admission/validate", strings.Replace(asked{object: pod(pinned("bad"))}.String(), `"image":"`, `"image":"`+strings.Trim(string(marked), `"`), 1)).Body.String(),
		s.post(t, "/imagereview", imageReviewOf("prod", pinned("bad"))).Body.String(),
		s.post(t, "/gatekeeper", keysOf(pinned("bad"))).Body.String(),
		s.post(t, "/v1/verify", `{"image":`+string(marked)+`}`).Body.String(),
		s.post(t, "/v1/verify", `{`+string(marked)+`:1}`).Body.String(),
		s.get(t, "/v1/verdicts/%1b%5d").Body.String(),
		s.post(t, "/v1/verify?%1b=1", `{}`).Body.String(),
	}
	for i, body := range paths {
		var tree any
		must(t, json.Unmarshal([]byte(body), &tree))
		for _, text := range texts(tree) {
			if i == 3 && strings.HasPrefix(text, "ghcr.io") {
				continue
			}
			if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '…' && (r < ' ' || r > '~') }) {
				t.Errorf("answer %d has %q", i, text)
			}
		}
	}
	if strings.ContainsAny(s.log.String(), "\x1b\u202e") {
		t.Errorf("the log has %q", s.log.String())
	}
}

// texts are all strings of a JSON document.
func texts(tree any) []string {
	switch v := tree.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, texts(x)...)
		}
		return all
	case map[string]any:
		var all []string
		for k, x := range v {
			all = append(append(all, k), texts(x)...)
		}
		slices.Sort(all)
		return all
	}
	return nil
}
