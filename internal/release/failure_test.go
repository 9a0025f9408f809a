package release_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func TestWhatCannotBeHad(t *testing.T) {
	const timestamp, targets, manifests = "metadata/timestamp.json", "metadata/2.targets.json", "targets/*"
	for _, c := range []struct {
		name, path string
		answer     http.HandlerFunc
		code       verify.Code
		class      verify.Class
	}{
		{"not found", timestamp, lab.AnswerStatus(404), verify.TUFNotFound, verify.Definitive},
		{"not found further on", targets, lab.AnswerStatus(404), verify.TUFNotFound, verify.Definitive},
		{"forbidden", timestamp, lab.AnswerStatus(403), verify.TUFForbidden, verify.Definitive},
		{"unauthorized", timestamp, lab.AnswerStatus(401), verify.TUFForbidden, verify.Definitive},
		{"rate-limited", timestamp, lab.AnswerStatus(429), verify.TUFRateLimited, verify.Transient},
		{"server error", timestamp, lab.AnswerStatus(500), verify.TUFServerError, verify.Transient},
		{"root", "metadata/2.root.json", lab.AnswerStatus(502), verify.TUFServerError, verify.Transient},
		{"truncated", timestamp, lab.AnswerTruncated([]byte(strings.Repeat(" ", 400))), verify.TUFTruncated, verify.Transient},
		{"endless", timestamp, lab.AnswerEndlessly([]byte("{}")), verify.LimitExceeded, verify.Definitive},
		{"downgraded", timestamp, redirect("http://example.com/timestamp.json"), verify.TUFInsecure, verify.Definitive},
		{"round and round", timestamp, redirect("/metadata/timestamp.json"), verify.TUFRedirectLoop, verify.Definitive},
		{"a manifest", manifests, lab.AnswerStatus(500), verify.TUFServerError, verify.Transient},
		{"a manifest of another hash", manifests, answer("{}"), verify.ReleaseHashMismatch, verify.Definitive},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "1.0.0")
			s.options.Budget = budget.New(quick(), budget.Clock{})
			s.SetFault(c.path, c.answer)
			e := s.ask(t, ":1.0.0", "1.0.0")
			if len(e.Failures) != 1 || e.Failures[0].Code != c.code || e.Failures[0].Class != c.class {
				t.Fatalf("found %+v", e.Failures)
			}
			if len(e.Manifests) != 0 || e.Requests == 0 || e.Requests != s.options.Budget.Requests() {
				t.Errorf("found %d manifests, %d requests", len(e.Manifests), e.Requests)
			}
			// What was kept before serves instead, unless the policy wants it asked.
			s.SetFault(c.path, nil)
			equal(t, "failures without the fault", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
			s.SetFault(c.path, c.answer)
			e = s.ask(t, ":1.0.0", "1.0.0")
			equal(t, "failures with a copy", codes(e), "")
			equal(t, "manifests with a copy", versions(e), "1.0.0")
			if strings.HasPrefix(c.path, "metadata/t") && e.Refreshed {
				t.Error("a kept copy counts as refreshed")
			}
			s.want.Demand.TUF.Refresh = policy.RefreshRequired
			e = s.ask(t, ":1.0.0", "1.0.0")
			if strings.HasPrefix(c.path, "metadata/t") {
				equal(t, "failures where it must be asked", codes(e), string(c.code))
			}
		})
	}
}

// TestTimeIsUp has a server that never answers: the budget's time or the caller's ends it.
func TestTimeIsUp(t *testing.T) {
	never := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, path := range []string{"metadata/2.root.json", "metadata/timestamp.json", "targets/*"} {
		s := newStage(t, "1.0.0")
		limits := quick()
		limits.Time = 200 * time.Millisecond
		s.options.Budget = budget.New(limits, budget.Clock{})
		s.SetFault(path, never)
		e := s.ask(t, ":1.0.0", "1.0.0")
		if len(e.Failures) != 1 || e.Failures[0].Code != verify.TUFTimeout || e.Failures[0].Class != verify.Transient {
			t.Errorf("%s: found %+v", path, e.Failures)
		}
	}
}

// quick retries without a pause.
func quick() budget.Limits {
	l := budget.Default()
	l.Backoff = 1
	return l
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestAServerThatIsDown(t *testing.T) {
	s := newStage(t, "1.0.0")
	s.options.Mirror = "http://127.0.0.1:1"
	e := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "failures", codes(e), "tuf.unreachable")
	s.options.Mirror = ""
	equal(t, "failures while it is up", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.options.Mirror = "http://127.0.0.1:1"
	e = s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "failures with a copy", codes(e), "")
	if e.Refreshed || !strings.Contains(strings.Join(e.Places, "\n"), "the kept copy of "+s.MetadataURL()) {
		t.Errorf("found refreshed %t, places %q", e.Refreshed, e.Places)
	}
	// A manifest that was never fetched is missing since the server is down.
	s.list(t, "1.1.0")
	s.options.Mirror = ""
	_ = s.ask(t, ":1.0.0", "1.0.0")
	s.options.Mirror = "http://127.0.0.1:1"
	equal(t, "failures for another version", codes(s.ask(t, ":1.1.0", "1.1.0")), "tuf.unreachable")
	// A newer timestamp without its snapshot: what is kept is no longer the newest known.
	s.list(t, "1.2.0")
	s.options.Mirror = ""
	s.SetFault("metadata/4.snapshot.json", lab.AnswerStatus(404))
	equal(t, "failures half-way", codes(s.ask(t, ":1.0.0", "1.0.0")), "tuf.not_found")
	s.SetFault("metadata/4.snapshot.json", nil)
	equal(t, "failures after that", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
}

func TestRefusedMetadataIsHandedOn(t *testing.T) {
	s := newStage(t, "1.0.0")
	err := s.EditFile(s.MetadataPath("targets"), func(file map[string]any) { file["signatures"] = []any{} })
	if err != nil {
		t.Fatal(err)
	}
	e := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "failures", codes(e), "")
	if string(e.Targets) != string(s.File(s.MetadataPath("targets"))) {
		t.Errorf("the refused targets have %d bytes", len(e.Targets))
	}
	equal(t, "manifests", versions(e), "")
}

func TestAPanicIsAFailure(t *testing.T) {
	s := newStage(t, "1.0.0")
	e := release.New(s.options).Release(context.Background(), s.want, func() (verify.Image, bool) { panic("stop") })
	equal(t, "failures", codes(e), "internal.panic")
}
