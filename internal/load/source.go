package load

import (
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/github"
	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/verify"
)

// SourceOptions are what is particular to one verification.
type SourceOptions struct {
	// Budget bounds and counts what everything asks for. Nil is one with budget.Default().
	Budget *budget.Budget
	// Tenant has the credentials of whoever asks, nil for nobody's. It is asked first, and
	// what it has for a registry is what that registry gets: a refusal does not fall back
	// on the server's own. Its error is one of that registry.
	Tenant authn.Keychain
	// Release says where TUF repositories are read and kept: Dir, StateFile, Mirror,
	// Floors and Shared.
	Release release.Options
}

// Source is where one verification gets image and evidence from. It is a verify.Source
// and a verify.Releases.
type Source struct {
	places.Source
	// Repositories are the TUF repositories.
	Repositories *release.Repositories
	// Budget is what all places spend.
	Budget *budget.Budget

	used *used
}

var (
	_ verify.Source   = (*Source)(nil)
	_ verify.Releases = (*Source)(nil)
)

// Source returns a source for one verification.
func (a *Access) Source(o SourceOptions) *Source {
	if o.Budget == nil {
		o.Budget = budget.New(budget.Default(), budget.Clock{})
	}
	options := a.Registry(o.Budget)
	s := &Source{Budget: o.Budget, used: &used{}}
	options.Keychain = &keychain{tenant: o.Tenant, own: a.logins, used: s.used}
	s.Image = registry.New(options)
	s.GitHub = &attestations{used: s.used, token: a.token != "", from: github.New(github.Options{
		Token: a.token, TokenHost: a.tokenHost, Transport: a.transport, Budget: o.Budget, UserAgent: a.agent, BaseURL: a.options.GitHubAPI,
	})}
	s.Repositories = release.New(release.Options{
		Dir: o.Release.Dir, StateFile: o.Release.StateFile, Mirror: o.Release.Mirror, Floors: o.Release.Floors, Shared: o.Release.Shared,
		Transport: a.transport, Budget: o.Budget, UserAgent: a.agent,
	})
	s.Releases = s.Repositories
	return s
}

// Spent is what has been asked so far.
func (s *Source) Spent() (requests int, bytes int64) { return s.Budget.Requests(), s.Budget.Bytes() }

// Principals says as whom each repository was asked: an image's by its name
// ("ghcr.io/owner/name"), one at GitHub, for its attestations, by its URL. Those that
// were not asked yet are not there. TUF repositories get nobody's credentials.
//
// What was read as a principal may be told to that principal alone. So a verdict with
// Tenant in it is kept under, and told to, that tenant (tenant.Keychain has what tells
// them apart), and one with Server in it says more than a tenant may know, whatever else
// is in it: ask [Source.Used] for each of them.
func (s *Source) Principals() map[string]Principal { return s.used.all() }

// Used reports whether any repository was asked as a principal.
func (s *Source) Used(p Principal) bool {
	for _, used := range s.used.all() {
		if used == p {
			return true
		}
	}
	return false
}
