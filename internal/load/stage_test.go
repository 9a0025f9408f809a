package load_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/verify"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stage is a release at a registry that knows whom it lets in, listed in a TUF
// repository, with a stand-in for GitHub's API; all of it on loopback.
type stage struct {
	t        *testing.T
	registry *lab.Registry
	tuf      *lab.TUF
	github   *lab.GitHubAPI
	policy   *load.Policy
	ref      verify.Reference
	digest   string
	dir      string
	env      map[string]string
}

func newStage(t *testing.T, behaviour lab.Behaviour) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), env: map[string]string{}}
	t.Setenv("DOCKER_CONFIG", s.dir)
	t.Setenv("HOME", s.dir)
	sigstore, err := lab.NewSigstore(lab.Options{Now: now})
	s.must(err)
	s.registry = lab.NewRegistry(lab.RegistryOptions{Behaviour: behaviour})
	s.must(s.registry.Start())
	t.Cleanup(func() { _ = s.registry.Close() })
	image := s.registry.Host() + "/acme/widget"
	made, err := lab.GoodRelease(sigstore, lab.ReleaseOptions{Repository: image, Tag: "1.2.3"})
	s.must(err)
	repository, err := s.registry.Repository("acme/widget")
	s.must(err)
	s.must(lab.Push(t.Context(), repository, made.Publication, s.registry.Direct()))
	s.digest = made.Image.Digest()
	s.tuf, err = lab.NewReleaseTUF(sigstore, now)
	s.must(err)
	_, err = s.tuf.AddRelease("1.2.3", image, made.Image.Digest())
	s.must(err)
	s.must(s.tuf.Publish())
	s.must(s.tuf.Start())
	t.Cleanup(func() { _ = s.tuf.Close() })
	s.github = lab.NewGitHubAPI(lab.GitHubOptions{})
	s.must(s.github.Start())
	t.Cleanup(func() { _ = s.github.Close() })
	s.github.AddRepository(lab.DefaultRepo, false)

	root, err := sigstore.TrustedRoot()
	s.must(err)
	text := strings.Replace(string(lab.ReleasePolicy(s.tuf, image, 1)), "    source:", "    places: [registry, github]\n    source:", 1)
	s.write("policy.yaml", []byte(text))
	s.write("trusted_root.json", root)
	s.write(lab.RootFile, s.tuf.FirstRoot())
	s.policy, err = load.ReadPolicy(filepath.Join(s.dir, "policy.yaml"), load.PolicyOptions{TrustedRoot: filepath.Join(s.dir, "trusted_root.json")})
	s.must(err)
	s.ref, err = verify.ParseReference(image + ":1.2.3")
	s.must(err)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) write(name string, b []byte) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	s.must(os.WriteFile(path, b, 0o600))
	return path
}

// hosts are the places of all evidence, by the code of each if it is refused.
func (s *stage) hosts() map[verify.Code]string {
	s.t.Helper()
	tuf, err := url.Parse(s.tuf.MetadataURL())
	s.must(err)
	api, err := url.Parse(s.github.URL())
	s.must(err)
	return map[verify.Code]string{verify.RegistryInsecure: s.registry.Host(), verify.TUFInsecure: tuf.Host, verify.GitHubInsecure: api.Host}
}

// near writes a config.yaml in which hosts are on a network.
func (s *stage) near(network string, hosts ...string) string {
	text := "registries:\n"
	for _, h := range hosts {
		text += fmt.Sprintf("  - {host: %q, network: %s}\n", h, network)
	}
	return s.write("config.yaml", []byte(text))
}

func (s *stage) access(o load.AccessOptions) *load.Access {
	s.t.Helper()
	o.Getenv, o.GitHubAPI = func(name string) string { return s.env[name] }, s.github.URL()
	a, err := load.NewAccess(o)
	s.must(err)
	s.t.Cleanup(a.Close)
	return a
}

func (s *stage) judge(ctx context.Context, source *load.Source) verify.Verdict {
	return verify.Verify(ctx, source, s.ref, s.policy.Policy, s.policy.Trust, verify.Options{At: now.Add(time.Hour), Limits: verify.DefaultLimits()})
}

func (s *stage) source(a *load.Access, tenant authn.Keychain) *load.Source {
	return a.Source(load.SourceOptions{Tenant: tenant, Release: release.Options{Dir: filepath.Join(s.t.TempDir(), "tuf")}})
}

// codes are those of all that was not in order.
func codes(v verify.Verdict) map[verify.Code]bool {
	all := map[verify.Code]bool{}
	for _, f := range v.Checks {
		if f.Result != verify.Passed && f.Required {
			all[f.Code] = true
		}
	}
	return all
}

// someone is a keychain with credentials for some hosts, and perhaps an error.
type someone struct {
	hosts      map[string]bool
	user, pass string
	err        error
}

func (s someone) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if !s.hosts[target.RegistryStr()] {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: s.user, Password: s.pass}, s.err
}

var errBroken = errors.New("broken")
