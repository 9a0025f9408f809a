package release

import (
	"context"
	"encoding/json"
	"errors"

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
	if named != nil && named.digest == image.Digest && !g.moving() {
		return nil
	}
	hints, rest, whole, err := g.candidates(ctx, image.Digest)
	if err != nil {
		return err
	}
	return g.search(ctx, image.Digest, hints, rest, whole)
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

// fetch reads one manifest. It is safe for concurrent use, and survives a transport
// that panics: the goroutine's panic would end the process.
func (g *gathering) fetch(ctx context.Context, target metadata.Target) (m *manifest) {
	m = &manifest{path: target.Path}
	defer func() {
		if p := recover(); p != nil {
			m = &manifest{path: target.Path, err: &panicked{p}}
		}
	}()
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

// digestIn reads what a manifest's member for the digest seems to say; "" is no digest.
// It is remembered, so nothing else may pass for one.
func digestIn(b []byte, field string) string {
	var members map[string]json.RawMessage
	var digest string
	if json.Unmarshal(b, &members) != nil || json.Unmarshal(members[field], &digest) != nil {
		return ""
	}
	if !verify.IsDigest(digest) {
		return ""
	}
	return digest
}
