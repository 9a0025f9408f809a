package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Lengths, in bytes of what is shown, at which strings are cut. A repository, a
// workflow's path and a git ref fit many times over.
const (
	maxValue   = 512
	maxMessage = 1000
	maxCommand = 4096
	maxLine    = 8192
)

// Escape writes a string that came from outside so that a terminal shows it and
// does nothing else: control characters, terminal escapes, bytes that are not
// UTF-8 and everything beyond ASCII become \x1b, \u202e and the like. That takes
// in the characters that turn writing around, those that cannot be seen, and the
// letters that only look like the ones in github.com. Spaces are written out where
// they could not be seen or could push text about: at either end and after another.
// An answer of more than limit bytes is cut, and the cut says so.
//
// The answer is made for the eye: a backslash stays one, so it cannot be read back.
func Escape(s string, limit int) string {
	if len(s) <= limit && unremarkable(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		shown := escapeRune(r, s[i:i+size])
		if r == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			shown = `\x20`
		}
		if b.Len()+len(shown) > limit {
			fmt.Fprintf(&b, "...[%d more bytes]", len(s)-i)
			break
		}
		b.WriteString(shown)
		i += size
	}
	return b.String()
}

// unremarkable reports whether there is nothing to escape in s.
func unremarkable(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == ' ' && (before == ' ' || i == len(s)-1) {
			return false
		}
		before = c
	}
	return true
}

// ellipsis is the one sign beyond ASCII that this program's own messages use.
const ellipsis = '…'

// escapeRune writes the rune r, which source encodes.
func escapeRune(r rune, source string) string {
	switch {
	case r == utf8.RuneError && len(source) == 1:
		return fmt.Sprintf(`\x%02x`, source[0])
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < ' ' || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case r < utf8.RuneSelf || r == ellipsis:
		return source
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// value is a claim, a place, a reference: anything that names something.
func value(s string) string { return Escape(s, maxValue) }

// message is a sentence, which may hold names.
func message(s string) string { return Escape(s, maxMessage) }
