package sbom

import (
	"fmt"
	"strings"
)

// Pattern names packages and versions of them, as [ParsePattern] reads it.
type Pattern struct {
	purl     string
	key      string   // type and path, see matchKey
	names    []string // for components without a package URL
	versions Range
}

// ParsePattern reads a package URL without version, in which * stands for any
// characters ("pkg:npm/left-pad", "pkg:maven/org.apache.logging.log4j/*"), and a
// version range as [ParseRange] does. Case and percent-encoding do not matter.
func ParsePattern(purl, versions string) (Pattern, error) {
	r, err := ParseRange(versions)
	if err != nil {
		return Pattern{}, err
	}
	text := decode(strings.TrimSpace(purl))
	if len(text) < 4 || !strings.EqualFold(text[:4], "pkg:") {
		return Pattern{}, fmt.Errorf("parse package pattern %q: it does not begin with \"pkg:\"", purl)
	}
	kind, path, ok := strings.Cut(strings.Trim(text[4:], "/"), "/")
	if !ok || kind == "" || strings.Trim(path, "/") == "" {
		return Pattern{}, fmt.Errorf("parse package pattern %q: it needs a type and a name", purl)
	}
	if strings.ContainsAny(path, "?#") || strings.LastIndexByte(path, '@') > strings.LastIndexByte(path, '/')+1 {
		return Pattern{}, fmt.Errorf("parse package pattern %q: version, qualifiers and subpath are not part of a pattern", purl)
	}
	path = strings.Trim(path, "/")
	p := Pattern{purl: strings.TrimSpace(purl), key: matchKey(kind, path), versions: r}
	p.names = []string{strings.ToLower(path)}
	if name := path[strings.LastIndexByte(path, '/')+1:]; strings.Trim(name, "*") != "" && name != path {
		p.names = append(p.names, strings.ToLower(name))
	}
	if strings.Trim(path, "*") == "" {
		p.names = nil // pkg:npm/* is about a type, and names have none
	}
	return p, nil
}

// String returns the pattern as it was written.
func (p Pattern) String() string {
	if len(p.versions.any) == 0 {
		return p.purl
	}
	return p.purl + " " + p.versions.String()
}

// DenyComponents returns the components, the described one among them, that a pattern
// names. A component whose package URL is missing or cannot be read is held against
// the name alone. Both the version of the component and that of its package URL are
// asked, and one that cannot be ordered is in every range: whoever wrote the document
// has to show that a denied version is not what is there.
func DenyComponents(d *Document, patterns ...Pattern) []Violation {
	var out []Violation
	for _, c := range d.All() {
		for _, p := range patterns {
			if by := p.matches(&c); by != "" {
				out = append(out, about(RuleDeniedComponent, &c, fmt.Sprintf("it is denied by %q (%s)", p.String(), by)))
			}
		}
	}
	return out
}

// matches returns by what the pattern names a component, or "".
func (p *Pattern) matches(c *Component) string {
	by, version := "", ""
	if c.Package != nil {
		if glob(p.key, matchKey(c.Package.Type, c.Package.path())) {
			by, version = "by package URL", c.Package.Version
		}
	} else if kind, path, loose, ok := loosePackage(c.RawPURL); ok && glob(p.key, matchKey(kind, path)) {
		by, version = "by a package URL that is malformed", loose
	} else if p.matchesName(c) {
		by = "by its name, without a package URL"
	}
	if by == "" {
		return ""
	}
	versions := []string{version, c.Version}
	if version == "" || c.Version == "" {
		versions = []string{version + c.Version}
	}
	for _, v := range versions {
		if p.versions.Contains(v) {
			if v == "" {
				v = "no version"
			}
			return by + ", " + v
		}
	}
	return ""
}

// matchesName reports whether name, or group and name, of a component fit. The name is
// decoded, and a version behind an @ is not part of it.
func (p *Pattern) matchesName(c *Component) bool {
	name := strings.ToLower(decode(strings.TrimSpace(c.Name)))
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	full := name
	if c.Group != "" {
		full = strings.ToLower(decode(strings.TrimSpace(c.Group))) + "/" + name
	}
	for _, n := range p.names {
		if glob(n, name) || glob(n, full) || glob(n, strings.ReplaceAll(name, ":", "/")) {
			return true
		}
	}
	return false
}
