package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize bounds a policy file, maxText one value of it, in bytes; maxRules and
// maxErrors bound what is judged and what is reported of it.
const (
	MaxSize   = 1 << 20
	maxText   = 4096
	maxRules  = 1000
	maxErrors = 100
)

// reader walks one YAML document strictly and collects what is wrong with it,
// each with its line and column.
type reader struct {
	file string
	// lines are those of the document, to say where in a text something stands.
	lines []string
	errs  []fault
	part
}

// fault is one thing that is wrong, and where.
type fault struct {
	line, column int
	text         string
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fault{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// err joins what is wrong in the order of the file; nil if nothing is.
func (r *reader) err() error {
	slices.SortStableFunc(r.errs, func(a, b fault) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	errs := []error{r.broken}
	for i, f := range r.errs {
		if i == maxErrors {
			errs = append(errs, fmt.Errorf("%s: %d more faults are not listed", r.file, len(r.errs)-i))
			break
		}
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", r.file, f.line, f.column, f.text))
	}
	return errors.Join(errs...)
}

// document parses b as exactly one YAML document whose root is a mapping.
func (r *reader) document(b []byte) (*yaml.Node, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%s: the file has %d bytes; a policy has at most %d", r.file, len(b), MaxSize)
	}
	if err := r.encoding(b); err != nil {
		return nil, err
	}
	r.lines = strings.Split(string(b), "\n")
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; wanted a policy (apiVersion: %s)", r.file, APIVersion)
		}
		return nil, r.syntax(err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d:%d: found a second document; a policy is one", r.file, second.Line, second.Column)
	case !errors.Is(err, io.EOF):
		return nil, r.syntax(err)
	}
	return doc.Content[0], nil
}

// encoding wants UTF-8 without a byte order mark, which is what people and other
// readers see; YAML would also take UTF-16.
func (r *reader) encoding(b []byte) error {
	for _, mark := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return fmt.Errorf("%s:1:1: the file begins with a byte order mark; wanted UTF-8 without one", r.file)
		}
	}
	for rest, at := b, 0; len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		if c == utf8.RuneError && n == 1 {
			line := bytes.Count(b[:at], []byte("\n")) + 1
			column := utf8.RuneCount(b[bytes.LastIndexByte(b[:at], '\n')+1:at]) + 1
			return fmt.Errorf("%s:%d:%d: found the byte 0x%02x, which is not UTF-8", r.file, line, column, rest[0])
		}
		rest, at = rest[n:], at+n
	}
	return nil
}

// syntax writes an error of the YAML parser, which knows the line, as FILE:LINE: text.
func (r *reader) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, problem, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:%s: %s", r.file, line, short(problem))
		}
	}
	return fmt.Errorf("%s: %s", r.file, short(text))
}

// mapping reads n as a mapping whose keys are all among fields. It calls the
// field of each key that has a value, in the order of the file, and returns the
// keys that were there; nil if n is no mapping or an empty one, which it reports.
func (r *reader) mapping(n *yaml.Node, what string, fields map[string]func(*yaml.Node)) map[string]bool {
	if !r.isMapping(n, what, "a mapping with "+strings.Join(sortedKeys(fields), ", ")) {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		field, known := fields[name]
		switch {
		case !plainKey(key):
			r.fail(key, "found a key that is not plain text in %s", what)
		case seen[name]:
			r.fail(key, "found %q twice in %s", short(name), what)
		case !known:
			r.fail(key, "found unknown key %q in %s; wanted one of %s", short(name), what, strings.Join(sortedKeys(fields), ", "))
		default:
			seen[name] = true
			if isNull(value) {
				r.fail(key, "%q in %s has no value", name, what)
				continue
			}
			field(value)
		}
	}
	return seen
}

// entries reads n as a mapping with free keys.
func (r *reader) entries(n *yaml.Node, what string, each func(name string, value *yaml.Node)) {
	if !r.isMapping(n, what, "a mapping") {
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !plainKey(key):
			r.fail(key, "found a key that is not plain text in %s", what)
		case seen[key.Value]:
			r.fail(key, "found %q twice in %s", short(key.Value), what)
		case isNull(value):
			seen[key.Value] = true
			r.fail(key, "%q in %s has no value", short(key.Value), what)
		default:
			seen[key.Value] = true
			each(key.Value, value)
		}
	}
}

// isMapping reports whether n is a plain mapping with at least one key.
func (r *reader) isMapping(n *yaml.Node, what, wanted string) bool {
	switch {
	case !r.plain(n):
		return false
	case n.Kind != yaml.MappingNode:
		r.fail(n, "%s is %s; wanted %s", what, kindOf(n), wanted)
		return false
	case len(n.Content) == 0:
		r.fail(n, "%s is an empty mapping; wanted %s", what, wanted)
		return false
	}
	return true
}

// plainKey reports whether a key is text that means no more than it says.
func plainKey(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Tag == "!!str" && key.Anchor == "" && key.Style&yaml.TaggedStyle == 0 &&
		strings.TrimSpace(key.Value) != "" && len(key.Value) <= maxText && hidden(key.Value) == ""
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// list calls each for every element of a non-empty sequence.
func (r *reader) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	if !r.plain(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s is %s; wanted a list", what, kindOf(n))
		return
	}
	if len(n.Content) == 0 {
		r.fail(n, "%s is an empty list; leave the key out or name at least one", what)
	}
	for _, c := range n.Content {
		each(c)
	}
}

// listed is list for what may be empty: a list of what is refused waits to be needed.
func (r *reader) listed(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 && r.plain(n) {
		return
	}
	r.list(n, what, each)
}

// oneOrList calls each for n itself, or for its elements if n is a sequence.
func (r *reader) oneOrList(n *yaml.Node, what string, each func(*yaml.Node)) {
	if n.Kind == yaml.SequenceNode {
		r.list(n, what, each)
		return
	}
	each(n)
}

// plain refuses anchors, aliases and explicit tags, which make one line mean
// something that is written on another.
func (r *reader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fail(n, "found a YAML anchor or alias; write the value out")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.fail(n, "found the YAML tag %s; wanted a plain value", n.Tag)
		return false
	}
	return true
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return valueOf(n)
	}
}

func valueOf(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return strconv.Quote(short(n.Value))
	}
	return kindOf(n)
}

// maxShown is how many bytes of a value are shown that is none of a policy's: the file
// may be another one, which is not for everybody who reads the message.
const maxShown = 80

// short cuts a text after maxShown bytes.
func short(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
