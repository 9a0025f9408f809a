package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
)

// newReleases publishes images and a TUF repository that lists some of them. TUF_IMAGE
// has the tags 1.2.2 and 1.2.3, which are listed, 6.6.6, which nobody listed, latest
// (1.2.3) and stale (1.2.2). TUF_DIR is a copy of the repository on disk, TUF_OLD one
// from before 1.2.3, TUF_ROOT its first root. Each policy demands that release alone:
// RELEASE, RELEASE_REQUIRED with state: required, RELEASE_WRONG with another digest of
// the root, RELEASE_PAIR with two people of whom one has signed, RELEASE_NEVER with
// refresh: never, RELEASE_ASKED with refresh: required. RELEASE_TWO has a rule before it
// for another image, whose repository is down.
func newReleases(t *testing.T, s *lab.Sigstore, reg *lab.Registry, dir string) map[string]string {
	t.Helper()
	ctx := context.Background()
	repository, err := reg.Repository("acme/listed")
	must(t, err)
	name := reg.Host() + "/acme/listed"
	tuf, err := lab.NewReleaseTUF(s, s.Now())
	must(t, err)
	tuf.Targets.Signers = tuf.Targets.Keys[:1]
	digests := map[string]string{}
	env := map[string]string{"TUF_IMAGE": name, "TUF_OLD": filepath.Join(dir, "tuf-old"), "TUF_DIR": filepath.Join(dir, "tuf")}
	for _, release := range []struct {
		version string
		tags    []string
		listed  bool
	}{{"1.2.2", []string{"stale"}, true}, {"1.2.3", []string{"latest"}, true}, {"6.6.6", nil, false}} {
		r, err := lab.NewRelease(s, lab.ReleaseOptions{Repository: name, Tag: release.version})
		must(t, err)
		for _, tag := range append(release.tags, release.version) {
			must(t, lab.PushImage(ctx, repository, tag, r.Image))
		}
		digests[release.version] = r.Image.Digest()
		if !release.listed {
			continue
		}
		must(t, tuf.WriteDir(env["TUF_OLD"]))
		_, err = tuf.AddRelease(release.version, name, r.Image.Digest())
		must(t, err)
		must(t, tuf.Publish())
		must(t, lab.WriteLayout(filepath.Join(dir, "layout-"+release.version), r.Publication))
	}
	must(t, tuf.Start())
	t.Cleanup(func() { _ = tuf.Close() })
	must(t, tuf.WriteDir(env["TUF_DIR"]))
	env["TUF_LAYOUT"], env["TUF_DIGEST"], env["TUF_OLDER"] = filepath.Join(dir, "layout-1.2.3"), digests["1.2.3"], digests["1.2.2"]
	env["TUF_URL"], env["TUF_ROOT"] = tuf.MetadataURL(), filepath.Join(dir, lab.RootFile)
	must(t, os.WriteFile(env["TUF_ROOT"], tuf.FirstRoot(), 0o600))
	sum := sha256.Sum256(tuf.FirstRoot())
	env["TUF_SHA256"] = hex.EncodeToString(sum[:])
	for name, change := range map[string]func(*releasePolicy){
		"RELEASE":          func(*releasePolicy) {},
		"RELEASE_REQUIRED": func(p *releasePolicy) { p.extra = ", state: required" },
		"RELEASE_NEVER":    func(p *releasePolicy) { p.extra = ", refresh: never" },
		"RELEASE_ASKED":    func(p *releasePolicy) { p.extra = ", refresh: required" },
		"RELEASE_PAIR":     func(p *releasePolicy) { p.people = 2 },
		"RELEASE_WRONG":    func(p *releasePolicy) { p.sha256 = hex.EncodeToString(make([]byte, 32)) },
	} {
		p := releasePolicy{image: env["TUF_IMAGE"], metadata: tuf.MetadataURL(), targets: tuf.TargetsURL(), sha256: env["TUF_SHA256"], people: 1}
		change(&p)
		env[name] = filepath.Join(dir, name+".yaml")
		must(t, os.WriteFile(env[name], p.yaml(), 0o600))
	}
	two, err := os.ReadFile(env["RELEASE"])
	must(t, err)
	down := releasePolicy{image: reg.Host() + "/acme/down", metadata: "http://127.0.0.1:1/metadata", targets: "http://127.0.0.1:1/targets", sha256: env["TUF_SHA256"], people: 1}
	_, rule, _ := strings.Cut(string(down.yaml()), "images:\n")
	env["RELEASE_TWO"] = filepath.Join(dir, "RELEASE_TWO.yaml")
	must(t, os.WriteFile(env["RELEASE_TWO"], []byte(strings.Replace(string(two), "images:\n", "images:\n"+rule, 1)), 0o600))
	return env
}

// releasePolicy demands a release and nothing else.
type releasePolicy struct {
	image, metadata, targets, sha256, extra string
	people                                  int
}

func (p releasePolicy) yaml() []byte {
	return fmt.Appendf(nil, `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: released}
images:
  - match: %s
    tags: {moving: [latest, stale, "{major}.{minor}"]}
    release:
      tuf: {metadata_url: "%s", targets_url: "%s", root: {file: ./%s, sha256: "%s"}%s}
      target: %s
      signers: {class: human, people: %d}
      moving: {lag: 1s}
`, p.image, p.metadata, p.targets, lab.RootFile, p.sha256, p.extra, lab.ReleasePattern(p.image), p.people)
}
