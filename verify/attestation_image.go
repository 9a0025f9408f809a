package verify

import (
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// names reports whether text names the image under judgement: its canonical name, or
// the one it was asked for by, alone or with a tag of this release or with its digest.
// "https://", "oci://" and "docker://" before the name say nothing.
func (q *question) names(text string) bool {
	for _, scheme := range []string{"https://", "oci://", "docker://"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			text = rest
			break
		}
	}
	ref, err := ParseReference(text)
	if err != nil || !q.isName(ref.Name()) {
		return false
	}
	if ref.Digest() != "" && ref.Digest() != q.facts.image.Digest {
		return false
	}
	tag := ref.Tag()
	if tag == name.DefaultTag && !strings.Contains(text, ":"+name.DefaultTag) { // not written, but Docker's default
		tag = ""
	}
	return tag == "" || q.isTag(tag)
}

// isName reports whether a canonical name is the image's.
func (q *question) isName(canonical string) bool {
	return canonical != "" && (canonical == q.rule.Canonical || canonical == q.facts.image.Reference.Name())
}

// isTag reports whether a tag is the one that was asked for, or one of the version
// under judgement.
func (q *question) isTag(tag string) bool {
	if tag != "" && tag == q.facts.image.Reference.Tag() {
		return true
	}
	version, ok := q.rule.VersionTags().VersionOf(tag)
	return ok && version == q.vars.Version
}

// imagePackage is a package URL of a container image:
// https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md.
type imagePackage struct {
	name string
	// version is the digest, "" where it has none.
	version    string
	repository string
	tag        string
}

// maxPURL bounds the package URLs that are read, in bytes.
const maxPURL = 4096

// parseImagePackage reads a package URL of the type oci; false for anything else.
func parseImagePackage(text string) (imagePackage, bool) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || len(text) > maxPURL || !strings.EqualFold(scheme, "pkg") {
		return imagePackage{}, false
	}
	kind, rest, ok := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	if !ok || !strings.EqualFold(kind, "oci") {
		return imagePackage{}, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	var p imagePackage
	var err error
	before, version, _ := strings.Cut(path, "@")
	if p.name, err = url.PathUnescape(before); err != nil {
		return imagePackage{}, false
	}
	if p.version, err = url.PathUnescape(version); err != nil {
		return imagePackage{}, false
	}
	qualifiers, err := url.ParseQuery(query)
	if err != nil || len(qualifiers["repository_url"]) > 1 || len(qualifiers["tag"]) > 1 {
		return imagePackage{}, false
	}
	p.repository, p.tag = qualifiers.Get("repository_url"), qualifiers.Get("tag")
	return p, true
}

// isPackage reports whether a package URL has the image's digest as its version. A
// name without it, or with a wildcard, is nobody's.
func (q *question) isPackage(text string) bool {
	p, ok := parseImagePackage(text)
	return ok && IsDigest(p.version) && p.version == q.facts.image.Digest
}

// isResource reports whether the URI of a resource names the image: as a package URL,
// whose digest and repository, where it has them, are the image's, or by its name.
func (q *question) isResource(uri string) bool {
	p, ok := parseImagePackage(uri)
	if !ok {
		return q.names(uri)
	}
	switch {
	case p.version != "" && p.version != q.facts.image.Digest, p.tag != "" && !q.isTag(p.tag):
		return false
	case p.repository != "":
		repository := strings.TrimSuffix(strings.TrimPrefix(p.repository, "https://"), "/")
		return q.isPath(repository, p.name)
	}
	return p.version != "" // a name without registry or digest is anybody's
}

// isPath reports whether a repository, as a package URL writes it with the last
// element of the name or without, is the image's.
func (q *question) isPath(repository, last string) bool {
	for _, text := range []string{repository, repository + "/" + last} {
		if ref, err := ParseReference(text); err == nil && strings.HasSuffix(text, "/"+last) && q.isName(ref.Name()) {
			return true
		}
	}
	return false
}
