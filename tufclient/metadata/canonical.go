package metadata

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// canonical returns the bytes that signatures are over: OLPC canonical JSON
// (specification 4.2.1). Members are sorted by the code points of their names, strings escape
// quotes and backslashes alone, and numbers are integers, kept as they are written.
func canonical(v value) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(v.text))
	if err := writeCanonical(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeCanonical(b *bytes.Buffer, v value) error {
	switch v.form {
	case null, boolean:
		b.WriteString(v.text)
	case number:
		if strings.ContainsAny(v.text, ".eE") || v.text == "-0" {
			return fmt.Errorf("the number %s, which canonical JSON has no form for", shorten(v.text))
		}
		b.WriteString(v.text)
	case text:
		writeString(b, v.text)
	case array:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeCanonical(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case object:
		return writeObject(b, v)
	}
	return nil
}

func writeObject(b *bytes.Buffer, v value) error {
	order := make([]int, len(v.names))
	for i := range order {
		order[i] = i
	}
	// The order of UTF-8 is that of code points.
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.names[i], v.names[j]) })
	b.WriteByte('{')
	for n, i := range order {
		if n > 0 {
			b.WriteByte(',')
		}
		writeString(b, v.names[i])
		b.WriteByte(':')
		if err := writeCanonical(b, v.items[i]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
}
