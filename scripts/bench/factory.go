package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// factory makes releases and verifies them.
type factory struct {
	sigstore    *lab.Sigstore
	self, assay string
	home, root  string
}

func newFactory(assay, dir string) (*factory, error) {
	s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute)})
	if err != nil {
		return nil, err
	}
	rootJSON, err := s.TrustedRoot()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &factory{sigstore: s, self: self, assay: assay, home: dir, root: filepath.Join(dir, "trusted_root.json")}
	return f, os.WriteFile(f.root, rootJSON, 0o600)
}

// publish starts a registry with one release in it: an index, and on it a signature, provenance, a bill of materials
// and an attestation of a kind of its own.
func (f *factory) publish(ctx context.Context, r row, added time.Duration) (*lab.Registry, *lab.Release, error) {
	reg := lab.NewRegistry(lab.RegistryOptions{Behaviour: r.behaviour, Latency: added})
	if err := reg.Start(); err != nil {
		return nil, nil, err
	}
	repo, err := reg.Repository(lab.DefaultRepo)
	if err != nil {
		return reg, nil, err
	}
	release, err := lab.GoodRelease(f.sigstore, lab.ReleaseOptions{Repository: repo.Name(), Form: r.form})
	if err != nil {
		return reg, nil, err
	}
	digest := release.Image.Digest()
	sbom, err := lab.CycloneDX(repo.Name(), digest)
	if err != nil {
		return reg, nil, err
	}
	custom, err := lab.Statement(lab.StatementV1, "https://cosign.sigstore.dev/attestation/v1", lab.Subjects(repo.Name(), digest),
		map[string]string{"Data": "a note", "Timestamp": f.sigstore.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return reg, nil, err
	}
	err = errors.Join(
		release.Attest(f.sigstore, release.Signer(), sbom),
		release.Attest(f.sigstore, release.Signer(), custom),
	)
	if err != nil {
		return reg, nil, err
	}
	return reg, release, lab.Push(ctx, repo, release.Publication, reg.Direct())
}

// measure verifies one release n times, and once before that to warm the caches of the system, and assay's own.
func (f *factory) measure(ctx context.Context, r row, added time.Duration, n int) (line, error) {
	reg, release, err := f.publish(ctx, r, added)
	if reg != nil {
		defer func() { _ = reg.Close() }()
	}
	if err != nil {
		return line{}, err
	}
	repo, err := f.list(release, added)
	if err != nil {
		return line{}, err
	}
	defer repo.server.Close()
	judge := []string{"--repo", lab.DefaultRepo}
	if r.tuf > 0 {
		file, err := f.policy(repo, release.Repository)
		if err != nil {
			return line{}, err
		}
		judge = []string{"--policy", file}
	}
	l := line{row: r, added: added}
	for i := range n + 1 {
		cache := f.home
		if r.fresh {
			if cache, err = os.MkdirTemp(f.home, "cache-"); err != nil {
				return line{}, err
			}
		}
		reg.ResetRequests()
		u, err := f.verify(ctx, release.Reference(), cache, judge...)
		if err != nil {
			return line{}, err
		}
		if s := count(u, reg.Requests(), repo.requests()); i > 0 {
			l.samples = append(l.samples, s)
		}
	}
	return l, nil
}

// verify runs assay in a process of its own, started by a small one.
func (f *factory) verify(ctx context.Context, reference, cache string, judge ...string) (usage, error) {
	args := append([]string{measureFlag, f.assay, "verify", reference, "--trusted-root", f.root}, judge...)
	cmd := exec.CommandContext(ctx, f.self, args...)
	cmd.Env = []string{"HOME=" + f.home, "DOCKER_CONFIG=" + f.home, "ASSAY_CACHE=" + cache, "PATH=" + os.Getenv("PATH")}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return usage{}, fmt.Errorf("start assay: %w", err)
	}
	var u usage
	if err := json.Unmarshal(out, &u); err != nil {
		return usage{}, fmt.Errorf("read what assay used: %w", err)
	}
	if u.Exit != 0 {
		return usage{}, fmt.Errorf("assay exits %d; wanted a pass\n%s", u.Exit, u.Output)
	}
	return u, nil
}

// count adds what the registry and the TUF repository have seen of a run.
func count(u usage, registry, tuf []lab.Request) sample {
	s := sample{usage: u, total: len(registry), tuf: len(tuf)}
	content := slices.DeleteFunc(slices.Clone(registry), lab.Request.Handshake)
	for _, r := range slices.Concat(registry, tuf) {
		s.bytes += r.Bytes
	}
	s.requests, s.depth = len(content), lab.Depth(slices.Concat(content, tuf))
	return s
}
