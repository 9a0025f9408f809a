package policy

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// match reads a pattern over canonical image names and refuses one that no name
// can match: a rule that is passed over leaves its images to a later one, and what is
// denied of such names is denied of nothing.
func (r *reader) match(n *yaml.Node) Pattern {
	p := r.pattern(n, "match")
	s := p.String()
	host, path, ok := strings.Cut(s, "/")
	anywhere := strings.HasPrefix(s, "**")
	switch {
	case s == "":
	case strings.Contains(s, "://"):
		r.fail(n, "match is %q; wanted an image's name without %s://", s, s[:strings.Index(s, "://")])
	case strings.ContainsAny(s, "@? ") || strings.Contains(path, ":"):
		r.fail(n, "match is %q; wanted an image's name without tag and digest", s)
	case !anywhere && (!ok || !strings.ContainsAny(host, ".:*") && host != "localhost"):
		r.fail(n, "match is %q; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/%s", s, s)
	case host == "docker.io" && !strings.Contains(path, "**") && !strings.Contains(path, "/"),
		registryNamed(host) != host && registryNamed(host) == "docker.io":
		r.fail(n, "match is %q; wanted docker.io/owner/name, or docker.io/library/name for an official image", s)
	case registryNamed(host) != host:
		r.fail(n, "match is %q; wanted the registry as %s, the one name that policies know it by", s, registryNamed(host))
	case strings.ToLower(s) != s:
		r.fail(n, "match is %q; wanted a name in lower case", s)
	case !fitsAName(p):
		r.fail(n, "match is %q, and no image has such a name; wanted elements of the letters a-z and digits with '.', '_' or '-' between them, and no slash at the end", s)
	}
	return p
}

// registryNamed returns the one name that an image's reference is read with for what may
// be another spelling of it: package verify refuses references with any other.
func registryNamed(host string) string {
	name, port, ported := strings.Cut(host, ":")
	canonical := strings.TrimRight(strings.ToLower(name), ".")
	switch canonical {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com", "www.docker.com":
		canonical = "docker.io"
	}
	if ported && port != "443" {
		canonical += ":" + port
	}
	return canonical
}

var (
	// registryName is the name or address of a host, with a port or without.
	registryName = regexp.MustCompile(`\A(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)(:[1-9][0-9]{0,4})?\z`)
	// imagePath is a repository's name (OCI distribution specification, "Pulling manifests").
	imagePath = regexp.MustCompile(`\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z`)
)

// maxImagePath bounds a repository's name in bytes.
const maxImagePath = 255

// isImageName reports whether s can be the canonical name of an image.
func isImageName(s string) bool {
	host, path, ok := strings.Cut(s, "/")
	return ok && registryNamed(host) == host && registryName.MatchString(host) && imagePath.MatchString(path) && len(path) <= maxImagePath
}

// fitsAName reports whether a name can match p. A letter or digit serves for a star
// wherever anything does, but behind five digits of a port; in place of two stars at the
// beginning a host, or a host and a path, may stand.
func fitsAName(p Pattern) bool {
	for _, fill := range [][2]string{{"1", "1"}, {"1", "1.io/1"}, {"", ""}, {"", "1.io/1"}, {"", "1"}, {"1", ""}} {
		var b strings.Builder
		for i, seg := range p.segments {
			switch {
			case seg.kind == literal:
				b.WriteString(seg.text)
			case seg.kind == doubleStar && i == 0:
				b.WriteString(fill[1])
			default:
				b.WriteString(fill[0])
			}
		}
		if isImageName(b.String()) {
			return true
		}
	}
	return false
}
