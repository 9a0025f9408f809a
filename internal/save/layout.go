package save

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// The annotations and kinds of `cosign save`.
const (
	annotationRefName  = "org.opencontainers.image.ref.name"
	annotationImageRef = "dev.sigstore.cosign/imageRef"
	annotationKind     = "kind"
	kindImage          = "dev.cosignproject.cosign/image"
	kindIndex          = "dev.cosignproject.cosign/imageIndex"
	kindSigs           = "dev.cosignproject.cosign/sigs"
	kindAtts           = "dev.cosignproject.cosign/atts"
)

const (
	typeIndex      = "application/vnd.oci.image.index.v1+json"
	typeDockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeManifest   = "application/vnd.oci.image.manifest.v1+json"
	typeConfig     = "application/vnd.oci.image.config.v1+json"
	typeEmpty      = "application/vnd.oci.empty.v1+json"
	typeBundle     = "application/vnd.dev.sigstore.bundle.v0.3+json"
)

// descriptor is an OCI content descriptor.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// manifest is an OCI manifest that is written.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Subject       *descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// layout writes all files but the document and index.json.
func (w *writer) layout(ctx context.Context, c Contents) error {
	if err := w.list("oci-layout", "", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	subjects := map[string]descriptor{}
	for _, image := range c.Images {
		d, err := w.blob(image.MediaType, image.Manifest)
		if err != nil {
			return err
		}
		if d.Digest != image.Digest {
			return fmt.Errorf("the manifest %s hashes to %s", image.Digest, d.Digest)
		}
		subjects[d.Digest] = d
	}
	w.nameImage(c.Reference, subjects[c.Document.Digest])
	for _, b := range c.Blobs {
		if err := w.fetch(ctx, b, c.Fetch); err != nil {
			return fmt.Errorf("fetch %s of %s: %w", b.Digest, c.Reference.Name(), err)
		}
	}
	for _, about := range abouts(c.Collections) {
		if err := w.evidence(about, subjects[about], c); err != nil {
			return err
		}
	}
	if c.TUF != nil {
		if err := w.repository(*c.TUF); err != nil {
			return err
		}
	}
	for _, f := range c.Files {
		if err := w.list(f.Path, f.From, f.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// abouts lists the digests that something was collected about, in order.
func abouts(list []Collection) []string {
	var all []string
	for _, c := range list {
		all = append(all, c.Image.Digest)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nameImage names the image itself. A tag is only named where it was resolved.
func (w *writer) nameImage(ref verify.Reference, d descriptor) {
	d.Annotations = map[string]string{annotationKind: kindImage}
	if d.MediaType == typeIndex || d.MediaType == typeDockerList {
		d.Annotations[annotationKind] = kindIndex
	}
	if ref.Digest() == "" {
		named := ref.Name() + ":" + ref.Tag()
		d.Annotations[annotationRefName], d.Annotations[annotationImageRef] = named, named
	}
	w.named = append(w.named, d)
}

// evidence writes everything that was collected about one manifest.
func (w *writer) evidence(about string, subject descriptor, c Contents) error {
	pieces := map[verify.Layout][]verify.Piece{}
	met := map[string]bool{}
	for _, collection := range c.Collections {
		if collection.Image.Digest != about {
			continue
		}
		w.document.Collected = append(w.document.Collected, collected(collection))
		if config := collection.Evidence.Config; config != nil {
			if _, err := w.blob(typeConfig, config); err != nil {
				return err
			}
		}
		for _, p := range collection.Evidence.Pieces {
			if key := string(p.Layout) + " " + p.Place + " " + p.Digest; !met[key] {
				met[key] = true
				pieces[p.Layout] = append(pieces[p.Layout], p)
			}
		}
	}
	whole := about == c.Document.Digest
	if err := w.legacy(about, ".sig", kindSigs, whole, pieces[verify.LegacySignature]); err != nil {
		return err
	}
	if err := w.legacy(about, ".att", kindAtts, whole, pieces[verify.LegacyAttestation]); err != nil {
		return err
	}
	for _, p := range pieces[verify.Bundle] {
		if err := w.bundle(subject, p); err != nil {
			return err
		}
	}
	for _, p := range pieces[verify.BuildKit] { // which the image's own index names
		if _, err := w.blob(typeManifest, p.Manifest); err != nil {
			return err
		}
		if _, err := w.blob(p.MediaType, p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

func collected(c Collection) Collected {
	d := Collected{
		About: c.Image.Digest, Signatures: c.Want.Signatures, Attestations: c.Want.Attestations, Bundles: c.Want.Bundles,
		BuildKit: c.Want.BuildKit, Config: c.Want.Config, Repositories: c.Want.Repositories, GitHub: c.Want.GitHub,
		Looked: c.Evidence.Places, Pieces: []Piece{},
	}
	for _, p := range c.Evidence.Pieces {
		d.Pieces = append(d.Pieces, Piece{Layout: p.Layout, Place: p.Place, Digest: p.Digest, Size: len(p.Bytes)})
	}
	return d
}

// legacy writes pieces as one manifest of cosign's legacy layout. That of the image itself
// gets the kind by which `cosign verify --local-image` finds it.
func (w *writer) legacy(about, suffix, kind string, whole bool, pieces []verify.Piece) error {
	if len(pieces) == 0 {
		return nil
	}
	m := manifest{}
	var diffs []string
	for _, p := range pieces {
		d, err := w.piece(p)
		if err != nil {
			return err
		}
		m.Layers = append(m.Layers, d)
		diffs = append(diffs, d.Digest)
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "", "os": "", "config": struct{}{}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	if err != nil {
		return err
	}
	if m.Config, err = w.blob(typeConfig, config); err != nil {
		return err
	}
	named := map[string]string{annotationRefName: strings.Replace(about, ":", "-", 1) + suffix}
	if whole {
		named[annotationKind] = kind
	}
	return w.artifact(m, named)
}

// bundle writes a Sigstore bundle as a referrer, wherever it lay.
func (w *writer) bundle(subject descriptor, p verify.Piece) error {
	layer, err := w.piece(p)
	if err != nil {
		return err
	}
	if layer.MediaType == "" {
		layer.MediaType = typeBundle
	}
	config, err := w.blob(typeEmpty, []byte("{}"))
	if err != nil {
		return err
	}
	return w.artifact(manifest{
		ArtifactType: typeBundle, Config: config, Layers: []descriptor{layer}, Subject: &subject,
		Annotations: map[string]string{annotationPlace: p.Place},
	}, nil)
}

// piece writes the bytes of a piece of evidence.
func (w *writer) piece(p verify.Piece) (descriptor, error) {
	d, err := w.blob(p.MediaType, p.Bytes)
	if err == nil && d.Digest != p.Digest {
		err = fmt.Errorf("the evidence %s hashes to %s", p.Digest, d.Digest)
	}
	d.Annotations = p.Annotations
	return d, err
}

// artifact writes a manifest and names it in index.json.
func (w *writer) artifact(m manifest, annotations map[string]string) error {
	m.SchemaVersion, m.MediaType = 2, typeManifest
	b, err := encode(m)
	if err != nil {
		return err
	}
	d, err := w.blob(typeManifest, b)
	d.ArtifactType, d.Annotations = m.ArtifactType, annotations
	w.named = append(w.named, d)
	return err
}

// index writes index.json, which says what the document must hash to.
func (w *writer) index(named []byte, document string) error {
	b, err := encode(struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		Manifests     json.RawMessage   `json:"manifests"`
		Annotations   map[string]string `json:"annotations"`
	}{2, typeIndex, named, map[string]string{annotationSaved: document}})
	if err != nil {
		return err
	}
	return w.put("index.json", b)
}
