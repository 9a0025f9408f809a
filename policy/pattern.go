package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is an anchored glob. "*" stands for any run of characters but "/", "**"
// for any run at all; neither ever stands for "@", "?", white space or characters
// that cannot be seen, so that a wildcard cannot reach past the end of a path or a
// ref. No pattern matches empty text, which is how an absent claim reads.
// "{version}", "{major}", "{minor}" and "{patch}" stand for the version of the
// image under judgement, compared literally. Every other character is itself.
type Pattern struct {
	source   string
	segments []segment
	// fixed is the compiled pattern where it has a wildcard and no variable.
	fixed *regexp.Regexp
}

type segment struct {
	kind segmentKind
	text string // the literal, or the name of the variable
}

type segmentKind int

const (
	literal segmentKind = iota
	star
	doubleStar
	variable
)

const (
	starExpr       = `[^/@?\p{Z}\p{C}]*`
	doubleStarExpr = `[^@?\p{Z}\p{C}]*`
	numberExpr     = `(?:0|[1-9][0-9]*)`
)

// ParsePattern parses a glob; allowed are the names of the variables it may have.
func ParsePattern(s string, allowed ...string) (Pattern, error) {
	if s == "" {
		return Pattern{}, fmt.Errorf("the pattern is empty; wanted text, or %q for anything", "**")
	}
	if c := hidden(s); c != "" {
		return Pattern{}, fmt.Errorf("the pattern %q has the character %s, which cannot be seen", s, c)
	}
	p := Pattern{source: s}
	rest := s
	for rest != "" {
		seg, n, err := nextSegment(rest, allowed)
		if err != nil {
			return Pattern{}, fmt.Errorf("the pattern %q: %w", s, err)
		}
		p.segments = append(p.segments, seg)
		rest = rest[n:]
	}
	if !p.IsExact() && !p.UsesVersion() {
		p.fixed = p.compile(nil)
	}
	return p, nil
}

// hidden names the first character of s that a reader cannot see, "" if there is
// none: control and format characters, spaces but the common one, broken UTF-8.
func hidden(s string) string {
	for i, r := range s {
		if _, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			return fmt.Sprintf("0x%02x", s[i])
		}
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

func nextSegment(s string, allowed []string) (segment, int, error) {
	switch {
	case strings.HasPrefix(s, "***"):
		return segment{}, 0, fmt.Errorf("three stars have no meaning; wanted * (no slash) or ** (anything)")
	case strings.HasPrefix(s, "**"):
		return segment{kind: doubleStar}, 2, nil
	case s[0] == '*':
		return segment{kind: star}, 1, nil
	case s[0] == '{':
		name, _, ok := strings.Cut(s[1:], "}")
		if !ok {
			return segment{}, 0, fmt.Errorf("a { has no }")
		}
		if slices.Contains(allowed, name) {
			return segment{kind: variable, text: name}, len(name) + 2, nil
		}
		if len(allowed) == 0 {
			return segment{}, 0, fmt.Errorf("found {%s}; no variable is allowed here", name)
		}
		return segment{}, 0, fmt.Errorf("found {%s}; wanted one of {%s}", name, strings.Join(allowed, "}, {"))
	case s[0] == '}':
		return segment{}, 0, fmt.Errorf("a } has no {")
	}
	n := strings.IndexAny(s, "*{}")
	if n < 0 {
		n = len(s)
	}
	return segment{kind: literal, text: s[:n]}, n, nil
}

// Exact returns a pattern that matches s alone, whatever characters it has. For
// empty text it is the zero pattern.
func Exact(s string) Pattern {
	if s == "" {
		return Pattern{}
	}
	return Pattern{source: s, segments: []segment{{kind: literal, text: s}}}
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.source }

// IsZero reports whether p was never set; such a pattern matches nothing.
func (p Pattern) IsZero() bool { return len(p.segments) == 0 }

// IsExact reports whether p has no wildcard. It may have variables.
func (p Pattern) IsExact() bool {
	for _, s := range p.segments {
		if s.kind == star || s.kind == doubleStar {
			return false
		}
	}
	return !p.IsZero()
}

// UsesVersion reports whether p has a variable.
func (p Pattern) UsesVersion() bool {
	for _, s := range p.segments {
		if s.kind == variable {
			return true
		}
	}
	return false
}

// Match reports whether the whole of s is what p says, given vars.
func (p Pattern) Match(s string, vars Vars) bool {
	if s == "" {
		return false
	}
	if p.IsExact() {
		want, ok := p.Expand(vars)
		return ok && s == want
	}
	re := p.fixed
	if re == nil {
		known := true
		re = p.compile(func(name string) string {
			v, ok := vars.value(name)
			known = known && ok && utf8.ValidString(v)
			return regexp.QuoteMeta(v)
		})
		if !known {
			return false
		}
	}
	return re != nil && utf8.ValidString(s) && re.MatchString(s)
}

// compile writes p as an anchored expression; expr writes a variable. It is nil
// for the zero pattern, and where a variable's expression does not compile.
func (p Pattern) compile(expr func(name string) string) *regexp.Regexp {
	if p.IsZero() {
		return nil
	}
	var b strings.Builder
	b.WriteString(`\A(?:`)
	for _, seg := range p.segments {
		switch seg.kind {
		case literal:
			b.WriteString(regexp.QuoteMeta(seg.text))
		case star:
			b.WriteString(starExpr)
		case doubleStar:
			b.WriteString(doubleStarExpr)
		case variable:
			b.WriteString(expr(seg.text))
		}
	}
	b.WriteString(`)\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil
	}
	return re
}

// Expand writes vars into p where it has no wildcard; ok is false where it has
// one or where a variable has no value.
func (p Pattern) Expand(vars Vars) (s string, ok bool) {
	var b strings.Builder
	for _, seg := range p.segments {
		switch seg.kind {
		case literal:
			b.WriteString(seg.text)
		case variable:
			v, known := vars.value(seg.text)
			if !known {
				return "", false
			}
			b.WriteString(v)
		default:
			return "", false
		}
	}
	return b.String(), !p.IsZero()
}

// sample writes p with every star as text, and without its variables.
func (p Pattern) sample(text string) string {
	var b strings.Builder
	for _, seg := range p.segments {
		switch seg.kind {
		case literal:
			b.WriteString(seg.text)
		case star:
			first, _, _ := strings.Cut(text, "/")
			b.WriteString(first)
		case doubleStar:
			b.WriteString(text)
		}
	}
	return b.String()
}
