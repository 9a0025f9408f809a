package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern is an anchored glob. "*" stands for any run of characters but "/", "**"
// for any run at all; neither ever stands for "@", "?", white space or control
// characters, so that a wildcard cannot reach past the end of a path or a ref.
// "{version}", "{major}", "{minor}" and "{patch}" stand for the version of the
// image under judgement, compared literally. Every other character is itself.
type Pattern struct {
	source   string
	segments []segment
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

// Vars are the values of a pattern's variables. The zero value knows none: a
// pattern with a variable then matches nothing.
type Vars struct {
	// Version is the version under judgement.
	Version string
	// Grammar is the regular expression of a version, "" for SemVer 2.0. It is
	// used where a version is read out of a string.
	Grammar string
}

// semver is the grammar of SemVer 2.0, from semver.org, without capture groups.
const semver = `(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)` +
	`(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?` +
	`(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`

const (
	starExpr       = `[^/@?\s\x00-\x20\x7f]*`
	doubleStarExpr = `[^@?\s\x00-\x20\x7f]*`
	numberExpr     = `(?:0|[1-9][0-9]*)`
)

// ParsePattern parses a glob; allowed are the names of the variables it may have.
func ParsePattern(s string, allowed ...string) (Pattern, error) {
	if s == "" {
		return Pattern{}, fmt.Errorf("the pattern is empty; wanted text, or %q for anything", "**")
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }); i >= 0 {
		return Pattern{}, fmt.Errorf("the pattern %q has a control character", s)
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
	return p, nil
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
		for _, a := range allowed {
			if name == a {
				return segment{kind: variable, text: name}, len(name) + 2, nil
			}
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

// Exact returns a pattern that matches s alone, whatever characters it has.
func Exact(s string) Pattern {
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
	known := true
	re := p.compile(func(name string) string {
		v, ok := vars.value(name)
		known = known && ok
		return regexp.QuoteMeta(v)
	})
	return known && re != nil && re.MatchString(s)
}

// compile writes p as an anchored expression; expr writes a variable. It is nil
// for the zero pattern, and where a variable's expression does not compile.
func (p Pattern) compile(expr func(name string) string) *regexp.Regexp {
	if p.IsZero() {
		return nil
	}
	var b strings.Builder
	b.WriteString(`\A(?s:`)
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

// Version reads the version out of s: the value of {version} with which p
// matches. It is false where p has not exactly one {version} or s does not fit.
func (p Pattern) Version(s, grammar string) (string, bool) {
	versions := 0
	re := p.compile(func(name string) string {
		if name != "version" {
			return numberExpr
		}
		versions++
		return `(` + grammarOr(grammar) + `)`
	})
	if re == nil || versions != 1 {
		return "", false
	}
	m := re.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// Fits reports whether s has the shape of p with any version at all; it is how
// moving tags are recognised.
func (p Pattern) Fits(s, grammar string) bool {
	re := p.compile(func(name string) string {
		if name != "version" {
			return numberExpr
		}
		return `(?:` + grammarOr(grammar) + `)`
	})
	return re != nil && re.MatchString(s)
}

func grammarOr(grammar string) string {
	if grammar == "" {
		return semver
	}
	return grammar
}

// IsVersion reports whether the whole of s is a version of grammar ("" is SemVer 2.0).
func IsVersion(s, grammar string) bool {
	re, err := regexp.Compile(`\A(?:` + grammarOr(grammar) + `)\z`)
	return err == nil && re.MatchString(s)
}

// value returns the value of a variable. {major}, {minor} and {patch} are read
// from a version that begins with three numbers.
func (v Vars) value(name string) (string, bool) {
	if v.Version == "" {
		return "", false
	}
	if name == "version" {
		return v.Version, true
	}
	core, _, _ := strings.Cut(v.Version, "+")
	core, _, _ = strings.Cut(core, "-")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return "", false
	}
	i, ok := map[string]int{"major": 0, "minor": 1, "patch": 2}[name]
	if !ok {
		return "", false
	}
	return parts[i], true
}

// Regexp is an anchored regular expression (RE2).
type Regexp struct {
	source string
	re     *regexp.Regexp
}

// ParseRegexp compiles s so that it must match the whole of a string. Anchors of
// its own are allowed and change nothing.
func ParseRegexp(s string) (Regexp, error) {
	if s == "" {
		return Regexp{}, fmt.Errorf("the regular expression is empty")
	}
	if _, err := regexp.Compile(s); err != nil {
		return Regexp{}, fmt.Errorf("the regular expression %q: %w", s, err)
	}
	re, err := regexp.Compile(`\A(?:` + s + `)\z`)
	if err != nil {
		return Regexp{}, fmt.Errorf("the regular expression %q: %w", s, err)
	}
	return Regexp{source: s, re: re}, nil
}

// String returns the expression as it was written.
func (r Regexp) String() string { return r.source }

// IsZero reports whether r was never set; such an expression matches nothing.
func (r Regexp) IsZero() bool { return r.re == nil }

// Match reports whether the whole of s matches.
func (r Regexp) Match(s string) bool { return r.re != nil && r.re.MatchString(s) }
