package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Intercept sees a request before the registry does. It returns true when it has answered.
type Intercept func(http.ResponseWriter, *http.Request) bool

// RegistryOptions describe a registry.
type RegistryOptions struct {
	// NoReferrers turns the referrers API off, as registries before OCI 1.1 are.
	NoReferrers bool
	// PageSize splits the referrers list into pages of so many; 0 gives one page.
	PageSize int
	// Address is where Start listens. Default: a free port of 127.0.0.1.
	Address string
	// Clock dates the request log. Default: time.Now.
	Clock func() time.Time
}

// Request is one line of the request log.
type Request struct {
	Method string
	// Path is the path with the query.
	Path       string
	Header     http.Header
	Status     int
	Start, End time.Time
}

// Registry is an OCI registry in memory that remembers what it was asked. It is safe for concurrent use.
type Registry struct {
	opts   RegistryOptions
	inner  http.Handler
	server *http.Server
	host   string

	mu        sync.Mutex
	intercept Intercept
	requests  []Request
}

// NewRegistry makes an empty registry. It is an http.Handler by itself; [Registry.Start] gives it an address.
func NewRegistry(opts RegistryOptions) *Registry {
	if opts.Clock == nil {
		opts.Clock = time.Now //nolint:forbidigo // the default of an injected clock
	}
	if opts.Address == "" {
		opts.Address = "127.0.0.1:0"
	}
	return &Registry{
		opts: opts,
		inner: registry.New(
			registry.WithReferrersSupport(!opts.NoReferrers),
			registry.Logger(log.New(io.Discard, "", 0)),
		),
	}
}

// Start serves until Close.
func (r *Registry) Start() error {
	if r.server != nil {
		return errors.New("start registry: already started")
	}
	l, err := net.Listen("tcp", r.opts.Address)
	if err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	r.host = l.Addr().String()
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = r.server.Serve(l) }() // ends with ErrServerClosed at Close
	return nil
}

// Close stops serving and cuts the open connections.
func (r *Registry) Close() error {
	if r.server == nil {
		return nil
	}
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("close registry: %w", err)
	}
	return nil
}

// Host returns "host:port"; empty before Start.
func (r *Registry) Host() string { return r.host }

// Repository returns the reference of a repository such as "acme/widget" in a started registry.
func (r *Registry) Repository(path string) (name.Repository, error) {
	repo, err := name.NewRepository(r.host + "/" + path)
	if err != nil {
		return name.Repository{}, fmt.Errorf("name repository: %w", err)
	}
	return repo, nil
}

// SetIntercept puts a hook before the registry; nil takes it away. Hostile answers are made here.
func (r *Registry) SetIntercept(i Intercept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.intercept = i
}

// Requests returns the log so far, in the order in which the requests ended.
func (r *Registry) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// ResetRequests empties the log.
func (r *Registry) ResetRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	rec := Request{Method: req.Method, Path: req.URL.RequestURI(), Header: req.Header.Clone(), Start: r.opts.Clock()}
	sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		rec.Status, rec.End = sw.status, r.opts.Clock()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, rec)
	}()
	r.mu.Lock()
	intercept := r.intercept
	r.mu.Unlock()
	if intercept != nil && intercept(sw, req) {
		return
	}
	repo, digest, ok := referrersPath(req)
	if ok && !r.opts.NoReferrers {
		r.referrers(sw, req, repo, digest)
		return
	}
	r.inner.ServeHTTP(sw, req)
}

// referrersPath takes /v2/REPO/referrers/DIGEST apart.
func referrersPath(req *http.Request) (repo, digest string, ok bool) {
	rest, found := strings.CutPrefix(req.URL.Path, "/v2/")
	i := strings.LastIndex(rest, "/referrers/")
	if !found || i < 0 || req.Method != http.MethodGet {
		return "", "", false
	}
	return rest[:i], rest[i+len("/referrers/"):], true
}

// referrers answers as the distribution spec 1.1 has it, "Listing Referrers". The registry beneath reports the config's
// media type for every artifact type, in random order, and knows neither filter nor pages.
func (r *Registry) referrers(w http.ResponseWriter, req *http.Request, repo, digest string) {
	var index v1.IndexManifest
	status, body := r.ask(req, "/v2/"+repo+"/referrers/"+digest)
	if status != http.StatusOK || json.Unmarshal(body, &index) != nil {
		r.inner.ServeHTTP(w, req)
		return
	}
	want := req.URL.Query().Get("artifactType")
	found := []v1.Descriptor{}
	for _, d := range index.Manifests {
		if _, raw := r.ask(req, "/v2/"+repo+"/manifests/"+d.Digest.String()); len(raw) > 0 {
			d.ArtifactType = artifactType(raw)
		}
		if want == "" || d.ArtifactType == want {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	if want != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	if n := r.opts.PageSize; n > 0 {
		found = page(w, req, found, n)
	}
	index.Manifests = found
	raw, err := json.Marshal(index)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	_, _ = w.Write(raw) // the client may have gone
}

// page cuts one page out of the list and links to the next.
func page(w http.ResponseWriter, req *http.Request, all []v1.Descriptor, size int) []v1.Descriptor {
	q := req.URL.Query()
	from, err := strconv.Atoi(q.Get("from"))
	if err != nil || from < 0 || from > len(all) {
		from = 0
	}
	to := min(from+size, len(all))
	if to < len(all) {
		q.Set("from", strconv.Itoa(to))
		next := url.URL{Path: req.URL.Path, RawQuery: q.Encode()}
		w.Header().Set("Link", "<"+next.String()+`>; rel="next"`)
	}
	return all[from:to]
}

// artifactType reads what the spec calls a manifest's artifact type: its own, else its config's media type.
func artifactType(manifest []byte) string {
	var m v1.Manifest
	if json.Unmarshal(manifest, &m) != nil {
		return ""
	}
	if m.ArtifactType != "" {
		return m.ArtifactType
	}
	return string(m.Config.MediaType)
}

// ask puts a GET to the registry beneath, outside the log.
func (r *Registry) ask(req *http.Request, path string) (int, []byte) {
	in, err := http.NewRequestWithContext(req.Context(), http.MethodGet, "http://lab"+path, nil)
	if err != nil {
		return 0, nil
	}
	w := &memoryWriter{header: http.Header{}, status: http.StatusOK}
	r.inner.ServeHTTP(w, in)
	return w.status, w.body.Bytes()
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// memoryWriter keeps an answer.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryWriter) Header() http.Header         { return w.header }
func (w *memoryWriter) WriteHeader(status int)      { w.status = status }
func (w *memoryWriter) Write(b []byte) (int, error) { return w.body.Write(b) }
