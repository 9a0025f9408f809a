package report

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// standing writes under the headline what changes how it is to be read: a time that is
// not now, an exception, a policy that is not enforced.
func (p *page) standing(v verify.Verdict) {
	if v.Hypothetical {
		p.item("hypothetical", "judged as of "+stamp(v.Run.JudgedAt)+", not now: no permission to run the image today")
	}
	if !v.Passed() && len(refused(v)) == 0 {
		p.item("why", nothingCounted)
	}
	p.exception(v.Exception)
	if line := audit(v); line != "" {
		p.item("audit", line)
	}
}

// exception writes what excuses a failure, which stays one.
func (p *page) exception(e *verify.VerdictException) {
	if e == nil {
		return
	}
	checks, verb := exceptedChecks(e)
	p.item("excepted", "the verdict is fail; "+checks+" "+verb+" excused until "+stamp(e.Expires))
	p.item("  by", value(e.Approver)+", "+short(e.Digest))
	p.item("  reason", message(e.Reason))
}

func exceptedChecks(e *verify.VerdictException) (checks, verb string) {
	switch len(e.Checks) {
	case 0:
		return "no check", "is"
	case 1:
		return message(e.Checks[0]), "is"
	}
	return message(strings.Join(e.Checks, ", ")), "are"
}

// audit says that, and until when, the policy is not enforced; "" where it is.
func audit(v verify.Verdict) string {
	if v.Enforced == nil || *v.Enforced {
		return ""
	}
	line := "not enforced"
	if v.EnforcedFrom != nil {
		line += " until " + stamp(*v.EnforcedFrom)
	}
	return line + ": a door that admits images may let this one in, and says so"
}

// notices are those of the verdict that nothing above them has said.
func notices(v verify.Verdict) []verify.Notice {
	said := audit(v) != ""
	return slices.DeleteFunc(slices.Clone(v.Notices), func(n verify.Notice) bool {
		return said && n.Code == verify.PolicyAuditEnds
	})
}

// notices writes what a person should know beside the verdict: of the checks that
// passed, unless the page has said it beside them, and of the verdict.
func (p *page) notices(v verify.Verdict, ofChecks bool) {
	var findings []verify.Finding
	for _, f := range v.Checks {
		if ofChecks && f.Notice != "" && f.Result == verify.Passed {
			findings = append(findings, f)
		}
	}
	notices := notices(v)
	if len(findings)+len(notices) == 0 {
		return
	}
	p.blank()
	p.section("to know:")
	for _, f := range findings {
		p.item("notice", value(f.ID)+": "+value(string(f.Notice))+": "+message(f.Message))
		p.violations(f)
	}
	for i, n := range notices {
		if i == maxListed {
			p.item("", "and "+counted(len(notices)-i, "more notice"))
			return
		}
		line := value(string(n.Code)) + ": " + message(n.Message)
		if n.Until != nil {
			line += " (until " + stamp(*n.Until) + ")"
		}
		p.item("notice", line)
	}
}
