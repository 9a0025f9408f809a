package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// hostileFallbacks put under the fallback tag, which anybody who may push can write, what is no evidence of the image.
func hostileFallbacks() []Hostile {
	absent := Behaviour{Referrers: ReferrersAbsent}
	const missing = "signature.missing"
	return []Hostile{
		{
			Name: "fallback-of-another", Shows: "The fallback tag lists the bundles of the release before, whose subject that is.",
			WantCode: missing, Refused: true, form: BundleForm, behaviour: absent,
			publish: poisoned(false, (*Scene).ofAnother),
		},
		{
			Name: "fallback-borrowed", Shows: "The fallback tag lists the bundles of the release before, in manifests with this image as subject.",
			WantCode: "signature.subject_mismatch", Refused: true, form: BundleForm, behaviour: absent,
			publish: poisoned(false, (*Scene).borrowed),
		},
		{
			Name: "fallback-without-subject", Shows: "The fallback tag lists manifests without a subject.",
			WantCode: missing, Refused: true, form: BundleForm, behaviour: absent,
			publish: poisoned(false, (*Scene).withoutSubject),
		},
		{
			Name: "fallback-cycle", Shows: "The fallback tag lists the image itself, and indexes that lead back to it.",
			WantCode: missing, Refused: true, form: BundleForm, behaviour: absent,
			publish: poisoned(false, (*Scene).cycle),
		},
		{
			Name: "fallback-nested", Shows: "The fallback tag lists an index that lists the good bundles, which nobody defines.",
			WantCode: missing, Refused: true, form: BundleForm, behaviour: absent,
			publish: poisoned(false, (*Scene).nested),
		},
		{
			Name: "fallback-is-a-bundle", Shows: "The fallback tag is no list, but the manifest of a good bundle.",
			WantCode: "registry.malformed", form: BundleForm, behaviour: absent,
			set: (*Scene).fallbackIsBundle,
		},
		{
			Name: "fallback-poisoned", Shows: "The fallback tag lists all of these before the good bundles, which hides nothing.",
			form: BundleForm, behaviour: absent,
			publish: poisoned(true, (*Scene).ofAnother, (*Scene).borrowed, (*Scene).withoutSubject, (*Scene).cycle),
		},
	}
}

// poison makes entries for the fallback tag.
type poison func(*Scene, context.Context, name.Repository) ([]v1.Descriptor, error)

// poisoned replaces the fallback tag by these entries, with the good ones after them or without.
func poisoned(keep bool, poisons ...poison) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		repo, err := s.repository()
		if err != nil {
			return err
		}
		var good v1.IndexManifest
		if _, body := s.Registry.ask(s.fallbackPath()); keep {
			if err := json.Unmarshal(body, &good); err != nil {
				return fmt.Errorf("read fallback tag: %w", err)
			}
		}
		index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
		for _, p := range poisons {
			list, err := p(s, ctx, repo)
			if err != nil {
				return err
			}
			index.Manifests = append(index.Manifests, list...)
		}
		index.Manifests = append(index.Manifests, good.Manifests...)
		_, err = s.putIndex(ctx, repo, s.fallbackTag(), index)
		return err
	}
}

// putIndex uploads an index. The client adds what has a subject to the fallback tag by itself; that comes last here,
// and is overwritten.
func (s *Scene) putIndex(ctx context.Context, repo name.Repository, tag string, index v1.IndexManifest) (v1.Descriptor, error) {
	raw, err := json.Marshal(index)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("encode index: %w", err)
	}
	return PutManifest(ctx, repo, tag, string(types.OCIImageIndex), raw, s.Registry.Direct())
}

// before is the release before this one, good in itself.
func (s *Scene) before() (*Release, error) {
	return GoodRelease(s.sigstore, ReleaseOptions{Repository: s.Release.Repository, Tag: "1.2.2", Form: BundleForm})
}

func (s *Scene) ofAnother(ctx context.Context, repo name.Repository) ([]v1.Descriptor, error) {
	before, err := s.before()
	if err != nil {
		return nil, err
	}
	return s.putReferrers(ctx, repo, before.Referrers, func(m *v1.Manifest) {
		subject := before.Image.Descriptor()
		m.Subject = &subject
	})
}

func (s *Scene) borrowed(ctx context.Context, repo name.Repository) ([]v1.Descriptor, error) {
	before, err := s.before()
	if err != nil {
		return nil, err
	}
	return s.putReferrers(ctx, repo, before.Referrers, func(*v1.Manifest) {})
}

func (s *Scene) withoutSubject(ctx context.Context, repo name.Repository) ([]v1.Descriptor, error) {
	return s.putReferrers(ctx, repo, s.Release.Referrers, func(m *v1.Manifest) { m.Subject = nil })
}

// cycle lists the image, an index over the image that names it as its subject, and an index over both.
func (s *Scene) cycle(ctx context.Context, repo name.Repository) ([]v1.Descriptor, error) {
	image := s.Release.Image.Descriptor()
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Subject: &image, Manifests: []v1.Descriptor{image}}
	nested, err := s.putIndex(ctx, repo, "", index)
	if err != nil {
		return nil, err
	}
	index.Manifests = append(index.Manifests, nested)
	outer, err := s.putIndex(ctx, repo, "", index)
	if err != nil {
		return nil, err
	}
	return []v1.Descriptor{image, nested, outer}, nil
}

// nested lists one index that lists the good bundles.
func (s *Scene) nested(ctx context.Context, repo name.Repository) ([]v1.Descriptor, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	if _, body := s.Registry.ask(s.fallbackPath()); json.Unmarshal(body, &index) != nil {
		return nil, errors.New("read fallback tag: it is no list")
	}
	d, err := s.putIndex(ctx, repo, "", index)
	return []v1.Descriptor{d}, err
}

// fallbackIsBundle serves the manifest of a bundle under the fallback tag.
func (s *Scene) fallbackIsBundle() error {
	a, err := referrerArtifact(s.Release.Referrers[0], s.Release.Image.Descriptor())
	if err != nil {
		return err
	}
	s.answer(s.fallbackPath(), func(w http.ResponseWriter, _ *http.Request) {
		serve(w, string(types.OCIManifestSchema1), a.raw)
	})
	return nil
}

// putReferrers uploads bundles in manifests about the image, each after a change to its manifest.
func (s *Scene) putReferrers(ctx context.Context, repo name.Repository, referrers []Referrer, change func(*v1.Manifest)) ([]v1.Descriptor, error) {
	var list []v1.Descriptor
	for _, r := range referrers {
		a, err := referrerArtifact(r, s.Release.Image.Descriptor())
		if err != nil {
			return nil, err
		}
		change(&a.Manifest)
		if a.raw, err = json.Marshal(a.Manifest); err != nil {
			return nil, fmt.Errorf("encode manifest: %w", err)
		}
		d, err := a.descriptor()
		if err != nil {
			return nil, err
		}
		opts := []remote.Option{s.Registry.Direct(), remote.WithContext(ctx)}
		if err := pushArtifact(repo, repo.Digest(d.Digest.String()), a, opts); err != nil {
			return nil, err
		}
		d.ArtifactType = r.ArtifactType
		list = append(list, d)
	}
	return list, nil
}
