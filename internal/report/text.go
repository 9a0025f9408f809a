package report

import (
	"fmt"
	"io"
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

// Text writes the report that a person reads: the verdict and the pinned
// reference, what was demanded and under which trusted roots, then each check
// with its evidence or with what was wanted, what was found and what to do.
func Text(w io.Writer, v verify.Verdict, o TextOptions) error {
	p := &page{color: o.Color, width: o.Width}
	if p.width == 0 {
		p.width = defaultWidth
	}
	p.width = max(p.width, minWidth)
	p.header(v)
	for _, f := range v.Checks {
		p.finding(v, f)
	}
	p.trouble(v.Run)
	p.notStopped(v)
	p.footer(v.Run)
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write the verdict as text: %w", err)
	}
	return nil
}

func (p *page) header(v verify.Verdict) {
	word := headline(v)
	p.head(word, map[string]ink{"PASS": green, "FAIL": red, "UNDECIDED": yellow}[word], value(reference(v)))
	if v.Hypothetical {
		p.item("hypothetical", "judged as of "+stamp(v.Run.JudgedAt)+", not now: no permission to run the image today")
	}
	if !v.Passed() && len(refused(v)) == 0 {
		p.item("why", nothingCounted)
	}
	p.blank()
	if v.Image.Pinned != "" && v.Image.Requested != v.Image.Pinned {
		p.item("asked for", value(v.Image.Requested))
	}
	p.item("policy", policyLine(v.Policy))
	for _, r := range v.Trust {
		p.item("trust", rootLine(r))
	}
	if v.Policy.Rule != "" {
		p.item("version", versionLine(v.Image))
	}
	if v.ValidUntil != nil {
		p.item("valid until", stamp(*v.ValidUntil)+": then metadata expires, or a span of time ends that this rests on")
	}
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
	if r.LogEntries < 1 || r.SCTs < 1 || r.Timestamps < 1 {
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
