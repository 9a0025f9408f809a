package release

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// manifest is the file behind one target. digest is the image that it seems to name:
// a hint for what to fetch next, which verify reads again for itself.
type manifest struct {
	path   string
	bytes  []byte
	digest string
	err    error
}

// candidate is a listed target and the version in its path.
type candidate struct{ path, version string }

// manifests gathers what judging needs: the manifest of the version that is named, and
// where that does not settle it, those of the other listed versions, the newest first.
func (g *gathering) manifests(ctx context.Context) error {
	named, err := g.named(ctx)
	if err != nil {
		return err
	}
	image, ok := g.resolved()
	if !ok {
		return nil
	}
	moving := g.moving()
	if named != nil && named.digest == image.Digest && !moving {
		return nil
	}
	candidates, err := g.candidates(ctx)
	if err != nil {
		return err
	}
	return g.search(ctx, candidates, image.Digest, moving)
}

// named fetches the manifest of the version that caller or tag name, nil if none is
// named or listed.
func (g *gathering) named(ctx context.Context) (*manifest, error) {
	path, ok := g.want.Demand.Target.Expand(policy.Vars{Version: g.want.Version, Grammar: g.want.Tags.Grammar})
	if !ok {
		return nil, nil
	}
	target, err := g.find(ctx, path)
	if target == nil {
		return nil, err
	}
	m := g.fetch(ctx, *target)
	g.take(m)
	return m, m.err
}

// find looks a target up; nil is one that is not listed.
func (g *gathering) find(ctx context.Context, path string) (*metadata.Target, error) {
	target, err := g.client.Find(ctx, path)
	var refused *metadata.Error
	if errors.As(err, &refused) && refused.Kind == metadata.NotListed {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g.listed = append(g.listed, path)
	return &target, nil
}

// moving reports whether this run resolved a tag that does not name one version, so
// that the newest release must be behind it.
func (g *gathering) moving() bool {
	tag := g.want.Reference.Tag()
	if tag == "" || g.want.Reference.Digest() != "" {
		return false
	}
	_, version := g.want.Tags.VersionOf(tag)
	return g.want.Tags.IsMoving(tag) || !version
}

// candidates enumerates the versions that the repository lists: those that a moving
// tag could mean first, then the others, each the newest first.
func (g *gathering) candidates(ctx context.Context) ([]candidate, error) {
	grammar := g.want.Tags.Grammar
	paths, err := g.client.List(ctx, func(path string) bool {
		_, ok := g.want.Demand.Target.Version(path, grammar)
		return ok
	}, verify.ReleaseReach(g.want.Demand))
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, path := range paths {
		version, _ := g.want.Demand.Target.Version(path, grammar)
		all = append(all, candidate{path, version})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if x, y := g.meant(a.version), g.meant(b.version); x != y {
			if x {
				return -1
			}
			return 1
		}
		return newestFirst(a.version, b.version)
	})
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.path == b.path }), nil
}

// meant reports whether a moving tag of the reference may point to a version.
func (g *gathering) meant(version string) bool {
	tag, tags := g.want.Reference.Tag(), g.want.Tags
	if !g.moving() || (!g.want.Demand.Moving.Prereleases && policy.IsPrerelease(version)) {
		return false
	}
	return !tags.IsMoving(tag) || tags.Moves(tag, version)
}

// newestFirst orders by SemVer precedence, and by the letters where that says nothing.
func newestFirst(a, b string) int {
	if order, _ := policy.CompareVersions(b, a); order != 0 {
		return order
	}
	return strings.Compare(b, a)
}

// search fetches manifests until one names the image. The outcome does not depend on
// which answer comes first: what comes after the one that was sought is left out.
func (g *gathering) search(ctx context.Context, candidates []candidate, digest string, moving bool) error {
	found, whole := false, len(candidates) <= maxManifests
	candidates = candidates[:min(len(candidates), maxManifests)]
	for len(candidates) > 0 && !found {
		batch := candidates[:min(len(candidates), lane)]
		candidates = candidates[len(batch):]
		read, err := g.batch(ctx, batch)
		if err != nil {
			return err
		}
		for i, m := range read {
			if m.err != nil {
				whole = false
				g.fail(m.err)
				continue
			}
			g.take(m)
			if m.digest == digest {
				found, whole = true, whole && i == len(read)-1 && len(candidates) == 0
				break
			}
		}
	}
	g.evidence.Complete = whole
	return nil
}

// batch looks targets up one after the other and fetches their manifests side by side.
func (g *gathering) batch(ctx context.Context, candidates []candidate) ([]*manifest, error) {
	var targets []metadata.Target
	for _, c := range candidates {
		target, err := g.find(ctx, c.path)
		if err != nil {
			return nil, err
		}
		if target != nil {
			targets = append(targets, *target)
		}
	}
	read := make([]*manifest, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { read[i] = g.fetch(ctx, target) })
	}
	all.Wait()
	return read, nil
}

// fetch reads one manifest. It is safe for concurrent use.
func (g *gathering) fetch(ctx context.Context, target metadata.Target) *manifest {
	m := &manifest{path: target.Path}
	b, err := g.client.Fetch(ctx, target)
	var refused *metadata.Error
	switch {
	case errors.As(err, &refused):
		m.err = &wrongFile{refused}
	case err != nil:
		m.err = err
	default:
		m.bytes, m.digest = b, digestIn(b, g.want.Demand.Fields.Digest)
	}
	return m
}

// take adds a manifest to the evidence, once.
func (g *gathering) take(m *manifest) {
	if m.err != nil || g.read[m.path] != nil {
		return
	}
	g.read[m.path] = m
	g.evidence.Manifests = append(g.evidence.Manifests, verify.Manifest{Path: m.path, Bytes: m.bytes})
}

// digestIn reads what a manifest's member for the digest seems to say.
func digestIn(b []byte, field string) string {
	var members map[string]json.RawMessage
	var digest string
	if json.Unmarshal(b, &members) != nil || json.Unmarshal(members[field], &digest) != nil {
		return ""
	}
	return digest
}
