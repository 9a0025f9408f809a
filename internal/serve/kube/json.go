package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// document is JSON that has passed check, with its larger objects and lists by where
// they begin.
type document struct {
	b     []byte
	spans []span
}

// check refuses JSON that two parsers could read differently, and JSON beyond the
// bounds: what has passed it can be walked without further checks. It returns the
// document's one value, and keeps b.
func check(b []byte) (value, error) {
	if len(b) > MaxReview {
		return value{}, fmt.Errorf("found %d bytes, wanted at most %d", len(b), MaxReview)
	}
	if !utf8.Valid(b) {
		return value{}, errors.New("found bytes that are not UTF-8")
	}
	s := scan{b: b, keys: make([]named, 0, fewKeys), spans: make([]span, 0, leastSpan)}
	err := s.whole()
	if errors.Is(err, errSyntax) {
		var v json.RawMessage
		if says := json.Unmarshal(b, &v); says != nil { // it tells where
			return value{}, fmt.Errorf("parse JSON: %w", says)
		}
	}
	if err != nil {
		return value{}, err
	}
	c := cursor{d: &document{b, s.spans}}
	return c.value(), nil
}

// value is a part of a document. Its zero value is an absent one.
type value struct {
	d        *document
	from, to int
}

// raw is the value as it is written, nil for an absent one.
func (v value) raw() []byte {
	if v.d == nil {
		return nil
	}
	return v.d.b[v.from:v.to]
}

// first is the value's first character, 0 of an absent one.
func (v value) first() byte {
	if v.d == nil {
		return 0
	}
	return v.d.b[v.from]
}

// cursor goes over a document.
type cursor struct {
	d *document
	i int
}

// peek skips white space and commas and colons, and returns the next character.
func (c *cursor) peek() byte {
	b, i := c.d.b, c.i
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
	end, escaped := past(c.d.b, c.i)
	raw = c.d.b[c.i:end]
	c.i = end
	return raw, escaped
}

// past returns where the string ends that begins at i.
func past(b []byte, i int) (end int, escaped bool) {
	for i++; ; i++ {
		for itself[b[i]] {
			i++
		}
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
		return unescape(raw)
	}
	return raw[1 : len(raw)-1]
}

// scalar takes a number or a word.
func (c *cursor) scalar() {
	for b := c.d.b; c.i < len(b); c.i++ {
		switch b[c.i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// value takes a whole value.
func (c *cursor) value() value {
	first := c.peek()
	start := c.i
	switch first {
	case '"':
		c.text()
	case '{', '[':
		c.i = c.d.end(start)
	default:
		c.scalar()
	}
	return value{c.d, start, c.i}
}

// end is where the object or list ends that begins at i: as it was noted, or by
// walking, without recursion.
func (d *document) end(i int) int {
	if at, noted := slices.BinarySearchFunc(d.spans, i, func(s span, from int) int { return s.from - from }); noted {
		return d.spans[at].to
	}
	b := d.b
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
			return i
		}
	}
}

// unquote reads a valid JSON string.
func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	return string(unescape(raw))
}

// unescape reads a valid JSON string that has escapes.
func unescape(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
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
				return bytes.Clone(raw) // valid JSON is read
			}
			return []byte(s)
		}
		out = append(out, inner[i])
	}
	return out
}

// quoted shows foreign text in an error.
func quoted(s string) string { return `"` + report.Escape(s, 100) + `"` }

// kindOf names a value's type for people; "" is an absent value or null.
func kindOf(v value) string {
	switch v.first() {
	case 0, 'n':
		return ""
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// wrongType is the error of a field that cannot be read.
func wrongType(at place, wanted string, v value) error {
	found := kindOf(v)
	if found == "" {
		found = "nothing"
	}
	return fmt.Errorf("read %s: found %s, wanted %s", at, found, wanted)
}

// fields returns the values of the named keys of the object v, absent ones for those
// that are null. A key that differs from a name in case only, as Unicode folds
// it, is refused: other readers take it for the name.
func fields(v value, at place, names ...string) ([]value, error) {
	values := make([]value, len(names))
	err := members(v, at, func(key []byte, v value) error {
		for i, name := range names {
			switch {
			case string(key) == name:
				if v.first() != 'n' {
					values[i] = v
				}
			case len(key) >= len(name) && len(key) <= 3*len(name) && strings.EqualFold(string(key), name):
				return fmt.Errorf("read %s: found the key %s, wanted %q", at, quoted(string(key)), name)
			}
		}
		return nil
	})
	return values, err
}

// members calls f for each key of the object v; an absent object has none.
func members(v value, at place, f func(key []byte, v value) error) error {
	switch kindOf(v) {
	case "":
		return nil
	case "an object":
	default:
		return wrongType(at, "an object", v)
	}
	c := cursor{v.d, v.from + 1}
	for c.peek() != '}' {
		key := c.key()
		if err := f(key, c.value()); err != nil {
			return err
		}
	}
	return nil
}

// elements calls f for each element of the list v; an absent list has none.
func elements(v value, at place, f func(at place, v value) error) error {
	switch kindOf(v) {
	case "":
		return nil
	case "a list":
	default:
		return wrongType(at, "a list", v)
	}
	c := cursor{v.d, v.from + 1}
	for i := 0; c.peek() != ']'; i++ {
		if err := f(at.index(i), c.value()); err != nil {
			return err
		}
	}
	return nil
}

// text returns the string v, "" where it is absent.
func text(v value, at place) (string, error) {
	switch kindOf(v) {
	case "":
		return "", nil
	case "a string":
		return unquote(v.raw()), nil
	}
	return "", wrongType(at, "a string", v)
}
