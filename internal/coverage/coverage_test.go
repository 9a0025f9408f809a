package coverage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func read(t *testing.T, text string) []Ref {
	t.Helper()
	refs, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

func names(refs []Ref) string {
	var all []string
	for _, r := range refs {
		all = append(all, r.Image)
	}
	return strings.Join(all, " ")
}

// TestRead: every place where an object of Kubernetes names an image is read, whatever
// its kind, and in both encodings alike.
func TestRead(t *testing.T) {
	pod := `{"containers": [{"name": "a", "image": "a"}], "initContainers": [{"image": "b"}], "ephemeralContainers": [{"image": "c"}], "volumes": [{"image": {"reference": "d"}}, {"hostPath": {}}]}`
	for name, object := range map[string]string{
		"Pod":         `{"kind": "Pod", "spec": ` + pod + `}`,
		"Deployment":  `{"kind": "Deployment", "spec": {"template": {"spec": ` + pod + `}}}`,
		"CronJob":     `{"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": ` + pod + `}}}}}`,
		"PodTemplate": `{"kind": "PodTemplate", "template": {"spec": ` + pod + `}}`,
		"a list":      `{"kind": "PodList", "items": [{"kind": "Pod", "spec": ` + pod + `}, {"kind": "Service", "spec": {}}]}`,
		"a rollout":   `{"kind": "Rollout", "spec": {"template": {"spec": ` + pod + `}}}`,
	} {
		for _, text := range []string{object, "---\n" + object + "\n---\n", object + "\n" + `{"kind": "Secret"}`} {
			if got := names(read(t, text)); got != "b a c d" {
				t.Errorf("%s: found %q in %s", name, got, text)
			}
		}
	}
	// A container without an image, or what is none, is shown and not passed over.
	for _, text := range []string{
		`{"kind": "Pod", "spec": {"containers": [{"name": "a"}]}}`, `{"kind": "Pod", "spec": {"containers": ["a"]}}`,
		`{"kind": "Pod", "spec": {"containers": [{"image": 1}]}}`, `{"kind": "Pod", "spec": {"containers": {"a": {}}}}`, `{"kind": "Pod", "spec": {"volumes": [{"image": {}}]}}`,
	} {
		if refs := read(t, text); len(refs) != 1 || refs[0].Image != "" {
			t.Errorf("found %v in %s", refs, text)
		}
	}
}

// TestReadRefuses: what two readers could read differently, what is too much, and what
// is no list of images.
func TestReadRefuses(t *testing.T) {
	deep := strings.Repeat(`{"kind": "List", "items": [`, 20) + strings.Repeat("]}", 20)
	for name, text := range map[string]string{
		"nothing":             "\n \n",
		"no reference":        "nginx\nhello world\n",
		"a long line":         strings.Repeat("a", 5000),
		"comments alone":      "# a\n",
		"an empty list":       `{"kind": "List", "items": []}`,
		"no list at all":      `{"kind": "Status", "status": "Failure", "message": "pods is forbidden"}`,
		"an empty document":   "---\n---\n",
		"too much":            strings.Repeat("nginx\n", MaxBytes/6+1),
		"too many":            strings.Repeat("nginx\n", MaxRefs+1),
		"too many containers": `{"kind": "List", "items": [` + strings.TrimSuffix(strings.Repeat(`{"kind": "Pod", "spec": {"containers": [{"image": "a"}, {"image": "a"}]}},`, MaxRefs/2+1), ",") + `]}`,
		"a key twice":         `{"kind": "Pod", "spec": {"containers": [{"image": "a", "image": "b"}]}}`,
		"a key twice in YAML": "kind: Pod\nspec:\n  containers:\n    - image: a\n      image: b\n",
		"an anchor":           "kind: Pod\nspec: &a\n  containers: []\n",
		"an alias":            "kind: Pod\nspec: *a\n",
		"no kind":             `{"spec": {}}`,
		"no kind in YAML":     "spec: {}\n",
		"a list of texts":     `{"kind": "List", "items": ["nginx"]}`,
		"items that are none": `{"kind": "List", "items": {}}`,
		"deep lists":          deep,
		"deep values":         `{"kind": "Pod", "spec": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"cut off":             `{"kind": "Pod", "spec": {`,
		"text behind":         `{"kind": "Pod"} nginx`,
		"a large object":      `{"kind": "Pod", "metadata": {"name": "` + strings.Repeat("a", maxObject) + `"}}`,
		"many marks":          "kind: Pod\nspec: [" + strings.Repeat("a,", maxMarks) + "]\n",
	} {
		if refs, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: found %d references", name, len(refs))
		}
	}
}

const text = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: acme}
images:
  - match: ghcr.io/acme/*
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}
`

// TestOf: each image is there once, in one spelling, and what no rule is for is said.
func TestOf(t *testing.T) {
	p, err := policy.Parse("p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	table := Of(p, []Ref{{Image: "nginx"}, {Image: "docker.io/library/nginx:latest"}, {Image: "ghcr.io/acme/widget:1"}, {Image: "x y"}, {Image: ""}})
	var rows []string
	for _, r := range table.Images {
		rows = append(rows, fmt.Sprintf("%s %s", r.Image, r.State))
	}
	if got := strings.Join(rows, ", "); got != " unreadable, docker.io/library/nginx:latest no rule, ghcr.io/acme/widget:1 covered, x y unreadable" {
		t.Errorf("found %s", got)
	}
	if table.Worst() != Unreadable || Of(p, []Ref{{Image: "ghcr.io/acme/widget:1"}}).Worst() != Covered || Of(p, []Ref{{Image: "nginx"}}).Worst() != NoRule {
		t.Errorf("found %s", table.Worst())
	}
}

// standing is a source in which every reference has one digest.
type standing struct {
	collected *atomic.Int32
	evidence  verify.Evidence
	err       error
}

func (s standing) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return verify.Image{Reference: ref, Digest: "sha256:" + strings.Repeat("a", 64), Manifest: []byte("{}")}, s.err
}

func (s standing) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	s.collected.Add(1)
	return s.evidence
}

// TestLook: one collection for each digest; what could not be read is never absent.
func TestLook(t *testing.T) {
	p, err := policy.Parse("p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	refs := []Ref{{Image: "ghcr.io/acme/widget:1"}, {Image: "ghcr.io/acme/widget:2"}, {Image: "ghcr.io/acme/widget:3"}}
	signature := verify.Piece{Layout: verify.LegacySignature, Bytes: []byte(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"sha256:` +
		strings.Repeat("a", 64) + `"},"type":"cosign container image signature"},"optional":null}`)}
	other := signature
	other.Bytes = []byte(strings.ReplaceAll(string(signature.Bytes), "aaaa", "bbbb"))
	failure := verify.Failure{Code: verify.RegistryServerError, Class: verify.Transient, Place: "ghcr.io"}
	for name, c := range map[string]struct {
		source standing
		want   State
		times  int32
	}{
		"there":                     {standing{evidence: verify.Evidence{Pieces: []verify.Piece{signature}}}, Covered, 1},
		"there, and something down": {standing{evidence: verify.Evidence{Pieces: []verify.Piece{signature}, Failures: []verify.Failure{failure}}}, Covered, 1},
		"nothing":                   {standing{}, NoEvidence, 1},
		"of another image":          {standing{evidence: verify.Evidence{Pieces: []verify.Piece{other}}}, NoEvidence, 1},
		"down":                      {standing{evidence: verify.Evidence{Failures: []verify.Failure{failure}}}, Undecided, 1},
		"no image":                  {standing{err: &failure}, Undecided, 0},
	} {
		var collected atomic.Int32
		c.source.collected = &collected
		open := func() (verify.Source, func(), error) { return c.source, func() {}, nil }
		table, err := Look(context.Background(), Of(p, refs), open, verify.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range table.Images {
			if r.State != c.want {
				t.Errorf("%s: %s is %s: %s", name, r.Image, r.State, r.Problem)
			}
		}
		if collected.Load() != c.times {
			t.Errorf("%s: collected %d times", name, collected.Load())
		}
	}
	broken := errors.New("broken")
	if _, err := Look(context.Background(), Of(p, refs), func() (verify.Source, func(), error) { return nil, nil, broken }, verify.DefaultLimits()); !errors.Is(err, broken) {
		t.Errorf("found %v", err)
	}
}
