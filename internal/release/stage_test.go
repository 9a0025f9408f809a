package release_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const image = "registry.example/acme/widget"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stage is a repository with ordinary keys on loopback, and what is asked of it.
type stage struct {
	*lab.TUF
	options release.Options
	want    verify.ReleaseWant
}

// newStage lists versions, each with the digest of its name.
func newStage(t *testing.T, versions ...string) *stage {
	t.Helper()
	tuf, err := lab.NewTUF(lab.TUFOptions{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := tuf.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tuf.Close() })
	s := &stage{TUF: tuf}
	s.list(t, versions...)
	s.options.Dir = t.TempDir()
	moving, err := policy.ParsePattern("{major}.{minor}", "major", "minor")
	if err != nil {
		t.Fatal(err)
	}
	target, err := policy.ParsePattern(lab.ReleasePattern(image), "version")
	if err != nil {
		t.Fatal(err)
	}
	root := tuf.FirstRoot()
	sum := sha256.Sum256(root)
	s.want = verify.ReleaseWant{
		Demand: policy.Release{
			TUF: policy.TUF{
				MetadataURL: tuf.MetadataURL(), TargetsURL: tuf.TargetsURL(), Refresh: policy.RefreshPreferred,
				Root: policy.PinnedRoot{SHA256: hex.EncodeToString(sum[:])},
			},
			Target: target, Fields: policy.Fields{Digest: "digest", Version: "version", Image: "image"},
		},
		Root: root, Name: image, At: now,
		Tags: policy.Rule{Tags: policy.Tags{Moving: []policy.Pattern{policy.Exact("latest"), moving}}}.VersionTags(),
	}
	return s
}

// list publishes releases.
func (s *stage) list(t *testing.T, versions ...string) {
	t.Helper()
	for _, v := range versions {
		if _, err := s.AddRelease(v, image, digest(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Publish(); err != nil {
		t.Fatal(err)
	}
}

func digest(version string) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(version)))
}

// ask gathers what is known of a reference, NAME left out, that resolves to the image
// of a version.
func (s *stage) ask(t *testing.T, ref, resolves string) verify.ReleaseEvidence {
	t.Helper()
	r, err := verify.ParseReference(image + ref)
	if err != nil {
		t.Fatal(err)
	}
	want := s.want
	want.Reference = r
	if tag := r.Tag(); tag != "" && !want.Tags.IsMoving(tag) && want.Version == "" {
		want.Version, _ = want.Tags.VersionOf(tag)
	}
	s.ResetRequests()
	return release.New(s.options).Release(context.Background(), want, func() (verify.Image, bool) {
		return verify.Image{Reference: r, Digest: digest(resolves)}, true
	})
}

// asked are the paths of all requests since the last ask; a manifest is its version.
func (s *stage) asked() string {
	var paths []string
	for _, r := range s.Requests() {
		path := strings.TrimPrefix(strings.TrimPrefix(r.Path, "/"), "metadata/")
		if _, name, ok := strings.Cut(path, ".v"); ok {
			path = name
		}
		paths = append(paths, path)
	}
	return strings.Join(paths, " ")
}

// versions are those of the manifests, in their order.
func versions(e verify.ReleaseEvidence) string {
	var all []string
	for _, m := range e.Manifests {
		name := m.Path[strings.LastIndexByte(m.Path, '/')+2:]
		all = append(all, strings.TrimSuffix(name, ".json"))
	}
	return strings.Join(all, " ")
}

// codes are those of the failures.
func codes(e verify.ReleaseEvidence) string {
	var all []string
	for _, f := range e.Failures {
		all = append(all, string(f.Code))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func equal(t *testing.T, what, found, wanted string) {
	t.Helper()
	if found != wanted {
		t.Errorf("%s: found %q; wanted %q", what, found, wanted)
	}
}
