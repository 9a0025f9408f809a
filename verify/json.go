package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose keys are looked up exactly. encoding/json fills
// structs from keys of any case, and the last of two duplicates wins: what is
// signed must not depend on that.
type object map[string]json.RawMessage

// checkJSON refuses everything that two parsers could read differently: more
// than one document, duplicate keys, invalid UTF-8, and nesting beyond depth. It
// allocates nothing but the keys of the objects it is in: an attestation of 30 MB
// is one long string.
func checkJSON(b []byte, depth int) error { return checkSmallJSON(b, depth, math.MaxInt) }

// checkSmallJSON is checkJSON for a document that is parsed into objects: it has no
// more than values values in all, since an empty object costs two characters and,
// once parsed, some hundred bytes.
func checkSmallJSON(b []byte, depth, values int) error {
	if !utf8.Valid(b) {
		return errors.New("the JSON is not valid UTF-8")
	}
	if !json.Valid(b) {
		var first json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(b)).Decode(&first); err != nil {
			return fmt.Errorf("parse JSON: %w", err)
		}
		return errors.New("the JSON has something after its end")
	}
	w := &walker{rest: b, left: values}
	return w.value(depth)
}

// maxValues bounds the values of an envelope, a bundle or a log entry, and maxKeys
// the keys of one object and the elements of an array that is read one by one.
const (
	maxValues = 20_000
	maxKeys   = 1 << 16
)

// walker goes over JSON that is known to be valid.
type walker struct {
	rest []byte
	left int // how many values may still come
}

// space skips white space and returns the next character.
func (w *walker) space() byte {
	w.rest = bytes.TrimLeft(w.rest, " \t\r\n")
	return w.rest[0]
}

// skip skips n characters.
func (w *walker) skip(n int) { w.rest = w.rest[n:] }

// text skips a string and returns it with its quotes.
func (w *walker) text() []byte {
	end := 1
	for w.rest[end] != '"' {
		if w.rest[end] == '\\' {
			end++
		}
		end++
	}
	found := w.rest[:end+1]
	w.skip(end + 1)
	return found
}

// key skips a key and its colon, and returns the key as it reads.
func (w *walker) key() (string, error) {
	raw := w.text()
	w.space()
	w.skip(1)
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var key string
	if err := json.Unmarshal(raw, &key); err != nil {
		return "", fmt.Errorf("parse JSON: %w", err)
	}
	return key, nil
}

// value skips a value, and refuses duplicate keys and deep nesting inside it.
func (w *walker) value(depth int) error {
	if w.left--; w.left < 0 {
		return errors.New("the JSON has too many values")
	}
	switch open := w.space(); open {
	case '"':
		w.text()
	case '{', '[':
		if depth == 0 {
			return errors.New("the JSON is nested too deeply")
		}
		w.skip(1)
		return w.members(open == '{', depth-1)
	default: // a number or a word ends where one of these begins
		if end := bytes.IndexAny(w.rest, ",]} \t\r\n"); end >= 0 {
			w.skip(end)
		} else {
			w.rest = nil
		}
	}
	return nil
}

// members skips the members of an object or the elements of an array, up to and
// with the closing bracket.
func (w *walker) members(object bool, depth int) error {
	var keys map[string]bool
	for c := w.space(); c != '}' && c != ']'; c = w.space() {
		if c == ',' {
			w.skip(1)
			w.space()
		}
		if object {
			key, err := w.key()
			if err != nil {
				return err
			}
			if keys[key] {
				return fmt.Errorf("the JSON has the key %q twice in one object", key)
			}
			if keys == nil {
				keys = map[string]bool{}
			}
			if keys[key] = true; len(keys) > maxKeys {
				return errors.New("the JSON has too many keys in one object")
			}
		}
		if err := w.value(depth); err != nil {
			return err
		}
	}
	w.skip(1)
	return nil
}

// parseObject reads b as an object whose values are parts of b. Of duplicate keys,
// which checkJSON refuses, the last wins.
func parseObject(b []byte, what string) (object, error) {
	if trimmed := bytes.TrimSpace(b); len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(b) {
		return nil, fmt.Errorf("%s is not a JSON object", what)
	}
	o := object{}
	w := &walker{rest: b, left: math.MaxInt}
	w.space()
	w.skip(1)
	for c := w.space(); c != '}'; c = w.space() {
		if c == ',' {
			w.skip(1)
			w.space()
		}
		key, err := w.key()
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", what, err)
		}
		w.space()
		value := w.rest
		if err := w.value(maxDepth); err != nil {
			return nil, fmt.Errorf("parse %s: %w", what, err)
		}
		if o[key] = json.RawMessage(value[:len(value)-len(w.rest)]); len(o) > maxKeys {
			return nil, fmt.Errorf("%s has too many keys", what)
		}
	}
	return o, nil
}

// maxDepth is beyond every limit that checkJSON is given: what it has passed is
// not measured again.
const maxDepth = 1 << 16

// text returns the non-empty string at key.
func (o object) text(key string) (string, error) {
	raw, ok := o[key]
	if !ok {
		return "", fmt.Errorf("%q is missing", key)
	}
	if len(raw) == 0 || raw[0] != '"' {
		return "", fmt.Errorf("%q is not a string", key)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("parse %q: %w", key, err)
	}
	if s == "" {
		return "", fmt.Errorf("%q is empty", key)
	}
	return s, nil
}

// integer returns the whole number at key.
func (o object) integer(key string) (int64, error) {
	raw, ok := o[key]
	if !ok {
		return 0, fmt.Errorf("%q is missing", key)
	}
	var n json.Number
	if len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		return 0, fmt.Errorf("%q is not a number", key)
	}
	i, err := n.Int64()
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", key)
	}
	return i, nil
}

// object returns the object at key.
func (o object) object(key string) (object, error) {
	raw, ok := o[key]
	if !ok {
		return nil, fmt.Errorf("%q is missing", key)
	}
	return parseObject(raw, fmt.Sprintf("%q", key))
}

// array returns the elements at key, of which there may be most.
func (o object) array(key string, most int) ([]json.RawMessage, error) {
	raw, ok := o[key]
	if !ok {
		return nil, fmt.Errorf("%q is missing", key)
	}
	if len(raw) == 0 || raw[0] != '[' {
		return nil, fmt.Errorf("%q is not an array", key)
	}
	var elements []json.RawMessage
	w := &walker{rest: raw[1:], left: math.MaxInt}
	for c := w.space(); c != ']'; c = w.space() {
		if c == ',' {
			w.skip(1)
			w.space()
		}
		element := w.rest
		if err := w.value(maxDepth); err != nil {
			return nil, fmt.Errorf("parse %q: %w", key, err)
		}
		if len(elements) == most {
			return nil, fmt.Errorf("%q has more than %d elements", key, most)
		}
		elements = append(elements, json.RawMessage(element[:len(element)-len(w.rest)]))
	}
	return elements, nil
}

// exact refuses keys that encoding/json, in a library that reads the same bytes,
// would take for one of names: it compares without regard to case.
func (o object) exact(names ...string) error {
	for _, key := range slices.Sorted(maps.Keys(o)) { // one refusal for one document
		for _, n := range names {
			if key != n && strings.EqualFold(key, n) {
				return fmt.Errorf("found the key %q; wanted %q", key, n)
			}
		}
	}
	return nil
}

// only refuses keys that are not among names.
func (o object) only(names ...string) error {
next:
	for key := range o {
		for _, n := range names {
			if key == n {
				continue next
			}
		}
		return fmt.Errorf("found the unknown key %q", key)
	}
	return nil
}
