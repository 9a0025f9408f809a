package report

import (
	"strings"
	"unicode/utf8"
)

// cell is one field of a table: a mark of our own, which is written as it is, and
// text from wherever, which is escaped and wrapped.
type cell struct {
	mark string
	ink  ink
	text string
}

// missing stands where a source says nothing. What comes from outside cannot look
// like it: [Escape] leaves nothing of the kind.
const missing = "–"

// gap is the room between two columns, narrow what a column keeps at least.
const (
	gap    = 2
	narrow = 10
)

// width is what a cell takes on one line.
func (c cell) width() int {
	n := utf8.RuneCountInString(c.mark) + utf8.RuneCountInString(c.text)
	if c.mark != "" && c.text != "" {
		n++
	}
	return n
}

// lines wraps a cell, and breaks words that are longer than the column. Only the
// first line has the mark.
func (c cell) lines(width int) []string {
	indent := ""
	if c.mark != "" {
		indent = strings.Repeat(" ", utf8.RuneCountInString(c.mark)+1)
	}
	var lines []string
	for _, line := range wrap(c.text, width-len(indent)) {
		for room := max(width-len(indent), 1); len(line) > room; line = line[room:] { // escaped, so that a byte is a column
			if !ascii(line) {
				break
			}
			lines = append(lines, line[:room])
		}
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	if c.mark != "" {
		lines[0] = strings.TrimRight(c.mark+" "+strings.TrimPrefix(lines[0], indent), " ")
	}
	return lines
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// table writes rows whose columns are aligned and together no wider than the page,
// unless there are too many of them. Every row has as many cells as the first.
func (p *page) table(indent int, rows [][]cell) {
	if len(rows) == 0 {
		return
	}
	for _, row := range rows {
		for i := range row {
			row[i].text = Escape(row[i].text, maxLine)
		}
	}
	widths := columns(rows, p.width-indent)
	for _, row := range rows {
		p.row(indent, row, widths)
	}
}

// columns are the widths of a table's columns: what they need, and where that is too
// much, less for the widest, as long as possible without breaking a word.
func columns(rows [][]cell, room int) []int {
	widths, whole := make([]int, len(rows[0])), make([]int, len(rows[0]))
	total := gap * (len(widths) - 1)
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], row[i].width())
			whole[i] = max(whole[i], row[i].least())
		}
		total += widths[i]
	}
	for _, least := range [][]int{whole, nil} {
		for total > room {
			widest := -1
			for i, w := range widths {
				if (least != nil && w > least[i] || least == nil && w > narrow) && (widest < 0 || w > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
			total--
		}
	}
	return widths
}

// least is the width at which no word of a cell that a person could remember is broken.
func (c cell) least() int {
	longest := 0
	for _, word := range strings.Fields(c.text) {
		longest = max(longest, min(utf8.RuneCountInString(word), breakable))
	}
	return max(cell{mark: c.mark, text: strings.Repeat("x", longest)}.width(), narrow)
}

// breakable is the length from which on words are broken before the table gets narrow:
// that of a commit is below.
const breakable = 46

func (p *page) row(indent int, row []cell, widths []int) {
	texts, most := make([][]string, len(row)), 0
	for i, c := range row {
		texts[i] = c.lines(widths[i])
		most = max(most, len(texts[i]))
	}
	for n := range most {
		line := strings.Repeat(" ", indent)
		for i, c := range row {
			text := ""
			if n < len(texts[i]) {
				text = texts[i][n]
			}
			padded := pad(text, widths[i])
			if p.color && n == 0 && c.mark != "" && c.ink != plain {
				padded = string(c.ink) + c.mark + reset + strings.TrimPrefix(padded, c.mark)
			}
			if i > 0 {
				padded = strings.Repeat(" ", gap) + padded
			}
			line += padded
		}
		p.b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
