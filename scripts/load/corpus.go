package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/releaseassay/assay/internal/lab"
)

// image is one release, as a pod names it.
type image struct {
	// tagged is "host/path:tag", pinned the same with the digest.
	tagged, pinned string
	path           string
}

// corpus is a registry on loopback with releases, and what the server needs to judge them. All are signed in the same
// way, each by a certificate of its own.
type corpus struct {
	dir      string
	registry *lab.Registry
	images   []image

	// latency is added to each request, in nanoseconds.
	latency  atomic.Int64
	requests atomic.Int64
	mu       sync.Mutex
	paths    map[string]int // how often each was asked for, handshakes apart
}

// perRepository is how many releases lie in one repository.
const perRepository = 10

// newCorpus makes n releases. The registry keeps them in memory, some 30 kB each.
func newCorpus(ctx context.Context, dir string, n int) (_ *corpus, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	sigstore, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "load"})
	if err != nil {
		return nil, err
	}
	root, err := sigstore.TrustedRoot()
	if err != nil {
		return nil, err
	}
	c := &corpus{dir: dir, registry: lab.NewRegistry(lab.RegistryOptions{}), images: make([]image, n), paths: map[string]int{}}
	if err := c.registry.Start(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	makers, ctx := errgroup.WithContext(ctx)
	makers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		makers.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return c.publish(ctx, sigstore, i)
		})
	}
	if err := makers.Wait(); err != nil {
		return nil, err
	}
	c.registry.SetIntercept(c.watch)
	return c, errors.Join(
		os.WriteFile(c.file("trusted_root.json"), root, 0o600),
		os.WriteFile(c.file("registries.yaml"), fmt.Appendf(nil, registriesYAML, c.registry.Host()), 0o600),
		os.WriteFile(c.file("policy.yaml"), fmt.Appendf(nil, policyYAML, c.registry.Host()), 0o600),
	)
}

const registriesYAML = `registries:
  - host: %s
    plain_http: true
    network: loopback
`

const policyYAML = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: load}
images:
  - match: %s/**
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: https://token.actions.githubusercontent.com, workflow: .github/workflows/release.yml}
    provenance: {builder: {level: 3}}
`

// publish makes one release and pushes it, past the log of the registry.
func (c *corpus) publish(ctx context.Context, s *lab.Sigstore, i int) error {
	path := fmt.Sprintf("acme/team-%03d", i/perRepository)
	repo, err := c.registry.Repository(path)
	if err != nil {
		return err
	}
	r, err := lab.GoodRelease(s, lab.ReleaseOptions{
		Repository: repo.Name(), Tag: fmt.Sprintf("1.%d.0", i%perRepository), Seed: fmt.Sprint(i), Form: lab.BundleForm, Platform: "linux/amd64",
	})
	if err != nil {
		return err
	}
	c.images[i] = image{tagged: r.Reference(), pinned: r.Reference() + "@" + r.Image.Digest(), path: path}
	return lab.Push(ctx, repo, r.Publication, c.registry.Direct())
}

// watch counts requests and makes the registry slow.
func (c *corpus) watch(_ http.ResponseWriter, r *http.Request) bool {
	c.requests.Add(1)
	if r.URL.Path != "/v2/" {
		c.mu.Lock()
		c.paths[r.Method+" "+r.URL.RequestURI()]++
		c.mu.Unlock()
	}
	if d := time.Duration(c.latency.Load()); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	return false
}

// asked returns how often each path was asked for since the last call.
func (c *corpus) asked() map[string]int {
	c.registry.ResetRequests()
	c.mu.Lock()
	defer c.mu.Unlock()
	paths := c.paths
	c.paths = map[string]int{}
	return paths
}

func (c *corpus) file(name string) string { return filepath.Join(c.dir, name) }

func (c *corpus) close() { _ = c.registry.Close() }
