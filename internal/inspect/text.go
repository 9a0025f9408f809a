package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/shell"
	"github.com/releaseassay/assay/verify"
)

// TextOptions say how a text page looks. The zero value is good.
type TextOptions struct {
	// Width is the number of columns between which sentences are wrapped: 0 is 100,
	// and less than 40 is 40. Names and commands are never broken.
	Width int
	// Flags are what `assay verify` needs to find the same image, such as --layout DIR.
	Flags []string
}

// Bounds of a text page; JSON leaves nothing out.
const (
	maxEvidence = 100
	maxListed   = 10
	maxPlaces   = 16
)

// Text writes the page that a person reads: the image and its platforms, each piece of
// evidence, what could not be read, and where was looked. Its first and its last lines
// say that nothing was verified, and how to verify.
func Text(w io.Writer, t Tree, o TextOptions) error {
	p := newPage(o.Width)
	p.line("NOT VERIFIED " + value(t.reference()) + ": what it and its evidence say of themselves")
	p.image(t)
	if t.Image.Digest != "" {
		p.evidence("on the image", t, t.Evidence)
	}
	for _, platform := range t.Platforms {
		if platform.Looked {
			p.evidence("on "+value(platform.Name())+" "+short(platform.Digest), t, platform.Evidence)
		}
	}
	p.failures(t.Failures)
	p.places(t.Places)
	p.footer(t, o.Flags)
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write the tree as text: %w", err)
	}
	return nil
}

// reference is the most exact name of the image that is known.
func (t Tree) reference() string {
	if t.Image.Pinned != "" {
		return t.Image.Pinned
	}
	return t.Image.Requested
}

// names says what each digest is that a subject may name.
func (t Tree) names() map[string]string {
	names := map[string]string{}
	for _, p := range t.Platforms {
		names[p.Digest] = p.Name()
	}
	if t.Image.Digest != "" {
		names[t.Image.Digest] = "this image"
	}
	return names
}

func (p *page) image(t Tree) {
	i := t.Image
	if i.Requested != t.reference() {
		p.item(0, "asked for", value(i.Requested))
	}
	if i.Digest == "" {
		return
	}
	p.item(0, "digest", value(i.Digest))
	p.item(0, "media type", value(i.MediaType)+", "+size(int64(i.Size)))
	for n, platform := range t.Platforms {
		label := ""
		if n == 0 {
			label = "platforms"
		}
		p.item(0, label, platformLine(platform))
	}
}

func platformLine(p Platform) string {
	name := p.Name()
	if p.OSVersion != "" {
		name += " (" + p.OSVersion + ")"
	}
	line := value(name) + " " + value(p.Digest)
	switch p.Kind {
	case KindIndex:
		return line + " (an index; not looked into)"
	case KindAttestation:
		return "BuildKit's own attestations, not signed, of " + short(p.Attests) + " " + value(p.Digest)
	case KindImage:
		if !p.Looked {
			return line + " (not looked for evidence)"
		}
	}
	return line
}

func (p *page) evidence(where string, t Tree, all []Evidence) {
	p.line("")
	switch {
	case len(all) == 0 && t.Complete():
		p.line("evidence " + where + ": none found")
		return
	case len(all) == 0:
		p.line("evidence " + where + ": none found, but not everything could be read")
		return
	}
	names := t.names()
	p.line("evidence " + where + ":")
	for i, e := range all {
		if i == maxEvidence {
			p.item(0, "", fmt.Sprintf("and %d more (see the JSON)", len(all)-i))
			return
		}
		p.piece(i+1, names, e)
	}
}

func (p *page) piece(n int, names map[string]string, e Evidence) {
	kind := e.PredicateType
	if kind == "" {
		kind = e.StatementType
	}
	if kind == "" {
		kind = "nothing that could be read"
	}
	p.item(0, fmt.Sprintf("%d", n), value(kind))
	p.item(2, "stored as", value(string(e.Layout))+" "+short(e.Digest)+", "+size(int64(e.Size)))
	p.place(2, "at", value(e.Place))
	p.some(2, "media type", e.MediaType)
	if e.Format != e.MediaType {
		p.some(2, "bundle", e.Format)
	}
	if e.PredicateType != "" {
		p.some(2, "statement", e.StatementType)
	}
	p.subjects(names, e)
	p.signer(e)
	p.log(e)
	if b := e.Build; b != nil {
		p.some(2, "builder", b.Builder)
		p.some(2, "build type", b.Type)
		p.some(2, "built from", b.Source)
		p.some(2, "of commit", b.Commit)
		p.some(2, "build run", b.Run)
	}
	for i, problem := range e.Problems {
		if i == maxListed {
			p.item(2, "", fmt.Sprintf("and %d more (see the JSON)", len(e.Problems)-i))
			break
		}
		p.item(2, "problem", message(problem))
	}
}

// subjects writes what a statement is about, and whether that is the image.
func (p *page) subjects(names map[string]string, e Evidence) {
	for i, s := range e.Subjects {
		if i == maxListed {
			p.item(2, "", fmt.Sprintf("and %d more (see the JSON)", len(e.Subjects)-i))
			break
		}
		label := "about"
		if i > 0 {
			label = ""
		}
		p.item(2, label, subjectLine(names, s))
	}
	if len(e.Subjects) > 0 && !e.NamesImage && e.Layout != verify.BuildKit { // which is about a sibling
		p.item(2, "", "none of its subjects is the digest on which it lies")
	}
}

func subjectLine(names map[string]string, s verify.Subject) string {
	var digests []string
	for algorithm, d := range s.Digest {
		full := algorithm + ":" + d
		known, ok := names[full]
		switch {
		case ok:
			digests = append(digests, short(full)+" ("+value(known)+")")
		case verify.IsDigest(full):
			digests = append(digests, short(full)+" (another digest)")
		default:
			digests = append(digests, value(full))
		}
	}
	slices.Sort(digests)
	if len(digests) == 0 {
		digests = []string{"no digest"}
	}
	line := strings.Join(digests, ", ")
	if s.Name != "" {
		line += " named " + value(s.Name)
	}
	return line
}

// signer writes who says that he signed.
func (p *page) signer(e Evidence) {
	switch c := e.Claims; {
	case c != nil:
		p.item(2, "signer", value(c.Identity))
		p.item(2, "issuer", value(c.Issuer))
		p.some(2, "repository", c.Repository)
		p.some(2, "ref", c.Ref)
		p.some(2, "commit", c.Commit)
		p.some(2, "workflow", c.ConfigURI)
		p.some(2, "event", c.Trigger)
		p.some(2, "run", c.RunURI)
	case e.Layout == verify.BuildKit:
		p.item(2, "signer", "nobody: BuildKit does not sign")
		return
	case e.PlainKey && e.KeyHint != "":
		p.item(2, "signer", "a plain key that it calls "+value(e.KeyHint))
	case e.PlainKey:
		p.item(2, "signer", "a plain key, or nobody: there is no certificate")
	default:
		p.item(2, "signer", "nobody that could be read")
	}
	if c := e.Certificate; c != nil {
		p.item(2, "certificate", stamp(c.NotBefore)+" to "+stamp(c.NotAfter)+", issued by "+value(c.Issuer))
	}
}

func (p *page) log(e Evidence) {
	if len(e.Log) == 0 && e.Layout != verify.BuildKit {
		p.item(2, "log", "no entry")
	}
	for _, entry := range e.Log {
		var parts []string
		if entry.IntegratedTime != nil {
			parts = append(parts, stamp(*entry.IntegratedTime))
		}
		if entry.Kind != "" {
			parts = append(parts, value(entry.Kind))
		}
		parts = append(parts, fmt.Sprintf("index %d of log %s", entry.Index, shortHex(entry.LogID)))
		if entry.Promise {
			parts = append(parts, "promise")
		}
		if entry.Proof {
			parts = append(parts, "proof")
		}
		p.item(2, "log", strings.Join(parts, ", "))
	}
	for _, t := range e.Timestamps {
		p.item(2, "timestamp", stamp(t))
	}
}

func (p *page) failures(failures []Failure) {
	if len(failures) == 0 {
		return
	}
	p.line("")
	p.line("could not be read:")
	for i, f := range failures {
		if i == maxEvidence {
			p.item(0, "", fmt.Sprintf("and %d more (see the JSON)", len(failures)-i))
			return
		}
		p.item(0, value(string(f.Code)), fmt.Sprintf("%s: %s (%s)", value(f.Place), message(f.Detail), value(string(f.Class))))
	}
}

func (p *page) places(places []string) {
	if len(places) == 0 {
		return
	}
	p.line("")
	p.line("looked at:")
	for i, place := range places {
		if i == maxPlaces {
			p.item(0, "", fmt.Sprintf("and %d more (see the JSON)", len(places)-i))
			return
		}
		p.bare(value(place))
	}
}

func (p *page) footer(t Tree, flags []string) {
	p.line("")
	if t.Cost != nil {
		p.line(fmt.Sprintf("%d requests, %s", t.Cost.Requests, size(t.Cost.Bytes)))
	}
	p.line("Nothing here was verified. To verify it, demand the repository that you expect, not one that is claimed here:")
	p.bare(shell.Join(append([]string{"assay", "verify", t.reference(), "--repo", "OWNER/NAME"}, flags...)...))
}

// The lengths at which strings are cut, as in internal/report.
func value(s string) string   { return report.Escape(s, 512) }
func message(s string) string { return report.Escape(s, 1000) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// short is a digest that a person can compare, as verdicts write it.
func short(digest string) string {
	if verify.IsDigest(digest) {
		return digest[:len("sha256:")+12]
	}
	if digest == "" {
		return "(no digest)"
	}
	return value(digest)
}

func shortHex(id string) string {
	if len(id) > 12 {
		return value(id[:12])
	}
	return value(id)
}

func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
