package release_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
)

// TestShared asks once for what several verifications need at about the same time.
func TestShared(t *testing.T) {
	s := newStage(t, "1.0.0", "1.1.0")
	clock := now
	s.options.Shared = release.NewShared(func() time.Time { return clock })
	spent := func(ref, resolves string) (metadata int) {
		s.ResetRequests()
		if e := s.ask(t, ref, resolves); len(e.Failures) > 0 || !e.Refreshed || len(e.Timestamp) == 0 {
			t.Fatalf("%+v", e)
		}
		for _, r := range s.Requests() {
			if len(r.Path) > 10 && r.Path[:10] == "/metadata/" {
				metadata++
			}
		}
		return metadata
	}
	if n := spent(":1.0.0", "1.0.0"); n == 0 {
		t.Error("nothing was asked")
	}
	for _, ref := range []string{"1.1.0", "1.0.0"} {
		if n := spent(":"+ref, ref); n != 0 {
			t.Errorf("%d requests for metadata a moment later", n)
		}
	}
	// What is published is seen a few seconds later.
	s.list(t, "1.2.0")
	clock = clock.Add(5 * time.Second)
	if n := spent(":1.2.0", "1.2.0"); n == 0 {
		t.Error("what was answered is shared for too long")
	}
	// A policy that demands that the repository is asked has it asked.
	s.want.Demand.TUF.Refresh = policy.RefreshRequired
	if n := spent(":1.2.0", "1.2.0"); n == 0 {
		t.Error("the repository was not asked")
	}
	// A failure is nobody else's.
	s.want.Demand.TUF.Refresh = policy.RefreshPreferred
	clock = clock.Add(time.Minute)
	s.SetFault("metadata/timestamp.json", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusForbidden) })
	s.ask(t, ":1.2.0", "1.2.0")
	s.SetFault("metadata/timestamp.json", nil)
	if n := spent(":1.2.0", "1.2.0"); n == 0 {
		t.Error("the repository was not asked after a failure")
	}
}
