package kube

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// errSyntax is JSON that is none.
var errSyntax = errors.New("found what is not JSON")

// scan reads bytes for the first time: it takes what RFC 8259 calls a JSON text and
// nothing else, without duplicate keys and deep nesting. A review is read whole by it,
// so it has one pass and its own loops; a fuzz target compares it with encoding/json.
type scan struct {
	b    []byte
	i    int
	keys [][]byte // of the objects that it is in, up to fewKeys of each
}

// whole reads all of b.
func (s *scan) whole() error {
	if err := s.value(maxDepth); err != nil {
		return err
	}
	if s.next() != 0 || s.i < len(s.b) {
		return errSyntax
	}
	return nil
}

// next skips white space and returns the byte after it, 0 at the end.
func (s *scan) next() byte {
	b, i := s.b, s.i
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	if s.i = i; i < len(b) {
		return b[i]
	}
	return 0
}

func (s *scan) value(depth int) error {
	switch x := s.next(); x {
	case '"':
		_, _, err := s.text()
		return err
	case '{':
		return s.object(depth)
	case '[':
		return s.list(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

var errDeep = fmt.Errorf("found JSON nested deeper than %d", maxDepth)

func (s *scan) object(depth int) error {
	if depth == 0 {
		return errDeep
	}
	first, many := len(s.keys), map[string]bool(nil)
	if s.i++; s.next() == '}' {
		s.i++
		return nil
	}
	for {
		if s.next() != '"' {
			return errSyntax
		}
		key, escaped, err := s.text()
		if err != nil {
			return err
		}
		if key = key[1 : len(key)-1]; escaped {
			key = []byte(unquote(s.b[s.i-len(key)-2 : s.i]))
		}
		if many, err = s.add(key, first, many); err != nil {
			return err
		}
		if s.next() != ':' {
			return errSyntax
		}
		s.i++
		if err := s.value(depth - 1); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case '}':
			s.i++
			s.keys = s.keys[:first]
			return nil
		default:
			return errSyntax
		}
	}
}

func (s *scan) list(depth int) error {
	if depth == 0 {
		return errDeep
	}
	if s.i++; s.next() == ']' {
		s.i++
		return nil
	}
	for {
		if err := s.value(depth - 1); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return errSyntax
		}
	}
}

// text reads a string, with its quotes, and says whether there are escapes in it.
func (s *scan) text() (raw []byte, escaped bool, err error) {
	b, i := s.b, s.i+1
	for i < len(b) {
		switch x := b[i]; {
		case x == '"':
			raw = b[s.i : i+1]
			s.i = i + 1
			return raw, escaped, nil
		case x < ' ':
			return nil, false, errSyntax
		case x == '\\':
			escaped = true
			n := escape(b[i+1:])
			if n == 0 {
				return nil, false, errSyntax
			}
			i += n
		}
		i++
	}
	return nil, false, errSyntax
}

// escape returns how many bytes of an escape follow its backslash, 0 if it is none.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
	default:
		return 0
	}
	if len(b) < 5 {
		return 0
	}
	for _, x := range b[1:5] {
		if (x < '0' || x > '9') && (x < 'a' || x > 'f') && (x < 'A' || x > 'F') {
			return 0
		}
	}
	return 5
}

func (s *scan) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return errSyntax
	}
	s.i += len(w)
	return nil
}

// number reads RFC 8259, section 6.
func (s *scan) number() error {
	if s.at('-') {
		s.i++
	}
	if s.at('0') {
		s.i++
	} else if !s.digits() {
		return errSyntax
	}
	if s.at('.') {
		if s.i++; !s.digits() {
			return errSyntax
		}
	}
	if s.at('e') || s.at('E') {
		if s.i++; s.at('+') || s.at('-') {
			s.i++
		}
		if !s.digits() {
			return errSyntax
		}
	}
	return nil
}

func (s *scan) at(x byte) bool { return s.i < len(s.b) && s.b[s.i] == x }

// digits takes at least one.
func (s *scan) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > from
}

// fewKeys are compared one by one; beyond, a map is cheaper.
const fewKeys = 16

// add notes a key of the object whose keys begin at s.keys[first], and refuses one that
// is there. It returns the object's map, once there is one.
func (s *scan) add(key []byte, first int, many map[string]bool) (map[string]bool, error) {
	few := s.keys[first:]
	switch {
	case many == nil && slices.ContainsFunc(few, func(x []byte) bool { return bytes.Equal(x, key) }), many[string(key)]:
		return nil, fmt.Errorf("found the key %s twice in one object", quoted(string(key)))
	case many == nil && len(few) < fewKeys:
		s.keys = append(s.keys, key)
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
