package registry

import (
	"context"

	"github.com/releaseassay/assay/verify"
)

// ConfigBytes is the size of an image's configuration at most. Those in the wild have
// some kilobytes.
const ConfigBytes = 1 << 20

// configOf returns what a single image's manifest says of its configuration. An index
// has none, and neither has a manifest of something else.
func configOf(image verify.Image) (descriptor, bool) {
	m, bad := parseManifest(image.Manifest)
	if bad != nil || m.hasManifests || m.Config.Digest == "" {
		return descriptor{}, false
	}
	return m.Config, true
}

// config fetches the configuration of the image itself, from its own repository. That
// it could not be had leaves no evidence unread: it holds labels alone.
func (r *Registry) config(ctx context.Context, c *collector) []byte {
	d, ok := configOf(c.image)
	if !ok {
		return nil
	}
	layouts := []verify.Layout{verify.Config}
	place := c.name + "@" + d.Digest
	bad := d.sound(ConfigBytes)
	var s *session
	if bad == nil {
		s, bad = r.session(ctx, c.image.Reference.Repository())
	}
	var body []byte
	if bad == nil {
		body, bad = s.blob(ctx, nil, d)
	}
	if bad != nil {
		c.fail(bad, place, layouts)
		return nil
	}
	return body
}

// config reads the configuration of the image itself.
func (c *diskCollector) config(image verify.Image) []byte {
	d, ok := configOf(image)
	if !c.want.Config || !ok {
		return nil
	}
	body, bad := c.layout.blob(d, ConfigBytes)
	if bad != nil {
		c.fail(onDisk(bad), "layout@"+d.Digest, []verify.Layout{verify.Config})
		return nil
	}
	return body
}
