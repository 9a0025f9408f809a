package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const emptyConfigMediaType = "application/vnd.oci.empty.v1+json"

// Referrer is an artifact whose manifest names the image as its subject.
type Referrer struct {
	ArtifactType string
	MediaType    string // of the only layer
	Bytes        []byte
	Annotations  map[string]string
}

// BundleReferrer wraps a bundle as cosign does, with its content and predicate type in the annotations.
func BundleReferrer(bundle []byte) Referrer {
	var b struct {
		DSSEEnvelope *struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	r := Referrer{ArtifactType: BundleMediaType, MediaType: BundleMediaType, Bytes: bundle}
	if json.Unmarshal(bundle, &b) != nil || b.DSSEEnvelope == nil {
		r.Annotations = map[string]string{"dev.sigstore.bundle.content": "message-signature"}
		return r
	}
	r.Annotations = map[string]string{
		"dev.sigstore.bundle.content":       "dsse-envelope",
		"dev.sigstore.bundle.predicateType": predicateType(b.DSSEEnvelope.Payload),
	}
	return r
}

// Evidence is what hangs on one manifest: the image, or one platform of it.
type Evidence struct {
	Signatures   []Layer
	Attestations []Layer
	Referrers    []Referrer
}

// Publication is an image with its evidence, ready for [Push] or [WriteLayout].
type Publication struct {
	Tag   string
	Image *Image
	// Evidence hangs on the image itself.
	Evidence
	// Below hangs on children of the image, or on anything else, by digest.
	Below map[v1.Hash]Evidence
}

// subjects lists every manifest that carries evidence, the image first.
func (p Publication) subjects() []subject {
	out := []subject{{p.Image.Descriptor(), p.Evidence}}
	for _, d := range p.Image.Children() {
		if e, ok := p.Below[d.Digest]; ok {
			out = append(out, subject{bare(d), e})
		}
	}
	known := map[v1.Hash]bool{}
	for _, s := range out {
		known[s.Digest] = true
	}
	for h, e := range p.Below {
		if !known[h] {
			out = append(out, subject{v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: h}, e})
		}
	}
	return out
}

type subject struct {
	v1.Descriptor
	Evidence
}

// artifact is a manifest with the blobs it needs.
type artifact struct {
	v1.Manifest
	raw   []byte
	blobs []v1.Layer
}

// RawManifest implements remote.Taggable.
func (a artifact) RawManifest() ([]byte, error) { return a.raw, nil }

// MediaType tells remote.Put what to call the manifest.
func (a artifact) MediaType() (types.MediaType, error) { return a.Manifest.MediaType, nil }

func (a artifact) descriptor() (v1.Descriptor, error) {
	h, size, err := v1.SHA256(strings.NewReader(string(a.raw)))
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("hash manifest: %w", err)
	}
	return v1.Descriptor{MediaType: a.Manifest.MediaType, Digest: h, Size: size}, nil
}

// newArtifact completes a manifest with a config and layers.
func newArtifact(m v1.Manifest, config v1.Layer, layers []v1.Layer, annotations []map[string]string) (artifact, error) {
	m.SchemaVersion, m.MediaType = 2, types.OCIManifestSchema1
	desc, err := partial.Descriptor(config)
	if err != nil {
		return artifact{}, fmt.Errorf("describe config: %w", err)
	}
	m.Config = bare(*desc)
	m.Layers = []v1.Descriptor{}
	for i, l := range layers {
		desc, err := partial.Descriptor(l)
		if err != nil {
			return artifact{}, fmt.Errorf("describe layer: %w", err)
		}
		d := bare(*desc)
		d.Annotations = annotations[i]
		m.Layers = append(m.Layers, d)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return artifact{}, fmt.Errorf("encode manifest: %w", err)
	}
	return artifact{Manifest: m, raw: raw, blobs: append(layers, config)}, nil
}

// legacyArtifact is the image that cosign 2 keeps under a .sig or .att tag.
func legacyArtifact(layers []Layer) (artifact, error) {
	cfg := v1.ConfigFile{RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}}, Created: v1.Time{Time: time.Time{}}}
	var blobs []v1.Layer
	var annotations []map[string]string
	for _, l := range layers {
		blob := static.NewLayer(l.Bytes, types.MediaType(l.MediaType))
		id, err := blob.DiffID()
		if err != nil {
			return artifact{}, fmt.Errorf("hash layer: %w", err)
		}
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, id)
		cfg.History = append(cfg.History, v1.History{})
		blobs = append(blobs, blob)
		annotations = append(annotations, maps.Clone(l.Annotations))
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		return artifact{}, fmt.Errorf("encode config: %w", err)
	}
	return newArtifact(v1.Manifest{}, static.NewLayer(raw, types.OCIConfigJSON), blobs, annotations)
}

// referrerArtifact is a manifest of OCI 1.1 with a subject and an artifact type.
func referrerArtifact(r Referrer, subject v1.Descriptor) (artifact, error) {
	return newArtifact(
		v1.Manifest{ArtifactType: r.ArtifactType, Subject: &subject, Annotations: maps.Clone(r.Annotations)},
		static.NewLayer([]byte("{}"), emptyConfigMediaType),
		[]v1.Layer{static.NewLayer(r.Bytes, types.MediaType(r.MediaType))},
		[]map[string]string{nil},
	)
}

// legacyTag is the tag under which cosign 2 looks for evidence of a digest.
func legacyTag(d v1.Hash, suffix string) string {
	return d.Algorithm + "-" + d.Hex + suffix
}
