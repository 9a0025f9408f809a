package metadata

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is what kind of JSON value it is.
type form byte

const (
	null form = iota
	boolean
	number
	text
	array
	object
)

// value is one JSON value. The canonical bytes that signatures are over and all typed
// values are read from one tree of them, so that they cannot differ.
type value struct {
	form form
	// text is what a string says; of every other form it is as it stands in the file.
	text string
	// names are those of an object's members, in the order of the file.
	names []string
	// items are the members of an object or the elements of an array.
	items []value
}

// member returns an object's member of exactly this name.
func (v value) member(name string) (value, bool) {
	if v.form != object {
		return value{}, false
	}
	for i, n := range v.names {
		if n == name {
			return v.items[i], true
		}
	}
	return value{}, false
}

// maxValues bounds the values of one file: the shortest takes two bytes of the file and
// some seventy of memory.
const maxValues = 1 << 19

var (
	errDepth  = errors.New("nesting is too deep")
	errValues = fmt.Errorf("there are more than %d values", maxValues)
)

// parse reads one JSON document (RFC 8259). What two parsers could read differently
// is refused: invalid UTF-8, duplicate members, unpaired surrogates, anything after
// the end.
func parse(b []byte, depth int) (value, error) {
	if !utf8.Valid(b) {
		return value{}, errors.New("it is not valid UTF-8")
	}
	p := &parser{s: string(b), left: maxValues}
	v, err := p.value(depth)
	if err != nil {
		return value{}, err
	}
	if p.space(); p.at < len(p.s) {
		return value{}, p.errorf("there is something after the end of the document")
	}
	return v, nil
}

// parser goes over a document from left to right.
type parser struct {
	s    string
	at   int
	left int // how many values may still come
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s (byte %d)", fmt.Sprintf(format, args...), p.at)
}

func (p *parser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

// next skips space and returns the next byte, or 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.at == len(p.s) {
		return 0
	}
	return p.s[p.at]
}

// take skips space and one byte if it is c.
func (p *parser) take(c byte) bool {
	if p.next() != c || c == 0 {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(depth int) (value, error) {
	if p.left--; p.left < 0 {
		return value{}, errValues
	}
	c := p.next()
	start := p.at
	v, err := p.any(c, depth)
	if v.form != text && err == nil {
		v.text = p.s[start:p.at]
	}
	return v, err
}

func (p *parser) any(c byte, depth int) (value, error) {
	switch {
	case c == '{' || c == '[':
		if depth < 1 {
			return value{}, errDepth
		}
		p.at++
		if c == '{' {
			return p.object(depth - 1)
		}
		return p.array(depth - 1)
	case c == '"':
		s, err := p.string()
		return value{form: text, text: s}, err
	case c == '-' || '0' <= c && c <= '9':
		return value{form: number}, p.number()
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if strings.HasPrefix(p.s[p.at:], word) {
			p.at += len(word)
			if word == "null" {
				return value{form: null}, nil
			}
			return value{form: boolean}, nil
		}
	}
	return value{}, p.errorf("no JSON value begins here")
}

func (p *parser) array(depth int) (value, error) {
	v := value{form: array}
	if p.take(']') {
		return v, nil
	}
	for {
		item, err := p.value(depth)
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
		if p.take(']') {
			return v, nil
		}
		if !p.take(',') {
			return value{}, p.errorf("an array goes on without a comma")
		}
	}
}

func (p *parser) object(depth int) (value, error) {
	v := value{form: object}
	if p.take('}') {
		return v, nil
	}
	for {
		if p.next() != '"' {
			return value{}, p.errorf("a member has no name")
		}
		name, err := p.string()
		if err != nil {
			return value{}, err
		}
		if !p.take(':') {
			return value{}, p.errorf("a member has no colon")
		}
		item, err := p.value(depth)
		if err != nil {
			return value{}, err
		}
		v.names, v.items = append(v.names, name), append(v.items, item)
		if p.take('}') {
			return v, unique(v.names)
		}
		if !p.take(',') {
			return value{}, p.errorf("an object goes on without a comma")
		}
	}
}

// unique refuses a name that is there twice.
func unique(names []string) error {
	seen := make(map[string]struct{}, len(names))
	for _, n := range names {
		if _, ok := seen[n]; ok {
			return fmt.Errorf("the member %s is there twice", quote(n))
		}
		seen[n] = struct{}{}
	}
	return nil
}

// number skips a number as RFC 8259, section 6, writes it.
func (p *parser) number() error {
	if p.s[p.at] == '-' {
		p.at++
	}
	zero := p.at < len(p.s) && p.s[p.at] == '0'
	if n := p.digits(); n == 0 || zero && n > 1 {
		return p.errorf("it is not a number")
	}
	if p.at < len(p.s) && p.s[p.at] == '.' {
		p.at++
		if p.digits() == 0 {
			return p.errorf("a fraction has no digits")
		}
	}
	if p.at < len(p.s) && (p.s[p.at] == 'e' || p.s[p.at] == 'E') {
		p.at++
		if p.at < len(p.s) && (p.s[p.at] == '+' || p.s[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return p.errorf("an exponent has no digits")
		}
	}
	return nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.s) && '0' <= p.s[p.at] && p.s[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// string reads a string from its first quote to behind its last.
func (p *parser) string() (string, error) {
	p.at++
	start := p.at
	var b strings.Builder
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == '"':
			b.WriteString(p.s[start:p.at])
			p.at++
			return b.String(), nil
		case c < ' ':
			return "", p.errorf("a control character stands in a string")
		case c == '\\':
			b.WriteString(p.s[start:p.at])
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			start = p.at
		default:
			p.at++
		}
	}
	return "", p.errorf("a string has no end")
}

// escape reads one escape sequence, or two where they make one character.
func (p *parser) escape() (rune, error) {
	p.at++
	if p.at == len(p.s) {
		return 0, p.errorf("a string has no end")
	}
	c := p.s[p.at]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.at++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, p.errorf("an escape is none that JSON has")
	}
	r, err := p.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if strings.HasPrefix(p.s[p.at:], `\u`) {
		p.at++
		low, err := p.unit()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, nil
		}
	}
	return 0, p.errorf("a surrogate has no partner")
}

// unit reads the four digits after \u.
func (p *parser) unit() (rune, error) {
	p.at++
	if len(p.s)-p.at < 4 {
		return 0, p.errorf("an escape has too few digits")
	}
	var r rune
	for _, c := range []byte(p.s[p.at : p.at+4]) {
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, p.errorf("an escape has a digit that is none")
		}
		r = r<<4 | rune(i) //nolint:gosec // i is below sixteen
	}
	p.at += 4
	return r, nil
}
