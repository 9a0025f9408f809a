// Package strictyaml walks small YAML documents that administrators write: no key that
// is unknown, repeated or empty, no anchor, alias or tag, and every fault with its
// file, line and column.
package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFaults is how much of what is wrong is listed.
const maxFaults = 20

// Reader walks one YAML document strictly and collects what is wrong with it.
type Reader struct {
	// File is the name in errors; relative paths in the document start at its folder.
	File   string
	faults []fault
}

type fault struct {
	line, column int
	text         string
}

// Fail notes what is wrong at a node.
func (r *Reader) Fail(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fault{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// Faults is how many there are so far.
func (r *Reader) Faults() int { return len(r.faults) }

// Err joins what is wrong, in the order of the file.
func (r *Reader) Err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int {
		return cmp.Or(a.line-b.line, a.column-b.column)
	})
	var errs []error
	for _, f := range r.faults[:min(len(r.faults), maxFaults)] {
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", r.File, f.line, f.column, f.text))
	}
	return errors.Join(errs...)
}

// Document parses b as at most one YAML document; nil if there is none.
func (r *Reader) Document(b []byte) (*yaml.Node, error) {
	if !utf8.Valid(b) || bytes.HasPrefix(b, []byte("\ufeff")) {
		return nil, fmt.Errorf("%s:1:1: wanted UTF-8 without a byte order mark", r.File)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, r.syntax(err)
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d:%d: found a second document; a configuration is one", r.File, second.Line, second.Column)
	case !errors.Is(err, io.EOF):
		return nil, r.syntax(err)
	}
	return doc.Content[0], nil
}

// syntax writes an error of the YAML parser as FILE:LINE:COLUMN: text. The parser
// knows no column.
func (r *Reader) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	rest, numbered := strings.CutPrefix(text, "line ")
	if line, problem, ok := strings.Cut(rest, ": "); numbered && ok {
		return fmt.Errorf("%s:%s:1: %s", r.File, line, problem)
	}
	return fmt.Errorf("%s:1:1: %s", r.File, text)
}

// Mapping reads a mapping whose keys are all among fields.
func (r *Reader) Mapping(n *yaml.Node, what string, fields map[string]func(*yaml.Node)) {
	wanted := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	switch {
	case !r.Plain(n):
		return
	case n.Kind != yaml.MappingNode || len(n.Content) == 0:
		r.Fail(n, "%s is %s; wanted a mapping with %s", what, Describe(n), wanted)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !r.Plain(key) {
			continue
		}
		field, known := fields[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag != "!!str" || !known:
			r.Fail(key, "found the unknown key %s in %s; wanted one of %s", Describe(key), what, wanted)
		case seen[key.Value]:
			r.Fail(key, "found %q twice in %s", key.Value, what)
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			r.Fail(key, "%q in %s has no value", key.Value, what)
		default:
			field(value)
		}
		seen[key.Value] = true
	}
}

// List calls each for every element of a sequence of 1 to most elements.
func (r *Reader) List(n *yaml.Node, what string, most int, each func(*yaml.Node)) {
	switch {
	case !r.Plain(n):
		return
	case n.Kind != yaml.SequenceNode:
		r.Fail(n, "%s is %s; wanted a list", what, Describe(n))
		return
	case len(n.Content) == 0 || len(n.Content) > most:
		r.Fail(n, "%s has %d elements; wanted 1 to %d", what, len(n.Content), most)
		return
	}
	for _, c := range n.Content {
		each(c)
	}
}

// Text reads a string that is not empty.
func (r *Reader) Text(n *yaml.Node, what string) string {
	switch {
	case !r.Plain(n):
	case n.Kind != yaml.ScalarNode:
		r.Fail(n, "%s is %s; wanted text", what, Describe(n))
	case n.Tag != "!!str":
		r.Fail(n, "%s is no text; write it in quotes", what)
	case strings.TrimSpace(n.Value) == "":
		r.Fail(n, "%s is empty", what)
	case strings.TrimSpace(n.Value) != n.Value || strings.ContainsFunc(n.Value, hidden):
		r.Fail(n, "%s has spaces around it, or a character that cannot be seen", what)
	default:
		return n.Value
	}
	return ""
}

func hidden(c rune) bool { return !unicode.IsPrint(c) }

// Path reads a path, relative to the folder of the file.
func (r *Reader) Path(n *yaml.Node, what string) string {
	s := r.Text(n, what)
	if s == "" || filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(filepath.Dir(r.File), s)
}

// Boolean reads true or false.
func (r *Reader) Boolean(n *yaml.Node, what string) bool {
	if !r.Plain(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.Fail(n, "%s is %s; wanted true or false", what, Describe(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// Plain refuses anchors, aliases and tags, which make a line mean something that is
// written on another.
func (r *Reader) Plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.Fail(n, "found a YAML anchor, alias or tag; write the value out")
		return false
	}
	return true
}

// Describe says what a node is, for an error. A text is quoted.
func Describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return "an empty mapping"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case len(n.Value) > 60:
		return "a long text"
	}
	return fmt.Sprintf("%q", n.Value)
}
