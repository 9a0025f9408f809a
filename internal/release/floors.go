package release

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"

	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// Floors keep the floors of repositories for several machines together. What they return
// must be authentic: a machine of the same configuration put it there.
type Floors interface {
	// Raise merges a floor into the one that is kept of a repository, by
	// [tufclient.Newest] and in one step, and returns what is kept then. A zero floor only
	// reads; zero is also returned where nothing is kept yet. An error is a floor that is
	// not known, or that may not be kept.
	Raise(ctx context.Context, repository [sha256.Size]byte, floor metadata.Floor) (metadata.Floor, error)
}

// Identity names a repository, by its pinned root and the policy's URL, wherever it is
// read from.
func Identity(root []byte, metadataURL string) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%x %s", sha256.Sum256(root), metadataURL))
}

// unshared is a floor that other machines could not be asked for, or told.
type unshared struct{ cause error }

// Error implements error.
func (u *unshared) Error() string { return u.cause.Error() }

// Unwrap returns the cause.
func (u *unshared) Unwrap() error { return u.cause }

// hold brings in what other machines have seen, and tells them what this one has.
func (g *gathering) hold(ctx context.Context) error {
	if g.options.Floors == nil || g.want.Hypothetical {
		return nil
	}
	shared, err := g.options.Floors.Raise(ctx, g.identity(), g.client.State().Floor)
	if err == nil {
		err = g.client.Hold(shared)
	}
	if err != nil {
		return &unshared{fmt.Errorf("read the floor that the replicas share: %w", err)}
	}
	g.held = shared
	return nil
}

// share tells other machines what this one has seen, before anything rests on it.
func (g *gathering) share(ctx context.Context) {
	if g.options.Floors == nil || g.want.Hypothetical {
		return
	}
	floor := g.client.Floor()
	if reflect.DeepEqual(tufclient.Newest(g.held, floor), tufclient.Newest(g.held, metadata.Floor{})) {
		return
	}
	if _, err := g.options.Floors.Raise(ctx, g.identity(), floor); err != nil {
		g.fail(&unshared{fmt.Errorf("raise the floor that the replicas share: %w", err)})
	}
}

func (g *gathering) identity() [sha256.Size]byte {
	return Identity(g.want.Root, g.want.Demand.TUF.MetadataURL)
}

// unsharedFailure says what an unshared floor means to verify.
func unsharedFailure(place string, u *unshared) verify.Failure {
	return verify.Failure{
		Code: verify.ReleaseStateUnreadable, Class: verify.Transient, Place: place,
		Detail: printable(u.Error()),
	}
}
