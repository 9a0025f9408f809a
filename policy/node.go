package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a policy file in bytes.
const maxFile = 1 << 20

// reader walks one YAML document strictly and collects what is wrong with it,
// each with its line and column.
type reader struct {
	file string
	errs []error
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s:%d:%d: %s", r.file, n.Line, n.Column, fmt.Sprintf(format, args...)))
}

// document parses b as exactly one YAML document whose root is a mapping.
func (r *reader) document(b []byte) (*yaml.Node, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: the file has %d bytes; a policy has at most %d", r.file, len(b), maxFile)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; wanted a policy (apiVersion: %s)", r.file, APIVersion)
		}
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: found a second document; a policy is one", r.file)
	}
	return doc.Content[0], nil
}

// mapping reads n as a mapping whose keys are all among fields. It calls the
// field of each key that is there, in the order of the file, and returns the
// keys that were there.
func (r *reader) mapping(n *yaml.Node, what string, fields map[string]func(*yaml.Node)) map[string]bool {
	seen := map[string]bool{}
	if !r.plain(n) {
		return seen
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s is %s; wanted a mapping with %s", what, kindOf(n), strings.Join(sortedKeys(fields), ", "))
		return seen
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		field, known := fields[name]
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || name == "<<":
			r.fail(key, "found a key that is not plain text in %s", what)
		case seen[name]:
			r.fail(key, "found %q twice in %s", name, what)
		case !known && notJudged[name]:
			r.fail(key, "%q is not judged by this version of assay yet, so it is refused rather than ignored", name)
		case !known:
			r.fail(key, "found unknown key %q in %s; wanted one of %s", name, what, strings.Join(sortedKeys(fields), ", "))
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			r.fail(key, "%q in %s has no value", name, what)
		default:
			seen[name] = true
			field(value)
		}
	}
	return seen
}

// entries reads n as a mapping with free keys.
func (r *reader) entries(n *yaml.Node, what string, each func(name string, value *yaml.Node)) {
	if !r.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s is %s; wanted a mapping", what, kindOf(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Value == "<<" || key.Value == "":
			r.fail(key, "found a key that is not plain text in %s", what)
		case seen[key.Value]:
			r.fail(key, "found %q twice in %s", key.Value, what)
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			r.fail(key, "%q in %s has no value", key.Value, what)
		default:
			seen[key.Value] = true
			each(key.Value, value)
		}
	}
}

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

// text reads a non-empty string. Numbers and booleans must be quoted, since YAML
// would read 1.10 as 1.1.
func (r *reader) text(n *yaml.Node, what string) string {
	if !r.plain(n) {
		return ""
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s is %s; wanted text", what, kindOf(n))
	case n.Tag != "!!str":
		r.fail(n, "%s is %s %s; wanted text: write it in quotes", what, strings.TrimPrefix(n.Tag, "!!"), n.Value)
	case strings.TrimSpace(n.Value) == "":
		r.fail(n, "%s is empty", what)
	default:
		return n.Value
	}
	return ""
}

// number reads a whole number between low and high.
func (r *reader) number(n *yaml.Node, what string, low, high int) int {
	if !r.plain(n) {
		return low
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || v < low || v > high {
		r.fail(n, "%s is %s; wanted a whole number from %d to %d", what, valueOf(n), low, high)
		return low
	}
	return v
}

// time reads RFC 3339, or a date, which means its first instant in UTC.
func (r *reader) time(n *yaml.Node, what string) time.Time {
	if !r.plain(n) {
		return time.Time{}
	}
	if n.Kind == yaml.ScalarNode {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, n.Value); err == nil {
				return t.UTC()
			}
		}
	}
	r.fail(n, "%s is %s; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z", what, valueOf(n))
	return time.Time{}
}

// choice reads one of a few words.
func (r *reader) choice(n *yaml.Node, what string, words ...string) string {
	s := r.text(n, what)
	for _, w := range words {
		if s == w {
			return s
		}
	}
	if s != "" {
		r.fail(n, "%s is %q; wanted one of %s", what, s, strings.Join(words, ", "))
	}
	return ""
}

// pattern reads a glob.
func (r *reader) pattern(n *yaml.Node, what string, variables ...string) Pattern {
	s := r.text(n, what)
	if s == "" {
		return Pattern{}
	}
	p, err := ParsePattern(s, variables...)
	if err != nil {
		r.fail(n, "%s: %s", what, err)
	}
	return p
}

// regexp reads an anchored regular expression.
func (r *reader) regexp(n *yaml.Node, what string) Regexp {
	s := r.text(n, what)
	if s == "" {
		return Regexp{}
	}
	re, err := ParseRegexp(s)
	if err != nil {
		r.fail(n, "%s: %s", what, err)
	}
	return re
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
		return strconv.Quote(n.Value)
	}
	return kindOf(n)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
