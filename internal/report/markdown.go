package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Markdown writes the verdict for a place that renders GitHub's Markdown, such as
// $GITHUB_STEP_SUMMARY: a table of the checks, one of the claims, one of the platforms,
// and what was wanted and found for each check that is not a pass. What came from
// outside stands in code spans alone, where nothing is a link, a mention or markup.
func Markdown(w io.Writer, v verify.Verdict) error {
	m := &markdown{}
	m.line("## " + headline(v) + " " + code(reference(v)))
	m.standing(v)
	m.checks(v)
	for _, f := range v.Checks {
		m.story(f.Story)
	}
	for _, f := range v.Checks {
		m.matrix(f.Platforms)
	}
	for _, f := range together(refused(v)) {
		m.why(v, f)
	}
	m.trouble(v.Run)
	m.notices(v)
	m.basis(v)
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("write the verdict as Markdown: %w", err)
	}
	return nil
}

type markdown struct{ b strings.Builder }

func (m *markdown) line(text string) { m.b.WriteString(text + "\n") }

// section begins a part of the document.
func (m *markdown) section(title string) { m.line("\n### " + title + "\n") }

// span guards a code span: what would end it, or end the cell of a table that it
// stands in, is written like a control character.
var span = strings.NewReplacer("`", `\x60`, "|", `\x7c`)

// code writes a name as a code span; nothing at all is a dash.
func code(s string) string { return coded(value(s)) }

func coded(escaped string) string {
	if escaped == "" {
		return missing
	}
	return "`" + span.Replace(escaped) + "`"
}

// sentence writes a sentence that may hold names.
func sentence(s string) string { return coded(message(s)) }

// table writes rows of cells that are Markdown already; the first is the head.
func (m *markdown) table(rows [][]string) {
	for i, row := range rows {
		m.line("| " + strings.Join(row, " | ") + " |")
		if i == 0 {
			m.line(strings.Repeat("|---", len(row)) + "|")
		}
	}
}

func (m *markdown) item(label, text string) { m.line("- " + label + ": " + text) }

func (m *markdown) standing(v verify.Verdict) {
	if v.Hypothetical || !v.Passed() && len(refused(v)) == 0 || v.Exception != nil || audit(v) != "" || v.ValidUntil != nil {
		m.line("")
	}
	if v.Hypothetical {
		m.item("hypothetical", "judged as of "+stamp(v.Run.JudgedAt)+", not now")
	}
	if !v.Passed() && len(refused(v)) == 0 {
		m.item("why", nothingCounted)
	}
	if e := v.Exception; e != nil {
		checks, verb := exceptedChecks(e)
		m.item("excepted", "the verdict is fail; "+coded(checks)+" "+verb+" excused until "+stamp(e.Expires)+" by "+code(e.Approver)+": "+sentence(e.Reason))
	}
	if line := audit(v); line != "" {
		m.item("audit", line)
	}
	if v.ValidUntil != nil {
		m.item("valid until", stamp(*v.ValidUntil))
	}
}

func (m *markdown) checks(v verify.Verdict) {
	rows := [][]string{{"", "check", ""}}
	for _, f := range v.Checks {
		sign, _ := mark(f)
		text := "not required"
		if f.Result != verify.NotRequired {
			text = coded(fact(v, f))
		}
		if !f.Required && f.Result != verify.NotRequired {
			text += " (not required)"
		}
		rows = append(rows, []string{sign, code(f.ID), text})
	}
	m.line("")
	m.table(rows)
}

func (m *markdown) story(claims []verify.VerdictClaim) {
	if len(claims) == 0 {
		return
	}
	m.section("What the evidence says")
	rows := [][]string{{"", "claim", "value", "said by"}}
	for i, c := range claims {
		if i == maxClaims {
			rows = append(rows, []string{"", "and " + counted(len(claims)-i, "more claim"), "", ""})
			break
		}
		for _, row := range claimRows(c) {
			rows = append(rows, []string{strings.TrimSpace(row[0].mark), orEmpty(row[0].text), codedCell(row[1]), orEmpty(row[2].text)})
		}
	}
	m.table(rows)
}

// orEmpty is a cell that has nothing to say where it is empty.
func orEmpty(escaped string) string {
	if escaped == "" {
		return ""
	}
	return coded(escaped)
}

func codedCell(c cell) string {
	return strings.TrimSpace(strings.TrimSpace(c.mark) + " " + orEmpty(c.text))
}

func (m *markdown) matrix(x *verify.VerdictPlatforms) {
	if x == nil {
		return
	}
	m.section("Where the evidence is")
	children, others := runnable(x)
	checks := matrixChecks(children)
	rest, columns := max(len(children)-maxPlatforms, 0), max(len(checks)-maxColumns, 0)
	cells := matrixRows(children[:len(children)-rest], checks[:len(checks)-columns])
	rows := make([][]string, len(cells))
	for i, row := range cells {
		for _, c := range row {
			rows[i] = append(rows[i], codedCell(c))
		}
	}
	rows[0] = []string{"platform"}
	for _, id := range checks[:len(checks)-columns] {
		rows[0] = append(rows[0], code(id))
	}
	m.table(rows)
	m.line("")
	if rest > 0 {
		m.item("more", "and "+counted(rest, "more platform"))
	}
	if columns > 0 {
		m.item("more", "and "+counted(columns, "more check"))
	}
	if others > 0 {
		m.item("besides", counted(others, "manifest")+" of BuildKit's attestations, which nothing can run")
	}
}

// why writes what a check that is not a pass wanted and found.
func (m *markdown) why(v verify.Verdict, f verify.Finding) {
	s := summarise(v, f)
	m.section(code(f.ID) + " " + code(string(f.Code)))
	m.item("wanted", coded(s.wanted))
	m.item("found", coded(s.found))
	for i, x := range f.Violations {
		if i == maxViolations {
			m.line(fmt.Sprintf("  - and %d more", violationCount(f.Violations)-i))
			break
		}
		m.line("  - " + coded(violation(x)))
	}
	m.item("next", coded(s.next))
}

func (m *markdown) trouble(r verify.Run) {
	if len(r.Failed) == 0 {
		return
	}
	m.section("Could not be read")
	for i, f := range r.Failed {
		if i == maxListed {
			m.line(fmt.Sprintf("- and %d more", len(r.Failed)-i))
			return
		}
		m.item(code(string(f.Code)), code(f.Place)+": "+sentence(f.Detail))
	}
}

func (m *markdown) notices(v verify.Verdict) {
	var lines []string
	for _, f := range v.Checks {
		if f.Notice != "" && f.Result == verify.Passed {
			lines = append(lines, code(f.ID)+" "+code(string(f.Notice))+": "+sentence(f.Message))
		}
	}
	for _, n := range notices(v) {
		lines = append(lines, code(string(n.Code))+": "+sentence(n.Message))
	}
	if len(lines) == 0 {
		return
	}
	m.section("To know")
	for i, line := range lines {
		if i == maxListed {
			m.line(fmt.Sprintf("- and %d more", len(lines)-i))
			return
		}
		m.line("- " + line)
	}
}

func (m *markdown) basis(v verify.Verdict) {
	m.line("")
	line := "policy " + code(v.Policy.Name) + " " + code(short(v.Policy.Digest))
	if v.Policy.Rule != "" {
		line += ", rule " + code(v.Policy.Rule)
	}
	if !v.Run.JudgedAt.IsZero() {
		line += "; judged as of " + stamp(v.Run.JudgedAt)
	}
	m.line(line)
}
