package lab

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Push uploads a publication to a repository: the image under its tag, legacy evidence under .sig and .att tags,
// bundles as referrers (or in the fallback tag where the registry has no referrers API).
func Push(ctx context.Context, repo name.Repository, p Publication, opts ...remote.Option) error {
	opts = append(opts, remote.WithContext(ctx))
	if err := PushImage(ctx, repo, p.Tag, p.Image, opts...); err != nil {
		return err
	}
	for _, s := range p.subjects() {
		if err := PushEvidence(ctx, repo, s.Descriptor, s.Evidence, opts...); err != nil {
			return err
		}
	}
	return nil
}

// PushImage uploads an image under a tag; an empty tag leaves it reachable by digest alone.
func PushImage(ctx context.Context, repo name.Repository, tag string, img *Image, opts ...remote.Option) error {
	opts = append(opts, remote.WithContext(ctx))
	var ref name.Reference = repo.Digest(img.Digest())
	if tag != "" {
		ref = repo.Tag(tag)
	}
	var err error
	if img.index != nil {
		err = remote.WriteIndex(ref, img.index, opts...)
	} else {
		err = remote.Write(ref, img.image, opts...)
	}
	if err != nil {
		return fmt.Errorf("push image %s: %w", ref, err)
	}
	return nil
}

// PushEvidence uploads evidence about a manifest, which need not exist.
func PushEvidence(ctx context.Context, repo name.Repository, subject v1.Descriptor, e Evidence, opts ...remote.Option) error {
	opts = append(opts, remote.WithContext(ctx))
	for _, set := range []struct {
		suffix string
		layers []Layer
	}{{".sig", e.Signatures}, {".att", e.Attestations}} {
		if len(set.layers) == 0 {
			continue
		}
		a, err := legacyArtifact(set.layers)
		if err != nil {
			return err
		}
		if err := pushArtifact(repo, repo.Tag(legacyTag(subject.Digest, set.suffix)), a, opts); err != nil {
			return err
		}
	}
	for _, r := range e.Referrers {
		a, err := referrerArtifact(r, subject)
		if err != nil {
			return err
		}
		d, err := a.descriptor()
		if err != nil {
			return err
		}
		if err := pushArtifact(repo, repo.Digest(d.Digest.String()), a, opts); err != nil {
			return err
		}
	}
	return nil
}

// pushArtifact writes the blobs first and then the manifest, once: a second form of it would be a second referrer.
func pushArtifact(repo name.Repository, ref name.Reference, a artifact, opts []remote.Option) error {
	for _, blob := range a.blobs {
		if err := remote.WriteLayer(repo, blob, opts...); err != nil {
			return fmt.Errorf("push blob to %s: %w", repo, err)
		}
	}
	if err := remote.Put(ref, a, opts...); err != nil {
		return fmt.Errorf("push manifest %s: %w", ref, err)
	}
	return nil
}

// PutManifest uploads any bytes as a manifest, under a tag or, with an empty tag, under their digest, which it returns.
func PutManifest(ctx context.Context, repo name.Repository, tag, mediaType string, raw []byte, opts ...remote.Option) (v1.Descriptor, error) {
	opts = append(opts, remote.WithContext(ctx))
	a := artifact{Manifest: v1.Manifest{MediaType: types.MediaType(mediaType)}, raw: raw}
	d, err := a.descriptor()
	if err != nil {
		return v1.Descriptor{}, err
	}
	var ref name.Reference = repo.Digest(d.Digest.String())
	if tag != "" {
		ref = repo.Tag(tag)
	}
	if err := remote.Put(ref, a, opts...); err != nil {
		return v1.Descriptor{}, fmt.Errorf("push manifest %s: %w", ref, err)
	}
	return d, nil
}

// PutBlob uploads any bytes as a blob.
func PutBlob(ctx context.Context, repo name.Repository, mediaType string, raw []byte, opts ...remote.Option) (v1.Descriptor, error) {
	opts = append(opts, remote.WithContext(ctx))
	layer := static.NewLayer(raw, types.MediaType(mediaType))
	if err := remote.WriteLayer(repo, layer, opts...); err != nil {
		return v1.Descriptor{}, fmt.Errorf("push blob to %s: %w", repo, err)
	}
	h, err := layer.Digest()
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("hash blob: %w", err)
	}
	return v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: h, Size: int64(len(raw))}, nil
}
