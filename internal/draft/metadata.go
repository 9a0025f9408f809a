package draft

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// fields are the fields of release metadata, in the order in which they are written.
var fields = []string{"image", "digest", "version", "tag", "repository", "ref", "commit", "workflow", "run", "time"}

// metadata proposes where a predicate holds what: the paths of members whose values are
// this release's. Each is judged by itself, and those that do not hold are left out.
func (d *drafter) metadata(l *leg, e exhibit, p map[string]any) []way {
	found := map[string]string{}
	for _, m := range members(p, "", 0) {
		for _, f := range d.fieldsOf(e, m) {
			if found[f] == "" {
				found[f] = m.path
				break
			}
		}
	}
	var parts, out []string
	for _, f := range fields {
		if found[f] == "" {
			continue
		}
		entry := f + ": " + quoted(found[f])
		alone := *l
		alone.ways = []way{{lines: []string{"metadata: {" + entry + "}"}}}
		if _, err := d.passes(d.compile(&alone), l.check); err != nil {
			out = append(out, f)
			continue
		}
		parts = append(parts, entry)
	}
	if len(parts) == 0 {
		return nil
	}
	w := way{lines: []string{"metadata: {" + strings.Join(parts, ", ") + "}"}}
	if len(out) > 0 {
		w.lines = append(w.lines, "# found in it and not as assay compares it: "+strings.Join(out, ", "))
	}
	return []way{w}
}

// member is one value of a predicate.
type member struct{ path, name, value string }

var (
	memberName = regexp.MustCompile(`\A[0-9A-Za-z_$@-]+\z`)
	timeName   = regexp.MustCompile(`(?i)time|date|built|created`)
)

// maxDepth is how deep members are looked for.
const maxDepth = 6

// members lists the strings and numbers of a predicate: those above before those below,
// each level in the order of its names.
func members(p map[string]any, before string, depth int) []member {
	var here, below []member
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if !memberName.MatchString(name) {
			continue
		}
		switch v := p[name].(type) {
		case string:
			here = append(here, member{before + name, name, v})
		case json.Number:
			here = append(here, member{before + name, name, v.String()})
		case map[string]any:
			if depth < maxDepth {
				below = append(below, members(v, before+name+".", depth+1)...)
			}
		}
	}
	return append(here, below...)
}

// fieldsOf lists which fields of release metadata a member could be, the likeliest first.
func (d *drafter) fieldsOf(e exhibit, m member) []string {
	var all []string
	is := func(field string, values ...string) {
		if m.value != "" && slices.Contains(values, m.value) {
			all = append(all, field)
		}
	}
	ref, src := d.image.Reference, e.by.source
	git, _ := strings.CutPrefix(src.ref, "refs/tags/")
	is("digest", e.About, strings.TrimPrefix(e.About, "sha256:"))
	is("commit", e.Claims.Commit)
	if strings.Contains(strings.ToLower(m.name), "tag") {
		is("tag", ref.Tag(), git)
	}
	is("version", d.tags.version)
	is("tag", ref.Tag(), git)
	is("image", ref.Name(), ref.Name()+":"+ref.Tag(), ref.Name()+"@"+e.About)
	is("repository", src.repository, repository(src.repository))
	is("ref", src.ref)
	is("run", e.Claims.RunURI)
	is("workflow", e.by.identity, e.by.workflow)
	if t, err := time.Parse(time.RFC3339, m.value); err == nil && timeName.MatchString(m.path) && !t.After(e.Statement.Time()) {
		all = append(all, "time")
	}
	return all
}
