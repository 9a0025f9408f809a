package kube_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/kube"
)

var (
	hexA = strings.Repeat("a", 64)
	hexB = strings.Repeat("b", 64)
)

// spec is a pod spec with one image in every place that there is.
const spec = `{
  "serviceAccountName": "builder",
  "imagePullSecrets": [{"name": "reg-1"}, {}, {"name": "reg.2"}],
  "initContainers": [{"name": "setup", "image": "r.example/init:1"}],
  "containers": [
    {"name": "app", "image": "r.example/app:1", "imagePullPolicy": "Never"},
    {"name": "side", "image": "r.example/side:1"}
  ],
  "ephemeralContainers": [{"name": "debug", "image": "r.example/debug:1", "targetContainerName": "app"}],
  "volumes": [
    {"name": "tmp", "emptyDir": {}},
    {"name": "model", "image": {"reference": "r.example/model:1", "pullPolicy": "Always"}}
  ]
}`

// everywhere lists the images of spec below prefix.
func everywhere(prefix string, template bool) []kube.Ref {
	pod := kube.Pod{ServiceAccount: "builder", PullSecrets: []string{"reg-1", "reg.2"}, Template: template}
	pointer := "/" + strings.ReplaceAll(prefix, ".", "/")
	return []kube.Ref{
		{Image: "r.example/init:1", Path: prefix + ".initContainers[0].image", Pointer: pointer + "/initContainers/0/image", Role: kube.Init, Name: "setup", Pod: pod},
		{Image: "r.example/app:1", Path: prefix + ".containers[0].image", Pointer: pointer + "/containers/0/image", Role: kube.Container, Name: "app", PullPolicy: "Never", Pod: pod},
		{Image: "r.example/side:1", Path: prefix + ".containers[1].image", Pointer: pointer + "/containers/1/image", Role: kube.Container, Name: "side", Pod: pod},
		{Image: "r.example/debug:1", Path: prefix + ".ephemeralContainers[0].image", Pointer: pointer + "/ephemeralContainers/0/image", Role: kube.Ephemeral, Name: "debug", Pod: pod},
		{Image: "r.example/model:1", Path: prefix + ".volumes[1].image.reference", Pointer: pointer + "/volumes/1/image/reference", Role: kube.Volume, Name: "model", PullPolicy: "Always", Pod: pod},
	}
}

func podOf(spec string) string {
	return `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": ` + spec + `}`
}

var pod = kube.Kind{Version: "v1", Kind: "Pod"}

func TestImagesOfEveryKind(t *testing.T) {
	template := `{"template": {"spec": ` + spec + `}}`
	for _, c := range []struct {
		kind   kube.Kind
		body   string
		prefix string
	}{
		{pod, `"spec": ` + spec, "spec"},
		{kube.Kind{Version: "v1", Kind: "PodTemplate"}, `"template": {"spec": ` + spec + `}`, "template.spec"},
		{kube.Kind{Version: "v1", Kind: "ReplicationController"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "apps", Version: "v1", Kind: "Deployment"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "apps", Version: "v1", Kind: "StatefulSet"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "apps", Version: "v1", Kind: "DaemonSet"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "batch", Version: "v1", Kind: "Job"}, `"spec": ` + template, "spec.template.spec"},
		{kube.Kind{Group: "batch", Version: "v1", Kind: "CronJob"}, `"spec": {"jobTemplate": {"spec": ` + template + `}}`, "spec.jobTemplate.spec.template.spec"},
	} {
		t.Run(c.kind.Kind, func(t *testing.T) {
			object := fmt.Sprintf(`{"apiVersion": %q, "kind": %q, %s}`, strings.TrimPrefix(c.kind.Group+"/"+c.kind.Version, "/"), c.kind.Kind, c.body)
			got, err := kube.Images(parsed(t, object), c.kind, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := everywhere(c.prefix, c.kind != pod); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got\n%+v\nwanted\n%+v", got, want)
			}
		})
	}
}

func TestKindsWithoutKnownImages(t *testing.T) {
	for _, k := range []kube.Kind{
		{Version: "v1", Kind: "List"}, {Version: "v1", Kind: "PodList"}, {Group: "apps", Version: "v1", Kind: "DeploymentList"},
		{Group: "apps", Version: "v2", Kind: "Deployment"}, {Group: "extensions", Version: "v1beta1", Kind: "Deployment"},
		{Version: "v1", Kind: "EphemeralContainers"}, {Version: "v1", Kind: "pod"}, {Group: "example.com", Version: "v1", Kind: "Pod"},
		{Version: "v1", Kind: "ConfigMap"}, {},
	} {
		object := fmt.Sprintf(`{"apiVersion": %q, "kind": %q, "items": [%s], "spec": %s}`, strings.TrimPrefix(k.Group+"/"+k.Version, "/"), k.Kind, podOf(spec), spec)
		if got, err := kube.Images(parsed(t, object), k, nil); err == nil {
			t.Errorf("%v: found %v; wanted an error", k, got)
		} else if !strings.HasSuffix(k.Kind, "List") && !errors.Is(err, kube.ErrUnknownKind) && k.Kind != "" {
			t.Errorf("%v: %v; wanted ErrUnknownKind", k, err)
		}
	}
	scale := kube.Kind{Group: "autoscaling", Version: "v1", Kind: "Scale"}
	if got, err := kube.Images(parsed(t, `{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}`), scale, nil); err != nil || len(got) > 0 {
		t.Errorf("a Scale has the images %v, %v; wanted none", got, err)
	}
}

// TestHostileSpecs: what cannot be read is an error, and never an image overlooked.
func TestHostileSpecs(t *testing.T) {
	good := `{"name": "a", "image": "r.example/app:1"}`
	for name, s := range map[string]string{
		"no spec":                       `null`,
		"a spec that is a list":         `[]`,
		"no containers":                 `{}`,
		"containers null":               `{"containers": null}`,
		"containers empty":              `{"containers": []}`,
		"containers an object":          `{"containers": {"0": ` + good + `}}`,
		"containers a string":           `{"containers": "r.example/app:1"}`,
		"a container null":              `{"containers": [` + good + `, null]}`,
		"a container a string":          `{"containers": [` + good + `, "r.example/x"]}`,
		"a container a list":            `{"containers": [[` + good + `]]}`,
		"an image a list":               `{"containers": [{"name": "a", "image": ["r.example/app:1"]}]}`,
		"an image a number":             `{"containers": [{"name": "a", "image": 1}]}`,
		"a name an object":              `{"containers": [{"name": {}, "image": "r.example/app:1"}]}`,
		"a pull policy a boolean":       `{"containers": [{"name": "a", "image": "r.example/app:1", "imagePullPolicy": true}]}`,
		"initContainers an object":      `{"containers": [` + good + `], "initContainers": {}}`,
		"ephemeralContainers false":     `{"containers": [` + good + `], "ephemeralContainers": false}`,
		"volumes an object":             `{"containers": [` + good + `], "volumes": {"image": {"reference": "x"}}}`,
		"a volume null":                 `{"containers": [` + good + `], "volumes": [null]}`,
		"a volume's image a string":     `{"containers": [` + good + `], "volumes": [{"name": "v", "image": "r.example/x"}]}`,
		"a volume's reference a list":   `{"containers": [` + good + `], "volumes": [{"name": "v", "image": {"reference": []}}]}`,
		"another case":                  `{"containers": [` + good + `], "InitContainers": [` + good + `]}`,
		"another case, folded":          `{"containers": [` + good + `], "volume\u017f": []}`,
		"another case of image":         `{"containers": [{"name": "a", "image": "r.example/app:1", "Image": "r.example/evil"}]}`,
		"a secret of another namespace": `{"containers": [` + good + `], "imagePullSecrets": [{"name": "../kube-system/secrets/x"}]}`,
		"a secret with a NUL":           `{"containers": [` + good + `], "imagePullSecrets": [{"name": "x\u0000"}]}`,
		"secrets an object":             `{"containers": [` + good + `], "imagePullSecrets": {}}`,
		"an account with a slash":       `{"containers": [` + good + `], "serviceAccountName": "a/b"}`,
		"an older account with a slash": `{"containers": [` + good + `], "serviceAccount": "a/b"}`,
		"too many containers":           `{"containers": [` + strings.Repeat(good+",", 1000) + good + `]}`,
		"too many secrets":              `{"containers": [` + good + `], "imagePullSecrets": [` + strings.Repeat(`{"name": "x"},`, 100) + `{"name": "x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := kube.Images(parsed(t, podOf(s)), pod, nil); err == nil {
				t.Errorf("found %d images, no error", len(got))
			} else if len(err.Error()) > 600 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	// These are read: whoever judges refuses the reference itself.
	for name, image := range map[string]string{"no image": "", "a control character": "r.example/\x1b[2Japp", "another script": "r.ехample/app"} {
		b, _ := json.Marshal(image)
		got, err := kube.Images(parsed(t, podOf(`{"containers": [{"name": "a", "image": `+string(b)+`}]}`)), pod, nil)
		if err != nil || len(got) != 1 || got[0].Image != image || got[0].Pinned() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestObjectOfAnotherKind: what the request calls a Scale must not be a Pod.
func TestObjectOfAnotherKind(t *testing.T) {
	for _, k := range []kube.Kind{{Group: "autoscaling", Version: "v1", Kind: "Scale"}, {Group: "apps", Version: "v1", Kind: "Deployment"}} {
		if _, err := kube.Images(parsed(t, podOf(spec)), k, nil); err == nil || !strings.Contains(err.Error(), "another kind") {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestConfiguredFields(t *testing.T) {
	kind := kube.Kind{Group: "example.com", Version: "v1", Kind: "Farm"}
	object := `{"apiVersion": "example.com/v1", "kind": "Farm", "metadata": {"annotations": {"example.com/a~b": "r.example/note:1"}},
		"spec": {"image": "r.example/main:1", "none": null, "n": 1, "workers": [{"image": "r.example/w0:1"}, {}, {"image": "r.example/w2:1"}], "roles": {"x.y": {"image": "r.example/role:1"}}}}`
	for _, c := range []struct {
		path, want string // want: pointer=image ..., or an error's text
		optional   bool
	}{
		{path: "$.spec.image", want: "/spec/image=r.example/main:1 (spec.image)"},
		{path: "$.spec.workers[*].image", want: "/spec/workers/0/image=r.example/w0:1 (spec.workers[0].image) /spec/workers/2/image=r.example/w2:1 (spec.workers[2].image)"},
		{path: "$['spec'][\"roles\"][*].image", want: `/spec/roles/x.y/image=r.example/role:1 (spec.roles["x.y"].image)`},
		{path: `$.metadata.annotations['example.com/a~b']`, want: `/metadata/annotations/example.com~1a~0b=r.example/note:1 (metadata.annotations["example.com/a~b"])`},
		{path: "$.spec.imag", want: "found no image at the configured paths"},
		{path: "$.spec.imag", optional: true},
		{path: "$.spec.none", optional: true},
		{path: "$.spec.n", want: "found a number, wanted a string"},
		{path: "$.spec.n", want: "found a number, wanted a string", optional: true},
		{path: "$.spec.n[*]", want: "found a number, wanted a list", optional: true},
		{path: "$.spec.n.image", want: "found a number, wanted an object", optional: true},
		{path: "$.spec.Image", want: `found the key "image"`, optional: true},
		{path: "$.spec.workers", want: "found a list, wanted a string"},
	} {
		p, err := kube.ParsePath(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		refs, err := kube.Images(parsed(t, object), kind, map[kube.Kind]kube.Fields{kind: {Paths: []kube.Path{p}, Optional: c.optional}})
		var got []string
		for _, r := range refs {
			got = append(got, r.Pointer+"="+r.Image+" ("+r.Path+")")
			if r.Role != kube.Field || !r.Pod.Template {
				t.Errorf("%s: %+v", c.path, r)
			}
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: got %s, wanted %s", c.path, text, c.want)
		}
	}
	// On a kind that is built in, a path adds to what is known, and finds nothing twice.
	add, _ := kube.ParsePath("$.metadata.name")
	again, _ := kube.ParsePath("$.spec.containers[*].image")
	refs, err := kube.Images(parsed(t, podOf(spec)), pod, map[kube.Kind]kube.Fields{pod: {Paths: []kube.Path{add, again}}})
	if err != nil || len(refs) != len(everywhere("spec", false))+1 || refs[len(refs)-1].Image != "p" {
		t.Errorf("got %+v, %v", refs, err)
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, s := range []string{
		"", "$", "spec", ".spec", "$spec", "$.", "$..image", "$.a.", "$.a[0]", "$.a[-1]", "$.a[?(@.x)]", "$.a[*", "$.a['b", "$.a['b'", "$.a['b'c]",
		"$.a['b','c']", "$.a.*", "$.ä", "$.a b", `$.a['b\`, "$" + strings.Repeat(".a", 65), "$." + strings.Repeat("a", 1024), "$.a\n", "$[a]", "{.spec}",
	} {
		if p, err := kube.ParsePath(s); err == nil {
			t.Errorf("%q was read as %s", s, p)
		}
	}
	if _, err := kube.ParsePath(`$["a\"b"]['c\'d']['']`); err != nil {
		t.Error(err)
	}
}

// TestNodeDecides is attack 38: imagePullPolicy Never with a tag.
func TestNodeDecides(t *testing.T) {
	for _, c := range []struct {
		image, policy string
		want          bool
	}{{"r.example/a:1", "Never", true}, {"r.example/a", "Never", true}, {"r.example/a:1@sha256:" + hexA, "Never", false}, {"r.example/a:1", "Always", false}, {"::", "Never", true}} {
		if got := (kube.Ref{Image: c.image, PullPolicy: c.policy}).NodeDecides(); got != c.want {
			t.Errorf("%s, %s: %t", c.image, c.policy, got)
		}
	}
}

func places(refs []kube.Ref) []string {
	var all []string
	for _, r := range refs {
		all = append(all, r.Path)
	}
	slices.Sort(all)
	return all
}
