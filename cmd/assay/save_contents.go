package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/budget"
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
	dir := folderOf(s.c.String("policy"))
	if s.c.IsSet("policy") {
		var err error
		s.policy, err = policyFiles(s.w, s.c.String("policy"), func(path string, b []byte) { s.keep(dir, path, b) })
		if err != nil {
			return err
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
	var err error
	if s.trust, err = loadTrust(s.c, s.w, s.policy, dir); err != nil {
		return err
	}
	return s.roots(dir)
}

// keep copies a file that the policy names by a path below its own folder, so that the
// copy of the policy finds it.
func (s *saving) keep(dir, path string, b []byte) {
	if dir == "" || len(b) == 0 {
		return
	}
	if local, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(local) {
		s.files = append(s.files, save.File{Path: savedPolicy + filepath.ToSlash(local), From: path, Bytes: b})
	}
}

// roots copies the trusted roots, the keys and the TUF roots.
func (s *saving) roots(dir string) error {
	for name, entry := range s.policy.Trust {
		root, err := loadRoot(s.c, s.w, dir, entry)
		if err != nil {
			return usagef("trust.%s: %w", name, err)
		}
		if !entry.Builtin {
			s.keep(dir, beside(dir, entry.File), root.JSON)
		}
		s.files = append(s.files, save.File{Path: savedRoots + name + ".json", From: root.Source, Bytes: root.JSON})
	}
	for _, k := range s.policy.Keys() {
		pem, err := readFile(beside(dir, k.File), 64<<10)
		if err != nil {
			return usagef("read the public key: %w", err)
		}
		s.keep(dir, beside(dir, k.File), pem)
		s.files = append(s.files, save.File{Path: savedRoots + "key-" + hexSHA256(pem) + ".pem", From: k.File, Bytes: pem})
	}
	pinned, err := loadPinnedRoots(s.policy, dir)
	if err != nil {
		return err
	}
	for _, root := range s.policy.PinnedRoots() {
		b := pinned[root.SHA256]
		if root.Inline == "" {
			s.keep(dir, beside(dir, root.File), b)
		}
		s.files = append(s.files, save.File{Path: savedRoots + "tuf-" + root.SHA256 + ".json", From: cmp.Or(root.File, "the policy"), Bytes: b})
	}
	slices.SortFunc(s.files, func(a, b save.File) int { return strings.Compare(a.Path, b.Path) })
	return nil
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
	for _, r := range s.heard.images {
		c.Images = append(c.Images, r.image)
	}
	slices.SortFunc(c.Images, func(a, b verify.Image) int { return strings.Compare(a.Digest, b.Digest) })
	for key, list := range s.heard.collected {
		_, about, _ := strings.Cut(key, "@")
		for _, one := range list {
			c.Collections = append(c.Collections, save.Collection{Image: verify.Image{Digest: about}, Want: one.want, Evidence: one.evidence})
		}
	}
	slices.SortStableFunc(c.Collections, func(a, b save.Collection) int { return strings.Compare(a.Image.Digest, b.Image.Digest) })
	for _, r := range s.heard.releases {
		c.TUF = &save.TUF{Root: r.want.Root, Evidence: r.evidence, Repository: save.Repository{
			MetadataURL: r.want.Demand.TUF.MetadataURL, TargetsURL: r.want.Demand.TUF.TargetsURL, RootSHA256: r.want.Demand.TUF.Root.SHA256,
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
	if s.source.budget != nil {
		options, err := registryOptions(s.c, s.w)
		if err != nil {
			return nil, err
		}
		limits := budget.Default()
		limits.Time, limits.Bytes = s.c.Duration("timeout"), maxImage
		options.Budget = budget.New(limits, budget.Clock{})
		from, ok = registry.New(options), true
	}
	if !ok {
		return nil, unsaved(errors.New("nothing here can read layers"))
	}
	return func(ctx context.Context, b save.Blob, w io.Writer) error {
		return from.Stream(ctx, s.ref, b.Digest, b.Size, w)
	}, nil
}
