package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// repository is a TUF repository that lists one release, behind latency. The lab's own log has no times; this one has.
type repository struct {
	tuf    *lab.TUF
	server *httptest.Server
	added  time.Duration

	mu  sync.Mutex
	log []lab.Request
}

// list starts a repository that lists a release, as two people and a workflow sign it.
func (f *factory) list(r *lab.Release, added time.Duration) (*repository, error) {
	t, err := lab.NewReleaseTUF(f.sigstore, f.sigstore.Now())
	if err != nil {
		return nil, err
	}
	if _, err := t.AddRelease(r.Tag, r.Repository, r.Image.Digest()); err != nil {
		return nil, err
	}
	if err := t.Publish(); err != nil {
		return nil, err
	}
	repo := &repository{tuf: t, added: added}
	repo.server = httptest.NewServer(repo)
	return repo, nil
}

// ServeHTTP implements http.Handler.
func (r *repository) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	time.Sleep(r.added)
	r.mu.Lock()
	defer r.mu.Unlock() // so that the lab's last line is that of this request
	r.tuf.ResetRequests()
	r.tuf.Handler().ServeHTTP(w, req)
	line := r.tuf.Requests()[0]
	line.Start, line.End = start, time.Now()
	r.log = append(r.log, line)
}

// requests returns the log so far and empties it.
func (r *repository) requests() []lab.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.log = nil }()
	return slices.Clone(r.log)
}

// policy writes one that demands signature, provenance and release of an image, and returns where it lies.
func (f *factory) policy(r *repository, image string) (string, error) {
	text := lab.ReleasePolicy(r.tuf, image, 1)
	text = bytes.ReplaceAll(text, []byte(strings.TrimSuffix(r.tuf.MetadataURL(), "/metadata")), []byte(r.server.URL))
	file := filepath.Join(f.home, "policy.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", err
	}
	return file, os.WriteFile(filepath.Join(f.home, lab.RootFile), r.tuf.FirstRoot(), 0o600)
}
