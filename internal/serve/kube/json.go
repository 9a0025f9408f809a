package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/releaseassay/assay/internal/report"
)

// Bounds on one review. An API server takes requests of 3 MiB, and a review holds the
// object and the one before it.
const (
	// MaxReview is the number of bytes of a review.
	MaxReview = 8 << 20
	maxDepth  = 200     // brackets within brackets; a Pod has about 12
	maxKeys   = 1 << 14 // of one object
)

// check refuses JSON that two parsers could read differently, and JSON beyond the
// bounds: what has passed it can be walked without further checks.
func check(b []byte) error {
	if len(b) > MaxReview {
		return fmt.Errorf("found %d bytes, wanted at most %d", len(b), MaxReview)
	}
	if !utf8.Valid(b) {
		return errors.New("found bytes that are not UTF-8")
	}
	s := scan{b: b}
	err := s.whole()
	if errors.Is(err, errSyntax) {
		var v json.RawMessage
		if says := json.Unmarshal(b, &v); says != nil { // it tells where
			return fmt.Errorf("parse JSON: %w", says)
		}
	}
	return err
}

// cursor goes over valid JSON, by its own loops: every review is walked whole.
type cursor struct {
	b []byte
	i int
}

// peek skips white space and commas and colons, and returns the next character.
func (c *cursor) peek() byte {
	b, i := c.b, c.i
	for {
		switch x := b[i]; x {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			c.i = i
			return x
		}
	}
}

// text takes a string, with its quotes, and says whether there are escapes in it.
func (c *cursor) text() (raw []byte, escaped bool) {
	c.peek()
	end, escaped := past(c.b, c.i)
	raw = c.b[c.i:end]
	c.i = end
	return raw, escaped
}

// past returns where the string ends that begins at i.
func past(b []byte, i int) (end int, escaped bool) {
	for i++; ; i++ {
		switch b[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			i++
			escaped = true
		}
	}
}

// key takes a key and reads it.
func (c *cursor) key() []byte {
	raw, escaped := c.text()
	if escaped {
		return []byte(unquote(raw))
	}
	return raw[1 : len(raw)-1]
}

// scalar takes a number or a word.
func (c *cursor) scalar() {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// value takes a whole value, without recursion.
func (c *cursor) value() []byte {
	first := c.peek()
	start := c.i
	if first != '{' && first != '[' {
		if first == '"' {
			c.text()
		} else {
			c.scalar()
		}
		return c.b[start:c.i]
	}
	b, i := c.b, c.i
	for open := 0; ; {
		switch b[i] {
		case '"':
			i, _ = past(b, i)
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		if i++; open == 0 {
			c.i = i
			return b[start:i]
		}
	}
}

// unquote reads a valid JSON string.
func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	out := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			out = append(out, inner[i])
			continue
		}
		i++
		x := strings.IndexByte(`"\/`, inner[i])
		if x < 0 { // the rarer escapes are another's business
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return string(raw) // valid JSON is read
			}
			return s
		}
		out = append(out, inner[i])
	}
	return string(out)
}

// quoted shows foreign text in an error.
func quoted(s string) string { return `"` + report.Escape(s, 100) + `"` }

// kindOf names a value's type for people; "" is an absent value or null.
func kindOf(raw []byte) string {
	switch {
	case len(raw) == 0 || raw[0] == 'n':
		return ""
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "a list"
	case raw[0] == '"':
		return "a string"
	case raw[0] == 't' || raw[0] == 'f':
		return "a boolean"
	}
	return "a number"
}

// wrongType is the error of a field that cannot be read.
func wrongType(at place, wanted string, raw []byte) error {
	found := kindOf(raw)
	if found == "" {
		found = "nothing"
	}
	return fmt.Errorf("read %s: found %s, wanted %s", at, found, wanted)
}

// fields returns the values of the named keys of the object raw, nil for those that
// are absent or null. A key that differs from a name in case only, as Unicode folds
// it, is refused: other readers take it for the name.
func fields(raw []byte, at place, names ...string) ([]json.RawMessage, error) {
	values := make([]json.RawMessage, len(names))
	err := members(raw, at, func(key, value []byte) error {
		for i, name := range names {
			switch {
			case string(key) == name:
				if value[0] != 'n' {
					values[i] = value
				}
			case len(key) >= len(name) && len(key) <= 3*len(name) && strings.EqualFold(string(key), name):
				return fmt.Errorf("read %s: found the key %s, wanted %q", at, quoted(string(key)), name)
			}
		}
		return nil
	})
	return values, err
}

// members calls f for each key of the object raw; an absent object has none.
func members(raw []byte, at place, f func(key, value []byte) error) error {
	switch kindOf(raw) {
	case "":
		return nil
	case "an object":
	default:
		return wrongType(at, "an object", raw)
	}
	c := cursor{b: raw, i: 1}
	for c.peek() != '}' {
		key := c.key()
		if err := f(key, c.value()); err != nil {
			return err
		}
	}
	return nil
}

// elements calls f for each element of the list raw; an absent list has none.
func elements(raw []byte, at place, f func(at place, value []byte) error) error {
	switch kindOf(raw) {
	case "":
		return nil
	case "a list":
	default:
		return wrongType(at, "a list", raw)
	}
	c := cursor{b: raw, i: 1}
	for i := 0; c.peek() != ']'; i++ {
		if err := f(at.index(i), c.value()); err != nil {
			return err
		}
	}
	return nil
}

// text returns the string raw, "" where it is absent.
func text(raw []byte, at place) (string, error) {
	switch kindOf(raw) {
	case "":
		return "", nil
	case "a string":
		return unquote(raw), nil
	}
	return "", wrongType(at, "a string", raw)
}
