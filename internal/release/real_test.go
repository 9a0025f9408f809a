package release_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// A repository that tuf-on-ci wrote, and the image whose releases it lists. Its
// timestamp expired on 2026-04-20, its root does on 2027-04-09.
const (
	realImage = "ghcr.io/amaanx86/oci-prometheus-sd-proxy"
	realTUF   = "https://amaanx86.github.io/oci-prometheus-sd-proxy-tuf-on-ci"
)

var (
	fresh = time.Date(2026, 4, 19, 0, 0, 0, 0, time.UTC)
	late  = time.Date(2026, 4, 21, 0, 0, 0, 0, time.UTC)
)

// realReleases are the versions and digests that the repository lists.
var realReleases = map[string]string{
	"1.4.2-rc": "sha256:759e255e607f623e0b1ee4ea9df02b2aefd89e2c9ec979842ee2e6f8b21772fd",
	"1.4.2":    "sha256:8dd4ba3a3de47c54f785679eb3a27c22eced884403c2338c56a4e34241875891",
	"1.5.0":    "sha256:011bd900864e62770c54e56248b2af853482e9ae9f5c572f84c20c8771f5c291",
}

// realDir is the repository's folder. The tests that need it are skipped without it.
func realDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "testdata", "sd-proxy-tuf")
	if _, err := os.Stat(filepath.Join(dir, "metadata")); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the real TUF repository is not beside this one: it is not judged here")
	}
	return dir
}

// stub resolves everything to one digest, and has no other evidence.
type stub string

func (s stub) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return verify.Image{Reference: ref, Digest: string(s), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: []byte("{}")}, nil
}

func (stub) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	return verify.Evidence{}
}

// realPolicy demands a release of the real repository.
func realPolicy(t *testing.T, dir, url, more string) (*policy.Policy, verify.Trust) {
	t.Helper()
	rootFile, err := os.ReadFile(filepath.Join(dir, "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(rootFile)
	p, err := policy.Parse("real.yaml", fmt.Appendf(nil, `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: real}
images:
  - match: %s
    tags: {moving: [latest, "{major}.{minor}"]}
    release:
      tuf: {metadata_url: "%s/metadata", targets_url: "%s/targets", root: {file: 1.root.json, sha256: "%x"}}
      target: oci-prometheus-sd-proxy/releases/v{version}.json
%s`, realImage, url, url, sum, more))
	if err != nil {
		t.Fatal(err)
	}
	builtin, _ := trust.Builtin("")
	root, err := verify.NewTrustedRoot(policy.PublicGood, builtin.Source, builtin.JSON, policy.DefaultThresholds())
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := verify.NewPinnedRoot(rootFile, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return p, verify.Trust{Roots: []*verify.TrustedRoot{root}, Pinned: []verify.PinnedRoot{pinned}}
}

// judge asks about an image of the real repository.
func judge(t *testing.T, p *policy.Policy, trust verify.Trust, o release.Options, ref, digest string, at time.Time) (verify.Verdict, verify.Finding) {
	t.Helper()
	r, err := verify.ParseReference(realImage + ref)
	if err != nil {
		t.Fatal(err)
	}
	source := &places.Source{Image: stub(digest), Releases: release.New(o)}
	v := verify.Verify(context.Background(), source, r, p, trust, verify.Options{At: at, Limits: verify.DefaultLimits()})
	for _, f := range v.Checks {
		if f.ID == "release" {
			return v, f
		}
	}
	t.Fatalf("found no finding in %+v", v.Checks)
	return v, verify.Finding{}
}

const human = "      signers: {class: human}\n"

func TestTheRealRepository(t *testing.T) {
	dir := realDir(t)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	for name, place := range map[string]struct {
		url    string
		mirror string
	}{
		"over HTTP": {url: server.URL},
		"mirrored":  {url: realTUF, mirror: server.URL},
		"from disk": {url: realTUF, mirror: dir},
	} {
		t.Run(name, func(t *testing.T) {
			p, trust := realPolicy(t, dir, place.url, human)
			o := release.Options{Dir: t.TempDir(), Mirror: place.mirror}
			for version, digest := range realReleases {
				for _, ref := range []string{":" + version, "@" + digest, ":" + version + "@" + digest} {
					v, f := judge(t, p, trust, o, ref, digest, fresh)
					if !v.Passed() || v.Image.Version != version {
						t.Errorf("%s: found %s, %s: %s, version %q", ref, f.Result, f.Code, f.Message, v.Image.Version)
					}
				}
			}
			for _, c := range []struct {
				name, ref, digest string
				at                time.Time
				code              verify.Code
				conclusive        bool
			}{
				{"a version that is not listed", ":1.4.3", "sha256:" + strings.Repeat("0", 64), fresh, verify.ReleaseNotListed, true},
				{"a digest that is not listed", "@sha256:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("0", 64), fresh, verify.ReleaseNotListed, true},
				{"another digest", ":1.5.0", "sha256:" + strings.Repeat("0", 64), fresh, verify.ReleaseDigestMismatch, true},
				{"another version's digest", ":1.4.3", realReleases["1.5.0"], fresh, verify.ReleaseOtherVersion, true},
				{"an older release behind latest", ":latest", realReleases["1.4.2"], fresh, verify.ReleaseRolledBack, true},
				{"expired since", ":1.5.0", realReleases["1.5.0"], late, verify.ReleaseExpired, false},
			} {
				v, f := judge(t, p, trust, o, c.ref, c.digest, c.at)
				if v.Passed() || f.Code != c.code || v.Conclusive != c.conclusive {
					t.Errorf("%s: found %s, %s, conclusive %t: %s", c.name, f.Result, f.Code, v.Conclusive, f.Message)
				}
				if c.code == verify.ReleaseExpired && !strings.Contains(f.Message, "timestamp") {
					t.Errorf("%s: the message names no timestamp: %s", c.name, f.Message)
				}
			}
			if v, f := judge(t, p, trust, o, ":latest", realReleases["1.5.0"], fresh); !v.Passed() {
				t.Errorf("the newest behind latest: found %s: %s", f.Code, f.Message)
			}
		})
	}
}

func TestTheRealRepositoryByWhomItMayBeSigned(t *testing.T) {
	dir := realDir(t)
	for _, c := range []struct {
		name, signers string
		code          verify.Code
	}{
		{"whoever the root authorises", "", ""},
		{"people", human, ""},
		{"people of another issuer", "      signers: {class: human, issuers: [https://accounts.google.com]}\n", verify.ReleaseMachineSigners},
		{"somebody else alone", "      signers: {identities: [{issuer: https://github.com/login/oauth, identity: mallory@example.com}]}\n", verify.ReleaseMachineSigners},
		{"sixteen people", "      signers: {class: human, people: 16}\n", verify.ReleaseTooFewPeople},
	} {
		p, trust := realPolicy(t, dir, realTUF, c.signers)
		v, f := judge(t, p, trust, release.Options{Mirror: dir}, ":1.5.0", realReleases["1.5.0"], fresh)
		if v.Passed() != (c.code == "") || f.Code != c.code {
			t.Errorf("%s: found %s, %s: %s; wanted %q", c.name, f.Result, f.Code, f.Message, c.code)
		}
	}
}

// TestTheRealRepositoryChanged changes every value in signed, and every sig, of every
// file of metadata: none of it passes.
func TestTheRealRepositoryChanged(t *testing.T) {
	dir := realDir(t)
	p, trust := realPolicy(t, dir, realTUF, human)
	for _, name := range []string{"timestamp.json", "4.snapshot.json", "4.targets.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, "metadata", name))
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for what, changed := range changes(t, raw) {
			count++
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(copied, "metadata", name), changed, 0o600); err != nil {
				t.Fatal(err)
			}
			v, f := judge(t, p, trust, release.Options{Mirror: copied}, ":1.5.0", realReleases["1.5.0"], fresh)
			if v.Passed() || f.Result == verify.Passed {
				t.Errorf("%s: it passes with %s changed", name, what)
			}
		}
		if count < 5 {
			t.Errorf("%s: only %d changes were tried", name, count)
		}
	}
}

// changes returns metadata with one value changed, by what that is: each leaf of
// signed, and each sig.
func changes(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	var paths []string
	walk(decode(t, raw), "", func(path string, _ any) any { paths = append(paths, path); return nil }, false)
	for _, path := range paths {
		if !strings.HasPrefix(path, ".signed") && (!strings.HasPrefix(path, ".signatures") || !strings.HasSuffix(path, ".sig")) {
			continue
		}
		tree := decode(t, raw)
		walk(tree, "", func(at string, v any) any {
			if at != path {
				return v
			}
			switch v := v.(type) {
			case json.Number:
				return json.Number(v.String() + "1")
			case string:
				return "A" + v[min(1, len(v)):] + "A"
			case bool:
				return !v
			}
			return "changed"
		}, true)
		b, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = b
	}
	return out
}

func decode(t *testing.T, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// walk visits every leaf, and puts what visit returns in its place if change says so.
func walk(tree any, path string, visit func(path string, v any) any, change bool) any {
	switch v := tree.(type) {
	case map[string]any:
		for k := range v {
			if got := walk(v[k], path+"."+k, visit, change); change {
				v[k] = got
			}
		}
		return v
	case []any:
		for i := range v {
			if got := walk(v[i], fmt.Sprintf("%s[%d]", path, i), visit, change); change {
				v[i] = got
			}
		}
		return v
	}
	return visit(path, tree)
}
