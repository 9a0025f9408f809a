package lab

import (
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Values of the "kind" annotation by which `cosign save` tells the entries of index.json apart.
const (
	KindImage        = "dev.cosignproject.cosign/image"
	KindIndex        = "dev.cosignproject.cosign/imageIndex"
	KindSignatures   = "dev.cosignproject.cosign/sigs"
	KindAttestations = "dev.cosignproject.cosign/atts"
)

// WriteLayout writes a publication as an OCI image layout, in the shape of `cosign save`: one image with the legacy
// evidence about it. Referrers, which cosign leaves out, follow with their artifact type; evidence below the image
// is left out.
func WriteLayout(dir string, p Publication) error {
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write layout %s: %w", dir, err)
	}
	if p.Image.index != nil {
		err = path.AppendIndex(p.Image.index, layout.WithAnnotations(map[string]string{"kind": KindIndex}))
	} else {
		err = path.AppendImage(p.Image.image, layout.WithAnnotations(map[string]string{"kind": KindImage}))
	}
	if err != nil {
		return fmt.Errorf("write image to layout: %w", err)
	}
	for _, set := range []struct {
		kind   string
		layers []Layer
	}{{KindSignatures, p.Signatures}, {KindAttestations, p.Attestations}} {
		if len(set.layers) == 0 {
			continue
		}
		a, err := legacyArtifact(set.layers)
		if err != nil {
			return err
		}
		if err := saveArtifact(path, a, "", map[string]string{"kind": set.kind}); err != nil {
			return err
		}
	}
	for _, r := range p.Referrers {
		a, err := referrerArtifact(r, p.Image.Descriptor())
		if err != nil {
			return err
		}
		if err := saveArtifact(path, a, r.ArtifactType, r.Annotations); err != nil {
			return err
		}
	}
	return nil
}

func saveArtifact(path layout.Path, a artifact, artifactType string, annotations map[string]string) error {
	for _, b := range a.blobs {
		h, err := b.Digest()
		if err != nil {
			return fmt.Errorf("hash blob: %w", err)
		}
		rc, err := b.Compressed()
		if err != nil {
			return fmt.Errorf("read blob: %w", err)
		}
		if err := path.WriteBlob(h, rc); err != nil {
			return fmt.Errorf("write blob: %w", err)
		}
	}
	d, err := a.descriptor()
	if err != nil {
		return err
	}
	if err := path.WriteBlob(d.Digest, io.NopCloser(bytes.NewReader(a.raw))); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	err = path.AppendDescriptor(v1.Descriptor{
		MediaType:    types.OCIManifestSchema1,
		Digest:       d.Digest,
		Size:         d.Size,
		ArtifactType: artifactType,
		Annotations:  annotations,
	})
	if err != nil {
		return fmt.Errorf("list manifest in layout: %w", err)
	}
	return nil
}
