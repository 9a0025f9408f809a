package doors

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestAdmission says for each kind of answer what becomes of a Pod, of a Pod by tag and
// of a template.
func TestAdmission(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	const pin = `"op":"replace"`
	for _, c := range []struct {
		name, door string
		asked      asked
		code       int // 0: allowed
		says       string
		warns      string
		patch      bool
	}{
		{name: "good", door: "validate", asked: asked{object: pod(pinned("good"))}},
		{name: "good, by tag", door: "validate", asked: asked{object: pod(image("good"))}, code: 403, says: "reference.not_pinned"},
		{name: "good, by tag, mutated", door: "mutate", asked: asked{object: pod(image("good"))}, patch: true},
		{name: "good, pinned, mutated", door: "mutate", asked: asked{object: pod(pinned("good"))}},
		{name: "a template by tag", door: "validate", asked: asked{kind: "Deployment", object: deployment(image("good"))}},
		{name: "a template by tag, mutated", door: "mutate", asked: asked{kind: "Deployment", object: deployment(image("good"))}},
		{name: "bad", door: "validate", asked: asked{object: pod(pinned("bad"))}, code: 403, says: "signature.identity_mismatch"},
		{name: "bad, mutated", door: "mutate", asked: asked{object: pod(image("bad"))}, code: 403, says: "signature.identity_mismatch"},
		{name: "a template that is bad", door: "validate", asked: asked{kind: "Deployment", object: deployment(image("bad"))}, code: 403, says: "signature.identity_mismatch"},
		{name: "undecided", door: "validate", asked: asked{object: pod(pinned("down"))}, code: 503, says: "undecided, retry"},
		{name: "undecided, mutated", door: "mutate", asked: asked{object: pod(image("down"))}, code: 503, says: "registry.unreachable"},
		{name: "undecided and bad", door: "validate", asked: asked{object: pod(pinned("down"), pinned("bad"))}, code: 403, says: "signature.identity_mismatch"},
		{name: "one of many", door: "validate", asked: asked{object: pod(pinned("good"), pinned("bad"), pinned("good"))}, code: 403, says: "spec.containers[1].image"},
		{name: "audit", door: "validate", asked: asked{object: pod(pinned("audit"))}, warns: "audit: signature.identity_mismatch: would be refused from 2030-01-02T03:04:05Z"},
		{name: "audit, by tag", door: "validate", asked: asked{object: pod(image("audit"))}, warns: "reference.not_pinned"},
		{name: "audit, mutated", door: "mutate", asked: asked{object: pod(image("audit"))}, warns: "audit:"},
		{name: "a pass under audit, by tag", door: "validate", asked: asked{object: pod(image("good-audit"))}, warns: "audit: reference.not_pinned"},
		{name: "excepted", door: "validate", asked: asked{object: pod(pinned("excepted"))}, warns: "excepted until 2030-01-02T03:04:05Z: signature.identity_mismatch, by alice"},
		{name: "excepted, by tag", door: "validate", asked: asked{object: pod(image("excepted"))}, code: 403, says: "reference.not_pinned", warns: "excepted"},
		{name: "excepted, mutated", door: "mutate", asked: asked{object: pod(image("excepted"))}, warns: "excepted", patch: true},
		{name: "graced", door: "validate", asked: asked{object: pod(pinned("graced"))}, warns: "grace until"},
		{name: "graced, mutated", door: "mutate", asked: asked{object: pod(image("graced"))}, warns: "grace", patch: true},
		{name: "Never and a tag", door: "validate", asked: asked{object: pod(image("good") + " Never")}, code: 403, says: "reference.node_decides"},
		{name: "Never and a tag, mutated", door: "mutate", asked: asked{object: pod(image("good") + " Never")}, patch: true},
		{name: "Never and a tag, under audit", door: "validate", asked: asked{object: pod(image("audit") + " Never")}, warns: "reference.node_decides"},
		{name: "Never and a digest", door: "validate", asked: asked{object: pod(pinned("good") + " Never")}},
		{name: "no image", door: "validate", asked: asked{object: pod(pinned("good"), "")}, code: 403, says: "reference.malformed"},
		{name: "no image yet", door: "mutate", asked: asked{object: pod(image("good"), "")}, patch: true},
		{name: "no reference", door: "validate", asked: asked{object: pod("GHCR.IO/acme/good:1")}, code: 403, says: "reference.malformed"},
		{name: "no reference, mutated", door: "mutate", asked: asked{object: pod("a:b:c:d")}, code: 403, says: "reference.malformed"},
		{name: "private, of a template", door: "validate", asked: asked{kind: "Deployment", object: deployment(image("private"))}, warns: "registry.unauthorized: the image cannot be read"},
		{name: "private, of a pod", door: "validate", asked: asked{object: pod(pinned("private"))}, code: 503, says: "registry.unauthorized"},
		{name: "private and more, of a template", door: "validate", asked: asked{kind: "Deployment", object: deployment(image("halfprivate"))}, code: 503, says: "also signature.missing"},
		{name: "an unknown kind", door: "validate", asked: asked{kind: "Widget", object: `{"apiVersion":"v1","kind":"Widget"}`}, code: 403, says: "no images are known"},
	} {
		got := s.review(t, c.door, c.asked.String())
		if got.UID != uid || got.Allowed != (c.code == 0) || got.Status.Code != c.code || !strings.Contains(got.Status.Message, c.says) {
			t.Errorf("%s: %t, %d, %q; wanted %d, %q", c.name, got.Allowed, got.Status.Code, got.Status.Message, c.code, c.says)
		}
		if all := strings.Join(got.Warnings, "\n"); !strings.Contains(all, c.warns) || c.warns == "" && all != "" {
			t.Errorf("%s: warnings %q; wanted %q", c.name, all, c.warns)
		}
		if p := got.patch(t); strings.Contains(p, pin) != c.patch || c.patch && !strings.Contains(p, goodDigest) {
			t.Errorf("%s: patch %s", c.name, p)
		}
		for _, text := range append(got.Warnings, got.Status.Message) {
			if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), unicode.IsControl) {
				t.Errorf("%s: a terminal acts on %q", c.name, text)
			}
		}
	}
}

// TestSettingsOfAdmission: each setting of these doors takes effect.
func TestSettingsOfAdmission(t *testing.T) {
	tags := open(t, settings.Settings{AllowTags: true}, nil)
	if got := tags.review(t, "validate", asked{object: pod(image("good"))}.String()); !got.Allowed {
		t.Errorf("AllowTags: %+v", got)
	}
	if got := tags.review(t, "validate", asked{object: pod(image("good") + " Never")}.String()); got.Allowed || !strings.Contains(got.Status.Message, "node_decides") {
		t.Errorf("AllowTags lets the node decide: %+v", got)
	}
	templates := open(t, settings.Settings{MutateTemplates: true}, nil)
	if got := templates.review(t, "mutate", asked{kind: "Deployment", object: deployment(image("good"))}.String()); !strings.Contains(got.patch(t), "/spec/template/spec/containers/0/image") {
		t.Errorf("MutateTemplates: %+v", got)
	}
	kinds := open(t, settings.Settings{Kinds: []settings.Kind{{Version: "v1", Kind: "Widget", Paths: []string{"$.spec.image"}}}}, nil)
	widget := asked{kind: "Widget", object: `{"apiVersion":"v1","kind":"Widget","spec":{"image":"` + image("bad") + `"}}`}
	if got := kinds.review(t, "validate", widget.String()); got.Allowed || !strings.Contains(got.Status.Message, "spec.image") {
		t.Errorf("Kinds: %+v", got)
	}
	for _, bad := range []settings.Kind{{Version: "v1", Kind: "W"}, {Version: "v1", Kind: "W", Paths: []string{"spec"}}} {
		if _, err := New(Options{Verifier: &fake{}, Now: time.Now, Settings: settings.Settings{Kinds: []settings.Kind{bad}}}); err == nil {
			t.Errorf("%+v: accepted", bad)
		}
	}
	for _, pull := range []bool{false, true} {
		s := open(t, settings.Settings{PullSecrets: pull}, nil)
		s.review(t, "validate", asked{object: pod(pinned("good"))}.String())
		want := serve.Tenant{}
		if pull {
			want = serve.Tenant{Namespace: "prod", ServiceAccount: "runner", Secrets: "one\ntwo"}
		}
		if q := s.fake.asked[0]; q.Tenant != want || q.Namespace != "prod" || q.Fresh || q.Version != "" {
			t.Errorf("PullSecrets %t: asked %+v", pull, q)
		}
	}
}

// TestOneImageOnce: the same reference is judged once, and all at the same time.
func TestOneImageOnce(t *testing.T) {
	s := open(t, settings.Settings{Deadline: time.Minute}, nil)
	meet := make(chan bool, 2)
	both := make(chan bool)
	s.fake.answer = func(_ context.Context, q serve.Question) serve.Answer {
		meet <- true
		<-both
		return answerTo(q)
	}
	go func() { <-meet; <-meet; close(both) }()
	got := s.review(t, "validate", asked{object: pod(pinned("good"), pinned("good"), pinned("bad"))}.String())
	if got.Allowed || len(s.fake.asked) != 2 {
		t.Errorf("asked %d times: %+v", len(s.fake.asked), got)
	}
	if n := len(s.records(t)); n != 3 {
		t.Errorf("%d records; wanted one of each image", n)
	}
}

// TestUpdates: an update that runs nothing anew is let through with a word, and one
// that does is judged.
func TestUpdates(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	deleting := strings.Replace(pod(pinned("bad")), `"name":"web"`, `"name":"web","deletionTimestamp":"2026-01-01T00:00:00Z","finalizers":["x"]`, 1)
	for _, c := range []struct {
		name          string
		asked         asked
		allowed       bool
		judged        int
		warns, metric string
	}{
		{"nothing changed", asked{operation: "UPDATE", old: pod(pinned("bad")), object: pod(pinned("bad"))}, true, 0, "", "unchanged"},
		{"nothing changed, by tag", asked{operation: "UPDATE", old: pod(image("bad")), object: pod(image("bad"))}, true, 1, "signature.identity_mismatch: would be refused today; let through because the update changes no image", "unchanged"},
		{"nothing changed, under audit", asked{operation: "UPDATE", namespace: "audited", old: pod(pinned("bad")), object: pod(pinned("bad"))}, true, 1, "would be refused today", "unchanged"},
		{"undecided is no word", asked{operation: "UPDATE", old: pod(image("down")), object: pod(image("down"))}, true, 1, "", "unchanged"},
		{"a finalizer goes", asked{operation: "UPDATE", old: deleting, object: deleting}, true, 1, "the object is being deleted", "terminating"},
		{"deleted", asked{operation: "DELETE", old: pod(pinned("bad")), object: "null"}, true, 0, "", "deleted"},
		{"a new image beside an old one", asked{operation: "UPDATE", old: pod(pinned("bad")), object: pod(pinned("bad"), pinned("good"))}, true, 1, "", ""},
		{"the same under audit", asked{operation: "UPDATE", namespace: "audited", old: pod(pinned("bad")), object: pod(pinned("bad"), pinned("good"))}, false, 2, "", ""},
		{"another image", asked{operation: "UPDATE", old: pod(pinned("good")), object: pod(pinned("bad"))}, false, 1, "", ""},
		{"an image that moved", asked{operation: "UPDATE", old: pod(pinned("good"), pinned("bad")), object: pod(pinned("bad"), pinned("good"))}, false, 2, "", ""},
		{"an ephemeral container", asked{operation: "UPDATE", old: pod(pinned("good")), object: strings.Replace(pod(pinned("good")), `"containers"`, `"ephemeralContainers":[{"name":"e","image":"`+pinned("bad")+`"}],"containers"`, 1)}, false, 1, "", ""},
	} {
		s.fake.asked = nil
		got := s.review(t, "validate", c.asked.String())
		if got.Allowed != c.allowed || len(s.fake.asked) != c.judged || !strings.Contains(strings.Join(got.Warnings, "\n"), c.warns) || c.warns == "" && len(got.Warnings) > 0 {
			t.Errorf("%s: %t, %d judged, %q, %q", c.name, got.Allowed, len(s.fake.asked), got.Status.Message, got.Warnings)
		}
		if c.metric != "" {
			refused := "false"
			if c.warns != "" {
				refused = "true"
			}
			if s.counted(t, `assay_exempted_total{door="validate",reason="`+c.metric+`",refused="`+refused+`"}`) == "" {
				t.Errorf("%s: not counted", c.name)
			}
		}
	}
	s.fake.asked = nil
	if got := s.review(t, "mutate", asked{operation: "UPDATE", old: pod(image("bad")), object: pod(image("bad"))}.String()); !got.Allowed || len(s.fake.asked) != 0 || got.Patch != "" {
		t.Errorf("mutate judges an object that it lets through: %+v", got)
	}
}

// TestExemptWaitsForNobody: a verifier that takes its time delays no finalizer.
func TestExemptWaitsForNobody(t *testing.T) {
	s := open(t, settings.Settings{Deadline: time.Hour}, nil)
	s.fake.answer = func(ctx context.Context, q serve.Question) serve.Answer {
		due, ok := ctx.Deadline()
		if left := time.Until(due); !ok || left > maxGlance {
			t.Errorf("an exempt object is judged for %s", left)
		}
		<-ctx.Done()
		return late(q)
	}
	got := s.review(t, "validate", asked{operation: "UPDATE", old: pod(image("bad")), object: pod(image("bad"))}.String())
	if !got.Allowed || len(got.Warnings) > 0 {
		t.Errorf("found %+v", got)
	}
}

// TestOurOwnAnnotation is attack 37: what an object says of itself is no permission.
func TestOurOwnAnnotation(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	marked := strings.Replace(pod(pinned("bad")), `"name":"web"`, `"name":"web","labels":{"assay.dev/verified":"true","assay/skip":"true"},"annotations":{`+
		`"assay/verdict":"pass","image-0":"passed","assay.dev/exempt":"true","admission.k8s.io/allowed":"true","Assay-Outcome":"passed"}`, 1)
	for _, door := range []string{"validate", "mutate"} {
		r := httptest.NewRequest(http.MethodPost, "/admission/"+door, strings.NewReader(asked{object: marked}.String()))
		for name, value := range map[string]string{
			"Content-Type": "application/json", headerOutcome: "passed", headerVerdict: "x", headerPinned: pinned("good"), "X-Assay-Verified": "true",
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"allowed":false`) {
			t.Errorf("%s: %s", door, w.Body)
		}
	}
	if w := s.post(t, "/imagereview", `{"apiVersion":"imagepolicy.k8s.io/v1alpha1","kind":"ImageReview","spec":{"namespace":"prod","containers":[{"image":"`+pinned("bad")+
		`"}],"annotations":{"mycluster.image-policy.k8s.io/ticket-1234":"break-glass","assay.image-policy.k8s.io/verified":"true"}},"status":{"allowed":true}}`); !strings.Contains(w.Body.String(), `"allowed":false`) {
		t.Errorf("imagereview: %s", w.Body)
	}
}

// TestLaterSwap is attack 38: a webhook between the two that swaps the image, moves it
// to another container or changes its pull policy gains nothing, as validate judges
// what is to be stored.
func TestLaterSwap(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	if got := s.review(t, "mutate", asked{object: pod(image("good"))}.String()); !got.Allowed || got.Patch == "" {
		t.Fatalf("found %+v", got)
	}
	for name, object := range map[string]string{
		"another image":           pod(pinned("bad")),
		"the digest of another":   pod(pinned("good"), image("bad")+"@"+goodDigest),
		"the tag again":           pod(image("good")),
		"the tag, under Never":    pod(image("good") + " Never"),
		"one more container":      pod(pinned("good"), image("good")),
		"an init container":       strings.Replace(pod(pinned("good")), `"containers"`, `"initContainers":[{"name":"i","image":"`+image("good")+`"}],"containers"`, 1),
		"a volume":                strings.Replace(pod(pinned("good")), `"containers"`, `"volumes":[{"name":"v","image":{"reference":"`+pinned("bad")+`"}}],"containers"`, 1),
		"a container of no image": pod(pinned("good"), ""),
	} {
		if got := s.review(t, "validate", asked{object: object}.String()); got.Allowed {
			t.Errorf("%s is admitted", name)
		}
	}
}

// TestMessages: a denial names what people need, and the command shows the same.
func TestMessages(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	got := s.review(t, "validate", asked{object: pod(pinned("bad"))}.String())
	for _, want := range []string{
		`container "c0" (spec.containers[0].image): signature.identity_mismatch`, "image: " + pinned("bad"),
		`wanted: the workflow\x1b[2J release.yml`, "found: other.yml; also sbom.unreachable", "rule: ghcr.io/acme/*, in the policy prod",
		"run: assay verify --server https://assay.example --namespace prod " + pinned("bad"),
	} {
		if !strings.Contains(got.Status.Message, want) {
			t.Errorf("the message lacks %q:\n%s", want, got.Status.Message)
		}
	}
	if got.Status.Reason != "Forbidden" || len(got.Status.Message) > kube.MaxMessage {
		t.Errorf("found %+v", got.Status)
	}
	got = s.review(t, "validate", asked{object: pod(image("good"))}.String())
	if want := "run: assay verify --server https://assay.example --namespace prod --print-ref " + image("good"); !strings.Contains(got.Status.Message, want) {
		t.Errorf("the message lacks %q:\n%s", want, got.Status.Message)
	}
	if want := "spec.containers[0].image refused digest=" + goodDigest + " policy=sha256:"; !strings.HasPrefix(got.Audit["image-0"], want) || !strings.Contains(got.Audit["image-0"], "verdict=dddd") {
		t.Errorf("annotations %q", got.Audit)
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = pinned("good")
	}
	if got := s.review(t, "validate", asked{object: pod(many...)}.String()); len(got.Audit) != maxAnnotated+1 || got.Audit["more-images"] != "68" {
		t.Errorf("%d annotations, %q", len(got.Audit), got.Audit["more-images"])
	}
}

// TestDryRun: the same answer, and the record says so.
func TestDryRun(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	for _, dry := range []bool{false, true} {
		s.audit.Reset()
		got := s.review(t, "mutate", asked{object: pod(image("good")), dryRun: dry}.String())
		records := s.records(t)
		if !got.Allowed || got.Patch == "" || len(records) != 1 || records[0].DryRun != dry {
			t.Errorf("%t: %+v, %+v", dry, got, records)
		}
	}
}

// TestRecords: one line for each image, with who asked and what came of it.
func TestRecords(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	s.review(t, "validate", asked{object: pod(pinned("bad"), image("good"))}.String())
	records := s.records(t)
	if len(records) != 2 {
		t.Fatalf("found %d records", len(records))
	}
	a, b := records[0], records[1]
	if a.Door != "validate" || a.Client != "tester" || a.UID != uid || a.User != "bob" || a.Operation != "CREATE" || a.Kind != "v1 Pod" || a.Namespace != "prod" ||
		a.Object != "web" || a.Container != "c0" || a.Image != pinned("bad") || a.Digest != goodDigest || a.Policy != "prod" || a.PolicySum == "" || a.Rule == "" ||
		a.Verdict == "" || a.Outcome != "refused" || a.Admitted || strings.Join(a.Codes, " ") != "sbom.unreachable signature.identity_mismatch" {
		t.Errorf("found %+v", a)
	}
	if b.Outcome != "refused" || b.Admitted || strings.Join(b.Codes, " ") != "reference.not_pinned" {
		t.Errorf("found %+v", b)
	}
	s.audit.Reset()
	s.review(t, "validate", asked{kind: "Widget", object: `{"apiVersion":"v1","kind":"Widget"}`}.String())
	if r := s.records(t); len(r) != 1 || r[0].UID != uid || r[0].User != "bob" || r[0].Kind != "v1 Widget" || r[0].Admitted || r[0].Outcome != "refused" || strings.Join(r[0].Codes, " ") != "request.malformed" {
		t.Errorf("an object that could not be judged: %+v", r)
	}
	for _, sample := range []string{
		`assay_decisions_total{check="signature",code="signature.identity_mismatch",door="validate",outcome="refused"}`,
		`assay_decisions_total{check="reference",code="reference.not_pinned",door="validate",outcome="refused"}`,
		`assay_decisions_total{check="reference",code="request.malformed",door="validate",outcome="refused"}`,
	} {
		if got := s.counted(t, sample); got != "1" {
			t.Errorf("%s is %q", sample, got)
		}
	}
	if got := s.counted(t, `assay_requests_total{door="validate",status="403"}`); got != "2" {
		t.Errorf("%q requests were counted", got)
	}
}
