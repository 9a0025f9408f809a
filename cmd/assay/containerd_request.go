package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/verify"
)

// descriptorType is the one media type of standard input that containerd 2.0 to 2.3 send.
const descriptorType = "application/vnd.oci.descriptor.v1+json"

// maxDescriptor bounds standard input in bytes. A descriptor has a few hundred, and more
// only where a registry's annotations are many.
const maxDescriptor = 64 << 10

// maxName bounds -name in bytes: a reference has 255 of name, 128 of tag and a digest.
const maxName = 1024

// imageKinds are the media types of images, and whether each is an index.
var imageKinds = map[string]bool{
	"application/vnd.oci.image.manifest.v1+json":                false,
	"application/vnd.docker.distribution.manifest.v2+json":      false,
	"application/vnd.oci.image.index.v1+json":                   true,
	"application/vnd.docker.distribution.manifest.list.v2+json": true,
}

// request is what containerd asks.
type request struct {
	// ref is what was asked for, with the digest that was resolved. Its tag is a claim.
	ref verify.Reference
	// mediaType is what the image was served to containerd as.
	mediaType string
}

// readRequest reads the flags and standard input, and refuses whatever disagrees.
func readRequest(ctx context.Context, c *cli.Context, stdin io.Reader) (request, error) {
	if c.Args().Present() {
		return request{}, usagef("found the argument %q; containerd gives flags alone", c.Args().First())
	}
	for _, name := range []string{"name", "digest", "stdin-media-type"} {
		if c.String(name) == "" {
			return request{}, usagef("-%s is missing or empty; containerd gives -name, -digest and -stdin-media-type", name)
		}
	}
	ref, err := askedFor(c.String("name"), c.String("digest"))
	if err != nil {
		return request{}, err
	}
	if found := c.String("stdin-media-type"); found != descriptorType {
		return request{}, usagef("-stdin-media-type is %q; wanted %s: this containerd asks in a way that this assay does not know", found, descriptorType)
	}
	b, err := readStdin(ctx, stdin)
	if err != nil {
		return request{}, err
	}
	d, err := parseDescriptor(b)
	if err != nil {
		return request{}, usagef("read the descriptor on standard input: %w", err)
	}
	switch _, known := imageKinds[d.mediaType]; {
	case d.digest != ref.Digest():
		return request{}, usagef("-digest is %s, and the descriptor on standard input has %q; wanted one image", ref.Digest(), d.digest)
	case !known:
		return request{}, usagef("the descriptor on standard input has the media type %q; wanted that of an image manifest or index", d.mediaType)
	}
	return request{ref, d.mediaType}, nil
}

// askedFor joins the name that was asked for with the digest that was resolved.
func askedFor(name, digest string) (verify.Reference, error) {
	if len(name) > maxName {
		return verify.Reference{}, usagef("-name has %d bytes; wanted %d at most", len(name), maxName)
	}
	if !verify.IsDigest(digest) {
		return verify.Reference{}, usagef("-digest is %q; wanted sha256: and 64 lower-case hexadecimal digits", digest)
	}
	before, named, pinned := strings.Cut(name, "@")
	if pinned && named != digest {
		return verify.Reference{}, usagef("-name is %q and -digest is %s; wanted one image", name, digest)
	}
	ref, err := verify.ParseReference(before + "@" + digest)
	if err != nil {
		return ref, usagef("-name: %w", err)
	}
	if ref.Tag() == "" && !pinned {
		return ref, usagef("-name is %q, with neither tag nor digest; containerd gives one of them", name)
	}
	return ref, nil
}

// readStdin reads standard input to its end, bounded in bytes and in time.
func readStdin(ctx context.Context, stdin io.Reader) ([]byte, error) {
	type read struct {
		b   []byte
		err error
	}
	done := make(chan read, 1)
	go func() {
		b, err := io.ReadAll(io.LimitReader(stdin, maxDescriptor+1))
		done <- read{b, err}
	}()
	select {
	case r := <-done:
		switch {
		case r.err != nil:
			return nil, usagef("read standard input: %w", r.err)
		case len(r.b) > maxDescriptor:
			return nil, usagef("standard input has more than %d bytes; wanted a descriptor", maxDescriptor)
		}
		return r.b, nil
	case <-ctx.Done():
		return nil, &exit{code: exitUndecided, err: errors.New("standard input did not end in time; wanted a descriptor")}
	}
}

// descriptor is what is used of a descriptor (OCI image specification, "Descriptors").
type descriptor struct{ mediaType, digest string }

// parseDescriptor reads one JSON object by its exact keys, each of which it may have once.
func parseDescriptor(b []byte) (descriptor, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return descriptor{}, fmt.Errorf("found %s; wanted a JSON object", opening(b))
	}
	seen := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return descriptor{}, err
		}
		name, _ := key.(string)
		if _, twice := seen[name]; twice {
			return descriptor{}, fmt.Errorf("found %q twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return descriptor{}, err
		}
		seen[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return descriptor{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return descriptor{}, errors.New("found something after its end")
	}
	var d descriptor
	for name, to := range map[string]*string{"mediaType": &d.mediaType, "digest": &d.digest} {
		if err := json.Unmarshal(seen[name], to); err != nil || *to == "" {
			return descriptor{}, fmt.Errorf("it has no %q", name)
		}
	}
	return d, nil
}

// opening shows how bytes begin.
func opening(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%q", b[:min(len(b), 40)])
}
