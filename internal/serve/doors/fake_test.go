package doors

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

var (
	goodDigest = "sha256:" + strings.Repeat("a", 64)
	badDigest  = "sha256:" + strings.Repeat("b", 64)
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func reference(t testing.TB, s string) verify.Reference {
	t.Helper()
	ref, err := verify.ParseReference(s)
	must(t, err)
	return ref
}

// fake answers by the last part of an image's name: good passes, and the others are
// named for what comes of them.
type fake struct {
	mu    sync.Mutex
	asked []serve.Question
	// answer, where it is there, answers in place of it.
	answer func(context.Context, serve.Question) serve.Answer
}

func (f *fake) Verify(ctx context.Context, q serve.Question) serve.Answer {
	f.mu.Lock()
	f.asked = append(f.asked, q)
	f.mu.Unlock()
	if f.answer != nil {
		return f.answer(ctx, q)
	}
	return answerTo(q)
}

// until is when everything ends that ends.
var until = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func answerTo(q serve.Question) serve.Answer {
	name := q.Reference.Name()
	kind := name[strings.LastIndexByte(name, '/')+1:]
	a := serve.Answer{
		Requested: q.Reference.String(), Name: name, Tag: q.Reference.Tag(), Digest: goodDigest,
		Policy: "prod", PolicyDigest: "sha256:" + strings.Repeat("c", 64), Rule: "ghcr.io/acme/*", ID: strings.Repeat("d", 24), JudgedAt: until,
	}
	if d := q.Reference.Digest(); d != "" {
		a.Digest = d
	}
	a.Pinned = q.Reference.Pinned(a.Digest)
	v := verify.Verdict{Schema: verify.VerdictSchema, Conclusive: true, Image: verify.VerdictImage{
		Requested: a.Requested, Name: a.Name, Tag: a.Tag, Digest: a.Digest, Pinned: a.Pinned,
	}}
	problem := serve.Problem{Check: "signature", Code: "signature.identity_mismatch", Wanted: "the workflow\x1b[2J release.yml", Found: "other.yml"}
	enforced := false
	switch kind {
	case "good", "good-audit":
		a.Outcome, v.Verdict = serve.Passed, verify.Pass
		if kind == "good-audit" {
			v.Enforced, v.EnforcedFrom = &enforced, &until
		}
	case "audit":
		a.Outcome, a.Until, a.Problems = serve.Audited, until, []serve.Problem{problem}
		v.Enforced, v.EnforcedFrom = &enforced, &until
	case "excepted":
		a.Outcome, a.Until, a.Problems, a.Approver = serve.Excepted, until, []serve.Problem{problem}, "alice"
		v.Exception = &verify.VerdictException{Expires: until}
	case "graced":
		a.Outcome, a.Until = serve.Graced, until
		a.Problems = []serve.Problem{{Check: "signature", Code: "registry.unreachable", Undecided: true}}
		v.Conclusive = false
	case "down", "private", "halfprivate":
		a.Outcome, a.Digest, a.Pinned, v.Conclusive = serve.Undecided, "", "", false
		v.Image.Digest, v.Image.Pinned = "", ""
		problem = serve.Problem{Check: "image", Code: "registry.unreachable", Wanted: "the image", Found: "no answer", Undecided: true}
		if kind != "down" {
			problem.Code = "registry.unauthorized"
		}
		a.Problems = []serve.Problem{problem}
		if kind == "halfprivate" {
			a.Problems = append(a.Problems, serve.Problem{Check: "signature", Code: "signature.missing"})
		}
	default:
		a.Problems = []serve.Problem{{Check: "sbom", Code: "sbom.unreachable", Undecided: true}, problem}
	}
	var b bytes.Buffer
	if err := report.JSON(&b, v); err != nil {
		panic(err)
	}
	var err error
	if a.Verdict, err = serve.Pack(b.Bytes()); err != nil {
		panic(err)
	}
	return a
}

// policies says which namespaces are audited.
type policies map[string]bool

func (p policies) Audited(namespace string) bool { return p[namespace] }

// server is doors with their records.
type server struct {
	http.Handler
	fake    *fake
	metrics *observe.Metrics
	audit   bytes.Buffer
	log     bytes.Buffer
	clock   time.Time
}

func open(t testing.TB, s settings.Settings, change func(*Options)) *server {
	t.Helper()
	out := &server{fake: &fake{}, metrics: observe.NewMetrics("test", ""), clock: time.Now()}
	o := Options{
		Verifier: out.fake, Policies: policies{"audited": true}, Metrics: out.metrics, Audit: observe.NewAudit(&out.audit),
		Settings: s, Log: slog.New(slog.NewTextHandler(&out.log, nil)), Now: func() time.Time { return out.clock },
		Client: func(context.Context) string { return "tester" },
	}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	must(t, err)
	out.Handler = h
	return out
}

// post sends a body to a door.
func (s *server) post(t testing.TB, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://assay.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *server) get(t testing.TB, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://assay.example"+path, nil))
	return w
}

// counted is the value of a metric, as a scrape has it: "" where it is not there.
func (s *server) counted(t testing.TB, sample string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		if value, ok := strings.CutPrefix(line, sample+" "); ok {
			return value
		}
	}
	return ""
}

// records are the lines of the audit log.
func (s *server) records(t testing.TB) []observe.Record {
	t.Helper()
	var all []observe.Record
	for line := range strings.Lines(s.audit.String()) {
		var r observe.Record
		must(t, json.Unmarshal([]byte(line), &r))
		all = append(all, r)
	}
	return all
}

// answered is an AdmissionReview as an API server reads it.
type answered struct {
	UID     string `json:"uid"`
	Allowed bool   `json:"allowed"`
	Status  struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Reason  string `json:"reason"`
	} `json:"status"`
	Warnings  []string          `json:"warnings"`
	Audit     map[string]string `json:"auditAnnotations"`
	Patch     string            `json:"patch"`
	PatchType string            `json:"patchType"`
}

func (a answered) patch(t testing.TB) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(a.Patch)
	must(t, err)
	return string(b)
}

// review sends an AdmissionReview and wants one back.
func (s *server) review(t testing.TB, door, body string) answered {
	t.Helper()
	w := s.post(t, "/admission/"+door, body)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	var out struct {
		APIVersion, Kind string
		Response         answered
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &out))
	if out.APIVersion != "admission.k8s.io/v1" || out.Kind != "AdmissionReview" {
		t.Fatalf("found %s", w.Body)
	}
	return out.Response
}

// asked is a review of an object.
type asked struct {
	operation, namespace, kind, object, old string
	dryRun                                  bool
}

const uid = "705ab4f5-6393-11e8-b7cc-42010a800002"

func (a asked) String() string {
	if a.operation == "" {
		a.operation = "CREATE"
	}
	if a.namespace == "" {
		a.namespace = "prod"
	}
	group, version, resource := "", "v1", "pods"
	if a.kind == "" {
		a.kind = "Pod"
	}
	if a.kind == "Deployment" {
		group, resource = "apps", "deployments"
	}
	old := "null"
	if a.old != "" {
		old = a.old
	}
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"kind":{"group":%q,"version":%q,"kind":%q},
"resource":{"group":%q,"version":%q,"resource":%q},"name":"web","namespace":%q,"operation":%q,"userInfo":{"username":"bob"},"object":%s,"oldObject":%s,"dryRun":%t}}`,
		uid, group, version, a.kind, group, version, resource, a.namespace, a.operation, a.object, old, a.dryRun)
}

// pod is a Pod of containers, each "image" or "image policy".
func pod(images ...string) string {
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":` + podSpec(images...) + `}`
}

func deployment(images ...string) string {
	return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"template":{"spec":` + podSpec(images...) + `}}}`
}

func podSpec(images ...string) string {
	var containers []string
	for i, image := range images {
		name, pull, _ := strings.Cut(image, " ")
		c := fmt.Sprintf(`{"name":"c%d","image":%q`, i, name)
		if name == "" {
			c = fmt.Sprintf(`{"name":"c%d"`, i)
		}
		if pull != "" {
			c += fmt.Sprintf(`,"imagePullPolicy":%q`, pull)
		}
		containers = append(containers, c+"}")
	}
	return `{"serviceAccountName":"runner","imagePullSecrets":[{"name":"one"},{"name":"two"}],"containers":[` + strings.Join(containers, ",") + `]}`
}

// image is one of the names that the fake knows.
func image(kind string) string { return "ghcr.io/acme/" + kind + ":1.2.3" }

func pinned(kind string) string { return image(kind) + "@" + goodDigest }
