package registry

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// TestConfig fetches an image's configuration where it is wanted, and nowhere else.
func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		want   verify.Want
		change func(*stage, descriptor)
		found  string
		code   verify.Code
	}{
		"wanted":                        {verify.Want{Config: true}, nil, `{"config":{}}`, ""},
		"not wanted":                    {verify.Want{Signatures: true}, nil, "", ""},
		"with evidence of GitHub alone": {verify.Want{Config: true, GitHub: []string{"https://github.com/o/n"}}, nil, `{"config":{}}`, ""},
		"other bytes": {verify.Want{Config: true}, func(s *stage, d descriptor) {
			s.body(at("blobs", d.Digest), "application/json", []byte(`{"config":[]}`))
		}, "", verify.RegistryDigestMismatch},
		"gone": {verify.Want{Config: true}, func(s *stage, d descriptor) { delete(s.serves, at("blobs", d.Digest)) }, "", verify.RegistryNotFound},
		"forbidden": {verify.Want{Config: true}, func(s *stage, d descriptor) {
			s.serve(at("blobs", d.Digest), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		}, "", verify.RegistryForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			config := s.blob([]byte(`{"config":{}}`))
			s.manifest("v1", typeOCIManifest, map[string]any{"schemaVersion": 2, "mediaType": typeOCIManifest, "config": config, "layers": []any{}})
			if c.change != nil {
				c.change(s, config)
			}
			r, ref := s.play(Options{})
			image, err := r.Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			e := r.Collect(t.Context(), image, c.want)
			if string(e.Config) != c.found {
				t.Errorf("found the configuration %q", e.Config)
			}
			if c.code == "" && len(e.Failures) > 0 || c.code != "" && (len(e.Failures) != 1 || e.Failures[0].Code != c.code) {
				t.Errorf("found the failures %+v", e.Failures)
			}
			for _, f := range e.Failures {
				if !slices.Equal(f.Layouts, []verify.Layout{verify.Config}) {
					t.Errorf("the failure of a configuration could have been %v", f.Layouts)
				}
			}
		})
	}
}

func TestConfigOfTooManyBytes(t *testing.T) {
	s := newStage(t)
	config := s.blob(bytes.Repeat([]byte(" "), ConfigBytes+1))
	s.manifest("v1", typeOCIManifest, map[string]any{"schemaVersion": 2, "mediaType": typeOCIManifest, "config": config, "layers": []any{}})
	r, ref := s.play(Options{})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	e := r.Collect(t.Context(), image, verify.Want{Config: true})
	if e.Config != nil || len(e.Failures) != 1 || e.Failures[0].Code != verify.LimitExceeded {
		t.Errorf("found %d bytes, %+v", len(e.Config), e.Failures)
	}
	if slices.ContainsFunc(s.log, func(p string) bool { return strings.Contains(p, config.Digest) }) {
		t.Error("it was asked for")
	}
}

// TestConfigOnDisk reads the same from a layout, with the manifests that list BuildKit's
// statements.
func TestConfigOnDisk(t *testing.T) {
	image, err := lab.NewImage("config", "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	attests, err := lab.AttestationManifest([]byte(`{"_type":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	index, err := lab.NewIndexOf(lab.Listed{Image: image, Platform: "linux/amd64"}, lab.Attesting(attests, image.Digest()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := lab.WriteLayout(dir, lab.Publication{Image: index}); err != nil {
		t.Fatal(err)
	}
	open := func() *Layout {
		l, err := OpenLayout(dir, verify.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	l := open()
	resolve := func(digest string) verify.Image {
		got, err := l.Resolve(t.Context(), reference(t, "registry.example/o/n@"+digest))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one := resolve(image.Digest())
	e := l.Collect(t.Context(), one, verify.Want{Config: true})
	if !bytes.Contains(e.Config, []byte(`"architecture":"amd64"`)) || len(e.Failures) > 0 {
		t.Errorf("found the configuration %q, %+v", e.Config, e.Failures)
	}
	if e := l.Collect(t.Context(), one, verify.Want{}); e.Config != nil {
		t.Errorf("found the configuration %q, which nobody wanted", e.Config)
	}
	whole := l.Collect(t.Context(), resolve(index.Digest()), verify.Want{Config: true, BuildKit: true})
	if whole.Config != nil || len(whole.Pieces) != 1 || digestOf(whole.Pieces[0].Manifest) != attests.Digest() {
		t.Errorf("found %+v", whole)
	}
	named, _ := configOf(one)
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(named.Digest, "sha256:")), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open()
	e = l.Collect(t.Context(), one, verify.Want{Config: true})
	if e.Config != nil || len(e.Failures) != 1 || !slices.Equal(e.Failures[0].Layouts, []verify.Layout{verify.Config}) {
		t.Errorf("found %q, %+v", e.Config, e.Failures)
	}
}

// TestTheChainToBuildKit hands over the manifest that lists each statement.
func TestTheChainToBuildKit(t *testing.T) {
	s := newStage(t)
	statement := s.layer(typeInToto, "statement")
	attests := s.manifest("", typeOCIManifest, map[string]any{"schemaVersion": 2, "mediaType": typeOCIManifest, "layers": []any{statement}})
	attests.Annotations = map[string]string{annotationReferenceType: attestationManifest, annotationReferenceDigest: s.image.Digest}
	s.manifest("v1", typeOCIIndex, index(s.image, attests))
	s.bundle("bundle")
	r, ref := s.play(Options{})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	e := r.Collect(t.Context(), image, verify.Want{BuildKit: true, Bundles: true})
	if len(e.Pieces) != 1 || e.Pieces[0].Layout != verify.BuildKit || digestOf(e.Pieces[0].Manifest) != attests.Digest {
		t.Errorf("found %+v", e.Pieces)
	}
}
