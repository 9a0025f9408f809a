package doors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

func imageReviewOf(namespace string, images ...string) string {
	var containers []string
	for _, image := range images {
		containers = append(containers, fmt.Sprintf(`{"image":%q}`, image))
	}
	return fmt.Sprintf(`{"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1","metadata":{"creationTimestamp":null},"spec":{"containers":[%s],"namespace":%q},"status":{"allowed":false}}`,
		strings.Join(containers, ","), namespace)
}

func keysOf(keys ...string) string {
	b, _ := json.Marshal(keys)
	return `{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":` + string(b) + `}}`
}

func TestImageReview(t *testing.T) {
	for _, c := range []struct {
		name    string
		images  []string
		tags    bool
		allowed bool
		says    string
	}{
		{"good", []string{pinned("good")}, false, true, ""},
		{"by tag", []string{image("good")}, false, false, "reference.not_pinned"},
		{"by tag, as configured", []string{image("good")}, true, true, ""},
		{"bad by tag, as configured", []string{image("bad")}, true, false, "signature.identity_mismatch"},
		{"one of two", []string{pinned("good"), pinned("bad")}, false, false, "spec.containers[1].image"},
		{"undecided", []string{pinned("down")}, false, false, "undecided, retry"},
		{"audit", []string{image("audit")}, false, true, ""},
		{"excepted", []string{pinned("excepted")}, false, true, ""},
		{"graced", []string{pinned("graced")}, false, true, ""},
		{"private", []string{pinned("private")}, false, false, "registry.unauthorized"},
		{"nothing", []string{""}, true, false, "reference.malformed"},
	} {
		// AllowTags is another door's.
		s := open(t, settings.Settings{ReviewTags: c.tags, AllowTags: !c.tags, PullSecrets: true}, nil)
		w := s.post(t, "/imagereview", imageReviewOf("prod", c.images...))
		var got struct {
			APIVersion, Kind string
			Status           struct {
				Allowed bool
				Reason  string
				Audit   map[string]string `json:"auditAnnotations"`
			}
		}
		must(t, json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != http.StatusOK || got.Kind != "ImageReview" || got.APIVersion != "imagepolicy.k8s.io/v1alpha1" || got.Status.Allowed != c.allowed ||
			!strings.Contains(got.Status.Reason, c.says) || (got.Status.Reason == "") != c.allowed || len(got.Status.Audit) != len(c.images) {
			t.Errorf("%s: %s", c.name, w.Body)
		}
		if r := s.records(t); len(r) != len(c.images) || r[0].Namespace != "prod" {
			t.Errorf("%s: records %+v", c.name, r)
		}
		for _, q := range s.fake.asked {
			if q.Namespace != "prod" || !q.Tenant.IsZero() {
				t.Errorf("%s: asked %+v", c.name, q)
			}
		}
	}
	s := open(t, settings.Settings{ReviewTags: true}, nil)
	for name, body := range map[string]string{
		"no containers":         imageReviewOf("prod"),
		"no spec":               `{"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1"}`,
		"another version":       strings.Replace(imageReviewOf("prod", pinned("good")), "v1alpha1", "v1", 1),
		"another kind":          strings.Replace(imageReviewOf("prod", pinned("good")), `"ImageReview"`, `"Pod"`, 1),
		"a strange image":       strings.Replace(imageReviewOf("prod", pinned("good")), `"image":"`, `"image":1,"x":"`, 1),
		"the image in capitals": strings.Replace(imageReviewOf("prod", pinned("good")), `"image":`, `"IMAGE":`, 1),
		"a strange namespace":   imageReviewOf("../prod", pinned("good")),
	} {
		if w := s.post(t, "/imagereview", body); !strings.Contains(w.Body.String(), `"allowed":false`) {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// provided is a ProviderResponse as Gatekeeper reads it.
type provided struct {
	APIVersion, Kind string
	Response         struct {
		Idempotent bool
		Items      []struct {
			Key, Error string
			Value      any
		}
		SystemError string
	}
}

func TestGatekeeper(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	w := s.post(t, "/gatekeeper", keysOf(pinned("good"), pinned("bad"), pinned("good"), image("good"), pinned("down"), "x y", pinned("audit"), pinned("excepted"), "prod|"+pinned("good")))
	var got provided
	must(t, json.Unmarshal(w.Body.Bytes(), &got))
	if w.Code != http.StatusOK || got.APIVersion != "externaldata.gatekeeper.sh/v1beta1" || got.Kind != "ProviderResponse" || !got.Response.Idempotent || got.Response.SystemError != "" {
		t.Errorf("found %d %s", w.Code, w.Body)
	}
	want := map[string]string{ // an error, or "outcome ..."
		pinned("good"): "outcome passed", pinned("bad"): "signature.identity_mismatch", image("good"): "reference.not_pinned", pinned("down"): "undecided, retry",
		"x y": "reference.malformed", pinned("audit"): "outcome audited", pinned("excepted"): "outcome excepted", "prod|" + pinned("good"): "reference.malformed",
	}
	if len(got.Response.Items) != len(want) || len(s.records(t)) != len(want) {
		t.Errorf("%d items, %d records; wanted one for each key", len(got.Response.Items), len(s.records(t)))
	}
	for _, item := range got.Response.Items {
		outcome, admitted := strings.CutPrefix(want[item.Key], "outcome ")
		value, _ := item.Value.(map[string]any)
		if admitted != (item.Error == "") || admitted != (item.Value != nil) || admitted && (value["outcome"] != outcome || value["pinned"] != item.Key || value["digest"] != goodDigest || value["verdict"] == "") ||
			!admitted && !strings.Contains(item.Error, want[item.Key]) {
			t.Errorf("%s: %+v", item.Key, item)
		}
	}
	for _, q := range s.fake.asked {
		if q.Namespace != "" {
			t.Errorf("asked for the namespace %q, which nobody named", q.Namespace)
		}
	}
}

func TestGatekeeperMutate(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	var got provided
	must(t, json.Unmarshal(s.post(t, "/gatekeeper/mutate", keysOf(image("good"), image("bad"), image("audit"), image("graced"), image("down"), pinned("good"))).Body.Bytes(), &got))
	want := map[string]any{image("good"): pinned("good"), image("audit"): image("audit"), image("graced"): pinned("graced"), pinned("good"): pinned("good")}
	if !got.Response.Idempotent || len(got.Response.Items) != 6 {
		t.Fatalf("found %+v", got)
	}
	for _, item := range got.Response.Items {
		if item.Value != want[item.Key] || (item.Value == nil) != (item.Error != "") {
			t.Errorf("%s: %+v", item.Key, item)
		}
	}
}

// TestGatekeeperNamespaces: keys hold a namespace only where the provider's URL says so,
// since an image is written by whoever would gain by another namespace's policy.
func TestGatekeeperNamespaces(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	var got provided
	must(t, json.Unmarshal(s.post(t, "/gatekeeper?keys=namespace", keysOf("prod|"+pinned("good"), pinned("good"), "prod|dev|"+pinned("good"), "../x|"+pinned("good"), "|"+pinned("good"))).Body.Bytes(), &got))
	for i, item := range got.Response.Items {
		if (item.Error == "") != (i == 0) {
			t.Errorf("%s: %+v", item.Key, item)
		}
	}
	if len(s.fake.asked) != 1 || s.fake.asked[0].Namespace != "prod" {
		t.Errorf("asked %+v", s.fake.asked)
	}
	if w := s.post(t, "/gatekeeper/mutate?keys=namespace", keysOf("prod|"+image("good"))); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"systemError":"assay: request.malformed`) {
		t.Errorf("found %d %s", w.Code, w.Body)
	}
}

func TestGatekeeperRequests(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	many := make([]string, maxKeys+1)
	for name, body := range map[string]string{
		"no keys": keysOf(), "too many keys": keysOf(many...), "another version": strings.Replace(keysOf("x"), "v1beta1", "v1alpha1", 1),
		"an answer": strings.Replace(keysOf("x"), "ProviderRequest", "ProviderResponse", 1), "a number": strings.Replace(keysOf("x"), `"x"`, "1", 1),
		"null": strings.Replace(keysOf("x"), `"x"`, "null", 1), "keys in capitals": strings.Replace(keysOf("x"), `"keys"`, `"Keys"`, 1),
	} {
		w := s.post(t, "/gatekeeper", body)
		var got provided
		must(t, json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != http.StatusBadRequest || got.Response.SystemError == "" || len(got.Response.Items) != 0 || got.Kind != "ProviderResponse" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestVerify(t *testing.T) {
	s := open(t, settings.Settings{PullSecrets: true}, nil)
	for kind, want := range map[string]struct {
		outcome string
		status  int // with ?status=verdict
		pinned  bool
	}{
		"good": {"passed", 200, true}, "bad": {"refused", 403, false}, "down": {"undecided", 503, false}, "audit": {"audited", 403, false},
		"excepted": {"excepted", 403, true}, "graced": {"graced", 503, true},
	} {
		for _, query := range []string{"", "?status=verdict"} {
			w := s.post(t, "/v1/verify"+query, `{"image":"`+image(kind)+`"}`)
			status := 200
			if query != "" {
				status = want.status
			}
			var v verify.Verdict
			must(t, json.Unmarshal(w.Body.Bytes(), &v))
			wantPinned := ""
			if want.pinned {
				wantPinned = pinned(kind)
			}
			if w.Code != status || w.Header().Get(headerOutcome) != want.outcome || w.Header().Get(headerPinned) != wantPinned || w.Header().Get(headerVerdict) == "" ||
				v.Passed() != (kind == "good") || v.Image.Requested != image(kind) {
				t.Errorf("%s%s: %d %v %s", kind, query, w.Code, w.Header(), w.Body)
			}
		}
	}
	s.fake.asked = nil
	s.post(t, "/v1/verify", `{"image":"`+image("good")+`","namespace":"prod","version":"1.2.3","fresh":true}`)
	q := s.fake.asked[0]
	if q != (serve.Question{Reference: q.Reference, Version: "1.2.3", Namespace: "prod", Fresh: true}) || q.Reference.String() != image("good") {
		t.Errorf("asked %+v", q)
	}
}

func TestVerifyRequests(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	for _, body := range []string{
		`{}`, `{"image":""}`, `{"image":null}`, `{"image":["a"]}`, `{"image":"GHCR.IO/x:1"}`, `{"image":"a:1","tag":"2"}`, `{"Image":"a:1"}`, `{"image":"a:1","IMAGE":"b:1"}`,
		`{"image":"a:1","namespace":""}`, `{"image":"a:1","namespace":"../x"}`, `{"image":"a:1","namespace":"A"}`, `{"image":"a:1","fresh":"yes"}`, `{"image":"a:1","fresh":null}`,
		`{"image":"a:1","version":1}`, `{"image":"a:1","version":"` + strings.Repeat("1", 300) + `"}`, `{"image":"a:1"} x`, `{"image":"a:1","image":"b:1"}`, `"a:1"`, `null`,
		`{"image":"a:1","pull_secrets":["x"]}`, `{"image":"a:1","service_account":"x"}`,
	} {
		w := s.post(t, "/v1/verify", body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"code":"request.malformed"`) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, query := range []string{"?status=200", "?status=verdict&status=verdict", "?namespace=prod", "?image=x", "?a;b"} {
		if w := s.post(t, "/v1/verify"+query, `{"image":"a:1"}`); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if len(s.fake.asked) > 0 {
		t.Errorf("judged %+v", s.fake.asked)
	}
}

// remembered are past verdicts.
type remembered struct{ digest string }

func (r *remembered) Verdicts(digest string, limit int) []serve.Answer {
	r.digest = fmt.Sprint(digest, " ", limit)
	ref, _ := verify.ParseReference(image("bad"))
	return []serve.Answer{answerTo(serve.Question{Reference: ref})}
}

func TestVerdicts(t *testing.T) {
	past := &remembered{}
	s := open(t, settings.Settings{}, func(o *Options) { o.Past = past })
	w := s.get(t, "/v1/verdicts/"+goodDigest+"?limit=7")
	for _, want := range []string{`"digest":"` + goodDigest, `"requested":"` + image("bad"), `"outcome":"refused"`, `"codes":["sbom.unreachable","signature.identity_mismatch"]`, `"judged_at":"2030-`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
	if w.Code != http.StatusOK || past.digest != goodDigest+" 7" || strings.Contains(w.Body.String(), "other.yml") {
		t.Errorf("%d, asked %q: %s", w.Code, past.digest, w.Body)
	}
	for path, status := range map[string]int{
		"x": 400, goodDigest + "?limit=0": 400, goodDigest + "?limit=101": 400, goodDigest + "?limit=1&limit=2": 400, goodDigest + "?x=1": 400, goodDigest: 200,
	} {
		if w := s.get(t, verdictsPath+path); w.Code != status {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := s.post(t, verdictsPath+goodDigest, "{}"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodGet {
		t.Errorf("a POST: %d %s", w.Code, w.Body)
	}
	none := open(t, settings.Settings{}, nil)
	if w := none.get(t, verdictsPath+goodDigest); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"verdicts":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
