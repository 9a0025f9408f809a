package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// TestReleases share one refresh, and remember a withdrawal when it is seen.
func TestReleases(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	second := s.publish(t, lab.ReleaseOptions{Tag: "1.2.4"})
	_, err := tuf.AddRelease("1.2.4", s.image, second.Image.Digest())
	must(t, err)
	must(t, tuf.Publish())
	v := s.verifier(t)
	v.look(t.Context())
	if warmed := len(tuf.Requests()); warmed == 0 {
		t.Fatal("the repository was not refreshed")
	}
	tuf.ResetRequests()
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	s.ask(t, v, s.question(t, ":1.2.4"), serve.Passed)
	for _, r := range tuf.Requests() {
		if !strings.HasPrefix(r.Path, "/targets/") {
			t.Errorf("asked for %s", r.Path)
		}
	}
	if n := len(tuf.Requests()); n != 2 {
		t.Errorf("%d requests for two manifests", n)
	}
	// An edit of the policy asks for nothing.
	tuf.ResetRequests()
	s.requests()
	s.policy(t, "policy.yaml", "# edited", rule)
	must(t, v.Reload())
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	if n := len(tuf.Requests()) + s.requests(); n != 0 {
		t.Errorf("%d requests after an edit", n)
	}
	// A withdrawal is seen by the look in the background, and no remembered pass outlives it.
	s.add(30 * time.Second)
	tuf.RemoveTarget(lab.ReleaseTarget(s.image, "1.2.3"), tuf.Targets.Name)
	must(t, tuf.Publish())
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	v.look(t.Context())
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Refused)
	// Whoever shows the old repository again brings nothing back.
	if now := v.versions.saw(repositoryOf(v.current.Load().fallback.Rules[0].Release), version{1, 1}); now.snapshot < 2 {
		t.Errorf("the versions went back to %v", now)
	}
}

// TestOvertaken is a verdict over a repository of which somebody has seen a newer state by
// now: it is kept under what it rests on, which nobody asks for any more.
func TestOvertaken(t *testing.T) {
	rule := policy.Rule{Release: &policy.Release{}}
	verdict := func(result verify.Result) verify.Verdict {
		return verify.Verdict{Checks: []verify.Finding{{Result: result, Release: &verify.VerdictRelease{Roles: []verify.VerdictRole{
			{Name: "root", Version: 1}, {Name: "snapshot", Version: 5},
		}}}}}
	}
	var all versions
	all.saw(repositoryOf(rule.Release), version{1, 6})
	if got := all.note(rule, verdict(verify.Passed), version{1, 4}); got != (version{1, 5}) || all.of(rule) != (version{1, 6}) {
		t.Errorf("kept under %v, and the newest is %v", got, all.of(rule))
	}
	if got := all.note(rule, verdict(verify.Errored), version{1, 4}); got != (version{1, 4}) {
		t.Errorf("one that says nothing of it is kept under %v", got)
	}
}

// TestTUFDown goes on with what is kept.
func TestTUFDown(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	v := s.verifier(t)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	must(t, tuf.Close())
	s.add(time.Minute)
	v.look(t.Context())
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	s.add(10 * time.Minute)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed) // by the kept copy
}

// floors fail until they are mended.
type floors struct {
	err    error
	raised map[[sha256.Size]byte]metadata.Floor
}

func (f *floors) Raise(_ context.Context, of [sha256.Size]byte, floor metadata.Floor) (metadata.Floor, error) {
	if f.err != nil {
		return metadata.Floor{}, f.err
	}
	f.raised[of] = tufclient.Newest(f.raised[of], floor)
	return f.raised[of], nil
}

func (f *floors) Ready(context.Context) error { return f.err }

// TestSharedFloors are read before anything is ready, and raised by the look in the
// background.
func TestSharedFloors(t *testing.T) {
	s := newStage(t)
	_, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	f := &floors{err: errors.New("the store is down"), raised: map[[sha256.Size]byte]metadata.Floor{}}
	s.options.Floors = f
	v := s.verifier(t)
	if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "the store is down") {
		t.Errorf("ready without a floor: %v", err)
	}
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Undecided, "release.state_unreadable")
	f.err = nil
	if err := v.Ready(); err != nil || len(f.raised) != 1 {
		t.Errorf("%v, %v", err, f.raised)
	}
	v.look(t.Context())
	for _, floor := range f.raised {
		if floor.Timestamp == 0 {
			t.Errorf("the floor was not raised: %+v", floor)
		}
	}
	s.add(s.options.Settings.CacheError)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
}
