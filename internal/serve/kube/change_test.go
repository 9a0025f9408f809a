package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// container writes a container of a pod spec.
func container(name, image, more string) string {
	return fmt.Sprintf(`{"name": %q, "image": %q%s}`, name, image, more)
}

func containers(list ...string) string {
	return `{"containers": [` + strings.Join(list, ", ") + `]}`
}

// ask asks about an update, or a creation where there is no old object.
func ask(t *testing.T, object, old string, audited bool) (kube.Question, error) {
	t.Helper()
	operation := "UPDATE"
	if old == "" {
		operation, old = "CREATE", "null"
	}
	r, err := kube.ParseReview([]byte(review(operation, object, old, "")))
	if err != nil {
		t.Fatal(err)
	}
	return kube.Ask(r, nil, audited)
}

var (
	pinnedA = "r.example/a:1@sha256:" + hexA
	pinnedB = "r.example/b:1@sha256:" + hexB
)

func TestWhatAnUpdateChanged(t *testing.T) {
	a, b, tag := container("a", pinnedA, ""), container("b", pinnedB, ""), container("t", "r.example/t:1", "")
	const c0, c1 = "spec.containers[0].image", "spec.containers[1].image"
	for name, c := range map[string]struct {
		old, now       string
		audited        bool
		exempt         kube.Exemption
		judge, skipped string
		held           string // of judge
	}{
		"nothing, pinned":                {old: containers(a, b), now: containers(a, b), exempt: kube.Unchanged, skipped: c0 + " " + c1},
		"nothing, a tag":                 {old: containers(a, tag), now: containers(a, tag), exempt: kube.Unchanged, judge: c1, held: c1, skipped: c0},
		"nothing, admitted under audit":  {old: containers(a), now: containers(a), audited: true, exempt: kube.Unchanged, judge: c0, held: c0},
		"the last container goes":        {old: containers(a, b), now: containers(a), exempt: kube.Unchanged, skipped: c0},
		"the first container goes":       {old: containers(a, b), now: containers(b), judge: c0},
		"the image alone":                {old: containers(a, b), now: containers(a, container("b", pinnedA, "")), judge: c1, skipped: c0},
		"the image, beside a tag":        {old: containers(b, tag), now: containers(a, tag), judge: c0 + " " + c1, held: c1},
		"the digest alone":               {old: containers(a), now: containers(container("a", "r.example/a:1@sha256:"+hexB, "")), judge: c0},
		"the tag beside the digest":      {old: containers(a), now: containers(container("a", "r.example/a:2@sha256:"+hexA, "")), judge: c0},
		"the digest goes":                {old: containers(a), now: containers(container("a", "r.example/a:1", "")), judge: c0},
		"a container more":               {old: containers(a), now: containers(a, b), judge: c1, skipped: c0},
		"a container more, same image":   {old: containers(a), now: containers(a, container("c", pinnedA, "")), judge: c1, skipped: c0},
		"a container more, in front":     {old: containers(a), now: containers(b, a), judge: c0 + " " + c1},
		"images exchanged":               {old: containers(a, b), now: containers(container("a", pinnedB, ""), container("b", pinnedA, "")), judge: c0 + " " + c1},
		"the list reordered":             {old: containers(a, b), now: containers(b, a), judge: c0 + " " + c1},
		"a container renamed":            {old: containers(a), now: containers(container("x", pinnedA, "")), judge: c0},
		"the pull policy alone":          {old: containers(container("a", "r.example/a:1", "")), now: containers(container("a", "r.example/a:1", `, "imagePullPolicy": "Never"`)), judge: c0, held: c0},
		"moved to the init containers":   {old: containers(a, b), now: `{"containers": [` + b + `], "initContainers": [` + a + `]}`, judge: c0 + " spec.initContainers[0].image"},
		"an image volume more":           {old: containers(a), now: `{"containers": [` + a + `], "volumes": [{"name": "v", "image": {"reference": "` + pinnedB + `"}}]}`, judge: "spec.volumes[0].image.reference", skipped: c0},
		"an ephemeral container more":    {old: containers(a), now: `{"containers": [` + a + `], "ephemeralContainers": [` + b + `]}`, judge: "spec.ephemeralContainers[0].image", skipped: c0},
		"an old object nobody can read":  {old: `{"containers": {}}`, now: containers(a), judge: c0},
		"two names of one digest":        {old: containers(a), now: containers(container("a", "r.example/other:1@sha256:"+hexA, "")), judge: c0},
		"a digest that cannot be parsed": {old: containers(container("a", "r.example/a@sha256:short", "")), now: containers(container("a", "r.example/a@sha256:short", "")), exempt: kube.Unchanged, judge: c0, held: c0},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := ask(t, podOf(c.now), podOf(c.old), c.audited)
			if err != nil {
				t.Fatal(err)
			}
			var held []kube.Ref
			for _, r := range q.Judge {
				if r.Held {
					held = append(held, r)
				}
			}
			for _, x := range []struct {
				what string
				got  []kube.Ref
				want string
			}{{"judge", q.Judge, c.judge}, {"skipped", q.Skipped, c.skipped}, {"held", held, c.held}} {
				if got := strings.Join(places(x.got), " "); got != x.want {
					t.Errorf("%s: got %q, wanted %q", x.what, got, x.want)
				}
			}
			if q.Exempt != c.exempt {
				t.Errorf("exempt: got %q, wanted %q", q.Exempt, c.exempt)
			}
		})
	}
}

func TestCreationIsJudgedWhole(t *testing.T) {
	q, err := ask(t, podOf(spec), "", false)
	if err != nil || q.Exempt != "" || len(q.Skipped) > 0 || len(q.Judge) != 5 {
		t.Errorf("%+v, %v", q, err)
	}
}

// TestOwnMarksMeanNothing is attack 37: annotations, labels and names that say "admitted".
func TestOwnMarksMeanNothing(t *testing.T) {
	marked := strings.Replace(podOf(spec), `"metadata": {`, `"metadata": {"annotations": {"assay.dev/verdict": "pass", "kubernetes.io/config.mirror": "x", "assay.dev/skip": "true"}, "labels": {"assay": "ignore"}, "deletionTimestamp": "2026-01-01T00:00:00Z", `, 1)
	plain, err := ask(t, podOf(spec), "", false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ask(t, marked, "", false)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(plain) {
		t.Errorf("created with marks: %+v, %v", got, err)
	}
	// The same on an update: what the new object says of its deletion is not believed.
	got, err = ask(t, marked, podOf(containers(container("a", pinnedA, ""))), false)
	if err != nil || got.Exempt != "" || len(got.Judge) != 5 {
		t.Errorf("updated with marks: %+v, %v", got, err)
	}
}

func TestObjectsBeingDeleted(t *testing.T) {
	dying := strings.Replace(podOf(spec), `"metadata": {`, `"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", `, 1)
	q, err := ask(t, dying, dying, false)
	if err != nil || q.Exempt != kube.Terminating || len(q.Judge) != 5 {
		t.Errorf("%+v, %v", q, err)
	}
	for _, stamp := range []string{`null`, `""`, `false`, `{}`} {
		old := strings.Replace(dying, `"2026-01-01T00:00:00Z"`, stamp, 1)
		if q, err := ask(t, podOf(containers(container("a", pinnedA, ""))), old, false); err != nil || q.Exempt != "" {
			t.Errorf("deletionTimestamp %s: %+v, %v", stamp, q, err)
		}
	}
	// Finalizers can be taken from an object that cannot be read.
	broken := strings.Replace(dying, `"containers": [`, `"containers": [1, `, 1)
	if q, err := ask(t, broken, broken, false); err != nil || q.Exempt != kube.Terminating {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestOtherOperations(t *testing.T) {
	for operation, want := range map[kube.Operation]kube.Exemption{kube.Delete: kube.Deleted, kube.Connect: kube.Connected} {
		q, err := kube.Ask(kube.Request{Operation: operation, Kind: kube.Kind{Version: "v1", Kind: "Whatever"}}, nil, false)
		if err != nil || q.Exempt != want || len(q.Judge) > 0 {
			t.Errorf("%s: %+v, %v", operation, q, err)
		}
	}
	scale := kube.Request{Operation: kube.Update, Kind: kube.Kind{Group: "autoscaling", Version: "v1", Kind: "Scale"},
		Object: parsed(t, `{"apiVersion": "autoscaling/v1", "kind": "Scale"}`), OldObject: parsed(t, `{}`)}
	if q, err := kube.Ask(scale, nil, false); err != nil || q.Exempt != kube.Imageless {
		t.Errorf("%+v, %v", q, err)
	}
	for _, r := range []kube.Request{
		{}, {Operation: "PATCH"}, {Operation: kube.Create}, {Operation: kube.Create, Kind: pod},
		{Operation: kube.Create, Kind: kube.Kind{Version: "v1", Kind: "ConfigMap"}, Object: parsed(t, `{"apiVersion": "v1", "kind": "ConfigMap"}`)},
		{Operation: kube.Create, Kind: pod, Namespace: "other", Object: parsed(t, podOf(spec))},
		{Operation: kube.Create, Kind: pod, Namespace: "shop", Object: parsed(t, strings.Replace(podOf(spec), `"shop"`, `["shop"]`, 1))},
	} {
		if q, err := kube.Ask(r, nil, false); err == nil {
			t.Errorf("%+v: %+v, no error", r, q)
		}
	}
}
