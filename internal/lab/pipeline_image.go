package lab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PipelineImage says what the image of a [Pipeline] is like. The zero value is what docker/build-push-action pushes: an
// index over linux/amd64 and linux/arm64, with an attestation manifest of BuildKit's for each.
type PipelineImage struct {
	// Single makes one image, for this platform, in place of an index.
	Single string `yaml:"single"`
	// Platforms replace the two.
	Platforms []string `yaml:"platforms"`
	// Added are platforms that are added to the index; nothing attests their images.
	Added []string `yaml:"added"`
	// Unnamed adds an image without a platform, Nested an index over linux/s390x.
	Unnamed bool `yaml:"unnamed"`
	Nested  bool `yaml:"nested"`
	// Twice adds a second image for linux/amd64. Empty leaves every image out, and what attests them.
	Twice bool `yaml:"twice"`
	Empty bool `yaml:"empty"`
	// NoBuildKit leaves BuildKit's manifests out.
	NoBuildKit bool `yaml:"no_buildkit"`
	// Disguised gives the first of them a layer that can be run; BuildKitNames makes it name this digest; BuildKitPlatform
	// gives it a platform.
	Disguised        bool   `yaml:"disguised"`
	BuildKitNames    string `yaml:"buildkit_names"`
	BuildKitPlatform string `yaml:"buildkit_platform"`
	// BuildKitSBOM changes the bills of materials in them: values by path, null to remove.
	BuildKitSBOM map[string]any `yaml:"buildkit_sbom"`
	// Labels are the image's.
	Labels map[string]string `yaml:"labels"`
}

// make makes the image. The same arguments give the same digest.
func (o PipelineImage) make(name, seed string) (*Image, error) {
	if o.Single != "" {
		return o.platform(seed, o.Single)
	}
	if o.Empty {
		return NewIndexOf()
	}
	var entries []Listed
	platforms := o.Platforms
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64", "linux/arm64"}
	}
	for _, p := range slices.Concat(platforms, o.Added) {
		img, err := o.platform(seed, p)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Listed{Image: img, Platform: p})
	}
	attested := entries[:len(platforms)]
	if o.Unnamed {
		img, err := NewImage(seed+" unnamed", "linux/amd64")
		if err != nil {
			return nil, err
		}
		entries = append(entries, Listed{Image: img})
	}
	if o.Twice {
		img, err := NewImage(seed+" again", "linux/amd64")
		if err != nil {
			return nil, err
		}
		entries = append(entries, Listed{Image: img, Platform: "linux/amd64"})
	}
	if o.Nested {
		idx, err := NewIndex(seed+" nested", "linux/s390x")
		if err != nil {
			return nil, err
		}
		entries = append(entries, Listed{Image: idx})
	}
	if !o.NoBuildKit {
		for i, about := range attested {
			manifest, err := o.buildKit(name, seed, about, i == 0)
			if err != nil {
				return nil, err
			}
			entries = append(entries, manifest)
		}
	}
	return NewIndexOf(entries...)
}

func (o PipelineImage) platform(seed, platform string) (*Image, error) {
	os, rest, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(rest, "/")
	made, err := NewImage(seed+variant, os+"/"+arch)
	if err != nil {
		return nil, err
	}
	cfg, err := made.image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	cfg = cfg.DeepCopy()
	cfg.Config.Labels, cfg.Variant = o.Labels, variant
	img, err := mutate.ConfigFile(made.image, cfg)
	if err != nil {
		return nil, fmt.Errorf("set labels: %w", err)
	}
	return ImageOf(mutate.ConfigMediaType(img, types.OCIConfigJSON))
}

// buildKit is the entry of BuildKit's attestation manifest about an image: provenance and a bill of materials in SPDX, both
// unsigned. What the options change, they change in the first.
func (o PipelineImage) buildKit(name, seed string, about Listed, first bool) (Listed, error) {
	digest := about.Image.Digest()
	provenance, err := Statement(StatementV01, SLSAv02PredicateType, Subjects("pkg:docker/"+name, digest), object{
		"builder": object{"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1",
	})
	if err != nil {
		return Listed{}, err
	}
	sbom, err := SPDX("pkg:docker/"+name, digest)
	if err == nil {
		sbom, err = setAll(sbom, o.BuildKitSBOM)
	}
	if err != nil {
		return Listed{}, fmt.Errorf("write BuildKit's statements: %w", err)
	}
	manifest, err := AttestationManifest(provenance, sbom)
	if first && o.Disguised {
		manifest, err = Disguised(seed)
	}
	if err != nil {
		return Listed{}, err
	}
	entry := Attesting(manifest, digest)
	if first {
		entry.Platform = orDefault(o.BuildKitPlatform, entry.Platform)
		entry.Annotations[BuildKitDigestAnnotation] = orDefault(o.BuildKitNames, digest)
	}
	return entry, nil
}
