package policy

import (
	"regexp"
	"strings"
	"unicode/utf8"
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

// semverExpr is the grammar of SemVer 2.0, from semver.org, without capture groups.
const semverExpr = `(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)` +
	`(?:-(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?` +
	`(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`

// maxVersioned bounds, in bytes, the text that a version is read out of: a tag, a
// ref or an identity.
const maxVersioned = 1024

// Version reads the version out of s: the one value of {version} with which p
// matches. It is false where p has not exactly one {version}, where s does not
// fit, and where it fits with several values, since a wildcard could then take a
// part of the version.
func (p Pattern) Version(s, grammar string) (string, bool) {
	at, re := p.versionAt(), compileGrammar(grammar)
	if at < 0 || re == nil || len(s) > maxVersioned || !utf8.ValidString(s) {
		return "", false
	}
	before, after := Pattern{segments: p.segments[:at]}, Pattern{segments: p.segments[at+1:]}
	if b, a, ok := literals(before, after); ok {
		version, begins := strings.CutPrefix(s, b)
		version, ends := strings.CutSuffix(version, a)
		if !begins || !ends || !isVersion(re, version) {
			return "", false
		}
		return version, true
	}
	ends := after.cuts(s, func(i int) string { return s[i:] })
	version := ""
	for _, i := range before.cuts(s, func(i int) string { return s[:i] }) {
		for _, j := range ends {
			if j <= i || s[i:j] == version || !isVersion(re, s[i:j]) {
				continue
			}
			if version != "" {
				return "", false
			}
			version = s[i:j]
		}
	}
	return version, version != ""
}

// literals returns what both patterns say where they say one thing each: then there is
// one place at which the version can stand.
func literals(before, after Pattern) (b, a string, ok bool) {
	for _, side := range []struct {
		of   Pattern
		text *string
	}{{before, &b}, {after, &a}} {
		for _, seg := range side.of.segments {
			if seg.kind != literal {
				return "", "", false
			}
			*side.text += seg.text
		}
	}
	return b, a, true
}

// cuts lists the places in s at which the part that p is to match begins or ends.
func (p Pattern) cuts(s string, part func(int) string) []int {
	re := p.shape("")
	if re == nil {
		if len(p.segments) > 0 {
			return nil
		}
		re = regexp.MustCompile(`\A\z`)
	}
	var places []int
	for i := range len(s) + 1 {
		if re.MatchString(part(i)) {
			places = append(places, i)
		}
	}
	return places
}

// versionAt returns which segment of p is {version}; -1 if not exactly one is.
func (p Pattern) versionAt() int {
	at := -1
	for i, seg := range p.segments {
		if seg.kind != variable || seg.text != "version" {
			continue
		}
		if at >= 0 {
			return -1
		}
		at = i
	}
	return at
}

// Fits reports whether s has the shape of p with any version at all; it is how
// moving tags are recognised.
func (p Pattern) Fits(s, grammar string) bool {
	re := p.shape(grammar)
	return s != "" && re != nil && utf8.ValidString(s) && re.MatchString(s)
}

// shape compiles p with any value for its variables.
func (p Pattern) shape(grammar string) *regexp.Regexp {
	return p.compile(func(name string) string {
		if name != "version" {
			return numberExpr
		}
		return `(?:` + grammarOr(grammar) + `)`
	})
}

func grammarOr(grammar string) string {
	if grammar == "" {
		return semverExpr
	}
	return grammar
}

// semverRegexp is compiled once: a repository may list thousands of versions.
var semverRegexp = regexp.MustCompile(`\A(?:` + semverExpr + `)\z`)

// compileGrammar is nil where the grammar is no regular expression.
func compileGrammar(grammar string) *regexp.Regexp {
	if grammar == "" {
		return semverRegexp
	}
	re, err := ParseRegexp(grammarOr(grammar))
	if err != nil {
		return nil
	}
	return re.re
}

// IsVersion reports whether the whole of s is a version of grammar ("" is SemVer
// 2.0). Empty text and text with characters that cannot be seen never are.
func IsVersion(s, grammar string) bool {
	re := compileGrammar(grammar)
	return re != nil && isVersion(re, s)
}

func isVersion(re *regexp.Regexp, s string) bool {
	return s != "" && re.MatchString(s) && hidden(s) == ""
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
	if !IsVersion(core, "") {
		return "", false
	}
	parts := strings.Split(core, ".")
	i, ok := map[string]int{"major": 0, "minor": 1, "patch": 2}[name]
	if !ok {
		return "", false
	}
	return parts[i], true
}
