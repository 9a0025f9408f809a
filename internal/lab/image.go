package lab

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image is a container image or an index over several.
type Image struct {
	image v1.Image
	index v1.ImageIndex
	desc  v1.Descriptor
	under []v1.Descriptor
}

// NewImage makes a small image for one platform, "os/architecture". The same arguments give the same digest.
func NewImage(seed, platform string) (*Image, error) {
	img, err := platformImage(seed, platform)
	if err != nil {
		return nil, fmt.Errorf("make image: %w", err)
	}
	return ImageOf(img)
}

// NewIndex makes an index over one image for each platform; none means linux/amd64 and linux/arm64.
func NewIndex(seed string, platforms ...string) (*Image, error) {
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64", "linux/arm64"}
	}
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		img, err := platformImage(seed, p)
		if err != nil {
			return nil, fmt.Errorf("make index: %w", err)
		}
		os, arch, _ := strings.Cut(p, "/")
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}},
		})
	}
	return IndexOf(idx)
}

// ImageOf wraps an image that was made elsewhere.
func ImageOf(img v1.Image) (*Image, error) {
	desc, err := partial.Descriptor(img)
	if err != nil {
		return nil, fmt.Errorf("describe image: %w", err)
	}
	return &Image{image: img, desc: bare(*desc)}, nil
}

// IndexOf wraps an index that was made elsewhere.
func IndexOf(idx v1.ImageIndex) (*Image, error) {
	desc, err := partial.Descriptor(idx)
	if err != nil {
		return nil, fmt.Errorf("describe index: %w", err)
	}
	m, err := idx.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	return &Image{index: idx, desc: bare(*desc), under: m.Manifests}, nil
}

// bare keeps what a subject states.
func bare(d v1.Descriptor) v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest}
}

// Digest returns "sha256:...".
func (i *Image) Digest() string { return i.desc.Digest.String() }

// Descriptor returns media type, size and digest.
func (i *Image) Descriptor() v1.Descriptor { return i.desc }

// Children returns the entries of an index; none for a single image.
func (i *Image) Children() []v1.Descriptor { return i.under }

// platformImage makes an image with one uncompressed layer that holds one file.
func platformImage(seed, platform string) (v1.Image, error) {
	os, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("read platform %q: want os/architecture", platform)
	}
	layer, err := fileLayer("widget.txt", seed+" for "+platform+"\n")
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		return nil, fmt.Errorf("append layer: %w", err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = os, arch
	cfg.Config.Cmd = []string{"/widget.txt"}
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return nil, fmt.Errorf("set config: %w", err)
	}
	return mutate.ConfigMediaType(img, types.OCIConfigJSON), nil
}

func fileLayer(path, text string) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text)), ModTime: time.Unix(0, 0)})
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	return static.NewLayer(buf.Bytes(), types.OCIUncompressedLayer), nil
}
