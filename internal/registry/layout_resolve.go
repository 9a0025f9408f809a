package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Resolve implements verify.Source. A digest may lie under any name; a tag only
// where an annotation of index.json says so.
func (l *Layout) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	digest := ref.Digest()
	if digest == "" {
		found, bad := l.tagged(ref)
		if bad != nil {
			return verify.Image{}, bad.at("layout index.json", allLayouts)
		}
		digest = found
	}
	if failure, ok := l.unread[digest]; ok {
		return verify.Image{}, failure
	}
	i := slices.IndexFunc(l.held, func(h heldManifest) bool { return h.descriptor.Digest == digest })
	if i < 0 {
		return verify.Image{}, l.notFound(digest).at("layout index.json", allLayouts)
	}
	d := l.held[i].descriptor
	body, bad := l.blob(d, ManifestBytes)
	if bad == nil {
		d.MediaType, bad = imageType(body, d.MediaType)
	}
	if bad != nil {
		return verify.Image{}, onDisk(bad).at("layout@"+digest, allLayouts)
	}
	return verify.Image{Reference: ref, Digest: digest, MediaType: d.MediaType, Manifest: body}, nil
}

// tagged returns the digest that index.json names by the tag of ref.
func (l *Layout) tagged(ref verify.Reference) (string, *trouble) {
	var digests []string
	for _, d := range l.named {
		if isEvidence(d) {
			continue
		}
		if d.Annotations[annotationRefName] == ref.Tag() || slices.ContainsFunc(names(d), func(n string) bool { return sameTag(n, ref) }) {
			digests = append(digests, d.Digest)
		}
	}
	slices.Sort(digests)
	digests = slices.Compact(digests)
	switch len(digests) {
	case 0:
		return "", l.notFound(ref.Name() + ":" + ref.Tag())
	case 1:
		return digests[0], nil
	default:
		return "", definitive(verify.LayoutNotFound, "%d different images are named %s:%s; name the digest", len(digests), ref.Name(), ref.Tag())
	}
}

// names returns the full references that a descriptor is annotated with.
func names(d descriptor) []string {
	var names []string
	for _, key := range []string{annotationRefName, annotationImageName, annotationImageRef} {
		if n := d.Annotations[key]; strings.ContainsAny(n, "/:") {
			names = append(names, n)
		}
	}
	return names
}

func sameTag(named string, ref verify.Reference) bool {
	other, err := verify.ParseReference(named)
	return err == nil && other.Name() == ref.Name() && other.Tag() == ref.Tag()
}

// isEvidence reports whether d is marked as signatures or attestations, by cosign save's
// kind or by a tag of cosign's.
func isEvidence(d descriptor) bool {
	kind := d.Annotations[annotationKind]
	return kind == kindSigs || kind == kindAtts || cosignTag.MatchString(d.Annotations[annotationRefName])
}

// maxShown is how many images of a layout an error lists.
const maxShown = 10

// notFound says what the layout holds instead.
func (l *Layout) notFound(wanted string) *trouble {
	var held []string
	for _, d := range l.named {
		if isEvidence(d) {
			continue
		}
		text := d.Digest
		if n := d.Annotations[annotationRefName]; n != "" {
			text = n + " (" + d.Digest + ")"
		}
		held = append(held, text)
	}
	if len(held) > maxShown {
		held = append(held[:maxShown], fmt.Sprintf("and %d more", len(held)-maxShown))
	}
	if len(held) == 0 {
		held = []string{"no image"}
	}
	return definitive(verify.LayoutNotFound, "the layout does not hold %s; it holds %s", wanted, strings.Join(held, ", "))
}
