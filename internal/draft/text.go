package draft

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/releaseassay/assay/internal/report"
)

// maxComment is how many bytes of a foreign text a comment shows.
const maxComment = 300

// quoted writes a foreign text as a scalar in double quotes: Go's escapes of ASCII are
// YAML's too.
func quoted(s string) string { return strconv.QuoteToASCII(s) }

// list writes foreign texts as a flow sequence.
func list(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, quoted(w))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// comment writes a foreign text so that it can stand in a comment: on one line, in
// characters that can be seen.
func comment(s string) string { return report.Escape(s, maxComment) }

// writer writes lines of YAML.
type writer struct{ b strings.Builder }

func (w *writer) line(indent int, format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	w.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+text, " ") + "\n")
}

// lines writes lines that are made, each behind an indentation.
func (w *writer) lines(indent int, all []string) {
	for _, l := range all {
		w.line(indent, "%s", l)
	}
}

// remark writes a sentence as a comment, broken between words.
func (w *writer) remark(indent int, text string) {
	const width = 110
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line) > 1 && indent+len(line)+1+len(word) > width {
			w.line(indent, "%s", line)
			line = "#  "
		}
		line += " " + word
	}
	w.line(indent, "%s", line)
}

// unique sorts texts and keeps each once.
func unique(all []string) []string {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
