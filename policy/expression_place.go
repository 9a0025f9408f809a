package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"go.yaml.in/yaml/v3"
)

// failIn reports a fault at a place inside the text of a scalar. Where the place in the
// file cannot be told (text that YAML folds or unescapes), it stands at the scalar and
// the place in the text is said.
func (r *reader) failIn(n *yaml.Node, at common.Location, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if at == nil || at.Line() < 1 || at.Column() < 0 {
		r.fail(n, "%s", text)
		return
	}
	line, column, ok := r.placeIn(n, at.Line(), at.Column())
	if !ok {
		r.fail(n, "%s (line %d, character %d of the text)", text, at.Line(), at.Column()+1)
		return
	}
	r.fail(&yaml.Node{Line: line, Column: column}, "%s", text)
}

// placeIn returns where a character of a scalar's text stands in the file. line counts
// from 1 and column from 0, in characters; what is returned counts from 1.
func (r *reader) placeIn(n *yaml.Node, line, column int) (int, int, bool) {
	lines := strings.Split(n.Value, "\n")
	if line > len(lines) || n.Line < 1 || n.Line > len(r.lines) {
		return 0, 0, false
	}
	want := lines[line-1]
	if n.Style&yaml.LiteralStyle != 0 {
		if n.Line+line > len(r.lines) {
			return 0, 0, false
		}
		raw := strings.TrimSuffix(r.lines[n.Line+line-1], "\r")
		indent, ok := strings.CutSuffix(raw, want)
		return n.Line + line, len(indent) + column + 1, ok && strings.Trim(indent, " ") == ""
	}
	raw, ok := after(r.lines[n.Line-1], n.Column-1)
	if !ok || len(lines) > 1 {
		return 0, 0, false
	}
	switch n.Style {
	case yaml.DoubleQuotedStyle:
		column, ok = quotedColumn(raw, want, column, `"`, `\"`, `\\`, `\/`)
	case yaml.SingleQuotedStyle:
		column, ok = quotedColumn(raw, want, column, "'", "''")
	case 0:
		ok = strings.HasPrefix(raw, want)
	default:
		ok = false
	}
	return n.Line, n.Column + column, ok
}

// quotedColumn returns how many characters stand before a character of a text, from
// its quote on, where raw is how the text is written. Each of escapes is two characters
// that stand for the second.
func quotedColumn(raw, text string, column int, quote string, escapes ...string) (int, bool) {
	raw, ok := strings.CutPrefix(raw, quote)
	if !ok {
		return 0, false
	}
	found, passed := len(quote), 0
	for _, c := range text {
		width := 1
		for _, e := range escapes {
			if strings.HasPrefix(raw, e) && e[1:] == string(c) {
				width = 2
			}
		}
		if width == 2 {
			raw = raw[2:]
		} else if raw, ok = strings.CutPrefix(raw, string(c)); !ok {
			return 0, false
		}
		if passed < column {
			found += width
		}
		passed++
	}
	return found, strings.HasPrefix(raw, quote)
}

// after returns what stands behind the first n characters of a line.
func after(line string, n int) (string, bool) {
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString(line)
		if size == 0 {
			return "", false
		}
		line = line[size:]
	}
	return line, true
}
