package verify

import "github.com/releaseassay/assay/sbom"

// tellDocument notes which image a bill of materials describes. A document that
// describes several things, or no image, says nothing of it; of the source no format has
// a field that means the described image's alone.
func (q *question) tellDocument(t *story, who teller, s *Statement) {
	var image, digest, version string
	doc, err := sbom.ParsePredicate(s.predicateType, s.predicate, sbom.Limits{Bytes: q.rule.SBOM.MaxBytes})
	if err == nil && len(doc.Described) == 1 {
		image, digest, version = q.described(&doc.Described[0], who.about)
	}
	t.says(q, who, "image", image)
	t.says(q, who, "digest", digest)
	t.says(q, who, "version", version)
	t.says(q, who, "repository", "")
	t.says(q, who, "commit", "")
}

// described reads name, digest and version of an image out of the component that it is.
// Of several digests that which belongs to the image counts, if any does; whether a
// document may name another is for its own check. What is no version by the policy's
// tags is a tag that moves, or nothing.
func (q *question) described(c *sbom.Component, about string) (image, digest, version string) {
	for _, d := range c.ImageDigests() {
		if digest == "" || q.plain("digest", d, about) == q.facts.image.Digest {
			digest = d
		}
	}
	names := []string{c.Name}
	if c.Group != "" {
		names = append(names, c.Group+"/"+c.Name)
	}
	if p := c.Package; p != nil && p.Type == "oci" {
		names = append([]string{p.Qualifiers["repository_url"]}, names...)
	}
	for _, name := range names {
		if image = plainImage(name); image != "" {
			break
		}
	}
	tags := []string{c.Version}
	if p := c.Package; p != nil {
		tags = append(tags, p.Qualifiers["tag"])
	}
	if ref, err := ParseReference(c.Name); err == nil && image != "" {
		tags = append(tags, ref.Tag())
	}
	for _, tag := range tags {
		if v, ok := q.version(tag); ok && (c.Type == "container" || image != "" || digest != "") {
			return image, digest, v
		}
	}
	return image, digest, ""
}
