package release_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// nightly is a role that a machine holds, for some of the paths that the target
// pattern fits.
func (s *stage) nightly(t *testing.T, paths ...string) *lab.TUFRole {
	t.Helper()
	role, err := lab.NewTUFRole("nightly")
	if err != nil {
		t.Fatal(err)
	}
	s.Targets.Delegations = []lab.TUFDelegation{{Role: role, Paths: paths}}
	return role
}

// flood makes a role list versions whose manifests are not there.
func flood(role *lab.TUFRole, n int, version string) {
	role.Edit = func(signed map[string]any) {
		targets := map[string]any{}
		for i := range n {
			targets[lab.ReleaseTarget(image, fmt.Sprintf(version, i))] = map[string]any{
				"length": 1, "hashes": map[string]any{"sha256": strings.Repeat("ab", 32)},
			}
		}
		signed["targets"] = targets
	}
}

// publish publishes everything.
func (s *stage) publish(t *testing.T) {
	t.Helper()
	if err := s.Publish(); err != nil {
		t.Fatal(err)
	}
}

// TestAFloorThatIsCrowded: a role that lists manifests without a digest, but with much text in its
// place, cannot fill the floor file so that the floor stays where it is.
func TestAFloorThatIsCrowded(t *testing.T) {
	s := newStage(t, "1.0.0")
	s.nightly(t, "widget/releases/*-nightly*")
	for i := range 9 {
		version, text := fmt.Sprintf("9.0.0-nightly.%d", i), "latest"
		if i > 0 {
			text = strings.Repeat("x", 1<<20-2000)
		}
		b, err := lab.ReleaseManifest(lab.ReleaseEntry{Version: version, Image: image, Digest: text, Edit: func(m map[string]any) {
			delete(m, "image_ref_digest")
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.AddTarget(lab.ReleaseTarget(image, version), b, "nightly")
	}
	s.publish(t)
	e := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
	equal(t, "failures", codes(e), "")
	floors, err := filepath.Glob(filepath.Join(s.options.Dir, "*", "floor"))
	if err != nil || len(floors) != 1 {
		t.Fatal(floors, err)
	}
	if b, err := os.ReadFile(floors[0]); err != nil || len(b) > 10_000 {
		t.Errorf("the floor file has %d bytes, %v", len(b), err)
	}
	for path, was := range s.ask(t, "@"+digest("1.0.0"), "1.0.0").State.Listed {
		if was != "" && !verify.IsDigest(was) {
			t.Errorf("%s is remembered as %.20q", path, was)
		}
	}
	old := s.Files()
	s.list(t, "2.0.0")
	s.RemoveTarget(lab.ReleaseTarget(image, "1.0.0"), "targets")
	s.publish(t)
	equal(t, "failures", codes(s.ask(t, ":2.0.0", "2.0.0")), "")
	s.SetFiles(old)
	e = s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "manifests of a repository rolled back", versions(e), "")
	if len(e.Timestamp) == 0 || e.State.Floor.Timestamp != 5 {
		t.Errorf("the refused timestamp has %d bytes, the floor is %+v", len(e.Timestamp), e.State.Floor)
	}
}

// TestWhatIsNotDelegatedCountsForNothing: paths that a role lists and may not sign for
// push nothing out.
func TestWhatIsNotDelegatedCountsForNothing(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0")
	flood(s.nightly(t, "widget/releases/*-nightly*"), 300, "9.0.%d")
	s.publish(t)
	e := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
	equal(t, "manifests by digest", versions(e), "1.1.0 1.0.0")
	if !e.Complete {
		t.Error("not complete")
	}
	e = s.ask(t, ":latest", "1.0.0")
	equal(t, "manifests behind a moving tag", versions(e), "1.0.0 1.1.0")
	if n := len(e.State.Listed); n != 2 {
		t.Errorf("%d are remembered", n)
	}
}

// TestLookupsAreBounded: beyond some thousand lookups the rest is left, and what an
// earlier run knew comes first.
func TestLookupsAreBounded(t *testing.T) {
	for n, found := range map[int]string{5000: "10.0.0", 20_000: ""} {
		s := newStage(t, "1.0.0", "1.1.0")
		equal(t, "manifests", versions(s.ask(t, "@"+digest("1.0.0"), "1.0.0")), "1.1.0 1.0.0")
		flood(s.nightly(t, "widget/releases/*-nightly*"), n, "9.0.%d")
		s.publish(t)
		e := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
		equal(t, "failures", codes(e), "")
		equal(t, "manifests that were known", versions(e), "1.0.0")
		if e.Complete {
			t.Error("complete")
		}
		s.options.Dir = t.TempDir()
		e = s.ask(t, "@"+digest("1.0.0"), "1.0.0")
		equal(t, "failures", codes(e), "")
		equal(t, "manifests on a first run", versions(e), "")
		if e.Complete {
			t.Error("complete on a first run")
		}
		s.list(t, "10.0.0")
		s.options.Dir = t.TempDir()
		equal(t, "manifests of the newest", versions(s.ask(t, "@"+digest("10.0.0"), "10.0.0")), found)
	}
}

// TestKnownVersionsComeFirst where not all are read; behind a moving tag the newest
// are read all the same.
func TestKnownVersionsComeFirst(t *testing.T) {
	s := newStage(t, "1.0.0")
	equal(t, "manifests", versions(s.ask(t, "@"+digest("1.0.0"), "1.0.0")), "1.0.0")
	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf("2.%d.0", i))
	}
	s.list(t, all...)
	equal(t, "manifests by digest", versions(s.ask(t, "@"+digest("1.0.0"), "1.0.0")), "1.0.0")
	equal(t, "manifests behind a moving tag", versions(s.ask(t, ":latest", "1.0.0")),
		"1.0.0 2.299.0 2.298.0 2.297.0 2.296.0 2.295.0 2.294.0 2.293.0 2.292.0")
}

// TestALookupEndsWithItsTime: what takes no request ends too.
func TestALookupEndsWithItsTime(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0")
	ref, err := verify.ParseReference(image + "@" + digest("1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	s.want.Reference = ref
	ctx, cancel := context.WithCancel(context.Background())
	e := release.New(s.options).Release(ctx, s.want, func() (verify.Image, bool) {
		cancel()
		return verify.Image{Reference: ref, Digest: digest("1.0.0")}, true
	})
	equal(t, "failures", codes(e), "tuf.timeout")
	if n := len(e.Manifests); n != 0 || e.Complete {
		t.Errorf("found %d manifests, complete %t", n, e.Complete)
	}

	// It ends while manifests are read: no more are looked up.
	s = newStage(t, "1.0.0")
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("1.%d.1", i))
	}
	s.list(t, all...)
	ctx, cancel = context.WithCancel(context.Background())
	s.SetFault("targets/*", func(http.ResponseWriter, *http.Request) { cancel() })
	s.want.Reference = ref
	e = release.New(s.options).Release(ctx, s.want, func() (verify.Image, bool) {
		return verify.Image{Reference: ref, Digest: digest("1.0.0")}, true
	})
	if n := len(e.Failures); n == 0 || n > 9 || e.Complete {
		t.Errorf("found %d failures, complete %t", n, e.Complete)
	}
}

// panicking is a transport that panics over manifests.
type panicking struct{ http.RoundTripper }

func (p panicking) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, "/targets/") {
		panic("the transport")
	}
	return p.RoundTripper.RoundTrip(req)
}

func TestATransportThatPanics(t *testing.T) {
	for _, ref := range []string{":1.0.0", "@" + digest("1.0.0")} {
		s := newStage(t, "1.0.0")
		s.options.Transport = panicking{http.DefaultTransport}
		e := s.ask(t, ref, "1.0.0")
		equal(t, "failures", codes(e), "internal.panic")
		if len(e.Failures) == 1 && e.Failures[0].Detail != "the transport" || e.Complete {
			t.Errorf("found %+v, complete %t", e.Failures, e.Complete)
		}
	}
}

// TestARequiredRefreshIsUnconditional: where the repository must be asked, it must answer.
func TestARequiredRefreshIsUnconditional(t *testing.T) {
	s := newStage(t, "1.0.0")
	conditions := 0
	s.SetFault("metadata/timestamp.json", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if req.Header.Get("If-None-Match") != "" {
			conditions++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(s.File("metadata/timestamp.json"))
	})
	for _, c := range []struct {
		refresh policy.Refresh
		want    int
	}{{policy.RefreshPreferred, 0}, {policy.RefreshPreferred, 1}, {policy.RefreshRequired, 1}} {
		s.want.Demand.TUF.Refresh = c.refresh
		equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
		if conditions != c.want {
			t.Errorf("%s: %d conditions were sent; want %d", c.refresh, conditions, c.want)
		}
	}
}

// TestAFloorThatCannotRise is undecided where there was one: a folder in the way is no
// disk that is full.
func TestAFloorThatCannotRise(t *testing.T) {
	s := newStage(t, "1.0.0")
	s.options.StateFile = filepath.Join(t.TempDir(), "state")
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	before, err := os.ReadFile(s.options.StateFile)
	if err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(filepath.Dir(s.options.StateFile), ".state.tmp", "x")
	if err := errors.Join(os.MkdirAll(inTheWay, 0o700)); err != nil {
		t.Fatal(err)
	}
	equal(t, "failures with nothing new", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.list(t, "1.1.0")
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "release.state_unreadable")
	if after, err := os.ReadFile(s.options.StateFile); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the state changed, %v", err)
	}
}
