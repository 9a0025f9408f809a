package policy

import "go.yaml.in/yaml/v3"

// tags reads how tags give versions.
func (r *reader) tags(n *yaml.Node) Tags {
	var t Tags
	r.mapping(n, "tags", map[string]func(*yaml.Node){
		"moving": func(n *yaml.Node) {
			r.oneOrList(n, "tags.moving", func(n *yaml.Node) {
				t.Moving = append(t.Moving, r.pattern(n, "tags.moving", "major", "minor", "patch"))
			})
		},
		"version": func(n *yaml.Node) {
			r.oneOrList(n, "tags.version", func(n *yaml.Node) {
				p := r.pattern(n, "tags.version", "version")
				if !p.IsZero() && p.versionAt() < 0 {
					r.fail(n, "tags.version is %q; wanted a pattern with one {version}", p)
				}
				t.Version = append(t.Version, p)
			})
		},
		"version_regexp": func(n *yaml.Node) {
			re := r.regexp(n, "tags.version_regexp")
			if re.matchesEmpty() {
				r.fail(n, "tags.version_regexp is %q, which matches empty text; no version is empty", re)
			}
			t.Grammar = re.String()
		},
	})
	return t
}

// VersionTags returns how tags give versions under a rule. A rule without version
// patterns reads "1.2.3" and "v1.2.3".
func (r Rule) VersionTags() Tags {
	t := r.Tags
	if len(t.Version) == 0 {
		for _, s := range []string{"{version}", "v{version}"} {
			if p, err := ParsePattern(s, "version"); err == nil {
				t.Version = append(t.Version, p)
			}
		}
	}
	return t
}

// IsMoving reports whether a tag is one that the policy says moves.
func (t Tags) IsMoving(tag string) bool {
	for _, p := range t.Moving {
		if p.Fits(tag, t.Grammar) {
			return true
		}
	}
	return false
}

// Moves reports whether a moving tag may point to a version: by the first moving
// pattern that the tag fits, it is the tag of that version. So "latest" may point to
// every version, and "1.5" under {major}.{minor} to 1.5.0 and 1.5.1, not to 1.6.0.
func (t Tags) Moves(tag, version string) bool {
	for _, p := range t.Moving {
		if p.Fits(tag, t.Grammar) {
			return version != "" && p.Match(tag, Vars{Version: version, Grammar: t.Grammar})
		}
	}
	return false
}

// VersionOf returns the version that a tag names.
func (t Tags) VersionOf(tag string) (string, bool) {
	for _, p := range t.Version {
		if v, ok := p.Version(tag, t.Grammar); ok {
			return v, true
		}
	}
	return "", false
}

// Roots returns the names of the trusted roots that the rule's demands name, each once.
func (r Rule) Roots() []string {
	var names []string
	add := func(name string) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		names = append(names, name)
	}
	for _, d := range r.Demands() {
		add(d.Trust)
	}
	if r.Release != nil {
		add(r.Release.Trust)
	}
	return names
}
