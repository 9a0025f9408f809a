package kube_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// apply applies a patch of test and replace (RFC 6902) to a document.
func apply(document string, patch []byte) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		return nil, err
	}
	var edits []struct{ Op, Path, Value string }
	if err := json.Unmarshal(patch, &edits); err != nil {
		return nil, err
	}
	for _, e := range edits {
		at := &v
		var put func(any)
		for _, token := range strings.Split(e.Path, "/")[1:] {
			token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
			switch parent := (*at).(type) {
			case map[string]any:
				child, ok := parent[token]
				if !ok {
					return nil, fmt.Errorf("%s: nothing there", e.Path)
				}
				at, put = &child, func(v any) { parent[token] = v }
			case []any:
				i, err := strconv.Atoi(token)
				if err != nil || i >= len(parent) {
					return nil, fmt.Errorf("%s: no such element", e.Path)
				}
				at, put = &parent[i], func(v any) { parent[i] = v }
			default:
				return nil, fmt.Errorf("%s: nothing there", e.Path)
			}
		}
		switch {
		case e.Op == "test" && *at != any(e.Value):
			return nil, fmt.Errorf("%s: the test fails", e.Path)
		case e.Op == "replace":
			put(e.Value)
		case e.Op != "test":
			return nil, fmt.Errorf("unknown operation %s", e.Op)
		}
	}
	return v, nil
}

func pinsOf(refs []kube.Ref) []kube.Pin {
	var pins []kube.Pin
	for _, r := range refs {
		pins = append(pins, kube.Pin{Ref: r, Image: r.Image + "@sha256:" + hexA})
	}
	return pins
}

func TestPinsReplaceEveryImage(t *testing.T) {
	kind := kube.Kind{Group: "example.com", Version: "v1", Kind: "Farm"}
	farm := `{"apiVersion": "example.com/v1", "kind": "Farm", "a/b~c": {"~1": "r.example/x:1"}}`
	path, err := kube.ParsePath("$['a/b~c'][*]")
	if err != nil {
		t.Fatal(err)
	}
	for object, k := range map[string]kube.Kind{podOf(spec): pod, farm: kind} {
		refs, err := kube.Images(parsed(t, object), k, map[kube.Kind]kube.Fields{kind: {Paths: []kube.Path{path}}})
		if err != nil {
			t.Fatal(err)
		}
		patch, err := kube.Pins(pinsOf(refs), true)
		if err != nil {
			t.Fatal(err)
		}
		b, err := kube.Response{UID: uid, Allowed: true, Patch: patch}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Response struct {
				Patch     []byte
				PatchType string
			}
		}
		if err := json.Unmarshal(b, &answer); err != nil || answer.Response.PatchType != "JSONPatch" {
			t.Fatalf("%s: %v", b, err)
		}
		got, err := apply(object, answer.Response.Patch)
		if err != nil {
			t.Fatal(err)
		}
		pinned := object
		for _, r := range refs {
			pinned = strings.Replace(pinned, `"`+r.Image+`"`, `"`+r.Image+"@sha256:"+hexA+`"`, 1)
		}
		var want any
		if err := json.Unmarshal([]byte(pinned), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%v\nwanted\n%v", got, want)
		}
		// The test operations: the patch must not fit an object that changed meanwhile.
		if _, err := apply(strings.Replace(object, refs[0].Image, "r.example/other:1", 1), answer.Response.Patch); err == nil {
			t.Error("the patch fits another object")
		}
	}
}

func TestPinsLeaveAlone(t *testing.T) {
	tag := kube.Ref{Image: "r.example/a:1", Pointer: "/spec/containers/0/image"}
	template, held, done := tag, tag, tag
	template.Pod.Template, held.Held, done.Image = true, true, pinnedA
	for name, c := range map[string]struct {
		ref       kube.Ref
		templates bool
		want      int
	}{"a Pod": {tag, false, 2}, "a template": {template, false, 0}, "a template on request": {template, true, 2}, "held": {held, true, 0}, "pinned": {done, true, 0}} {
		got, err := kube.Pins([]kube.Pin{{Ref: c.ref, Image: pinnedA}}, c.templates)
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %v, %v; wanted %d operations", name, got, err, c.want)
		}
	}
}

func TestPinsOfAnotherImageAreRefused(t *testing.T) {
	for _, c := range [][2]string{
		{"r.example/a:1", "r.example/b:1@sha256:" + hexA}, {"r.example/a:1", "r.example/a:2@sha256:" + hexA}, {"r.example/a:1", "r.example/a@sha256:" + hexA},
		{"r.example/a:1", "r.example/a:1"}, {"r.example/a:1", "r.example/a:1@sha256:short"}, {pinnedA, "r.example/a:1@sha256:" + hexB}, {"", "r.example/a:1@sha256:" + hexA}, {"r.example/a:1", ""},
	} {
		if got, err := kube.Pins([]kube.Pin{{Ref: kube.Ref{Image: c[0]}, Image: c[1]}}, true); err == nil {
			t.Errorf("%q became %q: %v", c[0], c[1], got)
		}
	}
	// Short names are written out.
	if got, err := kube.Pins([]kube.Pin{{Ref: kube.Ref{Image: "alpine"}, Image: "docker.io/library/alpine:latest@sha256:" + hexA}}, false); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
}
