package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// uid is the user and group that the container runs as, and that owns what it may write.
const uid = 65532

// entrypoint is where the program lies, roots where the CA certificates do.
const (
	entrypoint = "usr/bin/assay"
	roots      = "etc/ssl/certs/ca-certificates.crt"
)

// build is what an image is made of. The same build gives the same digest.
type build struct {
	version, commit string
	created         time.Time // of the commit
	roots           []byte    // PEM
	programs        []program
}

// program is the binary of one platform.
type program struct {
	platform v1.Platform
	binary   []byte
}

// file is an entry of a layer. A name that ends in / is a folder.
type file struct {
	name    string
	mode    int64
	owner   int
	content []byte
}

// assemble makes the index with one image for each program: CA certificates, the user's
// name, folders that may be written to, and the program. No shell, no package manager,
// no libraries.
func assemble(b build) (v1.ImageIndex, error) {
	if len(b.programs) == 0 || len(b.roots) == 0 {
		return nil, errors.New("assemble the image: wanted at least one program, and CA certificates")
	}
	ground, err := layer(b.created, []file{
		{"etc/", 0o755, 0, nil},
		{"etc/group", 0o644, 0, []byte("root:x:0:\nnonroot:x:65532:\n")},
		{"etc/passwd", 0o644, 0, []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{"etc/ssl/", 0o755, 0, nil},
		{"etc/ssl/certs/", 0o755, 0, nil},
		{roots, 0o644, 0, b.roots},
		{"home/", 0o755, 0, nil},
		{"home/nonroot/", 0o700, uid, nil},
		{"tmp/", 0o1777, 0, nil},
		{"var/", 0o755, 0, nil},
		{"var/lib/", 0o755, 0, nil},
		{"var/lib/assay/", 0o700, uid, nil},
	})
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(v1.ImageIndex(empty.Index), types.OCIImageIndex)
	for _, p := range b.programs {
		image, err := b.image(ground, p)
		if err != nil {
			return nil, fmt.Errorf("assemble %s: %w", p.platform.String(), err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &p.platform}})
	}
	annotated, ok := mutate.Annotations(index, b.labels()).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("annotate the index")
	}
	return annotated, nil
}

// image makes the image of one platform.
func (b build) image(ground v1.Layer, p program) (v1.Image, error) {
	own, err := layer(b.created, []file{{"usr/", 0o755, 0, nil}, {"usr/bin/", 0o755, 0, nil}, {entrypoint, 0o755, 0, p.binary}})
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(v1.Image(empty.Image), types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: b.created.UTC()}
	image, err = mutate.Append(image,
		mutate.Addendum{Layer: ground, MediaType: types.OCILayer, History: v1.History{Created: created, CreatedBy: "CA certificates and the user", Comment: "assay"}},
		mutate.Addendum{Layer: own, MediaType: types.OCILayer, History: v1.History{Created: created, CreatedBy: "assay " + b.version, Comment: "assay"}})
	if err != nil {
		return nil, fmt.Errorf("append the layers: %w", err)
	}
	c, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Variant, c.Created = p.platform.OS, p.platform.Architecture, p.platform.Variant, created
	c.Config = v1.Config{
		User: fmt.Sprintf("%d:%d", uid, uid), WorkingDir: "/", Entrypoint: []string{"/" + entrypoint},
		Env:    []string{"PATH=/usr/bin", "HOME=/home/nonroot", "SSL_CERT_FILE=/" + roots},
		Labels: b.labels(),
	}
	image, err = mutate.ConfigFile(image, c)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	annotated, ok := mutate.Annotations(image, b.labels()).(v1.Image)
	if !ok {
		return nil, errors.New("annotate the image")
	}
	return annotated, nil
}

// labels say what the image is (the OCI's own keys), and from which certificates.
func (b build) labels() map[string]string {
	sum := sha256.Sum256(b.roots)
	all := map[string]string{
		"org.opencontainers.image.title":          "assay",
		"org.opencontainers.image.description":    "One verdict over an image's signature and provenance.",
		"org.opencontainers.image.source":         "https://github.com/releaseassay/assay",
		"org.opencontainers.image.licenses":       "Apache-2.0",
		"org.opencontainers.image.version":        b.version,
		"org.opencontainers.image.created":        b.created.UTC().Format(time.RFC3339),
		"dev.releaseassay.ca-certificates.sha256": hex.EncodeToString(sum[:]),
	}
	if b.commit != "" {
		all["org.opencontainers.image.revision"] = b.commit
	}
	return all
}

// layer packs files, in the order given, all of one time.
func layer(at time.Time, files []file) (v1.Layer, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("compress the layer: %w", err)
	}
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)), ModTime: at.UTC().Truncate(time.Second), Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
		if f.name[len(f.name)-1] == '/' {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return nil, fmt.Errorf("compress the layer: %w", err)
	}
	packed := slices.Clone(out.Bytes())
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil }, tarball.WithMediaType(types.OCILayer))
}
