package kube

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
)

// errSyntax is JSON that is none.
var errSyntax = errors.New("found what is not JSON")

// scan reads bytes for the first time: it takes what RFC 8259 calls a JSON text and
// nothing else, without duplicate keys and deep nesting. A review is read whole by it,
// so it has one pass and its own loops; a fuzz target compares it with encoding/json.
type scan struct {
	b     []byte
	i     int
	keys  []named // of the objects that it is in, up to fewKeys of each and manyKeys in all
	spans []span  // of the larger objects and lists that it has read
}

// named is a key, and its hash: keys are compared by that first.
type named struct {
	sum uint64
	key []byte
}

// seed is of this process, so that nobody can choose keys of one hash.
var seed = maphash.MakeSeed()

// span is where an object or a list begins and ends, so that it can be passed over at
// once. The smaller ones are as quickly walked, and only so many are noted.
type span struct{ from, to int }

const (
	leastSpan = 64
	maxSpans  = 4096
)

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
	case '{', '[':
		return s.nested(x, depth)
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

// nested reads an object or a list, and notes where a larger one ends.
func (s *scan) nested(bracket byte, depth int) error {
	from, n := s.i, len(s.spans)
	noted := n < maxSpans
	if noted {
		s.spans = append(s.spans, span{from: from})
	}
	var err error
	if bracket == '{' {
		err = s.object(depth)
	} else {
		err = s.list(depth)
	}
	switch {
	case err != nil:
		return err
	case !noted:
	case s.i-from < leastSpan: // nothing within it was larger
		s.spans = s.spans[:n]
	default:
		s.spans[n].to = s.i
	}
	return nil
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
			key = unescape(s.b[s.i-len(key)-2 : s.i])
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

// itself are the bytes that mean themselves in a string.
var itself = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= ' ' && i != '"' && i != '\\'
	}
	return t
}()

// text reads a string, with its quotes, and says whether there are escapes in it.
func (s *scan) text() (raw []byte, escaped bool, err error) {
	b, i := s.b, s.i+1
	for i < len(b) {
		if itself[b[i]] {
			i++
			continue
		}
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

// fewKeys are compared one by one; beyond, a map is cheaper. manyKeys are held in that
// way for all the objects that surround each other.
const (
	fewKeys  = 64
	manyKeys = 1024
)

// among reports whether a key is one of few.
func among(few []named, sum uint64, key []byte) bool {
	for i := range few {
		if few[i].sum == sum && bytes.Equal(few[i].key, key) {
			return true
		}
	}
	return false
}

// add notes a key of the object whose keys begin at s.keys[first], and refuses one that
// is there. It returns the object's map, once there is one.
func (s *scan) add(key []byte, first int, many map[string]bool) (map[string]bool, error) {
	few, sum := s.keys[first:], maphash.Bytes(seed, key)
	switch {
	case many == nil && among(few, sum, key), many[string(key)]:
		return nil, fmt.Errorf("found the key %s twice in one object", quoted(string(key)))
	case many == nil && len(few) < fewKeys && len(s.keys) < manyKeys:
		s.keys = append(s.keys, named{sum, key})
		return nil, nil
	case many == nil:
		many = map[string]bool{}
		for _, x := range few {
			many[string(x.key)] = true
		}
	}
	if many[string(key)] = true; len(many) > maxKeys {
		return nil, fmt.Errorf("found an object of more than %d keys", maxKeys)
	}
	return many, nil
}
