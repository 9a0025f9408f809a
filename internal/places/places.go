// Package places joins the places where evidence about an image can lie (a
// registry or a layout, GitHub's attestations, files, a project's TUF repository) into
// one verify.Source. It decides nothing: what one place holds neither hides nor
// replaces what lies in another.
package places

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/releaseassay/assay/verify"
)

// Attestations is a service that keeps attestations by digest, as GitHub does.
type Attestations interface {
	// Collect returns the attestations about a digest that a repository, given as a
	// URL, has published, and what could not be read.
	Collect(ctx context.Context, repository, digest string) verify.Evidence
}

// Source is a verify.Source over several places.
type Source struct {
	// Image resolves the image, and collects what lies beside it.
	Image verify.Source
	// GitHub is asked for the repositories that the policy wants it asked for; nil
	// where that is not possible, and then it is a failure that they are wanted.
	GitHub Attestations
	// Releases is asked for what the project's TUF repository says; nil where that is
	// not possible, and then it is a failure that it is wanted.
	Releases verify.Releases
	// Files are pieces that the user brought.
	Files []verify.Piece
}

var _ verify.Releases = (*Source)(nil)

// Resolve implements verify.Source.
func (s *Source) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	return s.Image.Resolve(ctx, ref)
}

// Collect implements verify.Source. All places are asked at once.
func (s *Source) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	parts := make([]verify.Evidence, 1+len(want.GitHub))
	var all sync.WaitGroup
	all.Go(func() {
		parts[0] = safely(image.Reference.Name(), nil, func() verify.Evidence { return s.Image.Collect(ctx, image, want) })
	})
	for i, repository := range want.GitHub {
		all.Go(func() {
			parts[1+i] = safely(repository, []verify.Layout{verify.Bundle}, func() verify.Evidence { return s.attestations(ctx, repository, image.Digest) })
		})
	}
	all.Wait()
	joined := verify.Evidence{Pieces: slices.Clone(s.Files), Config: parts[0].Config}
	for _, p := range parts {
		joined.Pieces = append(joined.Pieces, p.Pieces...)
		joined.Failures = append(joined.Failures, p.Failures...)
		joined.Places = append(joined.Places, p.Places...)
		// Every part reports what the one budget has spent up to its end.
		joined.Requests, joined.Bytes = max(joined.Requests, p.Requests), max(joined.Bytes, p.Bytes)
	}
	for _, f := range s.Files {
		joined.Places = append(joined.Places, f.Place)
	}
	slices.Sort(joined.Places)
	joined.Places = slices.Compact(joined.Places)
	return joined
}

// safely is what f collects. A panic in it is a fault of ours, and leaves undecided what
// could have lain there: in a goroutine it would end the process. No layouts are all.
func safely(place string, layouts []verify.Layout, f func() verify.Evidence) (e verify.Evidence) {
	defer func() {
		if r := recover(); r != nil {
			if layouts == nil {
				layouts = []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle, verify.BuildKit, verify.Config}
			}
			e = verify.Evidence{Failures: []verify.Failure{{
				Code: verify.InternalPanic, Class: verify.Definitive, Place: place, Layouts: layouts, Detail: fmt.Sprintf("reading it ended in a panic: %v", r),
			}}}
		}
	}()
	return f()
}

func (s *Source) attestations(ctx context.Context, repository, digest string) verify.Evidence {
	if s.GitHub == nil {
		return verify.Evidence{Failures: []verify.Failure{{
			Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: repository,
			Detail: "the policy wants GitHub asked for attestations, and this run opens no connection", Layouts: []verify.Layout{verify.Bundle},
		}}}
	}
	return s.GitHub.Collect(ctx, repository, digest)
}

// Release implements verify.Releases.
func (s *Source) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	if s.Releases == nil {
		return verify.ReleaseEvidence{State: verify.ReleaseState{Kind: verify.StateNone}, Failures: []verify.Failure{{
			Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: want.Demand.TUF.MetadataURL,
			Detail: "the policy wants a release that the project's TUF repository lists, and nothing here can read one",
		}}}
	}
	return s.Releases.Release(ctx, want, resolved)
}
