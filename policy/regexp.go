package policy

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

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

// Match reports whether the whole of s matches. Empty text, which is how an absent
// claim reads, never does.
func (r Regexp) Match(s string) bool {
	return r.re != nil && s != "" && utf8.ValidString(s) && r.re.MatchString(s)
}

func (r Regexp) matchesEmpty() bool { return r.re != nil && r.re.MatchString("") }

// literalPrefix is the text that every match begins with.
func (r Regexp) literalPrefix() string {
	re, err := regexp.Compile(strings.TrimPrefix(strings.TrimPrefix(r.source, "^"), `\A`))
	if err != nil {
		return ""
	}
	prefix, _ := re.LiteralPrefix()
	return prefix
}
