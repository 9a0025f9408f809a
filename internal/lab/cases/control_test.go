package cases

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	joined "github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	listings "github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// controls are cases without their fault: the good leg in the place of the wrong one under the same policy, or a policy that
// demands of the same release what it meets.
func controls() []Case {
	var out []Case
	for _, w := range append(wrongIdentities(), wrongStatements()...) {
		out = append(out, w.control())
	}
	for _, d := range demands() {
		out = append(out, d.controls()...)
	}
	return out
}

// A case is refused for its fault alone: without it assay passes the same release.
func TestControls(t *testing.T) {
	s, err := Open(t.Context(), SiteOptions{Now: time.Now(), Cases: controls()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var group errgroup.Group
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, q := range s.Questions {
		group.Go(func() error {
			if v := s.ask(t, q); !v.Passed() {
				t.Errorf("%s: %s\n%s", q.Case.ID, failures(v), s.files[q.Policy])
			}
			return nil
		})
	}
	_ = group.Wait()
	t.Logf("%d controls", len(s.Questions))
}

// ask is the last question of a case, put to assay.
func (s *Site) ask(t *testing.T, q Question) verify.Verdict {
	t.Helper()
	beside := func(file string) []byte { return s.files[filepath.Join(filepath.Dir(q.Policy), file)] }
	p, err := policy.Parse(q.Policy, s.files[q.Policy])
	if err != nil {
		t.Errorf("%s: %v", q.Case.ID, err)
		return verify.Verdict{}
	}
	var trust verify.Trust
	for name, entry := range p.Trust {
		root, err := verify.NewTrustedRoot(name, "lab", beside(entry.File), entry.Thresholds)
		if err != nil {
			t.Errorf("%s: %v", q.Case.ID, err)
		}
		trust.Roots = append(trust.Roots, root)
	}
	for _, rule := range p.Rules {
		if rule.Release == nil {
			continue
		}
		root, err := verify.NewPinnedRoot(beside(rule.Release.TUF.Root.File), rule.Release.TUF.Root.SHA256)
		if err != nil {
			t.Errorf("%s: %v", q.Case.ID, err)
		}
		trust.Pinned = append(trust.Pinned, root)
	}
	ref, err := verify.ParseReference(q.Last().Image)
	if err != nil {
		t.Errorf("%s: %v", q.Case.ID, err)
	}
	from := &joined.Source{Image: registry.New(registry.Options{}), Releases: listings.New(listings.Options{})}
	return verify.Verify(t.Context(), from, ref, p, trust, verify.Options{At: time.Now(), Limits: verify.DefaultLimits()})
}

// failures lists what did not pass.
func failures(v verify.Verdict) string {
	var out []string
	for _, c := range v.Checks {
		if c.Required && c.Result != verify.Passed {
			out = append(out, c.ID+" "+string(c.Code)+": "+c.Message)
		}
	}
	return strings.Join(out, "; ")
}
