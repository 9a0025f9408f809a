package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// everything wants all evidence.
var everything = verify.Want{Signatures: true, Attestations: true, Bundles: true}

// stage is a registry of one repository, o/n, that serves exactly what a test puts
// on it and remembers what it was asked.
type stage struct {
	t     *testing.T
	image descriptor

	mu     sync.Mutex
	log    []string
	serves map[string]http.HandlerFunc
	meets  map[string]*meeting
}

// meeting holds requests back until all of them have come.
type meeting struct {
	wait sync.WaitGroup
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, serves: map[string]http.HandlerFunc{}, meets: map[string]*meeting{}}
	s.serves["/v2/"] = func(http.ResponseWriter, *http.Request) {}
	config := s.blob([]byte("{}"))
	s.image = s.manifest("v1", typeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeOCIManifest, "config": config, "layers": []any{s.blob([]byte("layer"))},
	})
	return s
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.URL.RequestURI())
	serve, ok := s.serves[r.URL.RequestURI()]
	if !ok {
		serve, ok = s.serves[r.URL.Path]
	}
	met := s.meets[r.URL.Path]
	s.mu.Unlock()
	if met != nil {
		met.wait.Done()
		met.wait.Wait()
	}
	if !ok {
		http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not on this stage"}]}`, http.StatusNotFound)
		return
	}
	serve(w, r)
}

// together makes the answers to all paths wait for the last of them to be asked.
func (s *stage) together(paths ...string) {
	m := &meeting{}
	m.wait.Add(len(paths))
	for _, p := range paths {
		s.meets[p] = m
	}
}

func (s *stage) serve(path string, h http.HandlerFunc) { s.serves[path] = h }

func (s *stage) body(path, contentType string, body []byte) {
	s.serve(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	})
}

func at(kind, wanted string) string { return "/v2/o/n/" + kind + "/" + wanted }

// blob puts bytes on the stage.
func (s *stage) blob(body []byte) descriptor {
	d := descriptor{MediaType: "application/octet-stream", Digest: digestOf(body), Size: int64(len(body))}
	s.body(at("blobs", d.Digest), "application/octet-stream", body)
	return d
}

// manifest puts a manifest on the stage, under its digest and a tag unless that is empty.
func (s *stage) manifest(tag, mediaType string, content any) descriptor {
	s.t.Helper()
	body, err := json.Marshal(content)
	if err != nil {
		s.t.Fatal(err)
	}
	d := descriptor{MediaType: mediaType, Digest: digestOf(body), Size: int64(len(body))}
	s.body(at("manifests", d.Digest), mediaType, body)
	if tag != "" {
		s.body(at("manifests", tag), mediaType, body)
	}
	return d
}

// layer is a descriptor of evidence.
func (s *stage) layer(mediaType, body string) descriptor {
	d := s.blob([]byte(body))
	d.MediaType = mediaType
	d.Annotations = map[string]string{"of": body}
	return d
}

// legacy puts a .sig or .att manifest on the stage.
func (s *stage) legacy(suffix, mediaType string, bodies ...string) descriptor {
	var layers []descriptor
	for _, b := range bodies {
		layers = append(layers, s.layer(mediaType, b))
	}
	// Old cosign names no mediaType here.
	return s.manifest(fallbackTag(s.image.Digest)+suffix, typeOCIManifest, map[string]any{"schemaVersion": 2, "layers": layers})
}

const typeBundle3 = "application/vnd.dev.sigstore.bundle.v0.3+json"

// bundle puts a referrer on the stage whose only layer is a bundle.
func (s *stage) bundle(body string) descriptor {
	return s.referrer(s.image, typeBundle3, s.layer(typeBundle3, body))
}

func (s *stage) referrer(subject descriptor, artifactType string, layers ...descriptor) descriptor {
	return s.manifest("", typeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeOCIManifest, "artifactType": artifactType,
		"config": map[string]any{"mediaType": typeEmpty}, "layers": layers, "subject": subject,
	})
}

func index(list ...descriptor) map[string]any {
	if list == nil {
		list = []descriptor{}
	}
	return map[string]any{"schemaVersion": 2, "mediaType": typeOCIIndex, "manifests": list}
}

// lists puts a list of referrers on the stage.
func (s *stage) lists(list ...descriptor) {
	body, err := json.Marshal(index(list...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.body(at("referrers", s.image.Digest), typeOCIIndex, body)
}

// fallsBack puts a fallback tag on the stage.
func (s *stage) fallsBack(list ...descriptor) {
	s.manifest(fallbackTag(s.image.Digest), typeOCIIndex, index(list...))
}

// anonymous is a keychain without keys: tests must not read the developer's.
type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// noWaiting is a clock whose sleeps take no time.
func noWaiting() budget.Clock {
	return budget.Clock{Sleep: func(context.Context, time.Duration) error { return nil }}
}

// play starts the stage on loopback and returns a Registry that talks to it.
func (s *stage) play(options Options) (*Registry, verify.Reference) {
	s.t.Helper()
	server := httptest.NewServer(s)
	s.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	if options.Keychain == nil {
		options.Keychain = anonymous{}
	}
	if options.Budget == nil {
		options.Budget = budget.New(budget.Default(), noWaiting())
	}
	return New(options), reference(s.t, server.Listener.Addr().String()+"/o/n:v1")
}

func reference(t *testing.T, s string) verify.Reference {
	t.Helper()
	ref, err := verify.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// run resolves and collects everything.
func (s *stage) run(options Options) verify.Evidence {
	s.t.Helper()
	r, ref := s.play(options)
	image, err := r.Resolve(s.t.Context(), ref)
	if err != nil {
		s.t.Fatal(err)
	}
	if image.Digest != s.image.Digest || image.MediaType != typeOCIManifest {
		s.t.Fatalf("resolved %s %s, want %s", image.Digest, image.MediaType, s.image.Digest)
	}
	evidence := r.Collect(s.t.Context(), image, everything)
	s.noneTwice()
	return evidence
}

// asked returns what was asked so far.
func (s *stage) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func (s *stage) noneTwice() {
	s.t.Helper()
	asked := s.asked()
	slices.Sort(asked)
	for i := 1; i < len(asked); i++ {
		if asked[i] == asked[i-1] {
			s.t.Errorf("%s was asked for twice", asked[i])
		}
	}
}

// summary says what was found, without the host: "layout body place".
func summary(e verify.Evidence) []string {
	var lines []string
	for _, p := range e.Pieces {
		lines = append(lines, fmt.Sprintf("%s %s", p.Layout, p.Bytes))
	}
	return lines
}

// troubles lists failures as "code class".
func troubles(e verify.Evidence) []string {
	var lines []string
	for _, f := range e.Failures {
		lines = append(lines, fmt.Sprintf("%s %s", f.Code, f.Class))
	}
	return lines
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// hosts is a network without sockets: a handler per "scheme://host". It remembers
// each request with the Authorization header that it carried.
type hosts struct {
	mu    sync.Mutex
	serve map[string]http.HandlerFunc
	log   []string
}

func (h *hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	at := req.URL.Scheme + "://" + req.URL.Host
	h.mu.Lock()
	h.log = append(h.log, strings.TrimSpace(at+req.URL.Path+" "+req.Header.Get("Authorization")))
	serve, ok := h.serve[at]
	h.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no such host as %s here", at)
	}
	w := httptest.NewRecorder()
	serve(w, req)
	resp := w.Result()
	resp.Request = req
	resp.Body = io.NopCloser(w.Body)
	return resp, nil
}
