package lab

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The annotations by which BuildKit tells its attestation manifests from images:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/.
const (
	BuildKitTypeAnnotation   = "vnd.docker.reference.type"
	BuildKitDigestAnnotation = "vnd.docker.reference.digest"
	BuildKitManifest         = "attestation-manifest"
)

// UnknownPlatform is the platform of what nobody can run.
const UnknownPlatform = "unknown/unknown"

// Listed is one manifest that an index lists.
type Listed struct {
	*Image
	// Platform is "os/architecture" or "os/architecture/variant"; empty leaves it out.
	Platform string
	// OSVersion tells images for Windows apart.
	OSVersion   string
	Annotations map[string]string
	// Size replaces what the index says of the manifest's size.
	Size int64
}

// Platforms are entries over one small image for each platform.
func Platforms(seed string, platforms ...string) ([]Listed, error) {
	entries := make([]Listed, 0, len(platforms))
	for _, p := range platforms {
		img, err := NewImage(seed, p)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Listed{Image: img, Platform: p})
	}
	return entries, nil
}

// NewIndexOf makes an index that lists the entries in their order; an entry that is an index itself is nested.
func NewIndexOf(entries ...Listed) (*Image, error) {
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, e := range entries {
		d := v1.Descriptor{Annotations: e.Annotations, Size: e.Size}
		if e.Platform != "" {
			parts := append(strings.SplitN(e.Platform, "/", 3), "", "")
			d.Platform = &v1.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2], OSVersion: e.OSVersion}
		}
		add := mutate.IndexAddendum{Add: e.image, Descriptor: d}
		if e.index != nil {
			add.Add = e.index
		}
		idx = mutate.AppendManifests(idx, add)
	}
	return IndexOf(idx)
}

// AttestationManifest makes what BuildKit keeps beside an image: a manifest whose layers are in-toto statements.
func AttestationManifest(statements ...[]byte) (*Image, error) {
	layers := make([]v1.Layer, 0, len(statements))
	for _, s := range statements {
		layers = append(layers, static.NewLayer(s, InTotoMediaType))
	}
	return unknownImage(layers...)
}

// Disguised makes a manifest with a layer that can be run after its statement, as an attacker would hide one behind
// the mark of an attestation manifest.
func Disguised(seed string) (*Image, error) {
	layer, err := fileLayer("widget.txt", seed+" in disguise\n")
	if err != nil {
		return nil, err
	}
	return unknownImage(static.NewLayer([]byte("{}"), InTotoMediaType), layer)
}

// unknownImage makes a manifest for no platform over any layers.
func unknownImage(layers ...v1.Layer) (*Image, error) {
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		return nil, fmt.Errorf("append layers: %w", err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "unknown", "unknown"
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return nil, fmt.Errorf("set config: %w", err)
	}
	return ImageOf(mutate.ConfigMediaType(img, types.OCIConfigJSON))
}

// Attesting is the entry of an attestation manifest about a sibling, by its digest.
func Attesting(manifest *Image, sibling string) Listed {
	return Listed{Image: manifest, Platform: UnknownPlatform, Annotations: map[string]string{
		BuildKitTypeAnnotation: BuildKitManifest, BuildKitDigestAnnotation: sibling,
	}}
}

// Raw returns the bytes of the manifest or index.
func (i *Image) Raw() ([]byte, error) {
	if i.index != nil {
		raw, err := i.index.RawManifest()
		if err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
		return raw, nil
	}
	raw, err := i.image.RawManifest()
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return raw, nil
}

// EvidenceOn makes a bundle's referrer, or several, for [Publication].Below: signatures over a digest by an identity.
func (r *Release) EvidenceOn(s *Sigstore, digest string, id Identity) (Evidence, error) {
	signer, err := s.Issue(id, r.at)
	if err != nil {
		return Evidence{}, fmt.Errorf("sign %s: %w", digest, err)
	}
	statement, err := SignStatement(r.Repository, digest)
	if err != nil {
		return Evidence{}, fmt.Errorf("sign %s: %w", digest, err)
	}
	bundle, err := signer.Bundle(statement, r.at.Add(loggingDelay), Timestamp())
	if err != nil {
		return Evidence{}, fmt.Errorf("sign %s: %w", digest, err)
	}
	return Evidence{Referrers: []Referrer{BundleReferrer(bundle)}}, nil
}
