package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/releaseassay/assay/internal/lab"
)

// copyEvidence hangs everything that is attached to one image on another one of the same repository, as somebody with
// the right to push can: legacy tags under the other's name, referrers with the other as their subject.
func copyEvidence(ctx context.Context, from, to *image) error {
	copied := 0
	for _, suffix := range []string{".sig", ".att"} {
		tag := func(i *image) string { return strings.Replace(i.Digest(), ":", "-", 1) + suffix }
		d, err := remote.Get(from.repo.Tag(tag(from)), remote.WithContext(ctx))
		if absent(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		if _, err := lab.PutManifest(ctx, to.repo, tag(to), string(d.MediaType), d.Manifest); err != nil {
			return err
		}
		copied++
	}
	index, err := remote.Referrers(from.repo.Digest(from.Digest()), remote.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("list referrers: %w", err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("list referrers: %w", err)
	}
	for _, d := range list.Manifests {
		if err := copyReferrer(ctx, from, to, d); err != nil {
			return err
		}
		copied++
	}
	if copied == 0 {
		return errors.New("copy evidence: found none")
	}
	return nil
}

// copyReferrer writes a referrer's manifest once more, about another image.
func copyReferrer(ctx context.Context, from, to *image, d v1.Descriptor) error {
	got, err := remote.Get(from.repo.Digest(d.Digest.String()), remote.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("read referrer: %w", err)
	}
	var manifest map[string]any
	if err := json.Unmarshal(got.Manifest, &manifest); err != nil {
		return fmt.Errorf("read referrer: %w", err)
	}
	manifest["subject"] = to.Descriptor()
	raw, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("write referrer: %w", err)
	}
	_, err = lab.PutManifest(ctx, to.repo, "", string(got.MediaType), raw)
	return err
}

// absent reports whether a registry said that something is not there.
func absent(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound
}
