package doors

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

// FuzzImageReview: what is read is what any other reader of JSON finds at the same
// names, and no question that has no image is let through.
func FuzzImageReview(f *testing.F) {
	for _, seed := range []string{
		imageReviewOf("prod", "a:1", "b@"+goodDigest), imageReviewOf(""), `{"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1","spec":{"containers":[{}]}}`,
		strings.Replace(imageReviewOf("prod", "a:1"), `"image"`, `"Image"`, 1), `{"spec":{"spec":{}}}`, "[]", "null", "", `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		images, namespace, err := readImageReview(b)
		if err != nil {
			return
		}
		var tree map[string]any
		must(t, json.Unmarshal(b, &tree))
		spec, _ := tree["spec"].(map[string]any)
		containers, _ := spec["containers"].([]any)
		if len(images) == 0 || len(images) != len(containers) {
			t.Fatalf("%d images of %d containers", len(images), len(containers))
		}
		for i, c := range containers {
			container, _ := c.(map[string]any)
			if image, _ := container["image"].(string); image != images[i] {
				t.Errorf("read %q, there is %q", images[i], image)
			}
		}
		if there, _ := spec["namespace"].(string); there != namespace || strings.ContainsAny(namespace, "/\\|.") {
			t.Errorf("read the namespace %q, there is %q", namespace, there)
		}
	})
}

// FuzzGatekeeper: every key has one answer, and none has a value that was not judged.
func FuzzGatekeeper(f *testing.F) {
	for _, seed := range []string{
		keysOf(pinned("good"), pinned("bad"), image("good")), keysOf("prod|" + pinned("good")), keysOf(""), keysOf("a", "a", "|", "prod|", "|a"),
		strings.Replace(keysOf("a"), `"a"`, `null`, 1), `{"request":{"keys":["a"]}}`, "[]", "", `{"request":null}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, named bool) {
		s := open(t, settings.Settings{}, nil)
		path := "/gatekeeper"
		if named {
			path += "?keys=namespace"
		}
		w := s.post(t, path, string(b))
		var got provided
		must(t, json.Unmarshal(w.Body.Bytes(), &got))
		keys, err := readKeys(b)
		if (err == nil) != (w.Code == http.StatusOK) || (err == nil) != (got.Response.SystemError == "") {
			t.Fatalf("%v: %d %s", err, w.Code, w.Body)
		}
		distinct := map[string]bool{}
		for _, key := range keys {
			distinct[key] = true
		}
		for _, item := range got.Response.Items {
			if !distinct[item.Key] || (item.Error == "") == (item.Value == nil) {
				t.Errorf("an answer %+v", item)
			}
			delete(distinct, item.Key)
			image := item.Key
			if named {
				_, image, _ = strings.Cut(item.Key, "|")
			}
			if ref, err := verify.ParseReference(image); item.Error == "" && (err != nil || ref.Digest() == "") {
				t.Errorf("%q is let in", item.Key)
			}
		}
		if len(distinct) > 0 {
			t.Errorf("no answer to %v", distinct)
		}
	})
}

// FuzzVerify: a question that is read says at its exact names what is asked, and has no
// other.
func FuzzVerify(f *testing.F) {
	for _, seed := range []string{
		`{"image":"a:1"}`, `{"image":"a:1","namespace":"prod","version":"1","fresh":true}`, `{"IMAGE":"a:1"}`, `{"image":"a:1","image":"b"}`, `{"image":"a:1"}{}`,
		`{"image":"\ud800"}`, "{\"image\":\"a\xff\"}", `{"image":null}`, `"a"`, "", `{"image":"a:1","fresh":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := readQuestion(b)
		if err != nil {
			return
		}
		var tree map[string]any
		must(t, json.Unmarshal(b, &tree))
		for name, want := range map[string]string{"image": q.Reference.String(), "namespace": q.Namespace, "version": q.Version} {
			if got, _ := tree[name].(string); got != want {
				t.Errorf("%s: read %q, there is %q", name, want, got)
			}
			delete(tree, name)
		}
		if fresh, _ := tree["fresh"].(bool); fresh != q.Fresh {
			t.Errorf("fresh: read %t", q.Fresh)
		}
		delete(tree, "fresh")
		if len(tree) > 0 || !q.Tenant.IsZero() {
			t.Errorf("passed over %v; asked %+v", tree, q)
		}
	})
}

// FuzzReview: whatever is sent to the doors of admission reviews, what they admit has
// been judged or is exempt, and a denial is well formed.
func FuzzReview(f *testing.F) {
	for _, seed := range []string{
		asked{object: pod(pinned("good"))}.String(), asked{object: pod(pinned("bad"))}.String(), asked{kind: "Deployment", object: deployment(image("good"))}.String(),
		asked{operation: "UPDATE", object: pod(image("bad")), old: pod(image("bad"))}.String(), asked{operation: "DELETE", object: "null"}.String(), asked{object: pod("")}.String(), "{}", "",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, mutate bool) {
		s := open(t, settings.Settings{}, nil)
		path := "/admission/validate"
		if mutate {
			path = "/admission/mutate"
		}
		w := s.post(t, path, string(b))
		var got struct{ Response *answered }
		must(t, json.Unmarshal(w.Body.Bytes(), &got))
		if w.Code != http.StatusOK {
			if got.Response != nil && got.Response.Allowed {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			return
		}
		if got.Response.Allowed && len(s.fake.asked) == 0 && s.metricsOf(t, "assay_exempted_total", path[len("/admission/"):]) == "" && !mutate {
			t.Errorf("nobody judged, and nothing is exempt: %s", b)
		}
		for _, r := range s.records(t) {
			if !r.Admitted && got.Response.Allowed {
				t.Errorf("admitted %+v", r)
			}
		}
		if !got.Response.Allowed && (got.Response.Status.Code < 400 || got.Response.Status.Message == "") {
			t.Errorf("a denial without reason: %s", w.Body)
		}
	})
}
