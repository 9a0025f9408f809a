// Package registry fetches images and their evidence for verification, from an OCI
// registry ([New]) or from an OCI layout on disk ([OpenLayout]). Both are a
// verify.Source.
//
// It hashes what it reads and compares it with what was asked for, but believes
// nothing: descriptors are hints, manifests decide, and whether evidence is worth
// anything is for package verify to say. What could not be fetched is a
// verify.Failure, never absence.
//
// Of go-containerregistry it uses the handshake (ping and token) alone. All requests
// go through one budget.Budget and one guard, which refuses plain HTTP, downgrades,
// redirect loops and compressed answers.
package registry

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// ManifestBytes is the size of one manifest, index or list of referrers at most:
// what the distribution specification asks registries to accept.
const ManifestBytes = 4 << 20

// Options says how to talk to registries. The zero value is usable.
type Options struct {
	// Keychain gives credentials. Nil is docker's config file and its helpers.
	Keychain authn.Keychain
	// Transport makes the connections. Nil is NewTransport().
	Transport http.RoundTripper
	// PlainHTTP allows plain HTTP to every host. Loopback hosts need no permission.
	PlainHTTP bool
	// Hosts is what is particular to single registries, by host with the port if it
	// is not 443: "index.docker.io".
	Hosts map[string]Host
	// Budget bounds and counts the requests. Nil is one with budget.Default().
	Budget *budget.Budget
	// UserAgent is sent in front of go-containerregistry's own.
	UserAgent string
	// Limits bounds the evidence. Zero fields are those of verify.DefaultLimits().
	Limits verify.Limits
}

// Registry is a verify.Source over HTTP. It serves one verification: it asks each
// registry for one token, and for no URL twice. It is safe for concurrent use.
type Registry struct {
	options Options

	mu       sync.Mutex
	sessions map[string]*session
	notes    notes
}

var _ verify.Source = (*Registry)(nil)

// New returns a Registry for one verification.
func New(options Options) *Registry {
	if options.Keychain == nil {
		options.Keychain = authn.DefaultKeychain
	}
	if options.Transport == nil {
		options.Transport = NewTransport()
	}
	if options.Budget == nil {
		options.Budget = budget.New(budget.Default(), budget.Clock{})
	}
	options.Limits = bounded(options.Limits)
	return &Registry{options: options, sessions: map[string]*session{}}
}

// bounded fills in the limits that this package uses.
func bounded(limits verify.Limits) verify.Limits {
	defaults := verify.DefaultLimits()
	limits.Pieces = cmp.Or(limits.Pieces, defaults.Pieces)
	limits.PieceBytes = cmp.Or(limits.PieceBytes, defaults.PieceBytes)
	return limits
}

// Resolve implements verify.Source: one GET, by digest if ref has one and by tag
// otherwise. The bytes are hashed here; no header is believed.
func (r *Registry) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	wanted := cmp.Or(ref.Digest(), ref.Tag())
	place := ref.Name() + ":" + ref.Tag()
	if ref.Digest() != "" {
		place = ref.Name() + "@" + ref.Digest()
	}
	s, bad := r.session(ctx, ref.Repository())
	if bad != nil {
		return verify.Image{}, bad.at(place, allLayouts)
	}
	got, bad := s.manifest(ctx, nil, wanted, imageTypes)
	if bad != nil {
		return verify.Image{}, bad.at(place, allLayouts)
	}
	mediaType, bad := imageType(got.body, got.mediaType)
	if bad != nil {
		return verify.Image{}, bad.at(place, allLayouts)
	}
	return verify.Image{Reference: ref, Digest: digestOf(got.body), MediaType: mediaType, Manifest: got.body}, nil
}

// session returns the authenticated connection to one repository, made on first use.
// Where there are mirrors, it is made when they lack something.
func (r *Registry) session(ctx context.Context, repo name.Repository) (*session, *trouble) {
	r.mu.Lock()
	s, ok := r.sessions[repo.Name()]
	if !ok {
		s = r.newSession(repo)
		r.sessions[repo.Name()] = s
	}
	r.mu.Unlock()
	if len(s.mirrors) > 0 {
		return s, nil
	}
	return s, s.ready(ctx)
}

// fallbackTag returns the tag under which a registry without the referrers API
// lists what refers to digest; cosign's legacy tags add a suffix to it.
func fallbackTag(digest string) string { return strings.Replace(digest, ":", "-", 1) }
