package report

import (
	"strings"
	"unicode/utf8"
)

// page collects the lines of a text report. Everything that is written on it
// passes through Escape once more, so that no field can be forgotten; only the
// page's own marks and colours do not.
type page struct {
	b     strings.Builder
	width int
	color bool
}

// The columns of a page.
const (
	defaultWidth = 100
	minWidth     = 40
	labelWidth   = 13
)

// ink is an SGR sequence of ECMA-48.
type ink string

const (
	plain  ink = ""
	green  ink = "\x1b[1;32m"
	red    ink = "\x1b[1;31m"
	yellow ink = "\x1b[1;33m"
	reset      = "\x1b[0m"
)

// head writes a mark or a word of our own in colour, and text after it. It is
// the only thing that begins in the first column, apart from section.
func (p *page) head(mark string, c ink, text string) {
	if p.color && c != plain {
		mark = string(c) + mark + reset
	}
	p.b.WriteString(mark + " " + Escape(text, maxLine) + "\n")
}

// section writes one line of our own in the first column.
func (p *page) section(text string) { p.b.WriteString(Escape(text, maxLine) + "\n") }

func (p *page) blank() { p.b.WriteByte('\n') }

// item writes a label and a text, which is wrapped between words and hangs under
// its own beginning: nothing from outside can begin a line. Spaces before the
// label indent it.
func (p *page) item(label, text string) {
	bare := strings.TrimLeft(label, " ")
	label = pad(label[:len(label)-len(bare)]+Escape(bare, maxValue), labelWidth)
	indent := "  " + strings.Repeat(" ", utf8.RuneCountInString(label)+1)
	for i, line := range wrap(Escape(text, maxLine), p.width-len(indent)) {
		if i == 0 {
			p.b.WriteString(strings.TrimRight("  "+label+" "+line, " ") + "\n")
			continue
		}
		p.b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
	}
}

// place writes where something lies on one line, to be copied. More words than a
// place of ours has are wrapped like any other text.
func (p *page) place(label, text string) {
	if strings.Count(text, " ") > 4 {
		p.item(label, text)
		return
	}
	p.command(label, text)
}

// command writes a label and a command on one line, to be copied.
func (p *page) command(label, text string) {
	p.b.WriteString("  " + pad(label, labelWidth) + " " + Escape(text, maxLine) + "\n")
}

// wrap breaks text between words. A word that is too long keeps its line, so that
// it can be copied.
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

func pad(s string, width int) string {
	if n := utf8.RuneCountInString(s); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return s
}
