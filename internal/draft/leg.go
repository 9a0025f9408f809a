package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// leg is one demand for evidence.
type leg struct {
	// check is its id in a verdict, key its key in the policy.
	check, key string
	by         profile
	// source is what was built; before are the lines between key and signer.
	source source
	before []string
	// ways are the demands on the content, the strictest first; way is the one written.
	ways []way
	way  int
	// hints are lines of a comment behind it.
	hints []string
	free  []string
}

// way is one form of a demand on content, with what to say where it had to be taken
// in place of a stricter one.
type way struct {
	lines []string
	note  string
}

// maxNamed is how many named attestations are written.
const maxNamed = 32

// drawUp writes a demand for each kind of evidence that the chosen party signed.
func (d *drafter) drawUp() error {
	kinds := []string{kindSignature, kindProvenance, kindSBOM}
	var named []string
	for _, e := range d.signed {
		if e.by.party() != d.party {
			d.ignore(e.Exhibit, "by another signer")
		} else if !slices.Contains(kinds, e.kind) {
			named = append(named, e.kind)
		}
	}
	names := map[string]bool{}
	for _, kind := range append(kinds, unique(named)...) {
		list, err := d.pick(kind)
		if err != nil {
			return err
		}
		switch {
		case kind == kindSBOM:
			d.billOfMaterials(list)
		case len(list) == 0:
		case kind == kindSignature:
			d.legs = append(d.legs, &leg{check: kind, key: kind + ":", by: list[0].by, source: d.sourceOf(list[0].by), ways: []way{{}}})
		case kind == kindProvenance:
			d.provenance(list[0])
		case len(names) == maxNamed:
			d.notes = append(d.notes, "A policy names at most 32 attestations: there is more evidence than is demanded.")
		default:
			d.named(kind, nameOf(kind, names), list)
		}
	}
	if len(d.legs) == 0 {
		return refuse("nothing that was signed on behalf of "+comment(d.party)+" can be demanded by a policy", unique(d.ignored)...)
	}
	d.compareNames()
	for _, l := range d.legs {
		if l.source.repository != "" && (l.source.repositoryID == "" || l.source.ownerID == "") {
			d.notes = append(d.notes, "A certificate names no numeric ids of repository and owner: whoever gets the name after it was given up is not told apart.")
			break
		}
	}
	return nil
}

// compareNames notes where the image's name does not have the owner of what was built.
// It proves nothing either way; it is what a person would look at.
func (d *drafter) compareNames() {
	if strings.HasPrefix(d.party, "https://") && !strings.Contains(d.party, " ") && !d.namesake(d.party) {
		d.notes = append(d.notes, "The image is "+comment(d.image.Reference.Name())+", and what signed it was built from "+comment(d.party)+": nothing shows that they belong together.")
	}
}

// namesake reports whether the image's name has the owner of a party's repository.
func (d *drafter) namesake(party string) bool {
	_, path, ok := strings.Cut(strings.TrimPrefix(party, "https://"), "/")
	owner, _, _ := strings.Cut(path, "/")
	return ok && owner != "" && slices.Contains(strings.Split(d.image.Reference.Name(), "/"), strings.ToLower(owner))
}

// sourceOf is what a policy demands of what was built.
func (d *drafter) sourceOf(by profile) source {
	s := by.source
	s.ref = d.tags.template(s.ref)
	return s
}

// provenance writes a demand for the builder that built the image.
func (d *drafter) provenance(e exhibit) {
	built, ok := e.Statement.Built()
	if !ok || e.by.source.repository == "" {
		d.ignore(e.Exhibit, "assay cannot tell who built the image")
		return
	}
	id := built.Builder
	if !built.Released {
		id += "@" + built.Version
	}
	builder := "builder: {id: " + quoted(id) + "}"
	if built.Level > 0 {
		builder = fmt.Sprintf("builder: {id: %s, level: %d}", quoted(id), built.Level)
	} else {
		d.notes = append(d.notes, "The builder of the provenance is on no list of trusted builders: its SLSA level is 0 until the policy says otherwise under builders.")
	}
	d.legs = append(d.legs, &leg{
		check: kindProvenance, key: kindProvenance + ":", by: e.by, source: d.sourceOf(e.by), before: []string{builder}, ways: []way{{}},
	})
}

// billOfMaterials writes a demand for a bill of materials: a signed one, or what
// BuildKit keeps in an index whose own signature is demanded.
func (d *drafter) billOfMaterials(list []exhibit) {
	l := &leg{check: kindSBOM, key: kindSBOM + ":"}
	signature := d.leg(kindSignature)
	switch {
	case len(list) > 0:
		l.by = list[0].by
		l.ways = waysOfSBOM(list)
		if other := otherFormat(list); other != "" {
			d.notes = append(d.notes, "The image carries bills of materials in two formats; the one of the format "+other+" is not demanded.")
		}
	case len(d.held) > 0 && signature != nil:
		l.by = signature.by
		l.before = []string{"buildkit: true # nobody signed it: the index's own signature vouches for it"}
		l.ways = waysOfSBOM(d.held)
	default:
		if len(d.held) > 0 {
			d.notes = append(d.notes, "BuildKit keeps a bill of materials in the index. Nobody signed it, and without a signature of the index it counts for nothing.")
		}
		return
	}
	l.source = d.sourceOf(l.by)
	d.legs = append(d.legs, l)
}

// named writes a demand for an attestation of one predicate type.
func (d *drafter) named(kind, name string, list []exhibit) {
	l := &leg{check: "attestations." + name, key: name + ":", by: list[0].by, before: []string{"type: " + quoted(kind)}}
	l.source = d.sourceOf(l.by)
	l.ways, l.hints = d.waysOf(l, list[0])
	d.legs = append(d.legs, l)
}

func (d *drafter) leg(check string) *leg {
	for _, l := range d.legs {
		if l.check == check {
			return l
		}
	}
	return nil
}

// nameOf makes the name of an attestation from its predicate type: what follows the
// last slash and is no version.
func nameOf(kind string, taken map[string]bool) string {
	name := shapeOf(kind)
	if name == "" {
		elements := strings.FieldsFunc(kind, func(r rune) bool { return strings.ContainsRune("/#?=:", r) })
		slices.Reverse(elements)
		for _, e := range elements {
			if name = short(e); name != "" {
				break
			}
		}
	}
	name = cmp.Or(name, "attestation")
	unique := name
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	taken[unique] = true
	return unique
}

// short keeps of a text what the name of an attestation may have, "" of a version.
func short(s string) string {
	if strings.Trim(strings.TrimPrefix(s, "v"), "0123456789.") == "" {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
	return strings.Trim(s[:min(len(s), 40)], "-")
}

// write writes the demand. shared is the rule's source.
func (l *leg) write(w *writer, indent int, tags tags, shared source) {
	w.line(indent, "%s", l.key)
	indent += 2
	w.lines(indent, l.before)
	w.lines(indent, l.ways[l.way].lines)
	w.line(indent, "signer:")
	l.signer(w, indent+2, tags)
	if l.source != shared && l.source.repository != "" {
		w.line(indent, "source:")
		l.source.write(w, indent+2)
	}
	w.lines(indent, l.hints)
}

// signer writes who signs. Of provenance that is the builder, which is named already.
func (l *leg) signer(w *writer, indent int, tags tags) {
	by := l.by
	w.line(indent, "issuer: %s", quoted(by.issuer))
	ref := by.ref
	if by.repository == by.source.repository { // the tag of another repository is of a version of its own
		ref = tags.template(ref)
	}
	switch {
	case l.check == kindProvenance && !by.own():
	case by.workflow == "" && policy.KnownIssuer(by.issuer):
		w.line(indent, "identity: %s", quoted(tags.templateIdentity(by.identity)))
	case by.workflow == "":
		w.line(indent, "identity: %s", quoted(by.identity))
	default:
		w.line(indent, "workflow: %s", quoted(by.workflow))
		if by.repository != l.source.repository {
			w.line(indent, "repository: %s", quoted(repository(by.repository)))
		}
		if ref != l.source.ref || by.repository != l.source.repository {
			w.line(indent, "ref: %s", quoted(ref))
		}
	}
	if by.trigger != "" {
		w.line(indent, "trigger: %s", quoted(by.trigger))
	}
	switch by.runner {
	case "github-hosted":
		w.line(indent, "runner: github-hosted")
	case "self-hosted":
		w.line(indent, "runner: self-hosted # whoever owns that machine can sign: is that meant?")
	}
}

// write writes what was built.
func (s source) write(w *writer, indent int) {
	w.line(indent, "repository: %s", quoted(repository(s.repository)))
	if s.repositoryID != "" {
		w.line(indent, "repository_id: %s", quoted(s.repositoryID))
	}
	if s.ownerID != "" {
		w.line(indent, "owner_id: %s", quoted(s.ownerID))
	}
	if strings.HasPrefix(s.ref, "refs/") {
		w.line(indent, "ref: %s", quoted(s.ref))
	}
}

// repository writes a repository on github.com in short.
func repository(url string) string { return strings.TrimPrefix(url, "https://github.com/") }
