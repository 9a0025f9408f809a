package github_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/github"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

const (
	repo  = "acme/widget"
	place = "github.com/acme/widget attestations"
	token = "ghp_secret"
)

// then is when everything happens, unless somebody sleeps. It lies so far ahead that no
// deadline made from it comes in the machine's time.
var then = time.Date(2200, 6, 1, 12, 0, 0, 0, time.UTC)

// clock is a time that only passes while somebody sleeps.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), append(c.slept, d)
	return ctx.Err()
}

// stage is a stand-in with a public repository and a private one.
type stage struct {
	*lab.GitHubAPI
	t       *testing.T
	clock   *clock
	options github.Options
	limits  budget.Limits
}

func newStage(t *testing.T, opts lab.GitHubOptions) *stage {
	t.Helper()
	s := &stage{t: t, clock: &clock{now: then}, limits: budget.Default()}
	opts.Clock, opts.Token = s.clock.Now, token
	s.GitHubAPI = lab.NewGitHubAPI(opts)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.AddRepository(repo, false)
	s.AddRepository("acme/secret", true)
	s.options.BaseURL = s.URL()
	s.limits.Time = 2 * time.Minute
	return s
}

// attest stores a bundle about the digest of the stage.
func (s *stage) attest(in, bundle string) {
	s.t.Helper()
	if err := s.Attest(in, []byte(bundle), digest); err != nil {
		s.t.Fatal(err)
	}
}

// collect makes an Attestations of the stage's options and collects.
func (s *stage) collect(in string) verify.Evidence {
	s.t.Helper()
	s.options.Budget = budget.New(s.limits, budget.Clock{Now: s.clock.Now, Sleep: s.clock.Sleep, Jitter: func() float64 { return 0 }})
	transport := &http.Transport{DisableCompression: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	s.options.Transport = transport
	return github.New(s.options).Collect(s.t.Context(), in, digest)
}

// answers puts a handler in front of one path of the stand-in.
func (s *stage) answers(path string, h http.HandlerFunc) {
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			h(w, r)
		}
		return r.URL.Path == path
	})
}

var (
	digest   = digestOf("the image")
	listPath = "/repos/acme/widget/attestations/" + digest
)

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// bundles lists the pieces as text.
func bundles(t *testing.T, e verify.Evidence) []string {
	t.Helper()
	var all []string
	for i, p := range e.Pieces {
		if p.Layout != verify.Bundle || p.Digest != digestOf(string(p.Bytes)) || !strings.HasSuffix(p.Place, " attestations") {
			t.Errorf("piece %d is %+v", i, p)
		}
		if i > 0 && e.Pieces[i-1].Digest >= p.Digest {
			t.Errorf("piece %d is out of order", i)
		}
		all = append(all, string(p.Bytes))
	}
	return all
}

// wantFailure wants one failure and nothing beside it.
func wantFailure(t *testing.T, e verify.Evidence, code verify.Code, class verify.Class, says string) {
	t.Helper()
	if len(e.Failures) != 1 || len(e.Pieces) != 0 {
		t.Fatalf("%d pieces, failures %+v", len(e.Pieces), e.Failures)
	}
	f := e.Failures[0]
	if f.Code != code || f.Class != class || !strings.Contains(f.Detail, says) || !strings.Contains(f.Place, " attestations") ||
		fmt.Sprint(f.Layouts) != "[bundle]" {
		t.Errorf("failure %+v; wanted %s, %s, %q", f, code, class, says)
	}
	if strings.Contains(f.Error(), "sig=") || strings.Contains(f.Error(), token) {
		t.Errorf("the failure shows credentials: %v", &f)
	}
}

func wantNone(t *testing.T, e verify.Evidence) {
	t.Helper()
	if len(e.Failures)+len(e.Pieces) != 0 {
		t.Errorf("pieces %+v, failures %+v", e.Pieces, e.Failures)
	}
}
