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

// check refuses JSON that two parsers could read differently, and JSON beyond the
// bounds: what has passed it can be walked without further checks.
func check(b []byte) error {
	if len(b) > MaxReview {
		return fmt.Errorf("found %d bytes, wanted at most %d", len(b), MaxReview)
	}
	if !utf8.Valid(b) {
		return errors.New("found bytes that are not UTF-8")
	}
	if !json.Valid(b) {
		var v json.RawMessage
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("parse JSON: %w", err)
		}
		return errors.New("found what is not JSON")
	}
	c := cursor{b: b}
	return c.check(maxDepth)
}

// cursor goes over valid JSON, by its own loops: every review is walked whole.
type cursor struct {
	b    []byte
	i    int
	keys [][]byte // of the objects that check is in, up to fewKeys of each
}

// peek skips white space and commas and colons, and returns the next character.
func (c *cursor) peek() byte {
	for {
		switch x := c.b[c.i]; x {
		case ' ', '\t', '\r', '\n', ',', ':':
			c.i++
		default:
			return x
		}
	}
}

// text takes a string, with its quotes, and says whether there are escapes in it.
func (c *cursor) text() (raw []byte, escaped bool) {
	c.peek()
	start := c.i
	for c.i++; c.b[c.i] != '"'; c.i++ {
		if c.b[c.i] == '\\' {
			c.i++
			escaped = true
		}
	}
	c.i++
	return c.b[start:c.i], escaped
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
	for open := 0; ; {
		switch c.b[c.i] {
		case '"':
			c.text()
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		if c.i++; open == 0 {
			return c.b[start:c.i]
		}
	}
}

// check takes a value and refuses duplicate keys and deep nesting in it.
func (c *cursor) check(depth int) error {
	switch c.peek() {
	case '"':
		c.text()
		return nil
	case '[':
		if depth == 0 {
			break
		}
		for c.i++; c.peek() != ']'; {
			if err := c.check(depth - 1); err != nil {
				return err
			}
		}
		c.i++
		return nil
	case '{':
		if depth == 0 {
			break
		}
		first, many := len(c.keys), map[string]bool(nil)
		for c.i++; c.peek() != '}'; {
			var err error
			if many, err = c.add(c.key(), first, many); err != nil {
				return err
			}
			if err := c.check(depth - 1); err != nil {
				return err
			}
		}
		c.keys = c.keys[:first]
		c.i++
		return nil
	default:
		c.scalar()
		return nil
	}
	return fmt.Errorf("found JSON nested deeper than %d", maxDepth)
}

// fewKeys are compared one by one; beyond, a map is cheaper.
const fewKeys = 16

// add notes a key of the object whose keys begin at c.keys[first], and refuses one that
// is there. It returns the object's map, once there is one.
func (c *cursor) add(key []byte, first int, many map[string]bool) (map[string]bool, error) {
	few := c.keys[first:]
	switch {
	case many == nil && slices.ContainsFunc(few, func(x []byte) bool { return bytes.Equal(x, key) }), many[string(key)]:
		return nil, fmt.Errorf("found the key %s twice in one object", quoted(string(key)))
	case many == nil && len(few) < fewKeys:
		c.keys = append(c.keys, key)
		return nil, nil
	case many == nil:
		many = map[string]bool{}
		for _, x := range few {
			many[string(x)] = true
		}
	}
	if many[string(key)] = true; len(many) > maxKeys {
		return nil, fmt.Errorf("found an object of more than %d keys", maxKeys)
	}
	return many, nil
}

// unquote reads a valid JSON string.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw) // valid JSON is read
	}
	return s
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
