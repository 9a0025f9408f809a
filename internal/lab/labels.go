package lab

import (
	"fmt"
	"maps"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Labelled makes an index over two platforms that says the same wherever an image can say something of itself: in the
// annotations of the index, of what it lists and of each manifest, and in the labels of each config.
func Labelled(seed string, pairs map[string]string) (*Image, error) {
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		img, err := labelledImage(seed, platform, pairs)
		if err != nil {
			return nil, fmt.Errorf("label image: %w", err)
		}
		os, arch, _ := strings.Cut(platform, "/")
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}, Annotations: maps.Clone(pairs)},
		})
	}
	annotated, ok := mutate.Annotations(idx, pairs).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("annotate index: found %T", idx)
	}
	return IndexOf(annotated)
}

func labelledImage(seed, platform string, pairs map[string]string) (v1.Image, error) {
	img, err := platformImage(seed, platform)
	if err != nil {
		return nil, err
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	cfg = cfg.DeepCopy()
	cfg.Config.Labels = maps.Clone(pairs)
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return nil, fmt.Errorf("set config: %w", err)
	}
	annotated, ok := mutate.Annotations(mutate.ConfigMediaType(img, types.OCIConfigJSON), pairs).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("annotate manifest: found %T", img)
	}
	return annotated, nil
}
