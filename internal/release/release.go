// Package release gathers what a project's own TUF repository says of an image, for
// package verify to judge: metadata, and the release manifests that judging needs.
//
// It keeps a copy and a floor of each repository in a folder of its own, through
// package tufclient, and all its requests go through one budget.Budget. It believes
// nothing for good: the bytes go on as they came, and verify verifies them again.
// What could not be fetched is a verify.Failure, never absence.
//
// Start with [New].
package release

import (
	"context"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

const (
	// manifestBytes is the size of one release manifest at most; real ones have 2 kB.
	manifestBytes = 1 << 20
	// maxManifests is how many manifests are read to find the one that names a digest.
	maxManifests = 256
	// maxLookups is how many listed targets are looked up for that: not all that are
	// listed somewhere are listed by a role that may.
	maxLookups = 4096
	// maxCandidates is how many listed targets are put in order. Of more, only those that
	// an earlier run knew are looked up.
	maxCandidates = 16384
	// maxHints is how many of those that an earlier run knew come first.
	maxHints = 64
	// lane is how many manifests are fetched side by side.
	lane = 8
)

// Options says where repositories are read and kept. The zero value reads them at
// the policy's URLs and keeps nothing.
type Options struct {
	// Dir keeps what was seen of repositories, in one folder for each; "" keeps nothing.
	Dir string
	// StateFile keeps the floor in place of a file in that folder, so that it can be
	// carried where the folder is not.
	StateFile string
	// Mirror is read in place of the policy's URLs: an https URL or a folder, with the
	// metadata in metadata/ and the manifests in targets/.
	Mirror string
	// Offline opens no connection. A mirror that is a folder is read all the same.
	Offline bool
	// Transport makes the connections. Nil is registry.NewTransport().
	Transport http.RoundTripper
	// Budget bounds and counts the requests. Nil is one with budget.Default().
	Budget *budget.Budget
	// UserAgent is sent with each request.
	UserAgent string
	// Shared is what verifications share that follow each other closely, nil for nothing.
	Shared *Shared
	// Floors are shared with other machines, nil for none. A floor that cannot be read
	// there, or not be raised, leaves the release undecided.
	Floors Floors
}

// Repositories is a verify.Releases for one verification.
type Repositories struct {
	options Options
	fetcher tufclient.Fetcher
	// unkept is why what was seen could not be kept.
	unkept error
}

var _ verify.Releases = (*Repositories)(nil)

// New returns Repositories for one verification.
func New(o Options) *Repositories {
	if len(o.Mirror) > 1 {
		o.Mirror = strings.TrimSuffix(o.Mirror, "/")
	}
	r := &Repositories{}
	switch {
	case o.Mirror != "" && !IsURL(o.Mirror):
		r.fetcher = tufclient.Directory{}
	case o.Offline:
		r.fetcher = closed{}
	default:
		if o.Transport == nil {
			o.Transport = registry.NewTransport()
		}
		if o.Budget == nil {
			o.Budget = budget.New(budget.Default(), budget.Clock{})
		}
		r.fetcher = &tufclient.HTTP{Transport: o.Budget.Transport(o.Transport), UserAgent: o.UserAgent}
	}
	r.options = o
	return r
}

// Unkept is why what was seen in this run could not be kept for the next one, nil if
// it was. It is known once Release has returned.
func (r *Repositories) Unkept() error { return r.unkept }

// IsURL tells a mirror that is asked over the network from a folder.
func IsURL(mirror string) bool {
	return strings.HasPrefix(mirror, "https://") || strings.HasPrefix(mirror, "http://")
}

// Repository is one that a policy names, and what is needed to verify it.
type Repository struct {
	TUF policy.TUF
	// Root are the bytes of the pinned root.
	Root     []byte
	Sigstore metadata.Sigstore
	// At judges expiry; with DeferExpiryUnsafe that is the caller's to do.
	At                time.Time
	DeferExpiryUnsafe bool
	// Stateless reads and writes no state.
	Stateless bool
}

// Open makes a client for a repository. Its error is a *tufclient.StateError where
// state was kept and cannot be read, or a *metadata.Error where the pinned root is none.
func (r *Repositories) Open(repo Repository) (*tufclient.Client, error) {
	o := tufclient.Options{
		MetadataURL: repo.TUF.MetadataURL, TargetsURL: repo.TUF.TargetsURL, Repository: repo.TUF.MetadataURL,
		Root: repo.Root, Fetcher: r.fetcher,
		Time: repo.At, DeferExpiryUnsafe: repo.DeferExpiryUnsafe, Sigstore: repo.Sigstore, Min: repo.TUF.Min,
		TargetBytes: manifestBytes, Unconditional: repo.TUF.Refresh == policy.RefreshRequired,
	}
	if m := r.options.Mirror; m != "" {
		o.MetadataURL, o.TargetsURL = m+"/metadata", m+"/targets"
	}
	if c, ok := r.fetcher.(tufclient.Conditional); ok && r.options.Shared != nil && !repo.Stateless && !o.Unconditional {
		o.Fetcher = sharing{r.options.Shared, c}
	}
	if !repo.Stateless {
		o.Dir, o.StateFile = r.Folder(repo), r.options.StateFile
	}
	return tufclient.New(o)
}

// Folder is where a repository is kept, "" for nowhere. A repository is known by its
// pinned root and the policy's URL, wherever it is read from.
func (r *Repositories) Folder(repo Repository) string {
	if r.options.Dir == "" {
		return ""
	}
	key := Identity(repo.Root, repo.TUF.MetadataURL)
	return filepath.Join(r.options.Dir, hex.EncodeToString(key[:]))
}

// Known reports whether an earlier run has seen the repository of a client.
func Known(client *tufclient.Client) bool { return known(client.State()) }

// Forget removes what is kept of a repository, so that the next run is a first one.
func (r *Repositories) Forget(repo Repository) error {
	return tufclient.Forget(r.Folder(repo), r.options.StateFile)
}

// closed is the Fetcher of a run that opens no connection.
type closed struct{}

// Fetch implements tufclient.Fetcher.
func (closed) Fetch(_ context.Context, url string, _ int64) ([]byte, error) {
	return nil, &tufclient.FetchError{Kind: tufclient.Unreachable, URL: url, Err: errOffline}
}
