package policy

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
	if r.Signature != nil {
		add(r.Signature.Trust)
	}
	if r.Provenance != nil {
		add(r.Provenance.Trust)
	}
	return names
}
