package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// maxPlatforms bounds the rows of the matrix of platforms, maxColumns its columns:
// the refused ones come first.
const (
	maxPlatforms = 20
	maxColumns   = 12
)

// Where the evidence about one manifest of an index can be.
const (
	onIndex    = "index"
	onPlatform = "platform"
)

// matrix writes for each platform of an index which check found its evidence where.
// As many columns as do not fit beside each other follow underneath.
func (p *page) matrix(m *verify.VerdictPlatforms) {
	if m == nil {
		return
	}
	children, others := runnable(m)
	checks := matrixChecks(children)
	more := ""
	if n := len(checks) - maxColumns; n > 0 {
		checks, more = checks[:maxColumns], fmt.Sprintf("and %s (see platforms in the JSON verdict)", counted(n, "more check"))
	}
	if n := len(children) - maxPlatforms; n > 0 {
		children, more = children[:maxPlatforms], fmt.Sprintf("and %s (see platforms in the JSON verdict)", counted(n, "more platform"))
	}
	rows := matrixRows(children, checks)
	for first := 1; len(rows) > 0; {
		last := first
		for last < len(rows[0]) && (last == first || fits(pick(rows, first, last+1), p.width-2)) {
			last++
		}
		p.table(2, pick(rows, first, last))
		if first = last; first >= len(rows[0]) {
			break
		}
		p.blank()
	}
	if more != "" {
		p.item("", more)
	}
	if others > 0 {
		p.item("besides", counted(others, "manifest")+" of BuildKit's attestations, which nothing can run")
	}
}

// runnable returns what of an index can run, the refused first where not all are
// shown, and counts the rest.
func runnable(m *verify.VerdictPlatforms) (children []verify.VerdictChild, others int) {
	for _, c := range m.Children {
		if c.Role == "attestation-manifest" {
			others++
			continue
		}
		children = append(children, c)
	}
	if len(children) > maxPlatforms {
		slices.SortStableFunc(children, func(a, b verify.VerdictChild) int { return order(satisfied(a)) - order(satisfied(b)) })
	}
	return children, others
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

// satisfied reports whether nothing lacks of what one manifest needs.
func satisfied(c verify.VerdictChild) bool {
	for _, where := range c.Evidence {
		if where != onIndex && where != onPlatform {
			return false
		}
	}
	return true
}

// platformCount counts what can run, and what of it has all that it needs.
func platformCount(m *verify.VerdictPlatforms) (have, all int) {
	children, _ := runnable(m)
	for _, c := range children {
		if satisfied(c) {
			have++
		}
	}
	return have, len(children)
}

// checkOrder is that of the verdict; other checks follow, sorted.
var checkOrder = []string{"signature", "provenance", "sbom"}

func matrixChecks(children []verify.VerdictChild) []string {
	ids := map[string]bool{}
	for _, c := range children {
		for id := range c.Evidence {
			ids[id] = true
		}
	}
	rank := func(id string) int {
		if i := slices.Index(checkOrder, id); i >= 0 {
			return i
		}
		return len(checkOrder)
	}
	return slices.SortedFunc(maps.Keys(ids), func(a, b string) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a, b)
	})
}

func matrixRows(children []verify.VerdictChild, checks []string) [][]cell {
	head := []cell{{text: "platform"}}
	for _, id := range checks {
		head = append(head, cell{mark: " ", text: Escape(strings.Replace(id, ".", ". ", 1), maxName)})
	}
	rows := [][]cell{head}
	for _, c := range children {
		row := []cell{{text: platformName(c)}}
		for _, id := range checks {
			row = append(row, where(id, c.Evidence[id]))
		}
		rows = append(rows, row)
	}
	return rows
}

// platformName is what a manifest of an index says it runs on, and its digest.
func platformName(c verify.VerdictChild) string {
	name := Escape(c.Platform, 28)
	if name == "" {
		name = "(no platform)"
	}
	if c.Role == "index" {
		name += " (an index)"
	}
	return name + " " + Escape(short(c.Digest), 24)
}

// where is what the matrix shows of one check: where its evidence is, or the problem.
func where(id, found string) cell {
	switch found {
	case "":
		return cell{mark: missing}
	case onIndex, onPlatform:
		return cell{mark: "✓", ink: green, text: found}
	}
	subject, problem, ok := strings.Cut(found, ".")
	if ok && (subject == id || subject == "attestation" && strings.HasPrefix(id, "attestations.")) {
		found = problem
	}
	return cell{mark: "✗", ink: red, text: Escape(found, 32)}
}

// pick returns the first column and those from first to before last.
func pick(rows [][]cell, first, last int) [][]cell {
	picked := make([][]cell, 0, len(rows))
	for _, row := range rows {
		picked = append(picked, append([]cell{row[0]}, row[first:last]...))
	}
	return picked
}

// fits reports whether a table needs no word broken.
func fits(rows [][]cell, room int) bool {
	total := -gap
	for i := range rows[0] {
		widest := 0
		for _, row := range rows {
			widest = max(widest, row[i].least())
		}
		total += gap + widest
	}
	return total <= room
}
