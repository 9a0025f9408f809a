package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// RefusalLines is the number of lines that [Refusal] writes at most.
const RefusalLines = 10

// Refusal writes what a log should keep of a verdict that is not a pass, in at
// most [RefusalLines] lines however many checks refused: FAIL, UNDECIDED or
// EXCEPTED and the reference, then for each of them the code, what was wanted, what was found and
// what to do next. Of a pass it writes nothing.
func Refusal(w io.Writer, v verify.Verdict) error {
	if v.Passed() {
		return nil
	}
	lines := []string{headline(v) + " " + value(reference(v))}
	if v.Hypothetical {
		lines[0] += " (hypothetical: judged as of " + stamp(v.Run.JudgedAt) + ")"
	}
	if v.Exception != nil {
		lines[0] += " (the verdict is fail; excused until " + stamp(v.Exception.Expires) + ")"
	}
	if line := audit(v); line != "" {
		lines[0] += " (" + line + ")"
	}
	checks := together(refused(v))
	if len(checks) == 0 {
		lines = append(lines, "  "+nothingCounted)
	}
	lines = append(lines, refusals(v, checks, RefusalLines-len(lines))...)
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("write the refusal: %w", err)
	}
	return nil
}

// refusals shares out the lines that are left between the checks.
func refusals(v verify.Verdict, checks []verify.Finding, left int) []string {
	var lines []string
	shown := checks
	if len(checks) > left {
		shown = checks[:left-1]
	}
	for _, f := range shown {
		lines = append(lines, summarise(v, f).lines(left/len(shown))...)
	}
	if rest := checks[len(shown):]; len(rest) > 0 {
		ids := make([]string, 0, len(rest))
		for _, f := range rest {
			ids = append(ids, string(f.Code))
		}
		lines = append(lines, fmt.Sprintf("and %d more: %s", len(rest), value(strings.Join(ids, ", "))))
	}
	return lines
}

// summary is one check that refused, in four escaped texts.
type summary struct{ code, wanted, found, next string }

// lines writes a summary in n lines at most.
func (s summary) lines(n int) []string {
	both := "wanted " + s.wanted + "; found " + s.found
	switch {
	case n >= 4:
		return []string{s.code, "  wanted: " + s.wanted, "  found:  " + s.found, "  next:   " + s.next}
	case n == 3:
		return []string{s.code, "  " + both, "  next: " + s.next}
	case n == 2:
		return []string{s.code + ": " + both, "  next: " + s.next}
	}
	return []string{s.code + ": " + both + "; next: " + s.next}
}

func summarise(v verify.Verdict, f verify.Finding) summary {
	s := summary{code: "- " + value(f.ID) + ": " + value(string(f.Code)), next: message(f.Next)}
	if s.next == "" {
		s.next = "read the whole verdict: --output text"
	}
	switch {
	case f.Result == verify.Errored && strings.HasPrefix(string(f.Code), "release."):
		s.wanted, s.found = "metadata of the TUF repository that can be relied on", message(f.Message)
	case f.Result == verify.Errored:
		s.wanted, s.found = "an answer from every place where the evidence can lie", unread(v.Run, f)
	case f.Code == verify.PolicyNoRule:
		s.wanted, s.found = "a rule that matches "+value(v.Image.Name), message(f.Message)
	case f.Release != nil:
		s.wanted, s.found = releaseWanted(f), message(f.Message)
	case len(f.Violations) > 0:
		s.wanted, s.found = "content without violations", violated(f)
	case f.Platforms != nil:
		s.wanted, s.found = "evidence for every platform", uncovered(f)
	case len(disagreeing(f.Story)) > 0:
		s.wanted, s.found = "evidence that agrees", contradiction(f.Story)
	case len(f.Found) > 0 && f.Found[0].Code == f.Code:
		s.wanted, s.found = closest(v, f.Found[0])
	default:
		s.wanted, s.found = demanded(f.Wanted), message(f.Message)
	}
	return s
}

// unread says what could not be read, or that something could not.
func unread(r verify.Run, f verify.Finding) string {
	for _, x := range r.Failed {
		if x.Code == f.Code {
			return message(x.Place + ": " + x.Detail)
		}
	}
	return message(f.Message)
}

// closest says how the candidate that came closest differs from what was wanted.
func closest(v verify.Verdict, c verify.Candidate) (wanted, found string) {
	from := " (" + value(string(c.Layout)) + " at " + strings.Join(places(v.Run, c.Evidence), ", ")
	d := c.Difference
	if d == nil || c.Claims == nil || d.Found != c.Claims.Identity {
		from += ", " + said(c)
	}
	if c.Claims != nil {
		from += ", issuer " + value(c.Claims.Issuer)
	}
	from += ")"
	if d == nil {
		return "evidence that verifies under the trusted root " + value(c.Trust), message(c.Reason) + from
	}
	return value(d.Field) + " " + value(d.Wanted), orNone(d.Found) + from
}

// demanded is the first demand on one line.
func demanded(demands []map[string]string) string {
	if len(demands) == 0 {
		return "evidence that meets the policy"
	}
	var parts []string
	for _, k := range demandKeys(demands[0]) {
		parts = append(parts, k+" "+demands[0][k])
	}
	s := message(strings.Join(parts, ", "))
	if len(demands) > 1 {
		s += ", or " + counted(len(demands)-1, "other demand")
	}
	return s
}

// violated is the first violation of the content, and how many more there are.
func violated(f verify.Finding) string {
	text := violation(f.Violations[0])
	if n := violationCount(f.Violations) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// uncovered names the first platform that lacks something, and what.
func uncovered(f verify.Finding) string {
	children, _ := runnable(f.Platforms)
	for _, c := range children {
		if satisfied(c) {
			continue
		}
		var lacks []string
		for _, id := range matrixChecks([]verify.VerdictChild{c}) {
			if where := c.Evidence[id]; where != onIndex && where != onPlatform {
				lacks = append(lacks, where)
			}
		}
		return platformName(c) + ": " + message(strings.Join(lacks, ", "))
	}
	return message(f.Message)
}

// contradiction writes the first claim on which the sources do not agree: one that
// they contradict each other about, if there is one.
func contradiction(claims []verify.VerdictClaim) string {
	var worst *verify.VerdictClaim
	for i, c := range claims {
		if c.Compared && !c.Agree && (worst == nil || alone(*worst) && !alone(c)) {
			worst = &claims[i]
		}
	}
	if worst == nil {
		return ""
	}
	texts := []string{}
	all := spoken(*worst)
	for i, s := range all {
		if i == maxClosest {
			texts = append(texts, counted(len(all)-i, "more value"))
			break
		}
		texts = append(texts, value(s.value)+" ("+saidBy(*worst, s)+")")
	}
	if len(texts) == 0 {
		texts = append(texts, "none")
	}
	return value(worst.Claim) + " " + strings.Join(texts, ", ")
}
