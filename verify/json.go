package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose keys are looked up exactly. encoding/json fills
// structs from keys of any case, and the last of two duplicates wins: what is
// signed must not depend on that.
type object map[string]json.RawMessage

// checkJSON refuses everything that two parsers could read differently: more
// than one document, duplicate keys, invalid UTF-8, and nesting beyond depth.
func checkJSON(b []byte, depth int) error {
	if !utf8.Valid(b) {
		return errors.New("the JSON is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := checkValue(dec, depth); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the JSON has something after its end")
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return fmt.Errorf("parse JSON: %w", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == 0 {
		return errors.New("the JSON is nested too deeply")
	}
	var keys map[string]bool
	if delim == '{' {
		keys = map[string]bool{}
	}
	for dec.More() {
		if keys != nil {
			key, err := dec.Token()
			if err != nil {
				return fmt.Errorf("parse JSON: %w", err)
			}
			name, _ := key.(string)
			if keys[name] {
				return fmt.Errorf("the JSON has the key %q twice in one object", name)
			}
			keys[name] = true
		}
		if err := checkValue(dec, depth-1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("parse JSON: %w", err)
	}
	return nil
}

// parseObject reads b, which must have passed checkJSON, as an object.
func parseObject(b []byte, what string) (object, error) {
	var o object
	if trimmed := bytes.TrimSpace(b); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fmt.Errorf("%s is not a JSON object", what)
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("parse %s: %w", what, err)
	}
	return o, nil
}

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

// array returns the elements at key.
func (o object) array(key string) ([]json.RawMessage, error) {
	raw, ok := o[key]
	if !ok {
		return nil, fmt.Errorf("%q is missing", key)
	}
	if len(raw) == 0 || raw[0] != '[' {
		return nil, fmt.Errorf("%q is not an array", key)
	}
	var a []json.RawMessage
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("parse %q: %w", key, err)
	}
	return a, nil
}

// exact refuses keys that encoding/json, in a library that reads the same bytes,
// would take for one of names: it compares without regard to case.
func (o object) exact(names ...string) error {
	for key := range o {
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
