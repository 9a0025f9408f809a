package release

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// search reads manifests until one names the image. The outcome does not depend on
// which answer comes first: what comes after the one that was sought is left out. Hints
// are read before the rest; behind a moving tag the newest of the rest are read
// whatever the hints say.
func (g *gathering) search(ctx context.Context, digest string, hints, rest []candidate, whole bool) error {
	s := &searching{gathering: g, digest: digest, left: hints, whole: whole}
	found, err := s.until(ctx)
	s.left = slices.Concat(rest, s.left)
	switch {
	case err != nil:
	case !found:
		_, err = s.until(ctx)
	case g.moving():
		_, err = s.batch(ctx)
	}
	g.evidence.Complete = err == nil && s.whole && len(s.left) == 0
	return err
}

// searching is one search.
type searching struct {
	*gathering
	digest string
	// left are the candidates that were not looked up yet, the next one first.
	left         []candidate
	looked, read int
	// whole is false once something was passed over.
	whole bool
}

// until reads batches until one names the digest, or nothing is left.
func (s *searching) until(ctx context.Context) (found bool, err error) {
	for len(s.left) > 0 && !found && err == nil {
		found, err = s.batch(ctx)
	}
	return found, err
}

// batch reads the next manifests side by side, and reports whether one names the digest.
func (s *searching) batch(ctx context.Context) (found bool, err error) {
	targets, err := s.targets(ctx)
	if err != nil {
		return false, err
	}
	read := make([]*manifest, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { read[i] = s.fetch(ctx, target) })
	}
	all.Wait()
	s.read += len(read)
	for i, m := range read {
		if m.err != nil {
			s.whole = false
			s.fail(m.err)
			continue
		}
		s.take(m)
		if m.digest == s.digest {
			s.whole = s.whole && i == len(read)-1
			return true, nil
		}
	}
	return false, nil
}

// targets looks candidates up, one after the other, until enough for a batch are
// delivered. Those that are not, which anybody with a role may list, do not count
// against the manifests.
func (s *searching) targets(ctx context.Context) ([]metadata.Target, error) {
	var targets []metadata.Target
	for len(s.left) > 0 && len(targets) < lane {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.looked == maxLookups {
			s.left, s.whole = nil, false
			break
		}
		s.looked++
		target, err := s.find(ctx, s.left[0].path)
		var refused *metadata.Error
		if errors.As(err, &refused) && refused.Kind == metadata.TooLarge {
			s.left, s.whole = s.left[1:], false // one that cannot be looked up hides no other
			continue
		}
		if err != nil {
			return nil, err
		}
		if target != nil && s.read+len(targets) == maxManifests {
			s.left, s.whole = nil, false
			break
		}
		s.left = s.left[1:]
		if target != nil {
			targets = append(targets, *target)
		}
	}
	return targets, nil
}
