package draft

import (
	"fmt"
	"path"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// maxLines is how many pieces of ignored evidence are listed.
const maxLines = 50

// page writes the whole policy with what a person has to know about it.
func (d *drafter) page() []byte {
	var w writer
	w.remark(0, "A draft, written by `assay policy init` from what "+comment(d.image.Reference.Pinned(d.image.Digest))+" carries.")
	w.remark(0, "A PERSON MUST READ IT before anything relies on it: it demands what this image could show, of whoever signed it. Whether that is who should have, nobody but you knows.")
	w.line(0, "#")
	w.remark(0, "It demands, on behalf of "+comment(d.party)+":")
	for _, l := range d.legs {
		by := l.by.identity
		if l.by.own() {
			by = d.tags.templateIdentity(by)
		}
		w.line(0, "#   %s, by %s", l.check, comment(by))
	}
	w.line(0, "#")
	d.open(&w)
	d.section(&w, "To be known:", d.notes)
	d.section(&w, "Ignored evidence:", unique(d.ignored))
	d.section(&w, "What could not be read, and may be evidence:", unique(d.unread))
	d.head(&w)
	d.body(&w, d.legs)
	d.tail(&w)
	return []byte(w.b.String())
}

// open says what nothing constrains.
func (d *drafter) open(w *writer) {
	w.remark(0, "What nothing in it constrains, and is open to whoever may run these workflows:")
	none := true
	for _, l := range d.legs {
		if len(l.free) > 0 {
			none = false
			w.line(0, "#   %s: %s", l.check, strings.Join(unique(l.free), ", "))
		}
	}
	if none {
		w.line(0, "#   no claim of the certificates")
	}
	if !d.templated() {
		w.line(0, "#   the version: no ref in it names one, so that any build of the same ref passes under any tag")
	}
	w.line(0, "#   which release is the newest: an older one passes under its own tag (see release below)")
	w.line(0, "#")
}

// templated reports whether some demand names the version.
func (d *drafter) templated() bool {
	var w writer
	d.body(&w, d.legs)
	return strings.Contains(w.b.String(), "{version}")
}

func (d *drafter) section(w *writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	w.remark(0, title)
	for i, l := range lines {
		if i == maxLines {
			w.line(0, "#   and %d more", len(lines)-i)
			break
		}
		w.remark(0, "- "+l)
	}
	w.line(0, "#")
}

// head writes what every policy begins with, and whom the rule is for.
func (d *drafter) head(w *writer) {
	w.line(0, "apiVersion: %s", policy.APIVersion)
	w.line(0, "kind: %s", policy.Kind)
	w.line(0, "metadata: {name: %s}", quoted(path.Base(d.image.Reference.Name())))
	w.line(0, "images:")
	w.line(2, "- match: %s", quoted(d.image.Reference.Name()))
	if len(d.options.GitHub) > 0 {
		w.line(4, "places: [registry, github]")
	}
	var parts []string
	if d.tags.pattern != "" {
		parts = append(parts, "version: "+quoted(d.tags.pattern))
	}
	if d.tags.moving != "" {
		parts = append(parts, "moving: ["+quoted(d.tags.moving)+"]")
	}
	if len(parts) > 0 {
		w.line(4, "tags: {%s}", strings.Join(parts, ", "))
	}
}

// body writes the demands.
func (d *drafter) body(w *writer, legs []*leg) {
	shared := false
	for _, l := range legs {
		shared = shared || d.source.repository != "" && l.source == d.source
	}
	if shared {
		w.line(4, "source:")
		d.source.write(w, 6)
	}
	attestations := false
	for _, l := range legs {
		for _, note := range l.notes() {
			w.remark(4, note)
		}
		indent := 4
		if strings.HasPrefix(l.check, "attestations.") {
			if !attestations {
				w.line(4, "attestations:")
			}
			attestations, indent = true, 6
		}
		l.write(w, indent, d.tags, d.source)
	}
	if len(d.require) > 0 {
		w.line(4, "platforms: {require: %s}", list(d.require))
	}
	switch {
	case d.story == nil:
	case len(d.story) == 0 && len(legs) > 1:
		w.line(4, `consistency: "off"`)
	case len(d.story) > 0:
		w.line(4, "consistency: {claims: [%s]}", strings.Join(d.story, ", "))
	}
}

func (l *leg) notes() []string {
	if note := l.ways[l.way].note; note != "" {
		return []string{note}
	}
	return nil
}

// tail writes what a policy could say besides.
func (d *drafter) tail(w *writer) {
	if len(d.require) > 0 {
		w.line(4, "# platforms also has only: the platforms that there may be, and no others.")
	}
	w.line(4, "")
	w.remark(4, "Nothing above is hard for whoever can make the release workflow run. What stops them, and an old release behind a moving tag, is a list of releases that people sign: a TUF repository of the project's.")
	w.remark(4, "`assay trust tuf init --root 1.root.json --sha256 HEX --metadata-url URL` reads one and prints this block for it.")
	for _, l := range []string{
		"release:", "  tuf:", `    metadata_url: "https://OWNER.github.io/REPOSITORY/metadata"`, `    targets_url: "https://OWNER.github.io/REPOSITORY/targets"`,
		`    root: {file: 1.root.json, sha256: "…"}`, fmt.Sprintf(`  target: "%s/releases/v{version}.json"`, path.Base(d.image.Reference.Name())), "  signers: {class: human, people: 1}",
	} {
		w.line(4, "# %s", l)
	}
	w.line(4, "")
	w.remark(4, "Refuses releases that were signed long ago:")
	w.line(4, "# freshness: {max_age: 365d}")
}
