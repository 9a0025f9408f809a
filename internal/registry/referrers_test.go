package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// TestDescriptorsAreHints shows which manifests of a list are evidence, whatever the
// list says of them.
func TestDescriptorsAreHints(t *testing.T) {
	stranger := descriptor{MediaType: typeOCIManifest, Digest: digestOf([]byte("another image")), Size: 13}
	for name, test := range map[string]struct {
		set      func(s *stage) descriptor
		pieces   []string
		failures []string
	}{
		"a bundle under the wrong type": {func(s *stage) descriptor {
			d := s.bundle("b")
			d.ArtifactType = "application/vnd.example.scan"
			return d
		}, []string{"bundle b"}, nil},
		"not a bundle under a bundle's type": {func(s *stage) descriptor {
			d := s.referrer(s.image, "application/vnd.example.scan", s.layer("text/plain", "x"))
			d.ArtifactType = typeBundle3
			return d
		}, nil, nil},
		"bundle v0.1": {func(s *stage) descriptor {
			return s.referrer(s.image, "", s.layer("application/vnd.dev.sigstore.bundle+json;version=0.1", "b"))
		}, []string{"bundle b"}, nil},
		"a bundle by the manifest's type alone": {func(s *stage) descriptor {
			return s.referrer(s.image, typeBundle3, s.layer("application/octet-stream", "b"))
		}, []string{"bundle b"}, nil},
		"a signature as referrer": {func(s *stage) descriptor {
			return s.referrer(s.image, typeCosignSig, s.layer(typeSimpleSigning, "s"))
		}, []string{"legacy-signature s"}, nil},
		"attestations as referrer": {func(s *stage) descriptor {
			return s.referrer(s.image, typeInToto, s.layer(typeEnvelope, "a"))
		}, []string{"legacy-attestation a"}, nil},
		"another image's bundle": {func(s *stage) descriptor {
			return s.referrer(stranger, typeBundle3, s.layer(typeBundle3, "b"))
		}, nil, nil},
		"no subject": {func(s *stage) descriptor {
			return s.manifest("", typeOCIManifest, map[string]any{
				"schemaVersion": 2, "artifactType": typeBundle3, "layers": []any{s.layer(typeBundle3, "b")},
			})
		}, nil, nil},
		"the image itself": {func(s *stage) descriptor { return s.image }, nil, nil},
		"another index": {func(s *stage) descriptor {
			return s.manifest("", typeOCIIndex, index(s.bundle("b")))
		}, nil, nil},
		"gone": {func(*stage) descriptor { return stranger }, nil, []string{"registry.not_found definitive"}},
		"a path for a digest": {func(s *stage) descriptor {
			return descriptor{MediaType: typeOCIManifest, Digest: "sha256:../../../../secret", Size: 2}
		}, nil, []string{"registry.malformed definitive"}},
		"sha512": {func(s *stage) descriptor {
			return descriptor{MediaType: typeOCIManifest, Digest: "sha512:" + strings.Repeat("a", 128), Size: 2}
		}, nil, []string{"registry.malformed definitive"}},
		"a lie about the size hides nothing": {func(s *stage) descriptor {
			d := s.bundle("b")
			d.Size++
			return d
		}, []string{"bundle b"}, []string{"registry.size_mismatch definitive"}},
		"too large": {func(s *stage) descriptor {
			return descriptor{MediaType: typeOCIManifest, Digest: stranger.Digest, Size: ManifestBytes + 1}
		}, nil, []string{"limit.exceeded definitive"}},
		"other bytes": {func(s *stage) descriptor {
			d := s.bundle("b")
			s.body(at("manifests", d.Digest), typeOCIManifest, []byte(`{"schemaVersion":2}`))
			return d
		}, nil, []string{"registry.digest_mismatch definitive"}},
		"the layer is gone": {func(s *stage) descriptor {
			d := s.bundle("b")
			s.serve(at("blobs", digestOf([]byte("b"))), http.NotFound)
			return d
		}, nil, []string{"registry.not_found definitive"}},
		"the layer lies about its size": {func(s *stage) descriptor {
			layer := s.layer(typeBundle3, "bundle")
			layer.Size--
			return s.referrer(s.image, typeBundle3, layer)
		}, nil, []string{"registry.size_mismatch definitive"}},
	} {
		for _, where := range []string{"referrers", "fallback"} {
			t.Run(name+" in "+where, func(t *testing.T) {
				s := newStage(t)
				d := test.set(s)
				if where == "referrers" {
					s.lists(d)
				} else {
					s.fallsBack(d)
				}
				evidence := s.run(Options{})
				same(t, "pieces", summary(evidence), test.pieces)
				same(t, "failures", troubles(evidence), test.failures)
			})
		}
	}
}

// TestPoisonedListHidesNothing puts a lie about the good bundle's blob into the
// fallback tag: the good one is found all the same.
func TestPoisonedListHidesNothing(t *testing.T) {
	s := newStage(t)
	good := s.bundle("bundle")
	lie := s.layer(typeBundle3, "bundle")
	lie.Size = 1
	s.lists(good)
	liar := good
	liar.Size = 1
	s.fallsBack(s.referrer(s.image, typeBundle3, lie), liar)
	// The lie about the blob comes first.
	lied := make(chan struct{})
	once := sync.OnceFunc(func() { close(lied) })
	blob, manifest := at("blobs", lie.Digest), at("manifests", good.Digest)
	serveBlob, serveManifest := s.serves[blob], s.serves[manifest]
	s.serve(blob, func(w http.ResponseWriter, r *http.Request) {
		once()
		serveBlob(w, r)
	})
	s.serve(manifest, func(w http.ResponseWriter, r *http.Request) {
		<-lied
		serveManifest(w, r)
	})
	r, ref := s.play(Options{})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	evidence := r.Collect(t.Context(), image, everything)
	same(t, "pieces", summary(evidence), []string{"bundle bundle"})
	same(t, "failures", troubles(evidence), []string{"registry.size_mismatch definitive", "registry.size_mismatch definitive"})
}

// TestTooManyReferrers shows the documented result: the likely ones are read first,
// and the rest is a failure.
func TestTooManyReferrers(t *testing.T) {
	s := newStage(t)
	var list []descriptor
	for i := range 200 {
		list = append(list, descriptor{
			MediaType: typeOCIManifest, ArtifactType: "application/vnd.example.junk",
			Digest: digestOf(fmt.Append(nil, "junk", i)), Size: 4,
		})
	}
	good := s.bundle("good")
	good.ArtifactType = typeBundle3
	s.lists(append(list, good)...)
	evidence := s.run(Options{Limits: verify.Limits{Pieces: 10}})
	same(t, "pieces", summary(evidence), []string{"bundle good"})
	got := troubles(evidence)
	if !slices.Contains(got, "limit.exceeded definitive") || len(got) != 10 {
		t.Errorf("got failures %q, want the limit and nine that are gone", got)
	}
	if n := len(s.asked()); n != 1+1+4+10+1 {
		t.Errorf("got %d requests", n)
	}
}

// TestPages follows the pages of a list, and shows where that ends.
func TestPages(t *testing.T) {
	type reply struct {
		list []string // bundles by their text
		link string
	}
	type pages map[string]reply
	for name, test := range map[string]struct {
		pages    func(path string) pages
		pieces   []string
		failures []string
		asked    int
	}{
		"three pages": {func(p string) pages {
			return pages{
				p:                     {[]string{"a"}, `<` + p + `?last=a%2C1&n=1>; rel="next"`},
				p + "?last=a%2C1&n=1": {[]string{"b"}, `<?last=b>; rel=next`},
				p + "?last=b":         {[]string{"c"}, `<?last=a>; rel="prev"`},
			}
		}, []string{"bundle a", "bundle b", "bundle c"}, nil, 3},
		"loop": {func(p string) pages {
			return pages{
				p:             {[]string{"a"}, `<?last=a>; rel="next"`},
				p + "?last=a": {[]string{"b"}, `<` + p + `>; rel="next"`},
			}
		}, []string{"bundle a", "bundle b"}, []string{"registry.redirect_loop definitive"}, 2},
		"another host": {func(p string) pages {
			return pages{p: {[]string{"a"}, `<https://elsewhere.example` + p + `?last=a>; rel="next"`}}
		}, []string{"bundle a"}, []string{"registry.insecure definitive"}, 1},
		"another path": {func(p string) pages {
			return pages{p: {[]string{"a"}, `</v2/_catalog>; rel="next"`}}
		}, []string{"bundle a"}, []string{"registry.insecure definitive"}, 1},
		"not a link": {func(p string) pages {
			return pages{p: {[]string{"a"}, `?last=a; rel="next"`}}
		}, []string{"bundle a"}, []string{"registry.malformed definitive"}, 1},
		"a page that is gone": {func(p string) pages {
			return pages{p: {[]string{"a"}, `<?last=a>; rel="next"`}}
		}, []string{"bundle a"}, []string{"registry.not_found definitive"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			path := at("referrers", s.image.Digest)
			for uri, reply := range test.pages(path) {
				var list []descriptor
				for _, b := range reply.list {
					list = append(list, s.bundle(b))
				}
				body, err := json.Marshal(index(list...))
				if err != nil {
					t.Fatal(err)
				}
				s.serve(uri, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RequestURI() != uri {
						http.NotFound(w, r)
						return
					}
					w.Header().Set("Link", reply.link)
					_, _ = w.Write(body)
				})
			}
			evidence := s.run(Options{})
			got := summary(evidence)
			slices.Sort(got)
			same(t, "pieces", got, test.pieces)
			same(t, "failures", troubles(evidence), test.failures)
			asked := slices.DeleteFunc(s.asked(), func(uri string) bool { return !strings.HasPrefix(uri, path) })
			if len(asked) != test.asked {
				t.Errorf("asked for %q, want %d pages", asked, test.asked)
			}
		})
	}
}

// TestEndlessPages shows that a list without end is given up, and what was listed is read.
func TestEndlessPages(t *testing.T) {
	s := newStage(t)
	path := at("referrers", s.image.Digest)
	body, err := json.Marshal(index(s.bundle("a")))
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	s.serve(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", fmt.Sprintf(`<%s?last=%d>; rel="next"`, path, n.Add(1)))
		_, _ = w.Write(body)
	})
	evidence := s.run(Options{})
	same(t, "pieces", summary(evidence), []string{"bundle a"})
	same(t, "failures", troubles(evidence), []string{"registry.redirect_loop definitive"})
	if n.Load() != maxPages {
		t.Errorf("%d pages were read, want %d", n.Load(), maxPages)
	}
}

// TestListsThatFail shows that a list which cannot be read is never an empty one, and
// does not keep the other places from being read.
func TestListsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		serve    http.HandlerFunc
		failures []string
	}{
		"no API":          {http.NotFound, nil},
		"no such route":   {status(http.StatusMethodNotAllowed), nil},
		"not acceptable":  {status(http.StatusNotAcceptable), nil},
		"unauthorized":    {status(http.StatusUnauthorized), []string{"registry.unauthorized definitive"}},
		"forbidden":       {status(http.StatusForbidden), []string{"registry.forbidden definitive"}},
		"rate limited":    {status(http.StatusTooManyRequests), []string{"registry.rate_limited transient"}},
		"server error":    {status(http.StatusInternalServerError), []string{"registry.server_error transient"}},
		"a web page":      {text("<html>"), []string{"registry.malformed definitive"}},
		"an error as 200": {text(`{"errors":[]}`), []string{"registry.malformed definitive"}},
		"a manifest":      {text(`{"schemaVersion":2,"layers":[]}`), []string{"registry.malformed definitive"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.serve(at("referrers", s.image.Digest), test.serve)
			s.fallsBack(s.bundle("b"))
			s.legacy(".sig", typeSimpleSigning, "s")
			r, ref := s.play(Options{Budget: budget.New(budget.Default(), noWaiting())})
			image, err := r.Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			evidence := r.Collect(t.Context(), image, everything)
			same(t, "pieces", summary(evidence), []string{"bundle b", "legacy-signature s"})
			same(t, "failures", troubles(evidence), test.failures)
			for _, f := range evidence.Failures {
				if !slices.Contains(f.Layouts, verify.Bundle) || !strings.Contains(f.Place, "referrers of") {
					t.Errorf("got %+v", f)
				}
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func FuzzNextPage(f *testing.F) {
	f.Add(`</v2/o/n/referrers/d?n=1>; rel="next"`)
	f.Add(`<https://evil.example/v2/o/n/referrers/d>; rel="next"`)
	f.Add(`<//evil.example>; rel=next, <?x>; rel="prev"`)
	f.Fuzz(func(t *testing.T, link string) {
		next, bad := nextPage([]string{link}, "/v2/o/n/referrers/d", "registry.example")
		if bad == nil && next != "" && !strings.HasPrefix(next, "/v2/o/n/referrers/d") {
			t.Errorf("%q leads to %q", link, next)
		}
	})
}
