package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// shelf is an OCI layout that a test writes.
type shelf struct {
	t     *testing.T
	dir   string
	named []descriptor
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(s.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return s
}

func (s *shelf) write(name string, body []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(name)), body, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func blobPath(d descriptor) string { return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:") }

func (s *shelf) blob(mediaType string, body []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digestOf(body), Size: int64(len(body))}
	s.write(blobPath(d), body)
	return d
}

func (s *shelf) manifest(mediaType string, content map[string]any) descriptor {
	s.t.Helper()
	body, err := json.Marshal(content)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.blob(mediaType, body)
}

func (s *shelf) image(text string) descriptor {
	return s.manifest(typeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeOCIManifest, "layers": []any{s.blob("application/octet-stream", []byte(text))},
	})
}

func (s *shelf) evidence(subject any, artifactType, layerType, body string) descriptor {
	return s.manifest(typeOCIManifest, map[string]any{
		"schemaVersion": 2, "artifactType": artifactType, "subject": subject, "layers": []any{s.blob(layerType, []byte(body))},
	})
}

// name puts d into index.json with annotations given as key, value, key, value.
func (s *shelf) name(d descriptor, annotations ...string) {
	d.Annotations = map[string]string{}
	for i := 0; i < len(annotations); i += 2 {
		d.Annotations[annotations[i]] = annotations[i+1]
	}
	s.named = append(s.named, d)
}

func (s *shelf) open() *Layout {
	s.t.Helper()
	body, err := json.Marshal(index(s.named...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("index.json", body)
	l, err := OpenLayout(s.dir, verify.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	return l
}

// code returns "code class" of a failure, or "".
func code(err error) string {
	var failure *verify.Failure
	if errors.As(err, &failure) {
		return fmt.Sprint(failure.Code, " ", failure.Class)
	}
	return ""
}

// TestCosignSave loads the nine real layouts that slsa-verifier keeps for its tests.
func TestCosignSave(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/slsa-framework/slsa-verifier/v2").Output()
	if err != nil {
		t.Fatalf("find the module that holds the layouts: %v; run `go mod download github.com/slsa-framework/slsa-verifier/v2`", err)
	}
	dirs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "cli", "slsa-verifier", "testdata", "gha_generic_container", "*", "container_workflow_dispatch"))
	if err != nil || len(dirs) != 9 {
		t.Fatalf("got %d layouts (%v), want 9", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			l, err := OpenLayout(dir, verify.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			image, err := l.Resolve(t.Context(), reference(t, "example.com/any/name@"+l.named[0].Digest))
			if err != nil {
				t.Fatal(err)
			}
			if image.Digest != l.named[0].Digest || image.MediaType != l.named[0].MediaType || digestOf(image.Manifest) != image.Digest {
				t.Errorf("got %s %s", image.Digest, image.MediaType)
			}
			evidence := l.Collect(t.Context(), image, everything)
			same(t, "failures", troubles(evidence), nil)
			if len(evidence.Pieces) != 1 || evidence.Requests != 0 {
				t.Fatalf("got %q with %d requests", summary(evidence), evidence.Requests)
			}
			p := evidence.Pieces[0]
			if p.Layout != verify.LegacyAttestation || p.MediaType != typeEnvelope || digestOf(p.Bytes) != p.Digest ||
				p.Annotations["dev.sigstore.cosign/certificate"] == "" || p.Annotations["dev.sigstore.cosign/bundle"] == "" {
				t.Errorf("got a piece %s %s of %s with %d annotations", p.Layout, p.MediaType, p.Place, len(p.Annotations))
			}
			_, err = l.Resolve(t.Context(), reference(t, "example.com/any/name:v1"))
			if code(err) != "layout.not_found definitive" || !strings.Contains(err.Error(), l.named[0].Digest) {
				t.Errorf("by tag: got %v, want one that names what is held", err)
			}
		})
	}
}

// TestLayoutEvidence shows every way in which a layout can hold evidence.
func TestLayoutEvidence(t *testing.T) {
	tag := func(d descriptor) string { return fallbackTag(d.Digest) }
	for name, test := range map[string]struct {
		set    func(s *shelf, image descriptor)
		pieces []string
	}{
		"cosign save": {func(s *shelf, _ descriptor) {
			s.name(s.evidence(nil, "", typeSimpleSigning, "s"), annotationKind, kindSigs)
			s.name(s.evidence(nil, "", typeEnvelope, "a"), annotationKind, kindAtts)
		}, []string{"legacy-attestation a", "legacy-signature s"}},
		"cosign's tags as names": {func(s *shelf, d descriptor) {
			s.name(s.evidence(nil, "", typeSimpleSigning, "s"), annotationRefName, tag(d)+".sig")
			s.name(s.evidence(nil, "", typeEnvelope, "a"), annotationRefName, "example.com/o/n:"+tag(d)+".att")
		}, []string{"legacy-attestation a", "legacy-signature s"}},
		"another image's tag": {func(s *shelf, _ descriptor) {
			s.name(s.evidence(nil, "", typeSimpleSigning, "s"), annotationRefName, tag(descriptor{Digest: digestOf(nil)})+".sig")
		}, nil},
		"referrer": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, typeBundle3, typeBundle3, "b"))
		}, []string{"bundle b"}},
		"signature as referrer": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, typeCosignSig, typeSimpleSigning, "s"))
		}, []string{"legacy-signature s"}},
		"fallback tag": {func(s *shelf, d descriptor) {
			s.name(s.manifest(typeOCIIndex, index(s.evidence(d, typeBundle3, typeBundle3, "b"))), annotationRefName, tag(d))
		}, []string{"bundle b"}},
		"nested": {func(s *shelf, d descriptor) {
			s.name(s.manifest(typeOCIIndex, index(s.manifest(typeOCIIndex, index(s.evidence(d, "", typeBundle3, "b"))))))
		}, []string{"bundle b"}},
		"another image's referrer": {func(s *shelf, _ descriptor) {
			s.name(s.evidence(s.image("other"), typeBundle3, typeBundle3, "b"))
		}, nil},
		"both ways at once": {func(s *shelf, d descriptor) {
			e := s.evidence(d, "", typeSimpleSigning, "s")
			s.name(e, annotationKind, kindSigs)
			s.name(e, annotationRefName, tag(d)+".sig")
		}, []string{"legacy-signature s"}},
		"something else": {func(s *shelf, _ descriptor) {
			s.name(s.blob("application/xml", []byte("<a/>")))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			d := s.image("x")
			s.name(d)
			test.set(s, d)
			l := s.open()
			image, err := l.Resolve(t.Context(), reference(t, "example.com/o/n@"+d.Digest))
			if err != nil {
				t.Fatal(err)
			}
			evidence := l.Collect(t.Context(), image, everything)
			same(t, "failures", troubles(evidence), nil)
			same(t, "pieces", summary(evidence), test.pieces)
			none := l.Collect(t.Context(), image, verify.Want{})
			if len(none.Pieces) != 0 || len(none.Failures) != 0 {
				t.Errorf("nothing was wanted, got %q", summary(none))
			}
		})
	}
}

// TestLayoutResolve shows by which names an image is found.
func TestLayoutResolve(t *testing.T) {
	s := newShelf(t)
	plain, full, hub, child := s.image("plain"), s.image("full"), s.image("hub"), s.image("child")
	child.Platform = json.RawMessage(`{"os":"linux","architecture":"amd64"}`)
	absent := descriptor{MediaType: typeOCIManifest, Digest: digestOf([]byte("absent")), Size: 6, Platform: child.Platform}
	multi := s.manifest(typeOCIIndex, map[string]any{"schemaVersion": 2, "mediaType": typeOCIIndex, "manifests": []any{child, absent}})
	s.name(plain, annotationRefName, "v1")
	s.name(full, annotationRefName, "example.com/o/n:v2", annotationImageName, "example.com/o/n:v2")
	s.name(hub, annotationImageName, "docker.io/library/alpine:3")
	s.name(multi, annotationImageRef, "example.com/o/m:v2")
	s.name(plain, annotationRefName, "twice")
	s.name(hub, annotationRefName, "twice")
	s.name(s.evidence(nil, "", typeSimpleSigning, "s"), annotationKind, kindSigs, annotationRefName, "sigs")
	l := s.open()
	for ref, want := range map[string]string{
		"example.com/any/thing:v1":               plain.Digest,
		"example.com/o/n:v2":                     full.Digest,
		"example.com/o/other:v2":                 "layout.not_found definitive",
		"example.com/o/m:v2":                     multi.Digest,
		"alpine:3":                               hub.Digest,
		"index.docker.io/library/alpine:3":       hub.Digest,
		"example.com/o/n:twice":                  "layout.not_found definitive",
		"example.com/o/n:sigs":                   "layout.not_found definitive",
		"example.com/o/n@" + child.Digest:        child.Digest,
		"example.com/o/n:v7@" + plain.Digest:     plain.Digest,
		"example.com/o/n@" + absent.Digest:       "layout.not_found definitive",
		"example.com/o/n@" + digestOf([]byte{1}): "layout.not_found definitive",
	} {
		image, err := l.Resolve(t.Context(), reference(t, ref))
		got := code(err)
		if err == nil {
			got = image.Digest
		}
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", ref, got, err, want)
		}
	}
	evidence := l.Collect(t.Context(), verify.Image{Digest: multi.Digest}, everything)
	same(t, "an image that is not held is no failure", troubles(evidence), nil)
}

// TestLayoutTrouble shows that what a layout names and does not hold, or holds
// otherwise, is a failure.
func TestLayoutTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(s *shelf, d descriptor)
		want []string
	}{
		"a layer is gone": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, "", typeBundle3, "b"))
			s.remove(blobPath(descriptor{Digest: digestOf([]byte("b"))}))
		}, []string{"layout.unreadable definitive"}},
		"a referrer is gone": {func(s *shelf, d descriptor) {
			e := s.evidence(d, "", typeBundle3, "b")
			s.name(e)
			s.remove(blobPath(e))
		}, []string{"layout.unreadable definitive"}},
		"other bytes": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, "", typeBundle3, "b"))
			s.write(blobPath(descriptor{Digest: digestOf([]byte("b"))}), []byte("c"))
		}, []string{"layout.unreadable definitive"}},
		"more bytes": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, "", typeBundle3, "b"))
			s.write(blobPath(descriptor{Digest: digestOf([]byte("b"))}), []byte("bb"))
		}, []string{"layout.unreadable definitive"}},
		"a path for a digest": {func(s *shelf, _ descriptor) {
			s.name(descriptor{MediaType: typeOCIManifest, Digest: "sha256:../../oci-layout", Size: 30})
		}, []string{"layout.unreadable definitive"}},
		"a huge layer": {func(s *shelf, d descriptor) {
			layer := s.blob(typeBundle3, []byte("b"))
			layer.Size = 10 << 30
			s.name(s.manifest(typeOCIManifest, map[string]any{"subject": d, "layers": []any{layer}}))
		}, []string{"limit.exceeded definitive"}},
		"a link out": {func(s *shelf, d descriptor) {
			out := filepath.Join(s.t.TempDir(), "secret")
			if err := os.WriteFile(out, []byte("b"), 0o600); err != nil {
				s.t.Fatal(err)
			}
			s.name(s.evidence(d, "", typeBundle3, "b"))
			link := blobPath(descriptor{Digest: digestOf([]byte("b"))})
			s.remove(link)
			if err := os.Symlink(out, filepath.Join(s.dir, link)); err != nil {
				s.t.Skip(err)
			}
		}, []string{"layout.unreadable definitive"}},
		"a directory": {func(s *shelf, d descriptor) {
			s.name(s.evidence(d, "", typeBundle3, "b"))
			dir := blobPath(descriptor{Digest: digestOf([]byte("b"))})
			s.remove(dir)
			if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"layout.unreadable definitive"}},
		"an index for signatures": {func(s *shelf, _ descriptor) {
			s.name(s.manifest(typeOCIIndex, index()), annotationKind, kindSigs)
		}, []string{"layout.unreadable definitive"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			d := s.image("x")
			s.name(d)
			s.name(s.evidence(nil, "", typeEnvelope, "a"), annotationKind, kindAtts)
			test.set(s, d)
			l := s.open()
			evidence := l.Collect(t.Context(), verify.Image{Digest: d.Digest}, everything)
			same(t, "failures", troubles(evidence), test.want)
			same(t, "pieces", summary(evidence), []string{"legacy-attestation a"})
		})
	}
}

func (s *shelf) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, filepath.FromSlash(name))); err != nil {
		s.t.Fatal(err)
	}
}

// TestLayoutThatIsNone shows what is no layout at all.
func TestLayoutThatIsNone(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"empty":         {},
		"no index":      {"oci-layout": `{"imageLayoutVersion":"1.0.0"}`},
		"no marker":     {"index.json": `{"manifests":[]}`},
		"other version": {"oci-layout": `{"imageLayoutVersion":"2.0.0"}`, "index.json": `{"manifests":[]}`},
		"a manifest":    {"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": `{"layers":[]}`},
		"not JSON":      {"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": `manifests`},
	} {
		dir := t.TempDir()
		for file, body := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenLayout(dir, verify.Limits{}); code(err) != "layout.unreadable definitive" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := OpenLayout(filepath.Join(t.TempDir(), "nowhere"), verify.Limits{}); code(err) != "layout.unreadable definitive" {
		t.Errorf("no directory: got %v", err)
	}
}

// TestLayoutOfTooMany shows that manifests beyond the bound are a failure.
func TestLayoutOfTooMany(t *testing.T) {
	s := newShelf(t)
	d := s.image("x")
	s.name(d)
	var list []descriptor
	for i := range maxHeld + 1 {
		list = append(list, descriptor{
			MediaType: typeOCIManifest, Digest: digestOf(fmt.Append(nil, i)), Size: 1, Platform: json.RawMessage(`{}`),
		})
	}
	s.name(s.manifest(typeOCIIndex, index(list...)))
	evidence := s.open().Collect(t.Context(), verify.Image{Digest: d.Digest}, everything)
	same(t, "failures", troubles(evidence), []string{"limit.exceeded definitive"})
}

// TestLayoutCancelled shows that a collection that was called off is not an empty one.
func TestLayoutCancelled(t *testing.T) {
	s := newShelf(t)
	d := s.image("x")
	s.name(d)
	s.name(s.evidence(d, "", typeBundle3, "b"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	evidence := s.open().Collect(ctx, verify.Image{Digest: d.Digest}, everything)
	same(t, "failures", troubles(evidence), []string{"registry.timeout transient"})
}

// TestLayoutPipe shows that a pipe in a blob's place is not waited for.
func TestLayoutPipe(t *testing.T) {
	mkfifo, err := exec.LookPath("mkfifo")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no pipes here")
	}
	s := newShelf(t)
	d := s.image("x")
	s.name(d)
	s.name(s.evidence(d, "", typeBundle3, "b"))
	pipe := blobPath(descriptor{Digest: digestOf([]byte("b"))})
	s.remove(pipe)
	if err := exec.CommandContext(t.Context(), mkfifo, filepath.Join(s.dir, pipe)).Run(); err != nil {
		t.Skip(err)
	}
	evidence := s.open().Collect(t.Context(), verify.Image{Digest: d.Digest}, everything)
	same(t, "failures", troubles(evidence), []string{"layout.unreadable definitive"})
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","layers":[{"digest":"sha256:../x","size":-1}]}`), 2)
	f.Add([]byte(`{"layers":[{"mediaType":"application/vnd.dsse.envelope.v1+json"}],"subject":null}`), 1)
	f.Add([]byte(`{"manifests":null}`), 0)
	limits := verify.DefaultLimits()
	f.Fuzz(func(t *testing.T, body []byte, from int) {
		m, bad := parseManifest(body)
		if bad != nil {
			return
		}
		layers, failures := plan(m, origin(from), "here", everything, limits)
		for _, l := range layers {
			if !verify.IsDigest(l.descriptor.Digest) || l.descriptor.Size < 0 || l.descriptor.Size > limits.PieceBytes {
				t.Errorf("%+v would be fetched", l)
			}
		}
		if len(layers)+len(failures) > len(m.Layers)+1 {
			t.Errorf("%d layers became %d and %d", len(m.Layers), len(layers), len(failures))
		}
	})
}
