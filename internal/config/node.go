package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFaults is how much of what is wrong is listed.
const maxFaults = 20

// reader walks one YAML document strictly and collects what is wrong with it.
type reader struct {
	file   string
	faults []fault
}

type fault struct {
	line, column int
	text         string
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fault{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// err joins what is wrong, in the order of the file.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b fault) int {
		return cmp.Or(a.line-b.line, a.column-b.column)
	})
	var errs []error
	for _, f := range r.faults[:min(len(r.faults), maxFaults)] {
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", r.file, f.line, f.column, f.text))
	}
	return errors.Join(errs...)
}

// document parses b as at most one YAML document; nil if there is none.
func (r *reader) document(b []byte) (*yaml.Node, error) {
	if !utf8.Valid(b) || bytes.HasPrefix(b, []byte("\ufeff")) {
		return nil, fmt.Errorf("%s:1:1: wanted UTF-8 without a byte order mark", r.file)
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
		return nil, fmt.Errorf("%s:%d:%d: found a second document; a configuration is one", r.file, second.Line, second.Column)
	case !errors.Is(err, io.EOF):
		return nil, r.syntax(err)
	}
	return doc.Content[0], nil
}

// syntax writes an error of the YAML parser as FILE:LINE:COLUMN: text. The parser
// knows no column.
func (r *reader) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	rest, numbered := strings.CutPrefix(text, "line ")
	if line, problem, ok := strings.Cut(rest, ": "); numbered && ok {
		return fmt.Errorf("%s:%s:1: %s", r.file, line, problem)
	}
	return fmt.Errorf("%s:1:1: %s", r.file, text)
}

// mapping reads a mapping whose keys are all among fields.
func (r *reader) mapping(n *yaml.Node, what string, fields map[string]func(*yaml.Node)) {
	wanted := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	switch {
	case !r.plain(n):
		return
	case n.Kind != yaml.MappingNode || len(n.Content) == 0:
		r.fail(n, "%s is %s; wanted a mapping with %s", what, describe(n), wanted)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !r.plain(key) {
			continue
		}
		field, known := fields[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag != "!!str" || !known:
			r.fail(key, "found the unknown key %s in %s; wanted one of %s", describe(key), what, wanted)
		case seen[key.Value]:
			r.fail(key, "found %q twice in %s", key.Value, what)
		case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
			r.fail(key, "%q in %s has no value", key.Value, what)
		default:
			field(value)
		}
		seen[key.Value] = true
	}
}

// list calls each for every element of a sequence of 1 to most elements.
func (r *reader) list(n *yaml.Node, what string, most int, each func(*yaml.Node)) {
	switch {
	case !r.plain(n):
		return
	case n.Kind != yaml.SequenceNode:
		r.fail(n, "%s is %s; wanted a list", what, describe(n))
		return
	case len(n.Content) == 0 || len(n.Content) > most:
		r.fail(n, "%s has %d elements; wanted 1 to %d", what, len(n.Content), most)
		return
	}
	for _, c := range n.Content {
		each(c)
	}
}

// text reads a string that is not empty.
func (r *reader) text(n *yaml.Node, what string) string {
	switch {
	case !r.plain(n):
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s is %s; wanted text", what, describe(n))
	case n.Tag != "!!str":
		r.fail(n, "%s is no text; write it in quotes", what)
	case strings.TrimSpace(n.Value) == "":
		r.fail(n, "%s is empty", what)
	case strings.TrimSpace(n.Value) != n.Value || strings.ContainsFunc(n.Value, hidden):
		r.fail(n, "%s has spaces around it, or a character that cannot be seen", what)
	default:
		return n.Value
	}
	return ""
}

func hidden(c rune) bool { return !unicode.IsPrint(c) }

// boolean reads true or false.
func (r *reader) boolean(n *yaml.Node, what string) bool {
	if !r.plain(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.fail(n, "%s is %s; wanted true or false", what, describe(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// plain refuses anchors, aliases and tags, which make a line mean something that is
// written on another.
func (r *reader) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.fail(n, "found a YAML anchor, alias or tag; write the value out")
		return false
	}
	return true
}

func describe(n *yaml.Node) string {
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
