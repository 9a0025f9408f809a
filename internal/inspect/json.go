package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes t as docs/schema/inspect.v1.json describes it: indented, one newline at
// the end. Everything beyond printable ASCII is written as JSON escapes, which
// changes no value and shows every letter that only looks like another.
func JSON(w io.Writer, t Tree) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		return fmt.Errorf("write the tree as JSON: %w", err)
	}
	if _, err := w.Write(ascii(b.Bytes())); err != nil {
		return fmt.Errorf("write the tree as JSON: %w", err)
	}
	return nil
}

// ascii replaces runes in encoded JSON. All that it replaces lies inside strings.
func ascii(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		i += size
		switch {
		case r == '\n' || r >= ' ' && r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
