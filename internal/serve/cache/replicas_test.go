//go:build !race

package cache

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// published is when the release was made.
var published = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// project is a release with its TUF repository, and the policy for it.
type project struct {
	t      *testing.T
	made   *lab.Pipeline
	policy *policy.Policy
	trust  verify.Trust
}

func newProject(t *testing.T) *project {
	t.Helper()
	sigstore, err := lab.NewSigstore(lab.Options{Now: published})
	if err != nil {
		t.Fatal(err)
	}
	made, err := lab.NewPipeline(sigstore, lab.PipelineOptions{Parts: lab.StandardParts()})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	p, err := policy.Parse("policy.yaml", lab.PipelinePolicy(lab.PipelinePolicyOptions{Root: made.RootSHA256()}))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := made.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "lab", raw, p.Trust[policy.PublicGood].Thresholds)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := verify.NewPinnedRoot(made.TUF.FirstRoot(), made.RootSHA256())
	if err != nil {
		t.Fatal(err)
	}
	return &project{t, made, p, verify.Trust{Roots: []*verify.TrustedRoot{root}, Pinned: []verify.PinnedRoot{pinned}}}
}

// judge is what a replica says of the release, "" for a pass, else the codes.
func (p *project) judge(dir string, floors release.Floors) string {
	p.t.Helper()
	ref, err := verify.ParseReference(lab.PipelineName + ":" + lab.DefaultTag)
	if err != nil {
		p.t.Fatal(err)
	}
	spent := budget.New(budget.Default(), budget.Clock{})
	source := &places.Source{
		Image:    registry.New(registry.Options{Transport: p.made.Transport(), Budget: spent}),
		Releases: release.New(release.Options{Dir: dir, Transport: p.made.Transport(), Budget: spent, Floors: floors}),
	}
	v := verify.Verify(p.t.Context(), source, ref, p.policy, p.trust, verify.Options{At: published.Add(time.Hour), Limits: verify.DefaultLimits()})
	var all []string
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			all = append(all, string(f.Code))
		}
	}
	if len(all) == 0 && !v.Passed() {
		return "fails without a code"
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// TestReplicasShareTheFloor: what one replica has seen of a repository, a fresh one is not
// shown an older state of; and one that cannot know what others have seen says nothing.
func TestReplicasShareTheFloor(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	p := newProject(t)
	old := p.made.TUF.Files()
	if err := p.made.TUF.Publish("timestamp"); err != nil {
		t.Fatal(err)
	}
	current := p.made.TUF.Files()
	replica := func() *Floors { return NewFloors(s.store(c, nil)) }
	a := replica()
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	want("the first replica", p.judge(t.TempDir(), a), "")
	p.made.TUF.SetFiles(old)
	want("alone, a fresh replica is shown the older state", p.judge(t.TempDir(), nil), "")
	b := replica()
	want("a fresh replica", p.judge(t.TempDir(), b), "release.rollback")
	want("one that keeps nothing", p.judge("", replica()), "release.rollback")
	stranger := NewFloors(s.store(c, func(o *RedisOptions) { o.Keys = [][]byte{testKey(9)} }))
	want("one with another key", p.judge("", stranger), "release.state_unreadable")
	s.kill()
	want("one that cannot ask", p.judge("", b), "release.state_unreadable")
	if b.Ready(t.Context()) == nil {
		t.Error("it is ready")
	}
	p.made.TUF.SetFiles(current)
	want("one that cannot tell", p.judge(t.TempDir(), b), "release.state_unreadable")
	s.start()
	eventually(t, func() error { return b.Ready(t.Context()) })
	want("one that can ask again", p.judge(t.TempDir(), b), "")
	p.made.TUF.SetFiles(old)
	want("a fresh replica, with a store that had forgotten", p.judge("", replica()), "release.rollback")
}
