package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shape says which members of an object, or children of an element, hold facts. What
// it does not name is checked and then left out before any library sees the document,
// so that nobody pays memory for what nobody asks about. Elements of an array have
// the array's shape.
type shape struct {
	fields map[string]*shape
	// component: an object of this shape counts against Limits.Components, as does a
	// tool or service, since it costs as much.
	component bool
	// many: as an XML child, it may be there more than once.
	many bool
	// attrs are the attributes of an XML element that hold facts.
	attrs []string
}

// leaf is the shape of a string, a number, or an array of them.
var leaf = &shape{}

// walker goes over JSON that is known to be valid. It checks, and copies what its
// shape names to out.
type walker struct {
	b          []byte
	at         int
	limits     Limits
	depth      int
	values     int
	objects    int
	components int
	out        []byte
	path       []string
}

// checkText refuses what is not one JSON document in UTF-8. encoding/json.Valid
// itself gives up beyond 10,000 levels.
func checkText(b []byte) error {
	if !utf8.Valid(b) {
		return refuse(KindEncoding, "", "the document is not valid UTF-8")
	}
	if json.Valid(b) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	var one json.RawMessage
	if err := dec.Decode(&one); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && strings.Contains(err.Error(), "max depth") {
			return refuse(KindDepth, "", "the document is nested too deeply")
		}
		return &Error{Kind: KindSyntax, Problem: "the document is not JSON", Err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(KindDocuments, "", "something follows the end of the document")
	}
	return nil
}

// project checks b, which [checkText] has passed, and returns those of its parts that
// s names.
func project(b []byte, s *shape, limits Limits) ([]byte, error) {
	w := &walker{b: b, limits: limits}
	if err := w.value(s); err != nil {
		return nil, err
	}
	return w.out, nil
}

// space skips white space and returns the next character.
func (w *walker) space() byte {
	for {
		switch c := w.b[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
}

// pointer returns where the walker is as a JSON Pointer.
func (w *walker) pointer() string { return Pointer(w.path) }

// Pointer returns the JSON Pointer (RFC 6901) of a path.
func Pointer(path []string) string {
	var sb strings.Builder
	for _, s := range path {
		sb.WriteByte('/')
		sb.WriteString(strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1"))
	}
	return sb.String()
}

// text skips a string and returns it with its quotes.
func (w *walker) text() ([]byte, error) {
	start := w.at
	for w.at++; w.b[w.at] != '"'; w.at++ {
		if w.b[w.at] != '\\' {
			continue
		}
		w.at++
		if w.b[w.at] == 'u' && !w.surrogates() {
			return nil, refuse(KindEncoding, w.pointer(), "a string has half a surrogate pair")
		}
	}
	w.at++
	return w.b[start:w.at], nil
}

// surrogates checks the \uXXXX escape whose u is the current character, and moves to
// the second of a pair.
func (w *walker) surrogates() bool {
	switch r := hex4(w.b[w.at+1:]); {
	case r >= 0xdc00 && r <= 0xdfff:
		return false
	case r >= 0xd800 && r <= 0xdbff:
		next := w.b[w.at+5:]
		if len(next) < 6 || next[0] != '\\' || next[1] != 'u' {
			return false
		}
		low := hex4(next[2:])
		w.at += 6
		return low >= 0xdc00 && low <= 0xdfff
	default:
		return true
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) int64 {
	n, err := strconv.ParseInt(string(b[:4]), 16, 32)
	if err != nil {
		return 0xdfff // the document is valid JSON, so this cannot be; refuse it
	}
	return n
}

// value checks one value and copies it if s is not nil.
func (w *walker) value(s *shape) error {
	if w.values++; w.values > w.limits.Values {
		return refuse(KindValues, w.pointer(), "the document has more than %d values", w.limits.Values)
	}
	open := w.space()
	if s != nil && s.fields != nil && open != '[' {
		if err := w.count(s); err != nil {
			return err
		}
	} else if open == '{' {
		w.objects++
	}
	if w.objects > w.limits.Objects {
		return refuse(KindValues, w.pointer(), "the document has more than %d objects", w.limits.Objects)
	}
	switch open {
	case '{', '[':
		if w.depth++; w.depth > w.limits.Depth {
			return refuse(KindDepth, w.pointer(), "the document is nested more than %d levels", w.limits.Depth)
		}
		w.at++
		var err error
		if w.emit(s, open); open == '{' {
			err = w.object(s)
		} else {
			err = w.array(s)
		}
		w.depth--
		return err
	case '"':
		text, err := w.text()
		if err != nil {
			return err
		}
		w.emit(s, text...)
	default:
		start := w.at
		for w.at < len(w.b) && strings.IndexByte(",]} \t\r\n", w.b[w.at]) < 0 {
			w.at++
		}
		w.emit(s, w.b[start:w.at]...)
	}
	return nil
}

// count counts a value where an object of shape s belongs. A null or a number counts
// too: encoding/json makes room for one all the same, and goes on behind it.
func (w *walker) count(s *shape) error {
	w.objects++
	if s.component {
		if w.components++; w.components > w.limits.Components {
			return refuse(KindComponents, w.pointer(), "the document has more than %d components", w.limits.Components)
		}
	}
	return nil
}

// emit copies text if s is not nil.
func (w *walker) emit(s *shape, text ...byte) {
	if s != nil {
		w.out = append(w.out, text...)
	}
}

// array checks the elements of an array up to and with its bracket.
func (w *walker) array(s *shape) error {
	w.path = append(w.path, "")
	for i := 0; w.space() != ']'; i++ {
		if w.b[w.at] == ',' {
			w.at++
			w.emit(s, ',')
		}
		w.path[len(w.path)-1] = strconv.Itoa(i)
		if s != nil && w.space() == '[' {
			return refuse(KindShape, w.pointer(), "a list stands where none belongs")
		}
		if err := w.value(s); err != nil {
			return err
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.at++
	w.emit(s, ']')
	return nil
}

// object checks the members of an object up to and with its brace.
func (w *walker) object(s *shape) error {
	var keys keySet
	first := true
	w.path = append(w.path, "")
	for w.space() != '}' {
		if w.b[w.at] == ',' {
			w.at++
			w.space()
		}
		raw, err := w.text()
		if err != nil {
			return err
		}
		key := unquote(raw)
		w.path[len(w.path)-1] = key
		if err := w.key(&keys, key, s); err != nil {
			return err
		}
		w.space()
		w.at++ // the colon
		var inner *shape
		if s != nil {
			inner = s.fields[key]
		}
		if inner != nil {
			if !first {
				w.out = append(w.out, ',')
			}
			first = false
			w.out = append(append(w.out, raw...), ':')
		}
		if err := w.value(inner); err != nil {
			return err
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.at++
	w.emit(s, '}')
	return nil
}
