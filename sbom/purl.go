package sbom

import (
	"net/url"
	"strings"

	"github.com/package-url/packageurl-go"
)

// Package is a package URL taken apart, decoded and normalised (ECMA-427).
type Package struct {
	Type       string            `json:"type"`
	Namespace  string            `json:"namespace,omitempty"`
	Name       string            `json:"name"`
	Version    string            `json:"version,omitempty"`
	Qualifiers map[string]string `json:"qualifiers,omitempty"`
	Subpath    string            `json:"subpath,omitempty"`
}

// newPackage reads a package URL as the attacker's reader would: an encoded slash
// parts namespace and name, an encoded @ begins the version, and encoding twice is
// encoding. It returns the canonical form too, and nothing for what cannot be read.
func newPackage(raw string) (string, *Package) {
	raw = strings.TrimSpace(raw)
	if raw == "" || len(raw) > maxPURL {
		return "", nil
	}
	p, err := packageurl.FromString(raw)
	if err != nil { // pkg:npm%2Fname, say
		if p, err = packageurl.FromString(decode(raw)); err != nil {
			return "", nil
		}
	}
	path := decode(strings.Trim(p.Namespace+"/"+p.Name, "/"))
	if p.Version == "" {
		if i := strings.LastIndexByte(path, '@'); i > strings.LastIndexByte(path, '/')+1 {
			path, p.Version = path[:i], path[i+1:]
		}
	}
	parts := segments(path)
	if len(parts) == 0 {
		return "", nil
	}
	last := len(parts) - 1
	p.Namespace, p.Name, p.Version = strings.Join(parts[:last], "/"), parts[last], decode(p.Version)
	if err := p.Normalize(); err != nil {
		return "", nil
	}
	out := &Package{Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version, Subpath: p.Subpath}
	if len(p.Qualifiers) > 0 {
		out.Qualifiers = p.Qualifiers.Map()
	}
	return p.ToString(), out
}

// loosePackage reads what newPackage does not: type, path and version of anything that
// looks like a package URL. It serves to find denied packages, never as a fact.
func loosePackage(raw string) (kind, path, version string, ok bool) {
	text := decode(strings.TrimSpace(raw[:min(len(raw), maxPURL)]))
	if len(text) < 4 || !strings.EqualFold(text[:4], "pkg:") {
		return "", "", "", false
	}
	text, _, _ = strings.Cut(text[4:], "#")
	text, _, _ = strings.Cut(text, "?")
	kind, path, ok = strings.Cut(strings.TrimLeft(text, "/ "), "/")
	if i := strings.LastIndexByte(path, '@'); i > 0 {
		path, version = path[:i], path[i+1:]
	}
	return kind, strings.Join(segments(path), "/"), version, ok
}

// segments splits a path and leaves out what stands for nothing.
func segments(path string) []string {
	var out []string
	for s := range strings.SplitSeq(path, "/") {
		if s = strings.TrimSpace(s); s != "" && s != "." && s != ".." {
			out = append(out, s)
		}
	}
	return out
}

// maxPURL bounds a package URL in bytes; the longest in the wild carry a download
// address and some digests.
const maxPURL = 8 << 10

// decode undoes percent-encoding until nothing changes, four times at most.
func decode(s string) string {
	for range 4 {
		next, err := url.PathUnescape(s)
		if err != nil || next == s {
			break
		}
		s = next
	}
	return s
}

// path returns namespace and name as one.
func (p *Package) path() string {
	if p.Namespace == "" {
		return p.Name
	}
	return p.Namespace + "/" + p.Name
}

// matchKey returns type, namespace and name in the form in which denied packages are
// compared: in lower case for every type, also where a type tells cases apart (two
// packages that differ by case alone are rarer than somebody who tries it), and with
// PyPI's separators made one (PEP 503).
func matchKey(kind, path string) string {
	kind, path = strings.ToLower(kind), strings.ToLower(path)
	if kind == "pypi" {
		path = strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-")
	}
	return kind + "/" + path
}
