package draft

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// tags are how the tag that was asked for gives a version.
type tags struct {
	// version is the version, "" where nothing says which it is; pattern is how tags
	// name it and moving the pattern of a tag that names none, "" where there is none.
	version, pattern, moving string
}

// part is a part of a version, as a moving tag has it.
var part = regexp.MustCompile(`\A(v?)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?\z`)

// readVersion finds the version under judgement: the tag's, or, for a tag that moves and
// for a digest, the one that the git tag of the chosen party's evidence names.
func (d *drafter) readVersion() {
	tag := d.image.Reference.Tag()
	switch rest, v := strings.CutPrefix(tag, "v"); {
	case tag == "":
	case policy.IsVersion(tag, ""):
		d.tags = tags{version: tag, pattern: "{version}"}
		return
	case v && policy.IsVersion(rest, ""):
		d.tags = tags{version: rest, pattern: "v{version}"}
		return
	default:
		d.tags.moving = tag
		if m := part.FindStringSubmatch(tag); m != nil {
			d.tags.moving = m[1] + "{major}"
			if m[3] != "" {
				d.tags.moving += ".{minor}"
			}
		}
	}
	votes := map[string]int{}
	for _, e := range d.signed {
		refs := []string{e.by.source.ref}
		if e.by.own() {
			refs = append(refs, e.by.ref)
		}
		for _, ref := range refs {
			name, ok := strings.CutPrefix(ref, "refs/tags/")
			if name = strings.TrimPrefix(name, "v"); ok && e.by.party() == d.party && policy.IsVersion(name, "") {
				votes[name]++
			}
		}
	}
	for _, version := range slices.Sorted(maps.Keys(votes)) {
		if votes[version] > votes[d.tags.version] {
			d.tags.version = version
		}
	}
}

// template puts {version} in a ref in place of the version, where the ref ends in it
// and names it no second time.
func (t tags) template(ref string) string {
	before, ok := strings.CutSuffix(ref, t.version)
	if t.version == "" || !ok || !strings.HasPrefix(ref, "refs/tags/") || strings.Contains(before, t.version) {
		return ref
	}
	if last := before[len(before)-1]; last != '/' && last != 'v' && last != '-' && last != '@' && last != '_' {
		return ref // refs/tags/11.2.3 is not of 1.2.3
	}
	return before + "{version}"
}

// templateIdentity does it to the ref at the end of a workflow's name.
func (t tags) templateIdentity(identity string) string {
	name, ref, ok := strings.Cut(identity, "@refs/")
	if !ok {
		return identity
	}
	return name + "@" + t.template("refs/"+ref)
}
