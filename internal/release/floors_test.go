package release_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// floors is a store that several machines share.
type floors struct {
	kept          map[[sha256.Size]byte]metadata.Floor
	reads, writes int
	failing       func(floor metadata.Floor) error
}

func newFloors() *floors { return &floors{kept: map[[sha256.Size]byte]metadata.Floor{}} }

// Raise implements release.Floors.
func (f *floors) Raise(_ context.Context, repository [sha256.Size]byte, floor metadata.Floor) (metadata.Floor, error) {
	f.reads++
	if f.failing != nil {
		if err := f.failing(floor); err != nil {
			return metadata.Floor{}, err
		}
	}
	if !floor.IsZero() {
		f.writes++
		f.kept[repository] = tufclient.Newest(f.kept[repository], floor)
	}
	return f.kept[repository], nil
}

// TestASharedFloor: what one replica has seen, no other one is shown an older state of.
func TestASharedFloor(t *testing.T) {
	for name, dir := range map[string]func() string{
		"with a folder":    t.TempDir,
		"without a folder": func() string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "1.0.0")
			shared := newFloors()
			s.options.Floors, s.options.Dir = shared, dir()
			old := s.Files()
			s.list(t, "1.1.0")
			equal(t, "failures of the first replica", codes(s.ask(t, ":1.1.0", "1.1.0")), "")
			if got := shared.kept[release.Identity(s.want.Root, s.want.Demand.TUF.MetadataURL)]; got.Timestamp != 3 || got.Snapshot != 3 {
				t.Fatalf("the shared floor is %+v", got)
			}
			s.SetFiles(old)
			s.options.Dir = dir() // another replica, which has seen nothing
			e := s.ask(t, ":1.0.0", "1.0.0")
			if e.State.Kind != verify.StateKnown || e.State.Floor.Timestamp != 3 {
				t.Errorf("found the state %+v", e.State)
			}
			equal(t, "manifests of a repository rolled back", versions(e), "")
			equal(t, "failures of a repository rolled back", codes(e), "")
			if len(e.Timestamp) == 0 {
				t.Error("the refused timestamp is not handed on")
			}
			s.options.Floors = nil // which shows that it was the floor
			s.options.Dir = dir()
			equal(t, "manifests without the floor", versions(s.ask(t, ":1.0.0", "1.0.0")), "1.0.0")
		})
	}
}

// TestASharedFloorThatIsUnknown: a release is undecided where the floor cannot be read or
// not be raised, whatever is kept.
func TestASharedFloorThatIsUnknown(t *testing.T) {
	down := errors.New("the store is down")
	s := newStage(t, "1.0.0")
	shared := newFloors()
	s.options.Floors = shared
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	shared.failing = func(metadata.Floor) error { return down }
	e := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "failures with a floor that cannot be read", codes(e), "release.state_unreadable")
	equal(t, "requests", s.asked(), "")
	if len(e.Timestamp) != 0 || e.Failures[0].Class != verify.Transient {
		t.Errorf("found %d bytes and %+v", len(e.Timestamp), e.Failures)
	}

	s.list(t, "1.1.0")
	shared.failing = func(floor metadata.Floor) error {
		if floor.Timestamp == 3 {
			return down
		}
		return nil
	}
	equal(t, "failures with a floor that cannot be raised", codes(s.ask(t, ":1.1.0", "1.1.0")), "release.state_unreadable")
	shared.failing = nil
	equal(t, "failures after that", codes(s.ask(t, ":1.1.0", "1.1.0")), "")
	shared.reads, shared.writes = 0, 0
	equal(t, "failures of one more run", codes(s.ask(t, ":1.1.0", "1.1.0")), "")
	if shared.reads != 1 {
		t.Errorf("%d requests to the store where nothing is new", shared.reads)
	}

	s.want.Hypothetical = true // a question about another time reads and writes nothing
	shared.failing = func(metadata.Floor) error { return down }
	equal(t, "failures of a hypothetical run", codes(s.ask(t, ":1.1.0", "1.1.0")), "")
}

// TestASharedFloorHalfway: a refresh that fails after a newer timestamp has raised the floor
// for everybody.
func TestASharedFloorHalfway(t *testing.T) {
	s := newStage(t, "1.0.0")
	shared := newFloors()
	s.options.Floors = shared
	old := s.Files()
	s.list(t, "1.1.0")
	s.SetFault("metadata/3.snapshot.json", lab.AnswerStatus(500))
	equal(t, "failures", codes(s.ask(t, ":1.1.0", "1.1.0")), "tuf.server_error")
	s.SetFault("metadata/3.snapshot.json", nil)
	s.SetFiles(old)
	s.options.Dir = t.TempDir()
	e := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "manifests", versions(e), "")
	if e.State.Floor.Timestamp != 3 {
		t.Errorf("found the state %+v", e.State)
	}
}

// TestASharedFloorIsState: where the policy demands state, a floor that others have seen
// is one, and none is none.
func TestASharedFloorIsState(t *testing.T) {
	s := newStage(t, "1.0.0")
	shared := newFloors()
	s.options.Floors, s.want.Demand.TUF.StateRequired = shared, true
	equal(t, "failures with nothing seen", codes(s.ask(t, ":1.0.0", "1.0.0")), "release.state_missing")
	if len(shared.kept) != 0 {
		t.Errorf("a run that may not be the first one has left %+v", shared.kept)
	}
	s.want.Demand.TUF.StateRequired = false
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.want.Demand.TUF.StateRequired = true
	s.options.Dir = t.TempDir()
	equal(t, "failures with what others have seen", codes(s.ask(t, ":1.0.0", "1.0.0")), "")

	// A copy that is older than what others have seen does not serve.
	s.want.Demand.TUF.StateRequired = false
	s.list(t, "1.1.0")
	other := *s
	other.options.Dir = t.TempDir()
	equal(t, "failures of another replica", codes(other.ask(t, ":1.1.0", "1.1.0")), "")
	s.want.Demand.TUF.Refresh = policy.RefreshNever
	e := s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "manifests of a copy that is behind", versions(e), "")
	equal(t, "failures of a copy that is behind", codes(e), "")
}
