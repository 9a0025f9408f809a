package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/kube"
)

const uid = "705ab4f5-6393-11e8-b7cc-42010a800002"

// review writes a review of Pods as an API server does; fields come after its own.
func review(operation, object, old, more string) string {
	return fmt.Sprintf(`{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": %q,
		"kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
		"requestKind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "p", "namespace": "shop", "operation": %q,
		"userInfo": {"username": "kim", "uid": "7", "groups": ["devs", "system:authenticated"], "extra": {"x": ["y"]}},
		"object": %s, "oldObject": %s%s}}`, uid, operation, object, old, more)
}

func TestParseReview(t *testing.T) {
	r, err := kube.ParseReview([]byte(review("UPDATE", podOf(spec), podOf(spec), `, "dryRun": true, "subResource": "ephemeralcontainers", "options": {"kind": "UpdateOptions"}, "later": [1]`)))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(r.UID, r.Kind, r.Resource, r.SubResource, r.Name, r.Namespace, r.Operation, r.User, r.DryRun, string(r.Options.JSON()))
	want := fmt.Sprint(uid, pod, kube.Resource{Version: "v1", Resource: "pods"}, "ephemeralcontainers", "p", "shop", "UPDATE",
		kube.User{Name: "kim", UID: "7", Groups: []string{"devs", "system:authenticated"}}, true, `{"kind": "UpdateOptions"}`)
	if got != want {
		t.Errorf("got\n%s\nwanted\n%s", got, want)
	}
	if string(r.Object.JSON()) != podOf(spec) || string(r.OldObject.JSON()) != podOf(spec) {
		t.Error("the objects are not what was sent")
	}
}

func TestReviewsThatAreRefused(t *testing.T) {
	good := review("CREATE", podOf(spec), "null", "")
	if _, err := kube.ParseReview([]byte(good)); err != nil {
		t.Fatal(err)
	}
	edit := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("the review has no %s", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for name, c := range map[string]struct {
		body string
		uid  bool // is known all the same
	}{
		"nothing":                    {"", false},
		"null":                       {"null", false},
		"a list":                     {"[" + good + "]", false},
		"two documents":              {good + good, false},
		"cut short":                  {good[:len(good)-3], false},
		"not UTF-8":                  {edit("kim", "\xff"), false},
		"the old version":            {edit("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), true},
		"another kind of review":     {edit("AdmissionReview", "ImageReview"), true},
		"a response":                 {`{"response": {"uid": "x", "allowed": true},` + good[1:], true},
		"two requests":               {`{"request": {},` + good[1:], false},
		"two requests, one escaped":  {`{"\u0072equest": {},` + good[1:], false},
		"another case of request":    {`{"Request": {},` + good[1:], false},
		"a duplicate deep inside":    {edit(`"emptyDir": {}`, `"emptyDir": {"a": 1, "a": 1}`), false},
		"no request":                 {`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}`, false},
		"a request that is a string": {`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": "x"}`, false},
		"no uid":                     {edit(uid, ""), false},
		"a uid of a line":            {edit(uid, `a\nb`), false},
		"a long uid":                 {edit(uid, strings.Repeat("a", 129)), false},
		"a uid that is a number":     {edit(`"`+uid+`"`, "1"), false},
		"no kind":                    {edit(`"kind": "Pod"}`, `"kind": ""}`), true},
		"a kind of another type":     {edit(`"kind": {"group": "", "version": "v1", "kind": "Pod"}`, `"kind": "Pod"`), true},
		"no resource":                {edit(`"resource": "pods"`, `"x": "pods"`), true},
		"another operation":          {edit("CREATE", "PATCH"), true},
		"no object":                  {review("CREATE", "null", "null", ""), true},
		"an old object on CREATE":    {review("CREATE", podOf(spec), podOf(spec), ""), true},
		"no old object on UPDATE":    {review("UPDATE", podOf(spec), "null", ""), true},
		"an object on DELETE":        {review("DELETE", podOf(spec), podOf(spec), ""), true},
		"an object that is a list":   {review("CREATE", "[]", "null", ""), true},
		"an old object of a string":  {review("UPDATE", podOf(spec), `"x"`, ""), true},
		"dryRun a string":            {review("CREATE", podOf(spec), "null", `, "dryRun": "false"`), true},
		"a namespace of a path":      {edit(`"namespace": "shop", "operation"`, `"namespace": "../kube-system", "operation"`), true},
		"groups an object":           {edit(`["devs", "system:authenticated"]`, `{}`), true},
		"nested deeply":              {edit(`"emptyDir": {}`, `"emptyDir": `+strings.Repeat("[", 300)+strings.Repeat("]", 300)), false},
		"objects nested deeply":      {edit(`"emptyDir": {}`, `"emptyDir": `+strings.Repeat(`{"a":`, 300)+"1"+strings.Repeat("}", 300)), false},
		"a duplicate among many":     {edit(`"emptyDir": {}`, `"emptyDir": {`+manyKeys(40)+`,"39":0}`), false},
		"nested very deeply":         {strings.Repeat("[", 1<<20), false},
		"too long":                   {good + strings.Repeat(" ", kube.MaxReview), false},
		"too many keys":              {edit(`"emptyDir": {}`, `"emptyDir": {`+manyKeys(1<<14+1)+`}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := kube.ParseReview([]byte(c.body))
			if err == nil {
				t.Fatal("it was read")
			}
			if (r.UID == uid) != c.uid || !c.uid && r.UID != "" {
				t.Errorf("the uid is %q: %v", r.UID, err)
			}
			if r.Object.Present() || len(err.Error()) > 600 {
				t.Errorf("object %q, error %v", r.Object.JSON(), err)
			}
		})
	}
}

func TestParseObject(t *testing.T) {
	for _, s := range []string{"", "null", "[]", `"x"`, "{", `{"a": 1, "a": 1}`, "{} {}", `{"a": "` + "\xff" + `"}`} {
		if o, err := kube.ParseObject([]byte(s)); err == nil || o.Present() {
			t.Errorf("%q was read", s)
		}
	}
}

// parsed reads an object of a test.
func parsed(t testing.TB, s string) kube.Object {
	t.Helper()
	o, err := kube.ParseObject([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	return b.String()[1:]
}
