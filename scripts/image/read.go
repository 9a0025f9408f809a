package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// programOf reads the program of an architecture out of a layout's index, and reports
// whether there is one.
func programOf(top v1.ImageIndex, architecture string) ([]byte, bool, error) {
	image, found, err := imageOf(top, architecture)
	if err != nil || !found {
		return nil, false, err
	}
	files, err := filesOf(image)
	if err != nil {
		return nil, false, err
	}
	binary, found := files[entrypoint]
	if !found {
		return nil, false, errors.New("found no program in the image")
	}
	return binary.content, true, nil
}

// imageOf finds the image of an architecture below the only index of a layout.
func imageOf(top v1.ImageIndex, architecture string) (v1.Image, bool, error) {
	m, err := top.IndexManifest()
	if err != nil || len(m.Manifests) != 1 {
		return nil, false, errors.Join(errors.New("read the layout: wanted one index"), err)
	}
	index, err := top.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		return nil, false, fmt.Errorf("read the index: %w", err)
	}
	inner, err := index.IndexManifest()
	if err != nil {
		return nil, false, fmt.Errorf("read the index: %w", err)
	}
	for _, d := range inner.Manifests {
		if d.Platform != nil && d.Platform.Architecture == architecture {
			image, err := index.Image(d.Digest)
			return image, err == nil, err
		}
	}
	return nil, false, nil
}

// filesOf reads all files of an image.
func filesOf(image v1.Image) (map[string]file, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the layers: %w", err)
	}
	files := map[string]file{}
	for _, l := range layers {
		if err := readLayer(l, files); err != nil {
			return nil, fmt.Errorf("read a layer: %w", err)
		}
	}
	return files, nil
}

func readLayer(l v1.Layer, files map[string]file) error {
	r, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return err
		}
		files[h.Name] = file{h.Name, h.Mode, h.Uid, content}
	}
}
