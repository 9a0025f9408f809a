package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Warning is something in a policy that is legal and dangerous.
type Warning struct {
	File         string
	Line, Column int
	// Code is a stable name of what is wrong, such as "no-release".
	Code string
	// Message says what follows from it and what to write instead.
	Message string
}

// String writes FILE:LINE:COLUMN: message [code].
func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s [%s]", w.File, w.Line, w.Column, w.Message, w.Code)
}

// LintOptions are what looking for danger needs beside the policy.
type LintOptions struct {
	// Now is when the policy would be used.
	Now time.Time
	// Root returns the bytes of a TUF root that the policy pins, by its digest; nil
	// where they are not at hand.
	Root func(PinnedRoot) []byte
}

// Lint reads a policy as [Load] does and lists what in it is legal and dangerous, in the
// order of the files. What a person has decided is not listed again: a comment
// "lint: allow CODE, because …" at the line, above it or above anything that holds it. The
// error is [Load]'s.
func Lint(file string, read func(path string) ([]byte, error), o LintOptions) ([]Warning, error) {
	b, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	l, err := load(file, b, read)
	if err != nil {
		return nil, err
	}
	p := l.policy
	t := &linter{policy: p, options: o}
	for i, r := range l.files {
		t.enter(r)
		t.whole(i == 0)
		t.includes(l, r)
		t.denied(r)
	}
	rules := p.Rules
	for _, r := range l.files {
		if r.rules == nil {
			continue
		}
		t.enter(r)
		for _, n := range r.rules.Content {
			t.rule(n, rules[0])
			rules = rules[1:]
		}
	}
	slices.SortStableFunc(t.found, func(a, b Warning) int {
		return cmp.Or(compareFiles(l, a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(t.found), nil
}

func compareFiles(l *loading, a, b string) int {
	at := func(file string) int {
		return slices.IndexFunc(l.files, func(r *reader) bool { return r.file == file })
	}
	return cmp.Compare(at(a), at(b))
}

// linter collects what is dangerous in one file after the other.
type linter struct {
	policy  *Policy
	options LintOptions
	file    string
	root    *yaml.Node
	// above are the nodes that hold a node: the mapping or list, and its key.
	above map[*yaml.Node][]*yaml.Node
	found []Warning
}

// enter goes on to a file.
func (t *linter) enter(r *reader) {
	t.file, t.root, t.above = r.file, r.root, map[*yaml.Node][]*yaml.Node{}
	if r.root != nil {
		t.note(r.root)
	}
}

// note notes what holds what, from n down.
func (t *linter) note(n *yaml.Node) {
	for i, c := range n.Content {
		t.above[c] = []*yaml.Node{n}
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			t.above[c] = []*yaml.Node{n, n.Content[i-1]}
		}
		t.note(c)
	}
}

// warn notes a danger at the node behind path below n, or at the last one on the way
// that is there, unless a comment allows it.
func (t *linter) warn(n *yaml.Node, path, code, format string, args ...any) {
	at, way := walk(n, path)
	if !allows(append(way, at), code) && !t.allowedAbove(n, code) {
		t.found = append(t.found, Warning{File: t.file, Line: at.Line, Column: at.Column, Code: code, Message: fmt.Sprintf(format, args...)})
	}
}

// walk goes down a path of keys with slashes. It returns where it ended, and the keys
// and values on the way.
func walk(n *yaml.Node, path string) (at *yaml.Node, way []*yaml.Node) {
	at = n
	for _, key := range strings.Split(path, "/") {
		if at.Kind == yaml.SequenceNode && len(at.Content) > 0 && at.Content[0].Kind == yaml.MappingNode {
			way, at = append(way, at), at.Content[0]
		}
		if at.Kind != yaml.MappingNode {
			break
		}
		i := slices.IndexFunc(at.Content, func(k *yaml.Node) bool { return k.Value == key })
		if i < 0 || i%2 != 0 {
			break
		}
		way = append(way, at, at.Content[i])
		at = at.Content[i+1]
	}
	return at, way
}

// allowedAbove reports whether a comment on what holds n allows a danger.
func (t *linter) allowedAbove(n *yaml.Node, code string) bool {
	for around := []*yaml.Node{n}; len(around) > 0; around = t.above[around[0]] {
		if allows(around, code) {
			return true
		}
	}
	return false
}

// allowance is what a person writes who has decided: codes, and a reason that is not
// for the program to judge, but has to be there.
var allowance = regexp.MustCompile(`lint: allow ([a-z-]+),? because \S`)

func allows(nodes []*yaml.Node, code string) bool {
	for _, n := range nodes {
		for _, comment := range []string{n.HeadComment, n.LineComment} {
			for _, m := range allowance.FindAllStringSubmatch(comment, -1) {
				if m[1] == code {
					return true
				}
			}
		}
	}
	return false
}
