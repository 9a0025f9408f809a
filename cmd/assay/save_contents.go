package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/save"
	"github.com/releaseassay/assay/verify"
)

const (
	// savedPolicy and savedRoots are where the user's own files go, for people: nothing
	// reads them unless it is told to.
	savedPolicy = "assay/policy/"
	savedRoots  = "assay/roots/"
	// maxImage is how many bytes of configurations and layers are saved of one image.
	maxImage = 64 << 30
)

// read reads the policy, the trusted roots and keys that it names, and keeps their bytes.
func (s *saving) read() error {
	dir := load.Folder(s.c.String("policy"))
	if s.c.IsSet("policy") {
		text, err := policyText(s.w, s.c.String("policy"))
		if err != nil {
			return err
		}
		s.policy = text.Policy
		for _, f := range text.Files {
			s.keep(dir, f.Path, f.Bytes)
		}
	} else {
		p, text, err := loadPolicy(s.c, s.w, s.ref)
		if err != nil {
			return err
		}
		s.policy = p
		s.files = append(s.files, save.File{Path: savedPolicy + "built-in.yaml", From: "--repo", Bytes: text})
	}
	rule, ok := s.policy.Rule(s.ref.Name())
	if !ok {
		return usagef("no rule of the policy is about %s, so nothing says what to save", s.ref.Name())
	}
	s.rule = rule
	if err := checkReleaseDemanded(s.c, s.policy, s.ref); err != nil {
		return err
	}
	if err := checkVersion(s.c, s.policy, s.ref); err != nil {
		return err
	}
	trust, err := readTrust(s.c, s.w, s.policy, dir)
	if err != nil {
		return err
	}
	s.trust = trust.Trust
	s.roots(dir, trust.Files)
	return nil
}

// keep copies a file that the policy names by a path below its own folder, so that the
// copy of the policy finds it.
func (s *saving) keep(dir, path string, b []byte) {
	if dir == "" || path == "" || len(b) == 0 {
		return
	}
	if local, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(local) {
		s.files = append(s.files, save.File{Path: savedPolicy + filepath.ToSlash(local), From: path, Bytes: b})
	}
}

// roots copies the trusted roots, the keys and the TUF roots.
func (s *saving) roots(dir string, files []load.File) {
	for _, f := range files {
		name := f.Name + ".json"
		switch f.Kind {
		case load.KindKey:
			name = "key-" + f.Name + ".pem"
		case load.KindTUFRoot:
			name = "tuf-" + name
		}
		if f.Kind != load.KindRoot || !s.policy.Trust[f.Name].Builtin {
			s.keep(dir, f.Path, f.Bytes)
		}
		s.files = append(s.files, save.File{Path: savedRoots + name, From: f.Source, Bytes: f.Bytes})
	}
	slices.SortFunc(s.files, func(a, b save.File) int { return strings.Compare(a.Path, b.Path) })
}

// contents puts together what was heard.
func (s *saving) contents() (save.Contents, error) {
	c := save.Contents{
		Document: save.Document{
			Saved: s.options.At.UTC(), Assay: version, Reference: s.ref.String(), Digest: s.image.Digest, MediaType: s.image.MediaType,
			Policy: s.policy.Name, Verdict: outcomeOf(s.verdict), Image: s.c.Bool("image"),
		},
		Reference: s.ref, Files: s.files,
	}
	images, collected, releases := s.heard.Heard()
	for _, r := range images {
		c.Images = append(c.Images, r.Image)
	}
	slices.SortFunc(c.Images, func(a, b verify.Image) int { return strings.Compare(a.Digest, b.Digest) })
	for _, one := range collected {
		c.Collections = append(c.Collections, save.Collection{Image: verify.Image{Digest: one.Digest}, Want: one.Want, Evidence: one.Evidence})
	}
	slices.SortStableFunc(c.Collections, func(a, b save.Collection) int { return strings.Compare(a.Image.Digest, b.Image.Digest) })
	for _, r := range releases {
		c.TUF = &save.TUF{Root: r.Want.Root, Evidence: r.Evidence, Repository: save.Repository{
			MetadataURL: r.Want.Demand.TUF.MetadataURL, TargetsURL: r.Want.Demand.TUF.TargetsURL, RootSHA256: r.Want.Demand.TUF.Root.SHA256,
		}}
	}
	if !s.c.Bool("image") {
		return c, nil
	}
	var err error
	c.Blobs, err = blobsOf(c.Images)
	return c, err
}

// blobsOf lists the configurations and layers of all manifests.
func blobsOf(images []verify.Image) ([]save.Blob, error) {
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	}
	var blobs []save.Blob
	left := int64(maxImage)
	for _, image := range images {
		var m struct {
			Config *descriptor  `json:"config"`
			Layers []descriptor `json:"layers"`
		}
		if err := json.Unmarshal(image.Manifest, &m); err != nil {
			return nil, unsaved(fmt.Errorf("read the manifest %s: %w", image.Digest, err))
		}
		if m.Config != nil {
			m.Layers = append(m.Layers, *m.Config)
		}
		for _, d := range m.Layers {
			if !verify.IsDigest(d.Digest) || d.Size < 0 || d.Size > left {
				return nil, unsaved(fmt.Errorf("the manifest %s names %q with %d bytes; wanted a sha256 digest, and at most %d bytes in all", image.Digest, d.Digest, d.Size, int64(maxImage)))
			}
			left -= d.Size
			blobs = append(blobs, save.Blob{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size})
		}
	}
	return blobs, nil
}

// streamer is where configurations and layers come from.
type streamer interface {
	Stream(ctx context.Context, ref verify.Reference, digest string, size int64, w io.Writer) error
}

// fetcher gets configurations and layers, whose bytes are bounded by what the manifests
// say and not by the budget of evidence.
func (s *saving) fetcher() (save.Fetch, error) {
	if !s.c.Bool("image") {
		return nil, nil
	}
	from, ok := s.source.Image.(streamer)
	if s.source.access != nil {
		limits := budget.Default()
		limits.Time, limits.Bytes = s.c.Duration("timeout"), maxImage
		from, ok = registry.New(s.source.access.Registry(budget.New(limits, budget.Clock{}))), true
	}
	if !ok {
		return nil, unsaved(errors.New("nothing here can read layers"))
	}
	return func(ctx context.Context, b save.Blob, w io.Writer) error {
		return from.Stream(ctx, s.ref, b.Digest, b.Size, w)
	}, nil
}
