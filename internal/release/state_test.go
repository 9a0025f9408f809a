package release_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func TestARunThatMayNotAsk(t *testing.T) {
	for name, forbid := range map[string]func(*stage){
		"offline": func(s *stage) { s.options.Offline = true },
		"never":   func(s *stage) { s.want.Demand.TUF.Refresh = policy.RefreshNever },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "1.0.0")
			before := *s
			forbid(s)
			equal(t, "failures with nothing kept", codes(s.ask(t, ":1.0.0", "1.0.0")), "place.unavailable")
			equal(t, "failures", codes(before.ask(t, ":1.0.0", "1.0.0")), "")
			e := s.ask(t, ":1.0.0", "1.0.0")
			equal(t, "failures with a copy", codes(e), "")
			equal(t, "manifests", versions(e), "1.0.0")
			equal(t, "requests", s.asked(), "")
			if e.Refreshed || e.State.Kind != verify.StateKnown {
				t.Errorf("found refreshed %t, state %s", e.Refreshed, e.State.Kind)
			}
			// A folder is read all the same.
			s.options.Mirror, s.options.Dir = t.TempDir(), t.TempDir()
			if err := s.WriteDir(s.options.Mirror); err != nil {
				t.Fatal(err)
			}
			e = s.ask(t, ":1.0.0", "1.0.0")
			equal(t, "failures with a folder", codes(e), "")
			equal(t, "requests with a folder", s.asked(), "")
			if e.Refreshed {
				t.Error("a folder counts as the repository itself")
			}
		})
	}
	s := newStage(t, "1.0.0")
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.options.Offline, s.want.Demand.TUF.Refresh = true, policy.RefreshRequired
	equal(t, "failures where it must be asked and may not", codes(s.ask(t, ":1.0.0", "1.0.0")), "place.unavailable")
}

func TestState(t *testing.T) {
	s := newStage(t, "1.0.0")
	s.want.Demand.TUF.StateRequired = true
	for range 2 {
		e := s.ask(t, ":1.0.0", "1.0.0")
		equal(t, "failures", codes(e), "release.state_missing")
		equal(t, "requests", s.asked(), "")
	}
	s.want.Demand.TUF.StateRequired = false
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.want.Demand.TUF.StateRequired = true
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")

	s.want.Hypothetical = true
	equal(t, "failures of a hypothetical run", codes(s.ask(t, ":1.0.0", "1.0.0")), "release.state_missing")
	s.want.Demand.TUF.StateRequired = false
	before := files(t, s.options.Dir)
	e := s.ask(t, ":1.0.0", "1.0.0")
	if e.State.Kind != verify.StateNone || !e.State.Floor.IsZero() || len(e.State.Listed) != 0 {
		t.Errorf("a hypothetical run has the state %+v", e.State)
	}
	if after := files(t, s.options.Dir); after != before {
		t.Errorf("a hypothetical run wrote:\n%s\n%s", before, after)
	}
	s.want.Hypothetical = false

	// A first run that saw nothing but roots is none.
	s.options.Dir = t.TempDir()
	s.SetFault("metadata/timestamp.json", lab.AnswerStatus(500))
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "tuf.server_error")
	s.SetFault("metadata/timestamp.json", nil)
	s.want.Demand.TUF.StateRequired = true
	equal(t, "failures after a run that saw nothing", codes(s.ask(t, ":1.0.0", "1.0.0")), "release.state_missing")
	s.want.Demand.TUF.StateRequired = false
	if e := s.ask(t, ":1.0.0", "1.0.0"); e.State.Kind != verify.StateBootstrap {
		t.Errorf("found the state %s after a run that saw nothing", e.State.Kind)
	}

	// Another root, or another URL, is another repository.
	s.want.Demand.TUF.MetadataURL += "/"
	if e := s.ask(t, ":1.0.0", "1.0.0"); e.State.Kind != verify.StateBootstrap {
		t.Errorf("found the state %s under another URL", e.State.Kind)
	}
	s.options.Dir = ""
	if e := s.ask(t, ":1.0.0", "1.0.0"); e.State.Kind != verify.StateNone {
		t.Errorf("found the state %s where nothing is kept", e.State.Kind)
	}
}

func TestAStateFile(t *testing.T) {
	s := newStage(t, "1.0.0")
	old := s.Files()
	s.list(t, "1.1.0")
	s.options.StateFile = filepath.Join(t.TempDir(), "state.json")
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	s.options.Dir = t.TempDir() // another job
	e := s.ask(t, ":1.0.0", "1.0.0")
	if e.State.Kind != verify.StateKnown || e.State.Floor.Timestamp != 3 {
		t.Errorf("found the state %+v", e.State)
	}
	s.SetFiles(old)
	s.options.Dir = t.TempDir()
	e = s.ask(t, ":1.0.0", "1.0.0")
	equal(t, "failures of a repository rolled back", codes(e), "")
	equal(t, "manifests of a repository rolled back", versions(e), "")
	if len(e.Timestamp) == 0 || e.State.Floor.Timestamp != 3 {
		t.Errorf("the refused timestamp has %d bytes, the floor is %+v", len(e.Timestamp), e.State.Floor)
	}
	if err := os.WriteFile(s.options.StateFile, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	equal(t, "failures over junk", codes(s.ask(t, ":1.0.0", "1.0.0")), "release.state_unreadable")
	if b, err := os.ReadFile(s.options.StateFile); err != nil || string(b) != "junk" {
		t.Errorf("the junk became %q, %v", b, err)
	}
}

// files lists a folder's files with their sizes.
func TestForget(t *testing.T) {
	s := newStage(t, "1.0.0")
	s.options.StateFile = filepath.Join(t.TempDir(), "state.json")
	equal(t, "failures", codes(s.ask(t, ":1.0.0", "1.0.0")), "")
	repo := release.Repository{TUF: s.want.Demand.TUF, Root: s.want.Root, At: now}
	if err := release.New(s.options).Forget(repo); err != nil {
		t.Fatal(err)
	}
	if left := files(t, s.options.Dir); strings.Count(left, "\n") != 1 || !strings.HasSuffix(left, "lock 0\n") {
		t.Errorf("left:\n%s", left)
	}
	if e := s.ask(t, ":1.0.0", "1.0.0"); e.State.Kind != verify.StateBootstrap {
		t.Errorf("found the state %s", e.State.Kind)
	}
}
