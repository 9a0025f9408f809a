package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// peakMB is what one verification may need in all, whatever the registry does.
const peakMB = 150

var (
	signing = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	judging = signing.Add(time.Hour)
)

// instance is the lab's Sigstore, with the root to trust it by.
type instance struct {
	*lab.Sigstore
	root []byte
}

var newInstance = sync.OnceValues(func() (instance, error) {
	s, err := lab.NewSigstore(lab.Options{Now: signing})
	if err != nil {
		return instance{}, err
	}
	root, err := s.TrustedRoot()
	return instance{s, root}, err
})

func sigstore(t *testing.T) instance {
	t.Helper()
	s, err := newInstance()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened starts a scene that the test closes.
func opened(t *testing.T, h lab.Hostile) *lab.Scene {
	t.Helper()
	scene, err := h.Open(t.Context(), sigstore(t).Sigstore, lab.RegistryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scene.Close() })
	return scene
}

// network is the transport that users have, but for what lies outside of this machine, which it notes and refuses.
type network struct {
	mu    sync.Mutex
	tried []string
}

func (n *network) transport() *http.Transport {
	t := registry.NewTransport()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.tried = append(n.tried, address)
			return nil, fmt.Errorf("dial %s: it is not this machine", address)
		}
		return dial(ctx, kind, address)
	}
	return t
}

// limits are those of every command, in less time where the registry waits for it to end.
func limits(slow bool) budget.Limits {
	l := budget.Default()
	if slow {
		l.Time = time.Second
	}
	return l
}

func impatient() budget.Clock {
	return budget.Clock{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// judged verifies a reference as the command does, with a password for every registry that asks.
func judged(ctx context.Context, reference string, root []byte, transport http.RoundTripper, b *budget.Budget) (verify.Verdict, error) {
	ref, err := verify.ParseReference(reference)
	if err != nil {
		return verify.Verdict{}, err
	}
	p, _, err := policy.BuiltIn(policy.GitHubRelease{Image: ref.Name(), Repository: lab.DefaultRepo})
	if err != nil {
		return verify.Verdict{}, err
	}
	trusted, err := verify.NewTrustedRoot(policy.PublicGood, "the lab's", root, policy.DefaultThresholds())
	if err != nil {
		return verify.Verdict{}, err
	}
	source := registry.New(registry.Options{
		Keychain: lab.Credentials(), Transport: transport, Budget: b, UserAgent: "assay/test",
	})
	return verify.Verify(ctx, source, ref, p, verify.Trust{Roots: []*verify.TrustedRoot{trusted}},
		verify.Options{At: judging, Version: version(ref), Limits: verify.DefaultLimits()}), nil
}

// version is what a reference without a tag is judged for.
func version(ref verify.Reference) string {
	if ref.Tag() == "" {
		return lab.DefaultTag
	}
	return ""
}

// outcome is what a verdict comes to.
type outcome struct {
	Pass       bool
	Code       string
	Check      string
	Conclusive bool
	Digest     string
	Requests   int
	PeakMB     int
}

func outcomeOf(v verify.Verdict) outcome {
	o := outcome{Pass: v.Passed(), Conclusive: v.Conclusive, Digest: v.Image.Digest, Requests: v.Run.Requests}
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed && o.Code == "" {
			o.Code, o.Check = string(f.Code), f.ID
		}
	}
	return o
}

// wrong compares an outcome with what the scene wants.
func (o outcome) wrong(scene *lab.Scene) []string {
	var wrong []string
	if o.Pass != (scene.WantCode == "") || o.Code != scene.WantCode || o.Check != scene.WantCheck {
		wrong = append(wrong, fmt.Sprintf("pass is %v, code is %q of %q; want the code %q of %q", o.Pass, o.Code, o.Check, scene.WantCode, scene.WantCheck))
	}
	if wanted := o.Pass || scene.Refused; o.Conclusive != wanted {
		wrong = append(wrong, fmt.Sprintf("conclusive is %v; want %v", o.Conclusive, wanted))
	}
	if o.Digest != scene.Pinned {
		wrong = append(wrong, fmt.Sprintf("the verdict is about %q, and the bytes that were judged are %q", o.Digest, scene.Pinned))
	}
	return wrong
}

// settle reports what is wrong.
func settle(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

// TestHostile verifies a good release behind each hostile behaviour.
func TestHostile(t *testing.T) {
	for _, h := range lab.Hostiles() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			scene, outside, most := opened(t, h), &network{}, limits(h.Slow)
			b := budget.New(most, impatient())
			v, err := judged(t.Context(), scene.Reference, sigstore(t).root, outside.transport(), b)
			if err != nil {
				t.Fatal(err)
			}
			if v.Passed() && scene.WantCode != "" {
				t.Fatal("it passed")
			}
			wrong := outcomeOf(v).wrong(scene)
			if v.Image.Digest != "" && !strings.HasSuffix(v.Image.Pinned, "@"+v.Image.Digest) {
				wrong = append(wrong, fmt.Sprintf("%s is pinned as %s", v.Image.Digest, v.Image.Pinned))
			}
			// What is over the limit is read up to one buffer for each request that is under way.
			if b.Requests() > most.Requests || b.Bytes() > most.Bytes+32<<20 {
				wrong = append(wrong, fmt.Sprintf("%d requests and %d bytes are more than the budget", b.Requests(), b.Bytes()))
			}
			if len(outside.tried) > 0 {
				wrong = append(wrong, fmt.Sprintf("connections to %q were tried", outside.tried))
			}
			for _, r := range scene.Elsewhere.Requests() {
				if r.Header.Get("Authorization") != "" || strings.Contains(r.Path, lab.Password) {
					t.Errorf("%s %s at the other host carried credentials", r.Method, r.Path)
				}
			}
			settle(t, wrong)
		})
	}
}

// TestHonest verifies a release at each kind of registry, in each layout.
func TestHonest(t *testing.T) {
	for _, behaviour := range append(lab.Behaviours(), lab.Behaviour{Name: "plain"}) {
		for name, form := range map[string]lab.Form{"both": lab.BothForms, "legacy": lab.LegacyForm, "bundles": lab.BundleForm} {
			t.Run(behaviour.Name+" "+name, func(t *testing.T) {
				t.Parallel()
				reg := lab.NewRegistry(lab.RegistryOptions{Behaviour: behaviour})
				if err := reg.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = reg.Close() })
				repo, err := reg.Repository(lab.DefaultRepo)
				if err != nil {
					t.Fatal(err)
				}
				release, err := lab.GoodRelease(sigstore(t).Sigstore, lab.ReleaseOptions{Repository: repo.Name(), Form: form})
				if err != nil {
					t.Fatal(err)
				}
				if err := lab.Push(t.Context(), repo, release.Publication, reg.Direct()); err != nil {
					t.Fatal(err)
				}
				v, err := judged(t.Context(), release.Reference(), sigstore(t).root, (&network{}).transport(), budget.New(budget.Default(), impatient()))
				if err != nil {
					t.Fatal(err)
				}
				if !v.Passed() || v.Image.Digest != release.Image.Digest() {
					t.Errorf("got %+v, failures %+v", outcomeOf(v), v.Run.Failed)
				}
			})
		}
	}
}

// TestRateLimit shows that a registry which asks for patience gets it within the budget, and is undecided beyond it.
func TestRateLimit(t *testing.T) {
	for name, test := range map[string]struct {
		wait time.Duration
		code string
	}{
		"short": {time.Second, ""},
		"long":  {time.Hour, "registry.rate_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			now := time.Now()
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
			reg := lab.NewRegistry(lab.RegistryOptions{Clock: clock, Behaviour: lab.Behaviour{Requests: 4, RetryAfter: test.wait}})
			if err := reg.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = reg.Close() })
			repo, err := reg.Repository(lab.DefaultRepo)
			if err != nil {
				t.Fatal(err)
			}
			release, err := lab.GoodRelease(sigstore(t).Sigstore, lab.ReleaseOptions{Repository: repo.Name(), Form: lab.LegacyForm})
			if err != nil {
				t.Fatal(err)
			}
			if err := lab.Push(t.Context(), repo, release.Publication, reg.Direct()); err != nil {
				t.Fatal(err)
			}
			b := budget.New(budget.Default(), budget.Clock{Sleep: func(_ context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				now = now.Add(d)
				return nil
			}})
			v, err := judged(t.Context(), release.Reference(), sigstore(t).root, registry.NewTransport(), b)
			if err != nil {
				t.Fatal(err)
			}
			if o := outcomeOf(v); o.Code != test.code || o.Pass != (test.code == "") {
				t.Errorf("got %+v, want the code %q", o, test.code)
			}
		})
	}
}

// greedy are the behaviours that cost the most memory.
var greedy = []string{
	"layer-of-10-gb", "endless-blobs", "endless-manifest", "endless-list", "endless-tag", "referrers-100000",
	"junk-5000", "junk-5000-disguised", "junk-5000-beside", "gzip-bomb", "gzip-bomb-blobs", "link-endless", "big-bundle",
}

// TestPeakMemory verifies in a process of its own, since memory that others use would count.
func TestPeakMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not say how much memory a process needed")
	}
	if underRace() {
		t.Skip("the race detector needs memory of its own")
	}
	root := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(root, sigstore(t).root, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range greedy {
		t.Run(name, func(t *testing.T) {
			h, ok := lab.HostileNamed(name)
			if !ok {
				t.Fatal("there is no such behaviour")
			}
			scene := opened(t, h)
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVerifyInChild$")
			cmd.Env = append(os.Environ(), childReference+"="+scene.Reference, childRoot+"="+root)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("verify in a child: %v\n%s", err, out)
			}
			_, line, _ := strings.Cut(string(out), childMark)
			line, _, _ = strings.Cut(line, "\n")
			var o outcome
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("read %q: %v", line, err)
			}
			t.Logf("%d MB, %d requests", o.PeakMB, o.Requests)
			var wrong []string
			if o.PeakMB <= 0 || o.PeakMB >= peakMB {
				wrong = append(wrong, fmt.Sprintf("it needed %d MB at its peak, want less than %d", o.PeakMB, peakMB))
			}
			settle(t, wrong)
		})
	}
}

// What the parent tells the child, and how the child's answer begins.
const (
	childReference = "ASSAY_TEST_REFERENCE"
	childRoot      = "ASSAY_TEST_ROOT"
	childMark      = "outcome: "
)

// TestVerifyInChild is the child of TestPeakMemory.
func TestVerifyInChild(t *testing.T) {
	debug.SetMemoryLimit(96 << 20) // as cmd/assay does
	reference := os.Getenv(childReference)
	if reference == "" {
		t.Skip("it runs in a process of its own")
	}
	root, err := os.ReadFile(os.Getenv(childRoot))
	if err != nil {
		t.Fatal(err)
	}
	v, err := judged(t.Context(), reference, root, registry.NewTransport(), budget.New(budget.Default(), budget.Clock{}))
	if err != nil {
		t.Fatal(err)
	}
	o := outcomeOf(v)
	if o.PeakMB, err = peak(); err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", childMark, line)
}

// peak returns the most memory that this process had resident. (The figure of getrusage would have the parent's in it.)
func peak() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if !ok || len(fields) < 2 {
		return 0, errors.New("the peak is not in /proc/self/status")
	}
	kb, err := strconv.Atoi(fields[0])
	return kb >> 10, err
}

func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
