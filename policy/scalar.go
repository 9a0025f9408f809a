package policy

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

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
		r.fail(n, "%s is %s %s; wanted text: write it in quotes", what, strings.TrimPrefix(n.Tag, "!!"), short(n.Value))
	case strings.TrimSpace(n.Value) == "":
		r.fail(n, "%s is empty", what)
	case hidden(n.Value) != "":
		r.fail(n, "%s has the character %s, which cannot be seen", what, hidden(n.Value))
	case strings.TrimSpace(n.Value) != n.Value:
		r.fail(n, "%s begins or ends with a space", what)
	case len(n.Value) > maxText:
		r.fail(n, "%s has %d bytes; wanted at most %d", what, len(n.Value), maxText)
	default:
		return n.Value
	}
	return ""
}

// number reads a whole number between low and high.
func (r *reader) number(n *yaml.Node, what string, low, high int) int {
	return int(r.whole(n, what, int64(low), int64(high)))
}

func (r *reader) whole(n *yaml.Node, what string, low, high int64) int64 {
	if !r.plain(n) {
		return low
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
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
			// Year 1 is how the zero time is written, and a zero time bounds nothing.
			if t, err := time.Parse(layout, n.Value); err == nil && t.Year() >= 2000 {
				return t.UTC()
			}
		}
	}
	r.fail(n, "%s is %s; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z", what, valueOf(n))
	return time.Time{}
}

// boolean reads true or false.
func (r *reader) boolean(n *yaml.Node, what string) bool {
	if !r.plain(n) {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
		r.fail(n, "%s is %s; wanted true or false", what, valueOf(n))
	}
	return n.Value == "true"
}

var span = regexp.MustCompile(`\A([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?\z`)

// duration reads a span of time of at least one second: "90s", "1h30m".
func (r *reader) duration(n *yaml.Node, what string, longest time.Duration) time.Duration {
	if !r.plain(n) {
		return 0
	}
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || !span.MatchString(n.Value) || err != nil || d <= 0 || d > longest {
		r.fail(n, "%s is %s; wanted a span of time such as 90s, 30m or 1h30m, more than nothing and at most %dh", what, valueOf(n), longest/time.Hour)
		return 0
	}
	return d
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
		r.fail(n, "%s is %q; wanted one of %s", what, short(s), strings.Join(words, ", "))
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
	if strings.Contains(s, "{version}") {
		r.fail(n, "%s has {version}, which a regular expression does not know; wanted a pattern under the key without _regexp", what)
		return Regexp{}
	}
	re, err := ParseRegexp(s)
	if err != nil {
		r.fail(n, "%s: %s", what, err)
	}
	return re
}
