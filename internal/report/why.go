package report

import (
	"fmt"
	"slices"

	"github.com/releaseassay/assay/verify"
)

// maxClosest bounds the candidates of a check that is not a pass on the short page.
const maxClosest = 3

// why writes, of a check that is not a pass, what was wanted, what was found instead
// and what to do.
func (p *page) why(v verify.Verdict, f verify.Finding) {
	if f.Message != "" && !saidByFound(f) {
		p.item("because", message(f.Message))
	}
	switch {
	case len(f.Violations) > 0:
		p.violations(f)
		p.about(f)
	case f.Platforms != nil || f.Story != nil: // the tables say it
	case f.Result == verify.Errored && len(f.Found) == 0: // what could not be read follows
	case f.Release != nil && f.Result != verify.Errored:
		p.item("wanted", releaseWanted(f))
		p.closest(v, f)
	case len(f.Found) > 0 && f.Found[0].Difference != nil:
		p.closest(v, f)
	default:
		p.wanted(f.Wanted)
		p.closest(v, f)
	}
	if lacksEvidence(f) && f.Result != verify.Errored {
		p.item("found", nothing(f))
		p.looked(v.Run.Looked)
	}
	if f.Release != nil {
		p.newest(f.Release.Newest)
	}
	if f.Next != "" {
		p.item("next", message(f.Next))
	}
}

// together makes one of the checks that could not be decided for one reason: a registry
// that is down is one trouble, however many checks it leaves open.
func together(checks []verify.Finding) []verify.Finding {
	var all []verify.Finding
	for _, f := range checks {
		at := slices.IndexFunc(all, func(g verify.Finding) bool {
			return f.Result == verify.Errored && g.Result == verify.Errored && len(f.Found)+len(g.Found)+len(f.Violations)+len(g.Violations) == 0 &&
				f.Code == g.Code && f.Class == g.Class && f.Message == g.Message && f.Next == g.Next
		})
		if at < 0 {
			all = append(all, f)
			continue
		}
		all[at].ID += ", " + f.ID
	}
	return all
}

// closest writes in what the candidates that came closest differ from what was wanted.
func (p *page) closest(v verify.Verdict, f verify.Finding) {
	for i, c := range f.Found {
		if i == maxClosest {
			p.item("", fmt.Sprintf("and %d more that come less close (--output details)", len(f.Found)-i))
			return
		}
		if c.Layout == verify.TUFTarget {
			p.manifest(v, c, "", "found")
			p.difference(c)
			continue
		}
		switch d := c.Difference; {
		case d != nil:
			p.item("wanted", value(d.Field)+": "+value(d.Wanted))
			p.item("found", orNone(d.Found))
		case c.Reason != "":
			p.item("found", message(c.Reason))
		}
		by := ", " + said(c)
		if c.Authenticated && c.Difference != nil && c.Claims != nil && c.Difference.Found == c.Claims.Identity {
			by = ""
		}
		p.item("  in", value(string(c.Layout))+" "+short(c.Evidence)+aboutWhat(c)+by)
		for _, place := range places(v.Run, c.Evidence) {
			p.place("  at", place)
			break
		}
		if c.Code != "" && c.Code != f.Code {
			p.item("  code", value(string(c.Code)))
		}
	}
}

// about names the evidence whose content is wrong.
func (p *page) about(f verify.Finding) {
	if len(f.Found) > 0 {
		c := f.Found[0]
		p.item("in", value(string(c.Layout))+" "+short(c.Evidence)+aboutWhat(c)+", "+said(c))
	}
}

// aboutWhat names the manifest that evidence is about where that is not the image.
func aboutWhat(c verify.Candidate) string {
	switch {
	case c.About == "":
		return ""
	case c.Platform == "":
		return " about " + short(c.About)
	}
	return " about " + value(c.Platform) + " " + short(c.About)
}

// maxViolations bounds the violations of one check on the page.
const maxViolations = 10

// violations writes what is wrong with the content of the evidence.
func (p *page) violations(f verify.Finding) {
	for i, x := range f.Violations {
		if i == maxViolations {
			p.item("", fmt.Sprintf("and %d more", violationCount(f.Violations)-i))
			return
		}
		label := "violations"
		if i > 0 {
			label = ""
		}
		p.item(label, violation(x))
	}
}

// violation is one violation in a sentence: the rule, where, and what.
func violation(x verify.Violation) string {
	line := value(x.Rule) + ": "
	if x.Component != "" {
		line += value(x.Component) + ": "
	}
	line += message(x.Problem)
	if x.Path != "" {
		line += " (at " + value(x.Path) + ")"
	}
	return line
}

// violationCount is how many violations there are. The last one listed counts those
// that a verdict leaves out.
func violationCount(all []verify.Violation) int {
	n := len(all)
	if n == 0 {
		return 0
	}
	more, last := 0, all[n-1]
	if _, err := fmt.Sscanf(last.Problem, "and %d more", &more); err == nil && last.Problem == fmt.Sprintf("and %d more", more) && more > 0 {
		return n - 1 + more
	}
	return n
}
