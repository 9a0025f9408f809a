package release_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/verify"
)

func TestWhatIsAskedFor(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0", "1.1.1", "1.2.0-rc.1")
	const metadata = "2.root.json timestamp.json 2.snapshot.json 2.targets.json"
	for _, c := range []struct {
		name, ref, resolves       string
		requests, found           string
		complete, withPrereleases bool
	}{
		{"a version needs its own manifest", ":1.1.0", "1.1.0", metadata + " 1.1.0.json", "1.1.0", false, false},
		{"a digest beside it changes nothing", ":1.1.0@" + digest("1.1.0"), "1.1.0", metadata + " 1.1.0.json", "1.1.0", false, false},
		{"a digest needs what is newer", "@" + digest("1.1.0"), "1.1.0", "", "1.2.0-rc.1 1.1.1 1.1.0", false, false},
		{"a digest of the oldest needs all", "@" + digest("1.0.0"), "1.0.0", "", "1.2.0-rc.1 1.1.1 1.1.0 1.0.0", true, false},
		{"what is not listed needs all", ":1.0.5", "1.0.5", "", "1.2.0-rc.1 1.1.1 1.1.0 1.0.0", true, false},
		{"another image under the version needs all", ":1.1.0", "9.9.9", "", "1.1.0 1.2.0-rc.1 1.1.1 1.0.0", true, false},
		{"another version's image", ":1.1.0", "1.1.1", "", "1.1.0 1.2.0-rc.1 1.1.1", false, false},
		{"the newest behind a moving tag", ":latest", "1.1.1", "", "1.1.1", false, false},
		{"an older one behind it", ":latest", "1.0.0", "", "1.1.1 1.1.0 1.0.0", false, false},
		{"with pre-releases", ":latest", "1.1.1", "", "1.2.0-rc.1 1.1.1", false, true},
		{"the newest of a line", ":1.0", "1.0.0", "", "1.0.0", false, false},
		{"another line's image", ":1.0", "1.1.1", "", "1.0.0 1.2.0-rc.1 1.1.1", false, false},
		{"a moving tag beside a digest is no moving tag", ":latest@" + digest("1.1.0"), "1.1.0", "", "1.2.0-rc.1 1.1.1 1.1.0", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.options.Dir = t.TempDir()
			s.want.Demand.Moving.Prereleases = c.withPrereleases
			e := s.ask(t, c.ref, c.resolves)
			equal(t, "failures", codes(e), "")
			equal(t, "manifests", versions(e), c.found)
			if e.Complete != c.complete || !e.Refreshed {
				t.Errorf("found complete %t, refreshed %t", e.Complete, e.Refreshed)
			}
			if c.requests != "" {
				equal(t, "requests", s.asked(), c.requests)
			}
		})
	}
}

func TestASecondRunAsksForLittle(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0")
	first := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
	if first.State.Kind != verify.StateBootstrap || !first.State.Floor.IsZero() {
		t.Errorf("found the state %+v on a first run", first.State)
	}
	second := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
	equal(t, "requests", s.asked(), "2.root.json timestamp.json")
	equal(t, "manifests", versions(second), versions(first))
	if second.State.Kind != verify.StateKnown || second.State.Floor.Roles["targets"] != 2 || !second.Refreshed {
		t.Errorf("found the state %+v on a second run", second.State)
	}
	if got := second.State.Listed["widget/releases/v1.0.0.json"]; got != digest("1.0.0") {
		t.Errorf("the digest that was listed is %q", got)
	}
	// What is withdrawn stays known.
	s.RemoveTarget("widget/releases/v1.0.0.json", "targets")
	if err := s.Publish(); err != nil {
		t.Fatal(err)
	}
	third := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "manifests", versions(third), "1.1.0")
	if got := third.State.Listed["widget/releases/v1.0.0.json"]; got != digest("1.0.0") || !third.Complete {
		t.Errorf("the withdrawn digest is %q", got)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			fmt.Fprintln(&out, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnImageThatIsNotResolved(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0")
	ref, err := verify.ParseReference(image + ":latest")
	if err != nil {
		t.Fatal(err)
	}
	s.want.Reference = ref
	e := release.New(s.options).Release(context.Background(), s.want, func() (verify.Image, bool) { return verify.Image{}, false })
	equal(t, "failures", codes(e), "")
	equal(t, "manifests", versions(e), "")
}

func TestManyVersions(t *testing.T) {
	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf("1.%d.0", i))
	}
	s := newStage(t, all...)
	e := s.ask(t, "@"+digest("1.0.0"), "1.0.0")
	equal(t, "failures", codes(e), "")
	if len(e.Manifests) != 256 || e.Complete {
		t.Errorf("found %d manifests, complete %t", len(e.Manifests), e.Complete)
	}
	e = s.ask(t, "@"+digest("1.290.0"), "1.290.0")
	if versions(e) != "1.290.0" || e.Complete {
		t.Errorf("found %s of a known version, complete %t", versions(e), e.Complete)
	}
	s.options.Dir = t.TempDir()
	e = s.ask(t, "@"+digest("1.290.0"), "1.290.0")
	if len(e.Manifests) != 10 || e.Complete {
		t.Errorf("found %d manifests, complete %t", len(e.Manifests), e.Complete)
	}
}

func TestDelegatedMetadataIsHandedOn(t *testing.T) {
	s := newStage(t)
	team, err := lab.NewTUFRole("team")
	if err != nil {
		t.Fatal(err)
	}
	other, err := lab.NewTUFRole("other")
	if err != nil {
		t.Fatal(err)
	}
	s.Targets.Delegations = []lab.TUFDelegation{
		{Role: other, Paths: []string{"gadget/*"}}, {Role: team, Paths: []string{"widget/releases/*"}},
	}
	manifest, err := lab.ReleaseManifest(lab.ReleaseEntry{Version: "1.0.0", Image: image, Digest: digest("1.0.0")})
	if err != nil {
		t.Fatal(err)
	}
	team.Targets[lab.ReleaseTarget(image, "1.0.0")] = manifest
	if err := s.Publish(); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{":1.0.0", "@" + digest("1.0.0")} {
		e := s.ask(t, ref, "1.0.0")
		equal(t, "failures", codes(e), "")
		equal(t, "manifests", versions(e), "1.0.0")
		if len(e.Delegated) != 1 || e.Delegated[0].Role != "team" || e.Delegated[0].Delegator != "targets" {
			t.Errorf("%s: found %+v", ref, e.Delegated)
		}
	}
}
