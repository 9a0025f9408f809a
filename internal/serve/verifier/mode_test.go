package verifier

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

// TestNothingIsAskedWithoutARule refuses without a request.
func TestNothingIsAskedWithoutARule(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	for _, ref := range []string{"127.0.0.1:1/acme/widget:1.2.3", "169.254.169.254/latest:meta-data", "localhost/acme/widget:1", "ghcr.io/acme/widget:1.2.3"} {
		r, err := verify.ParseReference(ref)
		must(t, err)
		a := s.ask(t, v, serve.Question{Reference: r}, serve.Refused, "policy.no_rule")
		if again := v.Verify(t.Context(), serve.Question{Reference: r}); a.Verdict.Size() == 0 || a.ID == "" || again.ID != a.ID || !again.Remembered {
			t.Errorf("%s: %+v, %+v", ref, a, again)
		}
	}
	s.options.Settings.Policies[0].Namespaces = []string{"shop"}
	v = s.verifier(t)
	for _, namespace := range []string{"", "other", "shop2"} {
		q := s.question(t, ":1.2.3")
		q.Namespace = namespace
		if a := s.ask(t, v, q, serve.Refused, "policy.no_rule"); !strings.Contains(a.Problems[0].Message, "default policy") {
			t.Errorf("%+v", a)
		}
	}
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
	q := s.question(t, ":1.2.3")
	q.Namespace = "shop"
	s.ask(t, v, q, serve.Passed)
}

// TestExceptions excuse what they list until they end.
func TestExceptions(t *testing.T) {
	s := newStage(t)
	bare, err := lab.NewRelease(s.sigstore, lab.ReleaseOptions{Repository: s.image, Tag: "2.0.0", Platform: "linux/amd64"})
	must(t, err)
	must(t, s.push(bare))
	write := func(reason string, ends time.Duration) {
		s.write(t, "exceptions.yaml", fmt.Sprintf("apiVersion: assay/v1\nkind: Exceptions\nexceptions:\n  - digest: %s\n    checks: [signature, provenance, consistency]\n    reason: %s\n    approver: kim\n    expires: %s\n",
			bare.Image.Digest(), reason, s.Now().Add(ends).UTC().Format(time.RFC3339)))
	}
	write("it has to run", 30*time.Second)
	s.options.Settings.Exceptions = s.path("exceptions.yaml")
	v := s.verifier(t)
	q := s.question(t, ":2.0.0")
	a := s.ask(t, v, q, serve.Excepted, "signature.missing")
	if a.Approver != "kim" || a.Reason != "it has to run" || a.Until.IsZero() || !a.Outcome.Pins() {
		t.Errorf("%+v", a)
	}
	s.add(31 * time.Second)
	s.ask(t, v, q, serve.Refused, "signature.missing")
	s.requests()
	write("once more", hour)
	if !v.changed() {
		t.Error("the edit was not noticed")
	}
	must(t, v.Reload())
	if a := s.ask(t, v, q, serve.Excepted); a.Reason != "once more" || s.requests() > 1 { // the tag alone
		t.Errorf("%+v", a)
	}
	s.write(t, "exceptions.yaml", "kind: Nonsense")
	if v.Reload() == nil {
		t.Error("broken exceptions were taken")
	}
	s.ask(t, v, q, serve.Excepted)
}

// TestAudit lets in what is refused, says until when, and is not forgotten at once.
func TestAudit(t *testing.T) {
	s := newStage(t)
	until := s.Now().Add(hour)
	wrong := `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`
	s.policy(t, "policy.yaml", "")
	s.policy(t, "audit.yaml", "mode: {audit: {until: "+until.UTC().Format(time.RFC3339)+"}}", wrong)
	s.options.Settings.Policies = append(s.options.Settings.Policies, settings.Policy{File: s.path("audit.yaml"), Namespaces: []string{"new"}})
	v := s.verifier(t)
	q := s.question(t, ":1.2.3")
	q.Namespace = "new"
	a := s.ask(t, v, q, serve.Audited, "signature.identity_mismatch")
	if a.Until.Unix() != until.Unix() || a.Outcome.Pins() {
		t.Errorf("%+v", a)
	}
	if !v.Audited("new") || v.Audited("old") || v.Audited("") {
		t.Error("audited is not said of the namespace, or of others")
	}
	s.policy(t, "audit.yaml", "", wrong)
	must(t, v.Reload())
	s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	if !v.Audited("new") || v.Audited("old") {
		t.Error("what was audited is forgotten at once")
	}
	s.add(25 * hour)
	if v.Audited("new") {
		t.Error("a day later it is still said")
	}
}

// TestAuditEnds enforces from the moment on that the policy names.
func TestAuditEnds(t *testing.T) {
	s := newStage(t)
	s.options.Settings.CacheFail = hour
	s.policy(t, "policy.yaml", "mode: {audit: {until: "+s.Now().Add(10*time.Minute).UTC().Format(time.RFC3339)+"}}",
		`signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	v := s.verifier(t)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Audited)
	s.add(11 * time.Minute)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Refused)
	if !v.Audited("") {
		t.Error("what ended a minute ago is forgotten")
	}
}

// TestShadow counts and logs what a second policy would answer, and changes nothing.
func TestShadow(t *testing.T) {
	s := newStage(t)
	s.policy(t, "shadow.yaml", "", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.options.Settings.Shadow = s.path("shadow.yaml")
	v := s.verifier(t)
	s.release = s.publish(t, lab.ReleaseOptions{Tag: "3.0.0", Platform: "linux/amd64"})
	s.ask(t, v, s.question(t, ":3.0.0"), serve.Passed)
	v.running.Wait()
	s.policy(t, "policy.yaml", "# edited")
	must(t, v.Reload())
	s.ask(t, v, s.question(t, ":3.0.0"), serve.Passed)
	v.running.Wait()
	if n := strings.Count(s.logged.String(), "answers otherwise"); n != 1 || !strings.Contains(s.logged.String(), "signature.identity_mismatch") {
		t.Errorf("said %d times:\n%s", n, s.logged)
	}
	broken := *v.current.Load()
	second := *broken.shadow
	second.Policy = nil // which panics
	broken.shadow = &second
	v.current.Store(&broken)
	q := s.question(t, ":3.0.0")
	q.Fresh = true
	s.ask(t, v, q, serve.Passed)
	v.running.Wait()
	if !strings.Contains(s.logged.String(), "the shadow policy ended in a panic") {
		t.Errorf("%s", s.logged)
	}
}

// TestShadowOfWhatReadMuch waits for no turn while it keeps others from reading much: one
// with a turn may wait for it.
func TestShadowOfWhatReadMuch(t *testing.T) {
	s := newStage(t)
	s.policy(t, "shadow.yaml", "", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.options.Settings.Shadow = s.path("shadow.yaml")
	v := s.verifier(t)
	v.shadows = newLine(0, 0) // all turns are taken
	asked := v.task(s.question(t, ":1.2.3@"+s.release.Image.Digest()))
	k, heard := v.verify(t.Context(), asked, nil)
	for _, read := range []int64{freeBytes - 1, freeBytes} {
		heard.bytes = read
		v.shadow(t.Context(), asked, k, heard)
		if said := strings.Contains(s.logged.String(), "answers otherwise"); said != (read == freeBytes) {
			t.Errorf("of %d bytes: %s", read, s.logged)
		}
	}
}

// TestMetrics counts what happened, with the words that dashboards know.
func TestMetrics(t *testing.T) {
	s := newStage(t)
	m := observe.NewMetrics("test", "")
	s.options.Metrics = m
	s.policy(t, "policy.yaml", "grace: {undecided: 24h}")
	s.policy(t, "shadow.yaml", "", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.options.Settings.Shadow = s.path("shadow.yaml")
	v := s.verifier(t)
	q := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, q, serve.Passed)
	v.running.Wait()
	s.ask(t, v, q, serve.Passed)
	s.registry.SetIntercept(shut)
	s.add(hour)
	s.ask(t, v, q, serve.Graced)
	v.running.Wait()
	s.write(t, "policy.yaml", "x")
	_ = v.Reload()
	v.count()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`assay_verifications_total{late="false",outcome="passed"} 1`, `assay_verifications_total{late="false",outcome="graced"} 1`,
		`assay_cache_lookups_total{cache="memory",result="hit"} 1`, `result="stricter"} 1`, `cache="evidence"`,
	} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("%s is missing in\n%s", line, w.Body)
		}
	}
}

// TestVerdicts lists what was judged, the newest first.
func TestVerdicts(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	d := s.release.Image.Digest()
	s.ask(t, v, s.question(t, ":1.2.3@"+d), serve.Passed)
	s.ask(t, v, s.question(t, ":1.2.4@"+d), serve.Refused)
	list := v.Verdicts(d, 10)
	if len(list) != 2 || list[0].Tag != "1.2.4" || list[1].Outcome != serve.Passed {
		t.Errorf("%+v", list)
	}
	if n := len(v.Verdicts(d, 1)) + len(v.Verdicts("sha256:", 5)) + len(v.Verdicts(d, -1)); n != 1 {
		t.Errorf("%d", n)
	}
	p := newPast(1 << 30)
	for i := range 3 * maxPast {
		p.add(serve.Answer{Digest: fmt.Sprint(i % 500), Requested: fmt.Sprint(i)})
	}
	if len(p.order) > maxPast || len(p.all["0"]) > maxPastEach || p.bytes != int64(len(p.order))*pastOverhead {
		t.Errorf("%d answers, %d bytes", len(p.order), p.bytes)
	}
}

// TestReady tells of a root that nobody has vouched for in a long time.
func TestReady(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	if err := v.Ready(); err != nil {
		t.Error(err)
	}
	s.add(10 * hour) // a root in a file has no age
	if err := v.Ready(); err != nil {
		t.Error(err)
	}
	s.options.Settings.TrustedRoot = ""
	v = s.verifier(t)
	v.trust.date = s.Now()
	if err := v.Ready(); err != nil {
		t.Error(err)
	}
	s.add(2 * hour)
	if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "trust_age") {
		t.Errorf("an old root: %v", err)
	}
}

// TestNewRefuses settings that cannot be followed.
func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*stage){
		"no policy": func(s *stage) { s.options.Settings.Policies = nil },
		"two defaults": func(s *stage) {
			s.options.Settings.Policies = append(s.options.Settings.Policies, s.options.Settings.Policies[0])
		},
		"a policy of nothing":   func(s *stage) { s.options.Settings.Policies[0].File = s.path("none.yaml") },
		"a broken policy":       func(s *stage) { s.write(t, "policy.yaml", "x") },
		"exceptions of none":    func(s *stage) { s.options.Settings.Exceptions = s.path("none.yaml") },
		"a shadow of none":      func(s *stage) { s.options.Settings.Shadow = s.path("none.yaml") },
		"registries of none":    func(s *stage) { s.options.Settings.Registries = s.path("none.yaml") },
		"an empty namespace":    func(s *stage) { s.options.Settings.Policies[0].Namespaces = []string{""} },
		"no clock":              func(s *stage) { s.options.Now = nil },
		"a root that is none":   func(s *stage) { s.write(t, "root.json", "{}") },
		"a namespace of tricks": func(s *stage) { s.options.Settings.Policies[0].Namespaces = []string{"a\u202eb"} },
	} {
		s := newStage(t)
		s.options.Settings.State = ""
		change(s)
		before, _ := os.ReadDir(os.TempDir())
		if v, err := New(t.Context(), s.options); err == nil {
			v.Close()
			t.Errorf("%s: taken", name)
		}
		after, _ := os.ReadDir(os.TempDir())
		if len(after) > len(before) {
			t.Errorf("%s: something is left behind", name)
		}
	}
}
