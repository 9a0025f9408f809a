package lab

import (
	"bytes"
	"context"
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
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Intercept sees a request before the registry does. It returns true when it has answered.
type Intercept func(http.ResponseWriter, *http.Request) bool

// RegistryOptions describe a registry.
type RegistryOptions struct {
	// Behaviour is how the registry treats its clients. The zero value is open to all and lists referrers.
	Behaviour
	// Latency is added to each request before it is answered.
	Latency time.Duration
	// Address is where Start listens. Default: a free port of 127.0.0.1.
	Address string
	// Clock dates the request log and the rate limit. Default: time.Now.
	Clock func() time.Time
}

// Registry is an OCI registry in memory that remembers what it was asked. It is safe for concurrent use.
type Registry struct {
	opts    RegistryOptions
	inner   http.Handler
	servers []*http.Server
	// host is where the registry listens.
	host string

	mu sync.Mutex
	// realm is the URL of the token server.
	realm     string
	intercept Intercept
	requests  []Request
	// tokenServer replaces the registry's own.
	tokenServer http.HandlerFunc
	tokens      map[string]string // the user to whom each was given; "" for nobody in particular
	spent       int               // of the rate limit
	refusing    time.Time         // until when the rate limit refuses
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
		opts:   opts,
		tokens: map[string]string{},
		inner: registry.New(
			registry.WithReferrersSupport(opts.Referrers == ReferrersListed),
			registry.Logger(log.New(io.Discard, "", 0)),
		),
	}
}

// Start serves until Close.
func (r *Registry) Start() error {
	if len(r.servers) > 0 {
		return errors.New("start registry: already started")
	}
	home, err := net.Listen("tcp", r.opts.Address)
	if err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	r.host = home.Addr().String()
	r.setRealm("http://" + r.host + tokenPath)
	if r.opts.RealmElsewhere {
		elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return errors.Join(fmt.Errorf("start token server: %w", err), home.Close())
		}
		// By name: clients refuse a realm at the address of another machine in their own network.
		_, port, _ := strings.Cut(elsewhere.Addr().String(), ":")
		r.setRealm("http://localhost:" + port + tokenPath)
		r.serve(elsewhere, http.HandlerFunc(r.serveTokens))
	}
	r.serve(home, r)
	return nil
}

func (r *Registry) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	r.servers = append(r.servers, server)
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed at Close
}

// setRealm names the token server.
func (r *Registry) setRealm(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.realm = url
}

// Close stops serving and cuts the open connections.
func (r *Registry) Close() error {
	for _, server := range r.servers {
		if err := server.Close(); err != nil {
			return fmt.Errorf("close registry: %w", err)
		}
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

// hook returns what SetIntercept has put before the registry.
func (r *Registry) hook() Intercept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.intercept
}

// SetIntercept puts a hook before the registry; nil takes it away. Hostile answers are made here.
func (r *Registry) SetIntercept(i Intercept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.intercept = i
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w, done := r.begin(w, req)
	defer done()
	if !r.delay(req.Context()) {
		return
	}
	if req.URL.Path == tokenPath && r.opts.Auth == TokenAuth {
		r.giveToken(w, req)
		return
	}
	if !r.allow(w, req) || !r.admit(w, req) {
		return
	}
	if intercept := r.hook(); intercept != nil && intercept(w, req) {
		return
	}
	if repo, digest, ok := referrersPath(req); ok {
		r.referrers(w, req, repo, digest)
		return
	}
	r.inner.ServeHTTP(w, req)
}

// delay waits as long as the registry is slow, and reports whether the client did.
func (r *Registry) delay(ctx context.Context) bool {
	if r.opts.Latency <= 0 {
		return true
	}
	select {
	case <-time.After(r.opts.Latency):
		return true
	case <-ctx.Done():
		return false
	}
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

// referrers answers as the distribution spec 1.1 has it, "Listing Referrers", or as the behaviour says. The registry
// beneath reports the config's media type for every artifact type, in random order, and knows neither filter nor pages.
func (r *Registry) referrers(w http.ResponseWriter, req *http.Request, repo, digest string) {
	var index v1.IndexManifest
	status, body := r.ask("/v2/" + repo + "/referrers/" + digest)
	switch {
	case r.opts.Referrers == ReferrersEmpty:
		index = v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	case status != http.StatusOK || json.Unmarshal(body, &index) != nil:
		r.inner.ServeHTTP(w, req)
		return
	}
	want := req.URL.Query().Get("artifactType")
	found := []v1.Descriptor{}
	for _, d := range index.Manifests {
		if _, raw := r.ask("/v2/" + repo + "/manifests/" + d.Digest.String()); len(raw) > 0 && !r.opts.WrongTypes {
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
	writeJSON(w, string(types.OCIImageIndex), index)
}

// writeJSON answers with JSON of a media type.
func writeJSON(w http.ResponseWriter, mediaType string, content any) {
	raw, err := json.Marshal(content)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaType)
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
func (r *Registry) ask(path string) (int, []byte) {
	in, err := http.NewRequest(http.MethodGet, "http://lab"+path, nil)
	if err != nil {
		return 0, nil
	}
	w := &memoryWriter{header: http.Header{}, status: http.StatusOK}
	r.inner.ServeHTTP(w, in)
	return w.status, w.body.Bytes()
}

// Direct makes pushes go to the content beneath: past the log, the latency, the hook and every rule.
func (r *Registry) Direct() remote.Option { return remote.WithTransport(direct{r.inner}) }

// direct is a transport without a network.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &memoryWriter{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(w, in)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

// memoryWriter keeps an answer.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *memoryWriter) Header() http.Header         { return w.header }
func (w *memoryWriter) WriteHeader(status int)      { w.status = status }
func (w *memoryWriter) Write(b []byte) (int, error) { return w.body.Write(b) }
