package inspect

import (
	"strings"
	"unicode/utf8"

	"github.com/releaseassay/assay/internal/report"
)

// page collects the lines of a text page. All that is written on it passes through
// report.Escape once more, so that no field can be forgotten, and nothing from outside
// can begin a line.
type page struct {
	b     strings.Builder
	width int
}

// The columns of a page, and the length at which a line is cut.
const (
	defaultWidth = 100
	minWidth     = 40
	labelWidth   = 11
	maxLine      = 8192
)

func newPage(width int) *page {
	if width == 0 {
		width = defaultWidth
	}
	return &page{width: max(width, minWidth)}
}

// line writes one line in the first column: the program's own words first.
func (p *page) line(text string) { p.b.WriteString(report.Escape(text, maxLine) + "\n") }

// bare writes one line without a label, never wrapped, to be copied.
func (p *page) bare(text string) { p.b.WriteString("  " + report.Escape(text, 2*maxLine) + "\n") }

// place writes where something lies on one line, to be copied, unless it has more
// words than a place of ours.
func (p *page) place(depth int, label, text string) {
	width := p.width
	if strings.Count(text, " ") <= 4 {
		p.width = maxLine
	}
	p.item(depth, label, text)
	p.width = width
}

// some writes an item that has a value.
func (p *page) some(depth int, label, text string) {
	if text != "" {
		p.item(depth, label, value(text))
	}
}

// item writes a label, indented by depth, and a text that is wrapped between words
// and hangs under its own beginning.
func (p *page) item(depth int, label, text string) {
	label = report.Escape(label, 64)
	if n := utf8.RuneCountInString(label); n < labelWidth {
		label += strings.Repeat(" ", labelWidth-n)
	}
	start := strings.Repeat(" ", 2+depth) + label + " "
	hang := strings.Repeat(" ", utf8.RuneCountInString(start))
	for i, line := range wrap(report.Escape(text, maxLine), p.width-len(hang)) {
		if i > 0 {
			start = hang
		}
		p.b.WriteString(strings.TrimRight(start+line, " ") + "\n")
	}
}

// wrap breaks text between words. A word that is too long keeps its line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
