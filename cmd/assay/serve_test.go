//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// screenful is a writer that is read while it is written.
type screenful struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screenful) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screenful) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor waits until what was written matches, and returns the first group.
func (s *screenful) waitFor(t *testing.T, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	for range 1000 {
		if found := wanted.FindStringSubmatch(s.String()); found != nil {
			return found[len(found)-1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s is not in\n%s", pattern, s)
	return ""
}

const servedPolicy = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: NAME}
images:
  - match: "**/acme/widget"
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: w}}
`

// served runs `assay serve` in this process.
type served struct {
	dir, url    string
	out, errors *screenful
	stop        func() int // ends it and returns its exit code
}

func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{dir: t.TempDir(), out: &screenful{}, errors: &screenful{}}
	s.write(t, "p.yaml", strings.ReplaceAll(servedPolicy, "NAME", "first"))
	limit := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(limit) })
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	w := world{
		stdout: s.out, stderr: s.errors, now: time.Now, getenv: func(string) string { return "" },
		environ: func() []string { return nil }, cacheDir: func() string { return "" },
	}
	sigstore, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "served"})
	must(t, err)
	root, err := sigstore.TrustedRoot()
	must(t, err)
	if !slices.Contains(args, "--trusted-root") { // without one the server would ask Sigstore for its own
		args = append(args, "--trusted-root", s.write(t, "root.json", string(root)))
	}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--policies", filepath.Join(s.dir, "p.yaml")}, args...)
	go func() { code <- run(ctx, args, w) }()
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { s.stop() })
	s.url = "http://" + s.errors.waitFor(t, `"for":"doors","address":"([^"]+)"`)
	return s
}

func (s *served) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// hangup makes the server read its second policy.
func (s *served) hangup(t *testing.T) error {
	t.Helper()
	err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
	s.errors.waitFor(t, `"loaded","policies":"second"`)
	return err
}

// ask puts an image to the server and returns the status and the verdict's policy.
func (s *served) ask(t *testing.T, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+"/v1/verify", strings.NewReader(`{"image":"registry.example/other/image:1.2.3"}`))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	var verdict struct {
		Policy struct{ Name string }
	}
	_ = json.NewDecoder(resp.Body).Decode(&verdict)
	return resp.StatusCode, verdict.Policy.Name
}

// TestServeReload: SIGHUP reads tokens, policies and the audit log's file again, and a
// change of the settings themselves is said.
func TestServeReload(t *testing.T) {
	one, two := strings.Repeat("one.", 8), strings.Repeat("two.", 8)
	dir := t.TempDir()
	tokens, log := filepath.Join(dir, "tokens"), filepath.Join(dir, "audit.jsonl")
	config := filepath.Join(dir, "serve.yaml")
	must(t, os.WriteFile(tokens, []byte("a:"+one), 0o600))
	must(t, os.WriteFile(config, []byte("deadline: 8s\n"), 0o600))
	s := startServe(t, "--config", config, "--auth", "bearer", "--tokens", tokens, "--audit-log", log)
	if status, policy := s.ask(t, one); status != 200 || policy != "first" {
		t.Fatalf("got %d, %q\n%s", status, policy, s.errors)
	}
	if status, _ := s.ask(t, two); status != 401 {
		t.Errorf("an unknown token: got %d", status)
	}
	for range 1000 { // the audit log is written in the background
		if b, _ := os.ReadFile(log); len(b) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	must(t, os.WriteFile(tokens, []byte("b:"+two), 0o600))
	must(t, os.WriteFile(config, []byte("deadline: 7s\n"), 0o600))
	must(t, os.Rename(log, log+".1"))
	s.write(t, "p.yaml", strings.ReplaceAll(servedPolicy, "NAME", "second"))
	must(t, syscall.Kill(syscall.Getpid(), syscall.SIGHUP))
	s.errors.waitFor(t, `"read tokens again"`)
	s.errors.waitFor(t, `the settings themselves have changed`)
	s.errors.waitFor(t, `"loaded","policies":"second"`)
	if status, _ := s.ask(t, one); status != 401 {
		t.Errorf("the old token: got %d", status)
	}
	if status, policy := s.ask(t, two); status != 200 || policy != "second" {
		t.Errorf("the new token: got %d, %q", status, policy)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	before, err := os.ReadFile(log + ".1")
	must(t, err)
	after, err := os.ReadFile(log)
	must(t, err)
	if !bytes.Contains(before, []byte(`"policy":"first"`)) || !bytes.Contains(after, []byte(`"client":"b"`)) || s.out.String() != "" {
		t.Errorf("the audit log is %s, then %s", before, after)
	}
	if said := s.errors.String(); strings.Contains(said, one) || strings.Contains(said, two) {
		t.Error("a token is in the log")
	}
}

// TestServeLogLevel: below the level nothing is logged, and the audit log can be off.
func TestServeLogLevel(t *testing.T) {
	s := startServe(t, "--log-level", "debug", "--audit-log", "off")
	s.ask(t, "")
	if code := s.stop(); code != 0 || s.out.String() != "" {
		t.Errorf("exit code %d, and the audit log %q", code, s.out)
	}
	if !strings.Contains(s.errors.String(), `"msg":"draining"`) {
		t.Errorf("got %s", s.errors)
	}
}

// TestServeMemory: the limit grows with the caches, and GOMEMLIMIT is left alone.
func TestServeMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		env  string
		want int64
	}{{"1GiB", before}, {"", serveMemory + 5<<20}} {
		debug.SetMemoryLimit(before)
		limitServeMemory(world{getenv: func(string) string { return c.env }}, settings.Settings{CacheBytes: 2 << 20, EvidenceBytes: 3 << 20})
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("%q: got %d, want %d", c.env, got, c.want)
		}
	}
}
