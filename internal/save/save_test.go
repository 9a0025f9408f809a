package save_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/layout"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/save"
	"github.com/releaseassay/assay/verify"
)

var everything = verify.Want{Signatures: true, Attestations: true, Bundles: true, BuildKit: true, Config: true}

// published is an index in a registry with evidence of both forms on itself and on each of
// its images, and with statements of BuildKit's.
func published(t *testing.T) (verify.Source, verify.Reference) {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
	must(t, err)
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: time.Now})
	must(t, reg.Start())
	t.Cleanup(func() { _ = reg.Close() })
	name := reg.Host() + "/acme/widget"
	release, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: name})
	must(t, err)
	built, err := lab.NewBuildKitIndex("seed", func(platform, digest string) ([]byte, error) {
		return fmt.Appendf(nil, `{"platform": %q, "digest": %q}`, platform, digest), nil
	}, "linux/amd64", "linux/arm64")
	must(t, err)
	publication := release.Publication
	publication.Image = built.Image
	publication.Below = map[v1.Hash]lab.Evidence{}
	for _, child := range built.Image.Children() {
		evidence, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: name, Seed: child.Digest.Hex})
		must(t, err)
		publication.Below[child.Digest] = evidence.Evidence
	}
	repository, err := reg.Repository("acme/widget")
	must(t, err)
	must(t, lab.Push(context.Background(), repository, publication))
	ref, err := verify.ParseReference(name + ":" + publication.Tag)
	must(t, err)
	return registry.New(registry.Options{}), ref
}

// contents collects everything about an index and what it lists.
func contents(t *testing.T, source verify.Source, ref verify.Reference) save.Contents {
	t.Helper()
	image, evidence, err := verify.Gather(context.Background(), source, ref, everything, true, verify.DefaultLimits())
	must(t, err)
	c := save.Contents{Reference: ref, Images: []verify.Image{image}}
	c.Document.Digest = image.Digest
	c.Collections = []save.Collection{{Image: image, Want: everything, Evidence: evidence}}
	for _, child := range evidence.Children {
		resolved, err := source.Resolve(context.Background(), child.Image.Reference)
		must(t, err)
		c.Images = append(c.Images, resolved)
		c.Collections = append(c.Collections, save.Collection{Image: resolved, Want: everything, Evidence: source.Collect(context.Background(), resolved, everything)})
	}
	for _, one := range c.Collections {
		if len(one.Evidence.Failures) > 0 {
			t.Fatalf("%s: %v", one.Image.Digest, one.Evidence.Failures)
		}
	}
	return c
}

// saved writes contents and opens what was written.
func saved(t *testing.T, c save.Contents) (*save.Saved, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "saved")
	_, _, err := save.Write(context.Background(), dir, c, func(string) error { return nil })
	must(t, err)
	held, err := registry.OpenLayout(dir, verify.DefaultLimits())
	must(t, err)
	t.Cleanup(func() { _ = held.Close() })
	s, err := save.Open(dir, held)
	must(t, err)
	return s, dir
}

// told is evidence as a list, without the places where it lay.
func told(e verify.Evidence) []string {
	var list []string
	for _, p := range e.Pieces {
		list = append(list, fmt.Sprintf("%s %s %s %v %x", p.Layout, p.Digest, p.MediaType, p.Annotations, p.Manifest))
	}
	slices.Sort(list)
	return append(list, string(e.Config))
}

// TestRoundTrip: about the index and each of its images, what was saved tells what the
// registry told, no less and no more.
func TestRoundTrip(t *testing.T) {
	source, ref := published(t)
	c := contents(t, source, ref)
	s, dir := saved(t, c)
	if len(c.Collections) != 5 { // the index, two images, and a manifest of statements about each
		t.Fatalf("collected about %d manifests", len(c.Collections))
	}
	for _, one := range c.Collections {
		image, err := s.Resolve(context.Background(), reference(t, ref.Name()+"@"+one.Image.Digest))
		must(t, err)
		if string(image.Manifest) != string(one.Image.Manifest) || image.MediaType != one.Image.MediaType {
			t.Errorf("%s: another manifest", one.Image.Digest)
		}
		for _, want := range []verify.Want{everything, {Signatures: true}, {Attestations: true}, {Bundles: true}, {BuildKit: true}} {
			online, offline := source.Collect(context.Background(), one.Image, want), s.Collect(context.Background(), image, want)
			if len(offline.Failures) > 0 || !slices.Equal(told(online), told(offline)) {
				t.Errorf("%s: %+v: %v\nfound  %.300q\nwanted %.300q", one.Image.Digest, want, offline.Failures, told(offline), told(online))
			}
		}
	}
	image, err := s.Resolve(context.Background(), ref)
	if err != nil || image.Digest != c.Document.Digest {
		t.Errorf("the tag is %s: %v", image.Digest, err)
	}
	readByCosign(t, dir, c.Collections[0].Evidence)
}

// readByCosign reads the legacy part as `cosign verify --local-image` does.
func readByCosign(t *testing.T, dir string, e verify.Evidence) {
	t.Helper()
	index, err := layout.SignedImageIndex(dir)
	must(t, err)
	sigs, err := index.Signatures()
	must(t, err)
	atts, err := index.Attestations()
	must(t, err)
	found := map[verify.Layout]int{}
	list, err := sigs.Get()
	must(t, err)
	for _, sig := range list {
		payload, err := sig.Payload()
		must(t, err)
		if certificate, err := sig.Cert(); err != nil || certificate == nil || len(payload) == 0 {
			t.Errorf("cosign reads no certificate: %v", err)
		}
		found[verify.LegacySignature]++
	}
	list, err = atts.Get()
	must(t, err)
	found[verify.LegacyAttestation] = len(list)
	for _, p := range e.Pieces {
		found[p.Layout]--
	}
	if found[verify.LegacySignature] != 0 || found[verify.LegacyAttestation] != 0 || len(list) == 0 {
		t.Errorf("cosign reads %v too many", found)
	}
}

// TestUnsaved: what was not asked for when a layout was saved is a failure of that kind of
// evidence, and of no other.
func TestUnsaved(t *testing.T) {
	source, ref := published(t)
	c := contents(t, source, ref)
	c.Collections = c.Collections[:1]
	c.Collections[0].Want = verify.Want{Signatures: true, Repositories: []string{"a.example/a", "b.example/b"}, GitHub: []string{"https://github.com/a/b"}}
	s, _ := saved(t, c)
	both := []string{"b.example/b", "a.example/a"}
	for name, test := range map[string]struct {
		want    verify.Want
		digest  string
		missing []verify.Layout
	}{
		"the same":               {want: verify.Want{Signatures: true, Repositories: both}},
		"attestations":           {want: verify.Want{Signatures: true, Attestations: true, Repositories: both}, missing: []verify.Layout{verify.LegacyAttestation}},
		"bundles":                {want: verify.Want{Bundles: true, Repositories: both, GitHub: c.Collections[0].Want.GitHub}, missing: []verify.Layout{verify.Bundle}},
		"another repository":     {want: verify.Want{Signatures: true, Repositories: []string{"a.example/a"}}, missing: []verify.Layout{verify.LegacySignature}},
		"GitHub":                 {want: verify.Want{Repositories: both, GitHub: c.Collections[0].Want.GitHub}},
		"another at GitHub":      {want: verify.Want{Repositories: both, GitHub: []string{"https://github.com/a/c"}}, missing: []verify.Layout{verify.Bundle}},
		"labels and BuildKit":    {want: verify.Want{Config: true, BuildKit: true}, missing: []verify.Layout{verify.BuildKit, verify.Config}},
		"one of the index's own": {want: verify.Want{Signatures: true, Repositories: both}, digest: c.Images[1].Digest, missing: []verify.Layout{verify.LegacySignature}},
	} {
		t.Run(name, func(t *testing.T) {
			image := verify.Image{Reference: ref, Digest: c.Document.Digest}
			if test.digest != "" {
				image.Digest = test.digest
			}
			e := s.Collect(context.Background(), image, test.want)
			var missing []verify.Layout
			for _, f := range e.Failures {
				missing = append(missing, f.Layouts...)
			}
			if !slices.Equal(missing, test.missing) {
				t.Errorf("missing %v; wanted %v: %v", missing, test.missing, e.Failures)
			}
		})
	}
}

// TestNothingHalf: whatever goes wrong, there is no folder, and nothing beside it.
func TestNothingHalf(t *testing.T) {
	source, ref := published(t)
	good := contents(t, source, ref)
	body := "the layer"
	blob := save.Blob{Digest: "sha256:286aab53bbc3bbb3f2bda81635fa21668f15308f1cc98cab1b315d84b8a75d97", Size: int64(len(body))}
	send := func(s string) save.Fetch {
		return func(_ context.Context, _ save.Blob, w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for name, test := range map[string]struct {
		ctx   context.Context
		edit  func(*save.Contents)
		check error
	}{
		"a layer that cannot be had": {edit: func(c *save.Contents) {
			c.Fetch = func(context.Context, save.Blob, io.Writer) error { return errors.New("down") }
		}},
		"another layer":         {edit: func(c *save.Contents) { c.Fetch = send("the_layer") }},
		"a short layer":         {edit: func(c *save.Contents) { c.Fetch = send(body[1:]) }},
		"a long layer":          {edit: func(c *save.Contents) { c.Fetch = send(body + body) }},
		"another manifest":      {edit: func(c *save.Contents) { c.Images = slices.Clone(c.Images); c.Images[0].Manifest = []byte("{}") }},
		"a target elsewhere":    {edit: func(c *save.Contents) { c.TUF = repository("../../../out.json") }},
		"no TUF metadata":       {edit: func(c *save.Contents) { c.TUF = repository("a.json"); c.TUF.Evidence.Timestamp = nil }},
		"a file elsewhere":      {edit: func(c *save.Contents) { c.Files = []save.File{{Path: "../out.json"}} }},
		"judged differently":    {check: errors.New("it is another decision")},
		"ended by the caller":   {ctx: stopped},
		"the folder was filled": {},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "saved")
			c := good
			if test.edit != nil {
				c.Blobs = []save.Blob{}
				test.edit(&c)
				if c.Fetch != nil {
					c.Blobs = []save.Blob{blob}
				}
			}
			ctx := test.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			wanted := []string(nil)
			_, _, err := save.Write(ctx, dir, c, func(string) error {
				if name == "the folder was filled" {
					must(t, os.Mkdir(dir, 0o700))
					must(t, os.WriteFile(filepath.Join(dir, "own"), nil, 0o600))
					wanted = []string{"saved", "saved/own"}
				}
				return test.check
			})
			if err == nil {
				t.Error("it was written")
			}
			if found := tree(t, parent); !slices.Equal(found, wanted) {
				t.Errorf("found %v; wanted %v (%v)", found, wanted, err)
			}
		})
	}
}

func repository(target string) *save.TUF {
	return &save.TUF{Root: []byte(`{"signed":{"version":1}}`), Evidence: verify.ReleaseEvidence{
		Timestamp: []byte(`{"signed":{"version":1}}`), Manifests: []verify.Manifest{{Path: target, Bytes: []byte("{}")}},
	}}
}

// TestHostile: a layout that says of itself what is not so is unreadable, and never one
// that nobody saved.
func TestHostile(t *testing.T) {
	source, ref := published(t)
	c := contents(t, source, ref)
	_, dir := saved(t, c)
	document, err := os.ReadFile(filepath.Join(dir, save.DocumentFile))
	must(t, err)
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	must(t, err)
	held, err := registry.OpenLayout(dir, verify.DefaultLimits())
	must(t, err)
	defer func() { _ = held.Close() }()
	last := c.Collections[0].Evidence.Pieces[0] // of a layout that is damaged nothing is judged
	piece := "blobs/sha256/" + strings.TrimPrefix(last.Digest, "sha256:")
	for name, change := range map[string]func(){
		"another piece":   func() { write(t, dir, piece, strings.Repeat("x", len(last.Bytes))) },
		"a missing piece": func() { must(t, os.Remove(filepath.Join(dir, piece))) },
		"no document":     func() { must(t, os.Remove(filepath.Join(dir, save.DocumentFile))) },
		"another document": func() {
			write(t, dir, save.DocumentFile, strings.Replace(string(document), `"signatures": true`, `"signatures": false`, 1))
		},
		"nobody vouches": func() {
			write(t, dir, "index.json", strings.Replace(string(index), "dev.releaseassay.saved", "dev.releaseassay.other", 1))
		},
		"another list": func() {
			write(t, dir, "index.json", strings.Replace(string(index), `"manifests":[`, `"manifests":[ `, 1))
		},
		"a document of pipe": func() {
			must(t, os.Remove(filepath.Join(dir, save.DocumentFile)))
			must(t, os.Mkdir(filepath.Join(dir, save.DocumentFile), 0o700))
		},
		"a large document": func() { must(t, os.Truncate(filepath.Join(dir, save.DocumentFile), 8<<20)) },
	} {
		must(t, os.RemoveAll(filepath.Join(dir, save.DocumentFile)))
		write(t, dir, save.DocumentFile, string(document))
		write(t, dir, "index.json", string(index))
		write(t, dir, piece, string(last.Bytes))
		if _, err := save.Open(dir, held); err != nil {
			t.Fatalf("before %s: %v", name, err)
		}
		change()
		var failure *verify.Failure
		if s, err := save.Open(dir, held); !errors.As(err, &failure) || failure.Code != verify.LayoutUnreadable {
			t.Errorf("%s: found %v, %v; wanted %s", name, s, err, verify.LayoutUnreadable)
		}
	}
}

func tree(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	must(t, filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if local, _ := filepath.Rel(dir, name); local != "." {
			found = append(found, filepath.ToSlash(local))
		}
		return err
	}))
	return found
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o600))
}

func reference(t *testing.T, s string) verify.Reference {
	t.Helper()
	ref, err := verify.ParseReference(s)
	must(t, err)
	return ref
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
