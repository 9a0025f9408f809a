package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stage is a registry with a good release, a policy that it meets, and what a server
// that uses them is told.
type stage struct {
	*clock
	sigstore *lab.Sigstore
	registry *lab.Registry
	// image is "host/acme/widget", release the good one of it.
	image   string
	release *lab.Release
	dir     string
	options Options
	logged  *log
}

// log keeps what is logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// shared is made once: keys and signatures take their time.
var shared = sync.OnceValues(func() (*lab.Sigstore, error) {
	return lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
})

func newStage(t testing.TB, opts ...lab.RegistryOptions) *stage {
	t.Helper()
	s, err := shared()
	must(t, err)
	var o lab.RegistryOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	o.Clock = time.Now
	reg := lab.NewRegistry(o)
	must(t, reg.Start())
	t.Cleanup(func() { _ = reg.Close() })
	st := &stage{clock: &clock{now: time.Now()}, sigstore: s, registry: reg, image: reg.Host() + "/acme/widget", dir: t.TempDir(), logged: &log{}}
	st.release = st.publish(t, lab.ReleaseOptions{})
	root, err := s.TrustedRoot()
	must(t, err)
	st.write(t, "root.json", string(root))
	st.write(t, "registries.yaml", fmt.Sprintf("registries:\n  - host: %s\n    plain_http: true\n    network: loopback\n", reg.Host()))
	st.policy(t, "policy.yaml", "")
	st.options = Options{
		Version: "test", Now: st.Now, Log: slog.New(slog.NewTextHandler(st.logged, nil)),
		Settings: settings.Settings{
			Policies: []settings.Policy{{File: st.path("policy.yaml")}}, Registries: st.path("registries.yaml"), TrustedRoot: st.path("root.json"),
			State: filepath.Join(st.dir, "state"), Deadline: 9 * time.Second, Verification: 30 * time.Second, Refresh: time.Minute, TrustAge: time.Hour,
			Verifications: 4, CacheBytes: 16 << 20, EvidenceBytes: 16 << 20,
			CachePass: 10 * time.Minute, CacheFail: time.Minute, CacheError: 5 * time.Second, CacheTag: 30 * time.Second,
		},
	}
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) write(t testing.TB, name, text string) {
	t.Helper()
	must(t, os.WriteFile(s.path(name), []byte(text), 0o600))
}

// publish pushes a good release, past the registry's log.
func (s *stage) publish(t testing.TB, o lab.ReleaseOptions) *lab.Release {
	t.Helper()
	if o.Repository == "" {
		o.Repository = s.image
	}
	r, err := lab.GoodRelease(s.sigstore, o)
	must(t, err)
	must(t, s.push(r))
	return r
}

func (s *stage) push(r *lab.Release) error {
	repo, err := s.registry.Repository(strings.TrimPrefix(r.Repository, s.registry.Host()+"/"))
	if err != nil {
		return err
	}
	return lab.Push(context.Background(), repo, r.Publication, s.registry.Direct())
}

// policy writes a policy that the good release meets, with more lines in its head.
func (s *stage) policy(t testing.TB, file, head string, rule ...string) {
	t.Helper()
	if len(rule) == 0 {
		rule = []string{"signature: {signer: {issuer: \"https://token.actions.githubusercontent.com\", workflow: .github/workflows/release.yml}}",
			"provenance: {builder: {level: 3}}"}
	}
	s.write(t, file, fmt.Sprintf(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: %s}
%s
images:
  - match: %s/**
    tags: {version: "{version}", moving: [latest]}
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    %s
`, strings.TrimSuffix(filepath.Base(file), ".yaml"), head, s.registry.Host(), strings.Join(rule, "\n    ")))
}

// verifier makes one, and closes it at the end.
func (s *stage) verifier(t testing.TB) *Verifier {
	t.Helper()
	v, err := New(context.Background(), s.options)
	must(t, err)
	t.Cleanup(v.Close)
	return v
}

// question is about a reference, NAME left out.
func (s *stage) question(t testing.TB, ref string) serve.Question {
	t.Helper()
	r, err := verify.ParseReference(s.image + ref)
	must(t, err)
	return serve.Question{Reference: r}
}

// ask wants an outcome, and a code where it is no pass. What is remembered has to be what
// is answered.
func (s *stage) ask(t testing.TB, v *Verifier, q serve.Question, wanted serve.Outcome, code ...string) serve.Answer {
	t.Helper()
	var remembered serve.Answer
	ok := false
	if v.Metrics == nil { // which would count it
		remembered, ok = v.Remembered(q)
	}
	a := v.Verify(context.Background(), q)
	if ok && !reflect.DeepEqual(remembered, a) {
		t.Fatalf("%s: remembered is %+v; answered is %+v", q.Reference, remembered, a)
	}
	var codes []string
	for _, p := range a.Problems {
		codes = append(codes, p.Code)
	}
	if a.Outcome != wanted || len(code) > 0 && !slices.Contains(codes, code[0]) {
		t.Fatalf("%s: %s %v; wanted %s %v\n%+v\n%s", q.Reference, a.Outcome, codes, wanted, code, a.Problems, s.logged)
	}
	return a
}

// requests is how many the registry got since it was last asked.
func (s *stage) requests() int {
	n := len(s.registry.Requests())
	s.registry.ResetRequests()
	return n
}

// tuf starts a TUF repository that lists the good release, and returns the lines of a
// rule that demands it.
func (s *stage) tuf(t testing.TB) (*lab.TUF, string) {
	t.Helper()
	tuf, err := lab.NewTUF(lab.TUFOptions{Now: s.sigstore.Now()})
	must(t, err)
	_, err = tuf.AddRelease("1.2.3", s.image, s.release.Image.Digest())
	must(t, err)
	must(t, tuf.Publish())
	must(t, tuf.Start())
	t.Cleanup(func() { _ = tuf.Close() })
	s.write(t, lab.RootFile, string(tuf.FirstRoot()))
	sum := sha256.Sum256(tuf.FirstRoot())
	host := strings.TrimSuffix(strings.TrimPrefix(tuf.MetadataURL(), "http://"), "/metadata")
	registries, err := os.ReadFile(s.path("registries.yaml"))
	must(t, err)
	s.write(t, "registries.yaml", string(registries)+fmt.Sprintf("  - host: %s\n    plain_http: true\n    network: loopback\n", host))
	return tuf, "signature: {signer: {issuer: \"https://token.actions.githubusercontent.com\", workflow: .github/workflows/release.yml}}\n    " + fmt.Sprintf(`release: {tuf: {metadata_url: "%s", targets_url: "%s", root: {file: ./%s, sha256: "%s"}}, target: "%s", moving: {lag: 1s}}`,
		tuf.MetadataURL(), tuf.TargetsURL(), lab.RootFile, hex.EncodeToString(sum[:]), lab.ReleasePattern(s.image))
}

// shut is a registry that answers nobody, in a way in which nobody asks again at once.
func shut(w http.ResponseWriter, _ *http.Request) bool {
	http.Error(w, "shut", http.StatusForbidden)
	return true
}
