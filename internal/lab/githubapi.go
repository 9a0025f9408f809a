package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// GitHubOptions describe a stand-in for GitHub's attestations API.
type GitHubOptions struct {
	// Inline puts bundles into the list, as github.com did until July 2026; otherwise the list gives their address
	// alone.
	Inline bool
	// Token is the one token that is accepted. Empty accepts none.
	Token string
	// PageSize is the size of a page where the caller asks for none, and the most that it gets. Default: 30 and 100.
	PageSize int
	// RateLimit is how many requests an hour are answered without a token and with one. Default: 60 and 5,000.
	RateLimit int
	// Clock dates answers, rate limits and the request log. Default: time.Now.
	Clock func() time.Time
}

// GitHubRequest is one line of the stand-in's request log.
type GitHubRequest struct {
	Method string
	// Host is the one that was asked: the API's or the blob store's.
	Host string
	// Path is the path with the query.
	Path       string
	Header     http.Header
	Status     int
	Start, End time.Time
}

// GitHubAPI is a stand-in for the part of GitHub's REST API that serves attestations, and for the blob store where the
// bundles lie: pages and their links, private and renamed repositories, tokens, both kinds of rate limit. It is an
// http.Handler by itself, for API and blobs alike; [GitHubAPI.Start] gives each an origin of its own. It is safe for
// concurrent use.
type GitHubAPI struct {
	opts    GitHubOptions
	servers []*http.Server
	// api and blobs are origins such as "http://127.0.0.1:1234"; empty before Start.
	api, blobs string

	mu           sync.Mutex
	intercept    Intercept
	requests     []GitHubRequest
	repositories []*githubRepository
	attestations []githubAttestation
	limits       map[bool]*githubWindow
	secondary    githubSecondary
}

// githubRepository is a repository under its present name, lower case, and its former ones.
type githubRepository struct {
	id      int
	name    string
	former  []string
	private bool
}

// githubAttestation is one stored bundle.
type githubAttestation struct {
	id         int
	repository int
	digests    []string
	bundle     []byte
}

// NewGitHubAPI makes a stand-in without repositories.
func NewGitHubAPI(opts GitHubOptions) *GitHubAPI {
	if opts.Clock == nil {
		opts.Clock = time.Now //nolint:forbidigo // the default of an injected clock
	}
	return &GitHubAPI{opts: opts, limits: map[bool]*githubWindow{}}
}

// Start serves the API and the blob store on two ports of 127.0.0.1 until Close.
func (g *GitHubAPI) Start() error {
	if g.servers != nil {
		return errors.New("start GitHub: already started")
	}
	for _, origin := range []*string{&g.api, &g.blobs} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("start GitHub: %w", err)
		}
		*origin = "http://" + l.Addr().String()
		server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		g.servers = append(g.servers, server)
		go func() { _ = server.Serve(l) }() // ends with ErrServerClosed at Close
	}
	return nil
}

// Close stops serving and cuts the open connections.
func (g *GitHubAPI) Close() error {
	var all []error
	for _, s := range g.servers {
		all = append(all, s.Close())
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("close GitHub: %w", err)
	}
	return nil
}

// URL returns the root of the API, BlobURL that of the blob store; empty before Start.
func (g *GitHubAPI) URL() string { return g.api }

// BlobURL returns the root of the blob store.
func (g *GitHubAPI) BlobURL() string { return g.blobs }

// AddRepository makes a repository, "owner/name", and returns its number.
func (g *GitHubAPI) AddRepository(name string, private bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &githubRepository{id: 1001 + len(g.repositories), name: strings.ToLower(name), private: private}
	g.repositories = append(g.repositories, r)
	return r.id
}

// Rename gives a repository another name; the old one is redirected.
func (g *GitHubAPI) Rename(name, to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.repository(name); r != nil {
		r.former, r.name = append(r.former, r.name), strings.ToLower(to)
	}
}

// Attest stores a bundle about digests ("sha256:...") for a repository, which must exist.
func (g *GitHubAPI) Attest(repository string, bundle []byte, digests ...string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.repository(repository)
	if r == nil {
		return fmt.Errorf("attest: there is no repository %s", repository)
	}
	if !json.Valid(bundle) {
		return errors.New("attest: the bundle is not JSON")
	}
	g.attestations = append(g.attestations, githubAttestation{id: 1 + len(g.attestations), repository: r.id, digests: digests, bundle: bundle})
	return nil
}

// SetIntercept puts a hook before the stand-in; nil takes it away. Hostile answers are made here.
func (g *GitHubAPI) SetIntercept(i Intercept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.intercept = i
}

// Requests returns the log so far, in the order in which the requests ended.
func (g *GitHubAPI) Requests() []GitHubRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// ServeHTTP implements http.Handler.
func (g *GitHubAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	rec := GitHubRequest{
		Method: req.Method, Host: req.Host, Path: req.URL.RequestURI(), Header: req.Header.Clone(), Start: g.opts.Clock(),
	}
	sw := &githubWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		rec.Status, rec.End = sw.status, g.opts.Clock()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.requests = append(g.requests, rec)
	}()
	g.mu.Lock()
	intercept := g.intercept
	g.mu.Unlock()
	sw.Header().Set("Date", g.opts.Clock().UTC().Format(http.TimeFormat))
	switch {
	case intercept != nil && intercept(sw, req):
	case strings.HasPrefix(req.URL.Path, githubBlobs):
		g.blob(sw, req)
	default:
		g.answer(sw, req)
	}
}

// repository finds a repository by a present or former name.
func (g *GitHubAPI) repository(name string) *githubRepository {
	name = strings.ToLower(name)
	for _, r := range g.repositories {
		if r.name == name || slices.Contains(r.former, name) {
			return r
		}
	}
	return nil
}

// repositoryByID finds a repository by its number.
func (g *GitHubAPI) repositoryByID(id int) *githubRepository {
	for _, r := range g.repositories {
		if r.id == id {
			return r
		}
	}
	return nil
}

// githubWriter remembers the status.
type githubWriter struct {
	http.ResponseWriter
	status int
}

func (w *githubWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *githubWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
