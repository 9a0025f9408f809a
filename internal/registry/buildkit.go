package registry

import (
	"context"

	"github.com/releaseassay/assay/verify"
)

// The annotations by which BuildKit marks the attestation manifests in an index:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/.
const (
	annotationReferenceType   = "vnd.docker.reference.type"
	annotationReferenceDigest = "vnd.docker.reference.digest"
	attestationManifest       = "attestation-manifest"
)

// attestationManifests lists the entries of an index that say they are BuildKit's
// attestation manifests.
func attestationManifests(index []byte) []descriptor {
	listed, bad := parseIndex(index)
	if bad != nil {
		return nil // a single image has none
	}
	var found []descriptor
	for _, d := range listed {
		if d.Annotations[annotationReferenceType] == attestationManifest && verify.IsDigest(d.Annotations[annotationReferenceDigest]) {
			found = append(found, d)
		}
	}
	return found
}

// buildKit reads the statements that BuildKit keeps inside the image's own index.
func (c *collector) buildKit(ctx context.Context) {
	layouts := []verify.Layout{verify.BuildKit}
	for i, d := range attestationManifests(c.image.Manifest) {
		place := c.name + "@" + d.Digest
		bad := d.sound(ManifestBytes)
		if bad == nil && i >= c.limits.Pieces {
			bad = definitive(verify.LimitExceeded, "the index has more than %d attestation manifests", c.limits.Pieces)
		}
		if bad != nil {
			c.fail(bad, place, layouts)
			continue
		}
		c.look(place)
		c.spawn(func() { c.attestationManifest(ctx, d, place) })
	}
}

func (c *collector) attestationManifest(ctx context.Context, d descriptor, place string) {
	layouts := []verify.Layout{verify.BuildKit}
	got, bad := c.session.manifest(ctx, c.bundles, d.Digest, []string{typeOCIManifest, typeDockerManifest})
	if bad == nil {
		bad = d.check(got.body)
	}
	var m manifest
	if bad == nil {
		m, bad = parseManifest(got.body)
	}
	if bad != nil {
		c.fail(bad, place, layouts)
		return
	}
	c.layers(ctx, c.bundles, m, fromBuildKit, place, got.body)
}
