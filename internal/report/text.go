package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// TextOptions say how a text report looks. The zero value is good.
type TextOptions struct {
	// Color colours the verdict and the mark of each check.
	Color bool
	// Width is the number of columns between which sentences are wrapped: 0 is
	// 100, and less than 40 is 40. Names and commands are never broken.
	Width int
}

// Text writes the page that a person reads first, and keeps in a picture: the verdict
// and the pinned reference, a line for each check, what the sources claim and which
// platforms are covered, then for each check that is not a pass what was wanted, what
// was found and what to do. [Details] says more.
func Text(w io.Writer, v verify.Verdict, o TextOptions) error {
	p := newPage(o)
	p.headline(v)
	p.standing(v)
	p.blank()
	p.checks(v)
	p.tables(v)
	for _, f := range together(refused(v)) {
		p.blank()
		p.title(f)
		p.why(v, f)
	}
	p.trouble(v.Run)
	p.notices(v, true)
	p.notStopped(v)
	p.blank()
	p.basis(v)
	p.footer(v.Run)
	return p.write(w)
}

func newPage(o TextOptions) *page {
	p := &page{color: o.Color, width: o.Width}
	if p.width == 0 {
		p.width = defaultWidth
	}
	p.width = max(p.width, minWidth)
	return p
}

func (p *page) write(w io.Writer) error {
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write the verdict as text: %w", err)
	}
	return nil
}

func (p *page) headline(v verify.Verdict) {
	word := headline(v)
	p.head(word, map[string]ink{"PASS": green, "FAIL": red, "UNDECIDED": yellow, "EXCEPTED": yellow}[word], value(reference(v)))
}

// checks writes a line for each check that is required, and one for all others.
func (p *page) checks(v verify.Verdict) {
	var rows [][]cell
	var others []string
	for _, f := range v.Checks {
		if f.Result == verify.NotRequired {
			others = append(others, Escape(f.ID, maxName))
			continue
		}
		m, c := mark(f)
		row := []cell{{mark: m, ink: c, text: Escape(f.ID, maxName)}, {text: fact(v, f)}}
		if !f.Required {
			row[1].text += " (not required)"
		}
		rows = append(rows, row)
	}
	p.table(0, rows)
	if len(others) > 0 {
		p.head("-", plain, "not required: "+message(strings.Join(others, ", ")))
	}
}

// maxName is how much of a check's name is shown where others stand beside it.
const maxName = 48

// mark is the sign of a check's result.
func mark(f verify.Finding) (string, ink) {
	switch f.Result {
	case verify.Passed:
		return "✓", green
	case verify.NotRequired:
		return "-", plain
	case verify.Errored:
		return "?", yellow
	}
	return "✗", red
}

// tables writes the claims of all sources, and the platforms.
func (p *page) tables(v verify.Verdict) {
	for _, f := range v.Checks {
		if len(f.Story) > 0 {
			p.blank()
			p.section("what the evidence says:")
			p.story(f.Story)
		}
	}
	for _, f := range v.Checks {
		if f.Platforms != nil {
			p.blank()
			p.section("where the evidence is:")
			p.matrix(f.Platforms)
		}
	}
}

// basis is what the verdict rests on.
func (p *page) basis(v verify.Verdict) {
	if v.Image.Pinned != "" && v.Image.Requested != v.Image.Pinned {
		p.item("asked for", value(v.Image.Requested))
	}
	p.item("policy", policyLine(v.Policy))
	for _, r := range v.Trust {
		p.item("trust", rootName(r))
	}
	if v.Policy.Rule != "" {
		p.item("version", versionLine(v.Image))
	}
	p.validUntil(v)
}

func (p *page) validUntil(v verify.Verdict) {
	if v.ValidUntil != nil {
		p.item("valid until", stamp(*v.ValidUntil)+": then metadata expires, or a span of time ends that this rests on")
	}
}

// rootName is a trusted root without what is the same for most.
func rootName(r verify.VerdictRoot) string {
	line := value(r.Name) + ", " + short(r.Digest)
	switch {
	case r.Digest == "":
		return rootLine(r)
	case belowDefault(r):
		line += " (thresholds below the default of one each)"
	}
	return line
}

func belowDefault(r verify.VerdictRoot) bool {
	return r.LogEntries < 1 || r.SCTs < 1 || r.Timestamps < 1
}

func policyLine(d verify.VerdictPolicy) string {
	rule := "no rule matches"
	if d.Rule != "" {
		rule = "rule " + value(d.Rule)
	}
	return value(d.Name) + ", " + short(d.Digest) + ", " + rule
}

func rootLine(r verify.VerdictRoot) string {
	if r.Digest == "" {
		return value(r.Name) + ", " + value(r.Source) + ": nothing can be verified under it"
	}
	line := fmt.Sprintf("%s, %s, from %s; thresholds: log entries %d, SCTs %d, times %d",
		value(r.Name), short(r.Digest), value(r.Source), r.LogEntries, r.SCTs, r.Timestamps)
	if belowDefault(r) {
		line += " (below the default of one each)"
	}
	return line
}

func versionLine(i verify.VerdictImage) string {
	if i.Version == "" {
		return "none is known"
	}
	from := map[string]string{
		"tag": "from the tag", "flag": "as it was asked for", "certificate": "from the certificate's ref",
		"release": "as the TUF repository lists the digest",
	}[i.VersionFrom]
	if from == "" {
		from = "from " + value(i.VersionFrom)
	}
	return value(i.Version) + " (" + from + ")"
}

// maxListed bounds each list of a text report but the candidates.
const maxListed = 10

// trouble lists what could not be fetched or read.
func (p *page) trouble(r verify.Run) {
	if len(r.Failed) == 0 {
		return
	}
	p.blank()
	p.section("could not be read:")
	for i, f := range r.Failed {
		if i == maxListed {
			p.item("", fmt.Sprintf("and %d more (see run.failed of the JSON verdict)", len(r.Failed)-i))
			return
		}
		p.item(value(string(f.Code)), fmt.Sprintf("%s: %s (%s)", value(f.Place), message(f.Detail), value(string(f.Class))))
	}
}

func (p *page) footer(r verify.Run) {
	line := fmt.Sprintf("%s, %s, %s", counted(r.Requests, "request"), size(r.Bytes), duration(r.DurationMS))
	if !r.JudgedAt.IsZero() {
		line += "; judged as of " + stamp(r.JudgedAt)
	}
	if r.Assay != "" {
		line += " by assay " + value(r.Assay)
	}
	p.blank()
	p.section(line)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// short is a digest that a person can compare.
func short(digest string) string {
	if verify.IsDigest(digest) {
		return digest[:len("sha256:")+12]
	}
	if digest == "" {
		return "(no digest)"
	}
	return value(digest)
}

func size(n int64) string {
	switch {
	case n < 1000:
		return counted(n, "byte")
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func duration(ms int64) string {
	if ms < 1000 {
		return fmt.Sprintf("%d ms", ms)
	}
	return fmt.Sprintf("%.1f s", float64(ms)/1000)
}
