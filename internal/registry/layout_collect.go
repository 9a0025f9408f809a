package registry

import (
	"context"
	"regexp"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Collect implements verify.Source. Evidence is what index.json names as such
// (cosign save's kinds, or cosign's tags as reference names) and whatever manifest
// has the image for its subject.
func (l *Layout) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	c := &diskCollector{
		collector: collector{image: image, want: want, limits: l.limits, places: []string{"layout index.json"}},
		layout:    l,
		taken:     map[string]bool{},
	}
	for _, failure := range l.unread {
		bad := *failure
		bad.Layouts = referrerLayouts(want)
		c.failures = append(c.failures, bad)
	}
	tag := fallbackTag(image.Digest)
	for _, d := range l.named {
		switch kind, name := kindOf(d), refTag(d); {
		case want.Signatures && (kind == kindSigs || name == tag+".sig"):
			c.manifest(ctx, d, fromSig)
		case want.Attestations && (kind == kindAtts || name == tag+".att"):
			c.manifest(ctx, d, fromAtt)
		}
	}
	for _, held := range l.held {
		if held.subject == image.Digest {
			c.manifest(ctx, held.descriptor, fromReferrer)
		}
	}
	if want.BuildKit {
		for _, d := range attestationManifests(image.Manifest) {
			c.manifest(ctx, d, fromBuildKit)
		}
	}
	config := c.config(image)
	evidence := c.evidence()
	evidence.Config = config
	return evidence
}

// kindOf returns the kind that cosign save gave a descriptor, of which it writes one in a
// layout. Where a reference name says whose evidence it is, as assay save writes it, that counts.
func kindOf(d descriptor) string {
	if cosignTag.MatchString(refTag(d)) {
		return ""
	}
	return d.Annotations[annotationKind]
}

// cosignTag is a tag of cosign's legacy layout.
var cosignTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}\.(sig|att)$`)

// refTag returns the tag in a descriptor's reference name, whether alone or full.
func refTag(d descriptor) string {
	name := d.Annotations[annotationRefName]
	return name[strings.LastIndexByte(name, ':')+1:]
}

// diskCollector gathers the evidence about one image from a layout, one by one.
type diskCollector struct {
	collector
	layout *Layout
	// taken are the layers that were read.
	taken map[string]bool
}

// manifest reads the evidence in one manifest.
func (c *diskCollector) manifest(ctx context.Context, d descriptor, from origin) {
	if c.layout.unread[d.Digest] != nil {
		return // reported as a failure already
	}
	place := "layout@" + d.Digest
	c.places = append(c.places, place)
	m, body, bad := c.layout.manifest(d)
	if from != fromBuildKit {
		body = nil // the chain of digests to what is unsigned alone
	}
	if bad == nil && m.hasManifests && from != fromReferrer {
		bad = unreadable("it is an index where a manifest was expected")
	}
	if bad != nil {
		c.fail(onDisk(bad), place, referrerLayouts(c.want))
		return
	}
	layers, failures := plan(m, from, place, c.want, c.limits)
	for _, f := range failures {
		if f.Code != verify.LimitExceeded {
			f.Code = verify.LayoutUnreadable
		}
		c.failures = append(c.failures, f)
	}
	for _, layer := range layers {
		c.layer(ctx, layer, body)
	}
}

func (c *diskCollector) layer(ctx context.Context, layer wantedLayer, listing []byte) {
	layouts := []verify.Layout{layer.layout}
	key := string(layer.layout) + " " + layer.place
	if c.taken[key] {
		return
	}
	c.taken[key] = true
	if ctx.Err() != nil {
		c.fail(troubleOf(context.Cause(ctx)), layer.place, layouts)
		return
	}
	body, bad := c.layout.evidence(layer.descriptor)
	if bad != nil {
		c.fail(bad, layer.place, layouts)
		return
	}
	c.pieces = append(c.pieces, layer.piece(body, listing))
}
