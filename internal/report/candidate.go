package report

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// maxCandidates bounds the candidates of one check on the page. They come closest
// first, and anybody who can push to a registry can add a thousand.
const maxCandidates = 20

// enough stops a list of candidates, and says what is left out.
func (p *page) enough(i, all int) bool {
	if i == maxCandidates {
		p.item("", fmt.Sprintf("and %d more that come less close (see found in the JSON verdict)", all-i))
	}
	return i >= maxCandidates
}

// accepted writes one piece of evidence that met the demand.
func (p *page) accepted(v verify.Verdict, f verify.Finding, c verify.Candidate) {
	if c.Layout == verify.TUFTarget {
		p.manifest(v, c, "", "manifest")
		return
	}
	p.item("signed by", signer(c))
	if c.Claims != nil {
		p.item("issuer", value(c.Claims.Issuer))
	}
	p.item("time", times(c.Times))
	if c.Builder != "" {
		p.item("builder", builder(c))
	}
	if s := source(c.Claims); s != "" {
		p.item("source", s)
	}
	p.evidence(v, c, "")
	if c.DockerReference != "" && c.DockerReference != v.Image.Name {
		p.item("signed as", value(c.DockerReference)+" (reported, never demanded)")
	}
	if c.Met != nil && len(f.Wanted) > 1 {
		p.item("met", fmt.Sprintf("demand %d of %d", *c.Met+1, len(f.Wanted)))
	}
}

// refusedCandidate writes one piece of evidence that did not count.
func (p *page) refusedCandidate(v verify.Verdict, f verify.Finding, i int, c verify.Candidate) {
	label := "found"
	if len(f.Found) > 1 {
		label = fmt.Sprintf("found %d", i+1)
	}
	switch {
	case c.Layout == verify.TUFTarget:
		p.manifest(v, c, "  ", label)
	case c.Authenticated:
		p.item(label, signer(c))
	default:
		p.item(label, said(c))
	}
	if c.Claims != nil {
		p.item("  issuer", value(c.Claims.Issuer))
	}
	if c.Builder != "" {
		p.item("  builder", builder(c))
	}
	if len(c.Times) > 0 {
		p.item("  time", times(c.Times))
	}
	if c.Layout != verify.TUFTarget {
		p.evidence(v, c, "  ")
	}
	if c.Code != "" && c.Code != f.Code {
		p.item("  code", value(string(c.Code)))
	}
	p.difference(c)
}

// difference writes the first thing in which a candidate is not what was wanted.
func (p *page) difference(c verify.Candidate) {
	switch d := c.Difference; {
	case d == nil && c.Reason != "":
		p.item("  refused", message(c.Reason))
	case d == nil:
	default:
		p.item("  differs", value(d.Field)+": wanted "+value(d.Wanted))
		p.item("", "found "+orNone(d.Found))
	}
}

func orNone(found string) string {
	if found == "" {
		return "none"
	}
	return value(found)
}

// evidence writes what a candidate is and where it lay.
func (p *page) evidence(v verify.Verdict, c verify.Candidate, indent string) {
	line := value(string(c.Layout)) + " " + short(c.Evidence) + aboutWhat(c)
	if c.Document != nil {
		line += ", " + value(strings.TrimSpace(c.Document.Format+" "+c.Document.Version)) + " of " + counted(c.Document.Components, "component")
	}
	if c.Log != "" {
		line += ", log " + value(string(c.Log))
	}
	if len(v.Trust) > 1 || c.Trust != verifiedUnder(v) {
		line += ", under " + value(c.Trust)
	}
	p.item(indent+"evidence", line)
	for i, place := range places(v.Run, c.Evidence) {
		label := indent + "at"
		if i > 0 {
			label = ""
		}
		p.place(label, place)
	}
}

// verifiedUnder is the only root of a verdict, which needs no mention.
func verifiedUnder(v verify.Verdict) string {
	if len(v.Trust) == 1 {
		return v.Trust[0].Name
	}
	return ""
}

// places are where one piece of evidence lay, escaped; the first few of them.
func places(r verify.Run, evidence string) []string {
	var places []string
	more := 0
	for _, p := range r.Places {
		switch {
		case p.Evidence != evidence:
		case len(places) < 3:
			places = append(places, value(p.Place))
		default:
			more++
		}
	}
	if more > 0 {
		places = append(places, fmt.Sprintf("and %d more", more))
	}
	if len(places) == 0 {
		return []string{"a place that was not recorded"}
	}
	return places
}

func signer(c verify.Candidate) string {
	switch {
	case c.Claims != nil && c.Claims.Identity != "":
		return value(c.Claims.Identity)
	case c.Key != "":
		return "the key sha256:" + value(c.Key)
	}
	return "(nobody named)"
}

// said names the signer of a candidate, and whether that is only its own word.
func said(c verify.Candidate) string {
	switch {
	case c.Authenticated:
		return "signed by " + signer(c)
	case c.Claims == nil && c.Key == "":
		return "not verified; no signer can be read"
	}
	return "not verified; says it is signed by " + signer(c)
}

func builder(c verify.Candidate) string {
	if c.Level == nil {
		return value(c.Builder)
	}
	return fmt.Sprintf("%s (SLSA build level %d)", value(c.Builder), *c.Level)
}

// source is what the certificate says was built.
func source(c *verify.Claims) string {
	if c == nil || c.Repository == "" {
		return ""
	}
	line := value(c.Repository)
	if c.Ref != "" {
		line += " " + value(c.Ref)
	}
	if c.Commit != "" {
		line += " commit " + value(c.Commit)
	}
	return line
}

func times(ts []verify.VerifiedTime) string {
	if len(ts) == 0 {
		return "none was verified"
	}
	var texts []string
	for i, t := range ts {
		if i == 3 {
			texts = append(texts, fmt.Sprintf("and %d more", len(ts)-i))
			break
		}
		text := stamp(t.Time) + " (" + value(t.Source)
		if t.URI != "" {
			text += " " + value(t.URI)
		}
		texts = append(texts, text+")")
	}
	return strings.Join(texts, ", ")
}
