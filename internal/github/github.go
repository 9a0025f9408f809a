// Package github fetches attestations from GitHub's attestations API, where
// actions/attest-build-provenance and its siblings store what they sign
// (https://docs.github.com/rest/repos/attestations).
//
// It believes nothing that it reads: what comes back is a verify.Evidence, and
// whether a bundle is worth anything is for package verify to say. What could not be
// fetched is a verify.Failure, never absence; a 404 counts as "none" only where
// GitHub shows the repository itself.
//
// All requests go through one budget.Budget and one door, which sends the token to the
// API's own origin alone and refuses plain HTTP, downgrades and redirect loops. Start
// with [New].
package github

import (
	"cmp"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

// Options says how to talk to GitHub. The zero value asks the public API without a token.
type Options struct {
	// Token is sent as a bearer token to the API of TokenHost and nowhere else. Empty
	// asks without: public repositories answer, 60 requests an hour and address.
	Token string
	// TokenHost is the web host that issued Token: "github.com" by default,
	// "SUB.ghe.com", or a GitHub Enterprise Server.
	TokenHost string
	// Transport makes the connections. Nil is registry.NewTransport().
	Transport http.RoundTripper
	// Budget bounds and counts the requests. Nil is one with budget.Default().
	Budget *budget.Budget
	// BaseURL is asked in place of the API of every repository's host, with the token:
	// a stand-in's address.
	BaseURL string
	// UserAgent is sent with each request; GitHub refuses those without. Default: "assay".
	UserAgent string
	// Limits bounds the evidence. Zero fields are those of verify.DefaultLimits().
	Limits verify.Limits
}

// Attestations reads attestations for one verification: it asks for no URL twice. It
// is safe for concurrent use.
type Attestations struct {
	options Options
	client  *http.Client
	// unpacked counts the bytes of decompressed bundles.
	unpacked atomic.Int64

	mu    sync.Mutex
	asked map[string]*asked
}

// New returns an Attestations for one verification.
func New(options Options) *Attestations {
	if options.Transport == nil {
		options.Transport = registry.NewTransport()
	}
	if options.Budget == nil {
		options.Budget = budget.New(budget.Default(), budget.Clock{})
	}
	defaults := verify.DefaultLimits()
	options.Limits.Pieces = cmp.Or(options.Limits.Pieces, defaults.Pieces)
	options.Limits.PieceBytes = cmp.Or(options.Limits.PieceBytes, defaults.PieceBytes)
	options.TokenHost = cmp.Or(options.TokenHost, publicHost)
	options.UserAgent = cmp.Or(options.UserAgent, "assay")
	// The budget waits out a Retry-After by itself; rateLimits beneath it puts GitHub's
	// other ways of saying so into that header.
	within := options.Budget.Transport(&rateLimits{next: options.Transport})
	return &Attestations{
		options: options,
		client:  &http.Client{Transport: &door{next: within, userAgent: options.UserAgent}},
		asked:   map[string]*asked{},
	}
}
